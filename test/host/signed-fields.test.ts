// Lists of fields as what is signed: which fields are in the text, which messages are not taken because of what would
// not be, and what the text cannot tell apart.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { exchange, SharedData } from '../../envoy/host/index.ts';
import type { ExchangeResult } from '../../envoy/host/index.ts';
import { sign } from '../protection/signing.ts';
import { assertRefused, HMAC, post, start } from './signature-route.ts';

const TYPES = { Form: 'application/x-www-form-urlencoded', JSON: 'application/json' };
type Format = keyof typeof TYPES;
const signed = (text: string): string => sign(HMAC, Buffer.from(text));

/** A route that takes what has a signature of a list of fields, and the exchange of one message with it. */
function taking(
  format: Format,
  section: object,
  stages: object = {},
): (text: string, body: string, query?: string) => ExchangeResult {
  const fields = { covers: 'Template', replay: 'Unprotected', request: 'Verify', requestParts: [{ part: 'Fields' }] };
  const route = start(HMAC, { ...fields, ...section }, undefined, new SharedData(), stages, { body: { format } });
  return (text, body, query = '') =>
    post(route, { 'content-type': TYPES[format], 'x-fim-signature': signed(text) }, body, `/pay${query}`);
}

function assertTaken({ client, upstream }: ExchangeResult, body: string): void {
  assert.equal(client.status, 200, `${body}: ${client.body.toString()}`);
  assert.equal(upstream.body.toString(), body);
}

describe('names without `=`', () => {
  test('no form that has one is taken under a list of its fields', () => {
    const send = taking('Form', {});
    assertTaken(send('a=1&b=2', 'b=2&a=1'), 'b=2&a=1');
    assertTaken(send('a=1', 'a=1&memo=&&'), 'a=1&memo=&&');
    for (const body of ['a=1&DELETE_ALL', 'DELETE_ALL&a=1', 'a=1&payee=&memo', 'a=1&%0aX-Y:z', 'a=1&b&'])
      assertRefused(send('a=1', body));
    assertRefused(send('', 'a1b2c3d4'));
    assertRefused(send('', 'a1b2c3d4&'));
  });

  test('nor a query', () => {
    for (const part of ['QueryFields', 'AllFields']) {
      const requestParts =
        part === 'AllFields'
          ? [{ part }]
          : [{ part }, { part: 'Constant', text: '\n' }, { part: 'BodySm3Hex' }, { part: 'Constant', text: '.' }];
      const send = taking('Form', { requestParts });
      if (part === 'AllFields') assertTaken(send('a=1&b=2', 'b=2', '?a=1'), 'b=2');
      for (const query of ['?a=1&debug', '?debug&a=1', '?a=1&%64']) assertRefused(send('a=1&b=2', 'b=2', query));
    }
  });

  test('one of another message does not count', () => {
    const send = taking('Form', {});
    assertRefused(send('a=1', 'a=1&b'));
    assertTaken(send('a=1', 'a=1'), 'a=1');
  });

  test('a form that has one is not signed', () => {
    const route = start(
      HMAC,
      { covers: 'Template', replay: 'Unprotected', request: 'Sign', requestParts: [{ part: 'Fields' }] },
      undefined,
      new SharedData(),
      {},
      { body: { format: 'Form' } },
    );
    const of = (body: string): ExchangeResult => post(route, { 'content-type': TYPES.Form }, body, '/pay');
    assert.equal(of('a=1&b=').upstream.headers?.get('x-fim-signature'), signed('a=1'));
    assertRefused(of('a=1&b'), 'FIM-SIG-0004', 500);
  });
});

