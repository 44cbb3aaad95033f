// Messages as terminals, institutions and networks send them, through a real Envoy with the formats' default settings:
// what passes comes through byte for byte.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { Harness } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { route, together } from './resources.ts';

const under = (prefix: string): object => ({ path: { type: 'Prefix', value: prefix } });
const NO_HEADER = { network: 'None' };
const ROUTES = together(
  route('terminal', {
    match: under('/terminal'),
    body: { format: 'ISO8583', iso8583: { specification: 'unionpay-terminal', header: NO_HEADER } },
    validation: { fields: [{ path: '$.MTI' }] },
  }),
  route('switch', {
    match: under('/switch'),
    body: { format: 'ISO8583', iso8583: { specification: 'unionpay-switch', header: NO_HEADER } },
    validation: { pboc: '3.0.2' },
  }),
  route('any-switch', {
    match: under('/any-switch'),
    body: { format: 'ISO8583', iso8583: { specification: 'unionpay-switch', header: NO_HEADER } },
    validation: { fields: [{ path: '$.MTI' }] },
  }),
  route('pos', {
    match: under('/pos'),
    body: {
      format: 'ISO8583',
      iso8583: {
        specification: 'unionpay-terminal',
        header: { length: 'Binary2', tpdu: true, network: 'Opaque', networkBytes: 6 },
      },
    },
    validation: { fields: [{ path: '$.MTI', enum: ['0800'] }] },
  }),
  ...(['unionpay-switch', 'unionpay-terminal'] as const).map((specification) =>
    route(specification, {
      match: under(`/${specification}`),
      body: { format: 'ISO8583', iso8583: { specification } },
      validation: { pboc: '3.0.2' },
    }),
  ),
  route('masked', { match: under('/masked'), masking: { detect: [{ kind: 'BankCard' }] } }),
  route('partner', {
    match: under('/partner'),
    body: { contentTypes: ['text/plain', 'none', 'application/vnd.partner'] },
    validation: { pboc: '3.0.2' },
  }),
  ...['camt.053', 'camt.054', 'pacs.002', 'pacs.004', 'pain.001'].map((message) =>
    route(message, {
      match: under(`/${message}`),
      body: { format: 'XML' },
      validation: { profile: `iso20022-${message}` },
    }),
  ),
  ...['hvps', 'beps', 'ibps'].map((system) =>
    route(system, {
      match: under(`/${system}`),
      body: { format: 'CNAPS2' },
      validation: { profile: `cnaps2-${system}` },
    }),
  ),
  route('envelope', {
    match: under('/envelope'),
    body: { format: 'XML' },
    validation: {
      profile: 'iso20022-pacs.008',
      root: '$.BusMsgEnvlp',
      fields: [{ path: '$.BusMsgEnvlp.AppHdr.BizMsgIdr', pattern: '^B' }],
    },
  }),
  route('tlv', {
    match: under('/tlv'),
    body: { format: 'TLV', tlvEncoding: 'Hex' },
    validation: { tagDictionary: true },
  }),
);
const vectors = new URL('../vectors/', import.meta.url);
const messages = new Map(
  (
    JSON.parse(readFileSync(new URL('iso8583/field.json', vectors), 'utf8')) as {
      messages: { name: string; message: string }[];
    }
  ).messages.map((each) => [each.name, each.message]),
);
const answers = parse(readFileSync(new URL('profiles/unionpay-switch.yaml', vectors), 'utf8')) as {
  message: string;
  also: { about: string; message: string }[];
};
const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

let harness: Harness;
before(async () => (harness = await Harness.start({ routes: ROUTES })));
after(() => harness.stop());

async function passes(path: string, type: string | undefined, body: Buffer): Promise<void> {
  const reply = await send(harness.url, { path, headers: type === undefined ? {} : { 'content-type': type }, body });
  assert.equal(reply.status, 200, reply.body.toString());
  assert.deepEqual(harness.upstream.arrived.at(-1)?.body, body);
}

