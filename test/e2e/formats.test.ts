// XML, CNAPS2, forms and detection through a real Envoy: what passes comes through byte for byte, what does not reaches
// nobody.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { route, together } from './resources.ts';

const AMOUNTS = '$.Document.FIToFICstmrCdtTrf.CdtTrfTxInf[*].IntrBkSttlmAmt';
const fields = [
  { path: '$.Document.FIToFICstmrCdtTrf.GrpHdr.MsgId', maxLength: 35 },
  { path: AMOUNTS, check: 'Amount' },
  { path: `${AMOUNTS}['@Ccy']`, enum: ['CNY'] },
];
const under = (prefix: string): object => ({ path: { type: 'Prefix', value: prefix } });
const ROUTES = together(
  route('xml', { match: under('/xml'), body: { format: 'XML' }, validation: { fields } }),
  route('cnaps2', {
    match: under('/cnaps2'),
    body: { format: 'CNAPS2' },
    validation: { fields: [{ path: '$.H.MesgType', enum: ['hvps.111.001.01'] }, ...fields] },
  }),
  route('pacs', { match: under('/pacs'), body: { format: 'XML' }, validation: { profile: 'iso20022-pacs.008' } }),
  route('hvps', { match: under('/hvps'), body: { format: 'CNAPS2' }, validation: { profile: 'cnaps2-hvps' } }),
  route('form', {
    match: under('/form'),
    body: { format: 'Form' },
    validation: { fields: [{ name: 'transCode', pattern: '^01[0-9]{6}$' }] },
  }),
  route('any', { match: under('/any'), body: { format: 'Detect' }, validation: { fields: [{ path: '$.a.b' }] } }),
);
const vectors = new URL('../vectors/', import.meta.url);
const pacs008 = readFileSync(new URL('iso20022/pacs.008.001.08.xml', vectors));
const hvps111 = readFileSync(new URL('cnaps2/hvps.111.001.01.txt', vectors));

let harness: Harness;
before(async () => (harness = await Harness.start({ routes: ROUTES })));
after(() => harness.stop());

const PASSING: [name: string, path: string, type: string, body: Buffer | string][] = [
  ['an ISO 20022 message', '/xml', 'application/xml', pacs008],
  ['a CNAPS2 message in blocks', '/cnaps2', 'text/plain', hvps111],
  ['an ISO 20022 message, by its profile,', '/pacs', 'text/xml', pacs008],
  ['a CNAPS2 message, by its profile,', '/hvps', 'application/xml', hvps111],
  ['a form', '/form', 'application/x-www-form-urlencoded', 'transCode=01000001&name=%E5%BC%A0'],
  ['XML that is detected', '/any', 'text/xml; charset=utf-8', '<a><b>1</b></a>'],
  ['JSON that is detected', '/any', 'application/json', '{"a":{"b":"1"}}'],
];
for (const [name, path, type, body] of PASSING) {
  test(`${name} passes as it is`, async () => {
    const reply = await send(harness.url, { path, headers: { 'content-type': type }, body });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.deepEqual(harness.upstream.arrived.at(-1)?.body, Buffer.from(body));
  });
}

const REFUSED: [
  name: string,
  path: string,
  type: string,
  body: Buffer | string,
  status: number,
  code: string,
  place?: string,
][] = [
  [
    'another currency in the second transaction',
    '/xml',
    'application/xml',
    pacs008.toString().replace('Ccy="CNY">800.50', 'Ccy="USD">800.50'),
    422,
    'FIM-PBOC-0010',
    '/Document/FIToFICstmrCdtTrf/CdtTrfTxInf/1/IntrBkSttlmAmt/@Ccy',
  ],
  [
    'an element twice',
    '/xml',
    'application/xml',
    pacs008.toString().replace('<MsgId>', '<MsgId>x</MsgId><MsgId>'),
    422,
    'FIM-PBOC-0040',
    '/Document/FIToFICstmrCdtTrf/GrpHdr/MsgId/1',
  ],
  [
    'a document type',
    '/xml',
    'application/xml',
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    422,
    'FIM-XML-0005',
    '',
  ],
  ['a message cut off', '/xml', 'application/xml', pacs008.subarray(0, 2000), 422, 'FIM-XML-0002', ''],
  [
    'another message type in the header',
    '/cnaps2',
    'text/plain',
    hvps111.toString().replace('hvps.111', 'hvps.112'),
    422,
    'FIM-PBOC-0010',
    '/H/MesgType',
  ],
  [
    'a form with a name twice',
    '/form',
    'application/x-www-form-urlencoded',
    'transCode=01000001&transCode=02000001',
    422,
    'FIM-FORM-0003',
    '',
  ],
  ['XML that says it is JSON', '/any', 'application/json', '<a><b>1</b></a>', 415, 'FIM-PBOC-0003'],
  ['JSON on a route of XML', '/xml', 'application/json', '{}', 415, 'FIM-PBOC-0003'],
];
for (const [name, path, type, body, status, code, place] of REFUSED) {
  test(`${name}: ${status} ${code}`, async () => {
    const { bytesReceived } = harness.upstream;
    const reply = await send(harness.url, { path, headers: { 'content-type': type }, body });
    assert.equal(reply.status, status, reply.body.toString());
    const problem = problemOf(reply);
    if (place === undefined) assert.equal(problem.code, code);
    else
      assert.deepEqual(
        (problem.errors ?? []).map((error) => [error.code, error.path]),
        [[code, place]],
      );
    assert.equal(harness.upstream.bytesReceived, bytesReceived);
  });
}