describe('fields without a value', () => {
  const bodies: [Format, string, string][] = [
    ['Form', 'a=1', 'a=1&x='],
    ['JSON', 'a=1', '{"a":"1","x":null}'],
    ['JSON', 'a=1', '{"x":"","a":"1"}'],
  ];
  test('Omit takes them under a signature that does not have them', () => {
    for (const [format, text, body] of bodies) assertTaken(taking(format, {})(text, body), body);
  });

  test('Keep signs them', () => {
    for (const [format, text, body] of bodies) assertRefused(taking(format, { emptyFields: 'Keep' })(text, body));
    assertTaken(taking('Form', { emptyFields: 'Keep' })('a=1&x=', 'a=1&x='), 'a=1&x=');
  });

  test('Refuse takes no message that has one, unless the list leaves it out anyway', () => {
    for (const [format, text, body] of bodies) {
      const nullText = body.includes('null') ? 'null' : '';
      for (const signedText of [text, `${text}&x=${nullText}`])
        assertRefused(taking(format, { emptyFields: 'Refuse' })(signedText, body));
      assertTaken(taking(format, { emptyFields: 'Refuse', except: ['x'] })(text, body), body);
    }
    assertTaken(taking('JSON', { emptyFields: 'Refuse' })('a=0&b=[]', '{"b":[],"a":0}'), '{"b":[],"a":0}');
    const query = taking('Form', { emptyFields: 'Refuse', requestParts: [{ part: 'AllFields' }] });
    assertRefused(query('a=1', 'a=1', '?x='));
    assertTaken(query('a=1&x=2', 'a=1', '?x=2'), 'a=1');
  });
});

describe('what a list of fields cannot tell apart', () => {
  const pairs: [text: string, body: string, other: string][] = [
    ['a=1.00', '{"a":"1.00"}', '{"a":1.00}'],
    ['a=true', '{"a":"true"}', '{"a":true}'],
    ['a={"x":1}', '{"a":"{\\"x\\":1}"}', '{"a":{"x":1}}'],
  ];
  test('the type of a value: both are one text', () => {
    const send = taking('JSON', {});
    for (const [text, body, other] of pairs) {
      assertTaken(send(text, body), body);
      assertTaken(send(text, other), other);
    }
  });

  test('a rule on the type tells them apart', () => {
    const send = taking('JSON', {}, { pbocValidator: { rules: [{ path: '$.a', type: 'string' }] } });
    for (const [text, body, other] of pairs) {
      assertTaken(send(text, body), body);
      assert.equal(send(text, other).client.status, 422);
    }
  });
});

describe('answers that are not percent-encoded', () => {
  const HTML = 'text/html;charset=UTF-8';
  const [html, form] = ['text/html', TYPES.Form];
  const answering = (formAnswers: string, section: object): ((body: string) => ExchangeResult) => {
    const fields = { covers: 'Template', replay: 'Unprotected', field: 'signature', digest: 'Sm3Hex' };
    const route = start(
      HMAC,
      { ...fields, ...section, responseParts: [{ part: 'Fields' }] },
      undefined,
      new SharedData(),
      {},
      { body: { format: 'Form', contentTypes: [html, form], formAnswers } },
    );
    return (body) =>
      exchange(route.root, {
        request: { method: 'POST', path: '/pay', headers: { 'content-type': form }, body: 'a=%2B' },
        upstream: () => ({ status: 200, headers: { 'content-type': HTML }, body }),
      });
  };
  const fields: [string, string][] = [
    ['accNo', '6226********0048'],
    ['cardTransData', '{ICCardData=1&x=[2}'],
    ['rate', '100%2'],
    ['respMsg', '成功[0000000]'],
    ['signPubKeyCert', '-----BEGIN CERTIFICATE-----\nMIIE+a/b=\n-----END CERTIFICATE-----'],
  ];
  const text = fields.map(([name, value]) => `${name}=${value}`).join('&');
  const code = signed(createHash('sm3').update(text).digest('hex'));
  const answer = `${text}&signature=${code}`;

  test("one as UnionPay's gateways send it is verified, and not when it is changed or of another spelling", () => {
    const verify = answering('Unescaped', { response: 'Verify' });
    assert.equal(verify(answer).client.status, 200, verify(answer).client.body.toString());
    assert.equal(verify(answer).client.body.toString(), answer);
    const others = [
      answer.replace('6226', '6227'),
      answer.replace('100%2', '100%252'),
      answer.replace('MIIE+', 'MIIE '),
      answer.replace('[2}', '[2'),
      `${answer}&memo`,
      new URLSearchParams([...fields, ['signature', code]]).toString(),
    ];
    for (const other of others) assert.equal(verify(other).client.status, 502, other);
    assert.equal(answering('Escaped', { response: 'Verify' })(answer).client.status, 502);
  });

  test('one that is signed has the signature as it is', () => {
    assert.equal(answering('Unescaped', { response: 'Sign' })(text).client.body.toString(), answer);
  });
});