const OCTETS = 'application/octet-stream';
for (const [name, path] of [
  ['a card sequence number, left of which a zero fills up', '/terminal'],
  ['an entry mode, right of which a zero fills up', '/terminal'],
  ['an enciphered track', '/terminal'],
  ['sixteen bytes behind a usage and a length', '/any-switch'],
  ['bytes in element 104', '/any-switch'],
  ['element 123 beyond a hundred', '/any-switch'],
  ['a new key in element 48', '/any-switch'],
] as const) {
  test(`${name} passes as it is`, () => passes(path, OCTETS, bytesOf(messages.get(name)!)));
}

test('answers and requests between institutions pass the profile of PBOC', async () => {
  for (const message of [answers.message, ...answers.also.map((each) => each.message)])
    await passes('/switch', OCTETS, bytesOf(message));
});

test('a request with a response code is refused by the profile of PBOC', async () => {
  const reply = await send(harness.url, {
    path: '/switch',
    headers: { 'content-type': OCTETS },
    body: bytesOf(answers.message.replace('30323130', '30323030')),
  });
  assert.equal(reply.status, 422);
  assert.ok(
    problemOf(reply).errors?.some((error) => error.path === '/DE39' && error.code === 'FIM-PBOC-0019'),
    reply.body.toString(),
  );
});

test('POS over HTTP: length, TPDU and header under the content type that terminals send, or none', async () => {
  const signIn = bytesOf(messages.get('a sign-in as it comes in a request of HTTP: length, TPDU, header')!);
  for (const type of ['x-ISO-TPDU/x-auth', OCTETS, undefined]) await passes('/pos', type, signIn);
});

test('the specifications of UnionPay as they stand: with their headers', async () => {
  await passes('/unionpay-switch', undefined, bytesOf(messages.get('the header without a reject code')!));
  await passes(
    '/unionpay-terminal',
    undefined,
    bytesOf(messages.get('a sign-in as it comes in a request of HTTP: length, TPDU, header')!).subarray(2),
  );
});

test('a message that the switch returns with a reject code keeps the header that it came with', async () => {
  const message = Buffer.concat([Buffer.from('0800'), Buffer.from('0020000000000000', 'hex'), Buffer.from('123456')]);
  const header = (length: number, code: string): Buffer =>
    Buffer.concat([
      Buffer.from([46, 2]),
      Buffer.from(String(length).padStart(4, '0')),
      Buffer.from('48490000   00010000   '),
      Buffer.alloc(4),
      Buffer.from('00000000'),
      Buffer.alloc(1),
      Buffer.from(code),
    ]);
  const sent = Buffer.concat([header(message.length + 46, '00000'), message]);
  await passes('/unionpay-switch', undefined, sent);
  await passes('/unionpay-switch', undefined, Buffer.concat([header(sent.length + 46, '30014'), sent]));
  const twice = Buffer.concat([header(sent.length + 46, '00000'), sent]);
  const reply = await send(harness.url, { path: '/unionpay-switch', headers: {}, body: twice });
  assert.equal(reply.status, 422, 'two headers without a reject code');
});

test('a decimal number comes back as it was, a card beside it masked', async () => {
  const answer = harness.upstream.answer;
  try {
    harness.upstream.answer = (_request, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(
          '{"rate":"30.411111111111111","unit":"0,4111111111111111","card":"4111111111111111","slip":"621785 7600008050804","typed":"６２２２ ０２１２ ３４５６ ７８９４"}',
        );
    const reply = await send(harness.url, { path: '/masked', body: '{}' });
    assert.equal(
      reply.body.toString(),
      '{"rate":"30.411111111111111","unit":"0,4111111111111111","card":"411111******1111","slip":"621785 *********0804","typed":"６２２２ ０２** **** ７８９４"}',
    );
  } finally {
    harness.upstream.answer = answer;
  }
});

test('a route takes the content types that it names, and no other reading of them', async () => {
  const body = Buffer.from('{"pan":"6222021234567894"}');
  for (const type of ['text/plain', 'text/plain;charset=utf-8', 'application/vnd.partner', undefined])
    await passes('/partner', type, body);
  const { bytesReceived } = harness.upstream;
  for (const type of [
    'application/json',
    'text/plain; charset=GBK',
    'text/plain, application/x-www-form-urlencoded',
    'text/html',
    'none/none',
    '',
  ]) {
    const reply = await send(harness.url, { path: '/partner', headers: { 'content-type': type }, body });
    assert.equal(reply.status, 415, type);
    assert.equal(problemOf(reply).code, 'FIM-PBOC-0003', type);
  }
  assert.equal(harness.upstream.bytesReceived, bytesReceived);
});

test('hexadecimal digits of BER-TLV pass under their own content type and under none', async () => {
  for (const type of ['application/x-hex', 'text/plain', undefined])
    await passes('/tlv', type, Buffer.from('9F0206000000000100'));
});

interface ProfileVectors {
  message: string;
  contentType: string;
  also?: { message: string }[];
}
const profileVectors = (name: string): ProfileVectors =>
  parse(readFileSync(new URL(`profiles/${name}.yaml`, vectors), 'utf8')) as ProfileVectors;

for (const [path, name] of [
  ['/camt.053', 'iso20022-camt.053'],
  ['/camt.054', 'iso20022-camt.054'],
  ['/pacs.002', 'iso20022-pacs.002'],
  ['/pacs.004', 'iso20022-pacs.004'],
  ['/pain.001', 'iso20022-pain.001'],
  ['/hvps', 'cnaps2-hvps'],
  ['/beps', 'cnaps2-beps'],
  ['/ibps', 'cnaps2-ibps'],
  ['/envelope', 'enveloped-business-message'],
] as const) {
  test(`messages of ${name} pass by their profile`, async () => {
    const { message, contentType, also = [] } = profileVectors(name);
    for (const text of [message, ...also.map((each) => each.message)])
      await passes(path, contentType, Buffer.from(text));
  });
}

test('an application header is read by own rules beside the profile from its root', async () => {
  const message = profileVectors('enveloped-business-message')
    .message.replace('<BizMsgIdr>B1', '<BizMsgIdr>C1')
    .replace('<MsgId>M1</MsgId>', '');
  const reply = await send(harness.url, {
    path: '/envelope',
    headers: { 'content-type': 'application/xml' },
    body: message,
  });
  assert.equal(reply.status, 422);
  const errors = (problemOf(reply).errors ?? []).map((error) => `${error.code} ${error.path}`);
  assert.deepEqual(errors.sort(), [
    'FIM-PBOC-0005 /BusMsgEnvlp/Document/FIToFICstmrCdtTrf/GrpHdr/MsgId',
    'FIM-PBOC-0007 /BusMsgEnvlp/AppHdr/BizMsgIdr',
  ]);
});

test('a message under a prefix passes, an element of another namespace is not the message’s', async () => {
  const { message } = parse(readFileSync(new URL('profiles/iso20022-pacs.002.yaml', vectors), 'utf8')) as {
    message: string;
  };
  const prefixed = message
    .replace('<Document xmlns=', '<Document xmlns:ns2=')
    .replaceAll(/<(\/?)([A-Za-z])/g, '<$1ns2:$2');
  await passes('/pacs.002', 'application/xml', Buffer.from(prefixed));
  const foreign = message.replace('<MsgId>', '<MsgId xmlns="urn:example:other">');
  const reply = await send(harness.url, {
    path: '/pacs.002',
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(foreign),
  });
  assert.equal(reply.status, 422);
  assert.deepEqual(
    problemOf(reply).errors?.map(({ code }) => code),
    ['FIM-PBOC-0044'],
  );
});

test('a tag without a value passes the dictionary', () =>
  passes('/tlv', 'text/plain', Buffer.from('9F02060000000001009F0900')));
