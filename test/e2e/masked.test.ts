// Masking through a real Envoy: every format, headers, query strings and cookies, methods with keys, who sees what.
import assert from 'node:assert/strict';
import { createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { unmask, type UnmaskTerms } from '../../envoy/standalone/unmask.ts';
import { Harness } from './harness.ts';
import { send, type Sending } from './http-client.ts';
import { route, together } from './resources.ts';

const CARD = '6222021234567894';
const MASKED_CARD = '622202******7894';
const SM4 = randomBytes(16);
const HASH = randomBytes(32);
const FF1 = Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex');
const AES = randomBytes(32);
/** Key, tweak and value of NIST's FF1 sample 9. */
const FF1_AES = Buffer.from('2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94', 'hex');
const JSON_TYPE = 'application/json';

const at = (name: string, spec: object): string =>
  route(name, { match: { path: { type: 'Prefix', value: `/${name}` } }, ...spec });
const both = { direction: 'Both' };
const ROUTES = together(
  at('xml', {
    body: { format: 'XML' },
    masking: {
      fields: [
        { name: 'cardNo', kind: 'BankCard', ...both },
        { path: "$.doc['@phone']", kind: 'Phone', ...both },
      ],
      detect: [{ kind: 'Phone' }],
      nested: 2,
    },
  }),
  at('cnaps2', { body: { format: 'CNAPS2' }, masking: { fields: [{ name: 'Nm', kind: 'Name', ...both }] } }),
  at('terminal', {
    body: { format: 'ISO8583', iso8583: { specification: 'unionpay-terminal' } },
    masking: {
      dictionary: { direction: 'Both', kinds: ['BankCard', 'TrackData', 'CardExpiry'] },
      fields: [{ path: '$.DE52', method: 'Remove', ...both }],
    },
  }),
  at('tlv', {
    body: { format: 'TLV', tlvEncoding: 'Hex' },
    masking: { dictionary: { direction: 'Both', kinds: ['BankCard', 'Name'] } },
  }),
  at('form', {
    body: { format: 'Form' },
    masking: {
      fields: [
        { name: 'cardNo', kind: 'BankCard', ...both },
        { name: 'cvn2', method: 'Remove', ...both },
        { parameter: 'cardNo', kind: 'BankCard' },
      ],
    },
  }),
  at('outside', {
    masking: {
      fields: [
        { header: 'X-User-Phone', kind: 'Phone', ...both },
        { parameter: 'cardNo', kind: 'BankCard' },
        { cookie: 'uid', kind: 'UserName', ...both },
        { name: 'cardNo', kind: 'BankCard', ...both },
      ],
    },
  }),
  at('keyed', {
    masking: {
      fields: [
        { name: 'hash', method: 'Hash', keyId: 'kms://prod/mask/hash', ...both },
        { name: 'token', method: 'Token', keyId: 'kms://prod/mask/sm4', ...both },
        { name: 'join', method: 'Token', keyId: 'kms://prod/mask/sm4', deterministic: true, ...both },
        { name: 'ff1', method: 'FormatPreserving', keyId: 'kms://prod/mask/ff1', tweak: '9876543210', ...both },
      ],
    },
  }),
  at('keyed-otherwise', {
    masking: {
      fields: [
        { name: 'hash', method: 'Hash', algorithm: 'HMAC-SHA-256', keyId: 'kms://prod/mask/hash256', ...both },
        { name: 'token', method: 'Token', algorithm: 'AES-256-GCM', keyId: 'kms://prod/mask/aes', ...both },
        {
          name: 'ff1',
          method: 'FormatPreserving',
          algorithm: 'FF1-AES-256',
          keyId: 'kms://prod/mask/ff1-aes',
          alphabet: 'Upper',
          tweak: '7777pqrs777',
          ...both,
        },
      ],
    },
  }),
  at('house', {
    masking: {
      detect: [{ kind: 'Phone' }],
      detectors: [
        { name: 'staff', pattern: 'E[0-9]{6}', near: ['工号', 'staff'], within: 10, class: 'C2' },
        { name: 'contract', pattern: '(?i)ht-[0-9]{4}-[0-9]{6}', method: 'KeepFirstLast', keepLast: 4 },
        { name: 'customer', pattern: '[0-9]{10}', check: 'Luhn', notNear: ['流水'], class: 'C1' },
        { name: 'account', pattern: '88[0-9]{12}', method: 'Token', keyId: 'kms://prod/mask/sm4', deterministic: true },
      ],
      reveal: [{ header: 'x-role', setBy: 'the gateway of the intranet', values: ['auditor'], classes: ['C2'] }],
    },
  }),
  at('role', {
    masking: {
      fields: [{ name: 'name', kind: 'Name' }],
      reveal: [{ header: 'x-role', setBy: 'the gateway of the intranet', values: ['clerk'], kinds: ['Name'] }],
    },
  }),
  at('watched', { enforcement: 'Observe', masking: { fields: [{ name: 'cardNo', kind: 'BankCard', ...both }] } }),
);

let harness: Harness;
before(
  async () =>
    (harness = await Harness.start({
      routes: ROUTES,
      withKms: ({ register }) => {
        register.create('prod/mask/hash', 'HMAC-SM3', { material: Buffer.from(HASH) });
        register.create('prod/mask/sm4', 'SM4', { material: Buffer.from(SM4) });
        register.create('prod/mask/ff1', 'SM4', { material: Buffer.from(FF1) });
        register.create('prod/mask/hash256', 'HMAC-SHA-256', { material: Buffer.from(HASH) });
        register.create('prod/mask/aes', 'AES-256', { material: Buffer.from(AES) });
        register.create('prod/mask/ff1-aes', 'AES-256', { material: Buffer.from(FF1_AES) });
      },
    })),
);
after(() => harness.stop());

/** Sends a message, which the upstream answers with itself. Returns what arrived and what came back. */
async function echo(sending: Sending, answer: object = {}): Promise<{ arrived: Buffer; path: string; back: Buffer }> {
  harness.upstream.answer = (_, response) =>
    response
      .writeHead(200, { 'content-type': sending.headers!['content-type'], ...answer })
      .end(sending.body as Buffer);
  const reply = await send(harness.url, sending);
  assert.equal(reply.status, 200, reply.body.toString());
  const { body, path } = harness.upstream.arrived.at(-1)!;
  return { arrived: body, path, back: reply.body };
}

async function becomes(path: string, type: string, from: Buffer | string, to: Buffer | string): Promise<void> {
  const { arrived, back } = await echo({ path, headers: { 'content-type': type }, body: Buffer.from(from as string) });
  assert.deepEqual(arrived.toString('latin1'), Buffer.from(to as string).toString('latin1'), 'request');
  assert.deepEqual(back.toString('latin1'), Buffer.from(to as string).toString('latin1'), 'response');
}

test('XML: elements with elements beside text, attributes, messages inside', () =>
  becomes(
    '/xml',
    'application/xml',
    `<doc phone="13800138000"><cardNo a="1">${CARD}<b/>6222 &#x32;</cardNo><n>{"cardNo":"${CARD}"}</n></doc>`,
    `<doc phone="138****8000"><cardNo a="*">****************<b/>******</cardNo><n>{"cardNo":"${MASKED_CARD}"}</n></doc>`,
  ));

test('CNAPS2', () => {
  const header =
    '{H:02102100099996  HVPS104100000004  HVPS20240801093047XMLhvps.111.001.01     2024080100000117    2024080100000117    3U         }\r\n';
  return becomes(
    '/cnaps2',
    'text/plain',
    `${header}<Document xmlns="urn:x"><Dbtr><Nm>王小明</Nm></Dbtr></Document>`,
    `${header}<Document xmlns="urn:x"><Dbtr><Nm>王**</Nm></Dbtr></Document>`,
  );
});

test('ISO 8583 with chip data', () =>
  becomes(
    '/terminal',
    'application/octet-stream',
    Buffer.from(
      '6000030000603210320072020070240000080012001662220212345678940000000000000100000000012912313233343536373839303132112233445566778800279F2608A1B2C3D4E5F607185A0862220212345678945F2403291231',
      'hex',
    ),
    Buffer.from(
      '600003000060321032007202007024000008000200166222020000007894000000000000010000000001000031323334353637383930313200279f2608a1b2c3d4e5f607185a0862220200000078945f2403000000',
      'hex',
    ),
  ));

test('BER-TLV', () =>
  becomes(
    '/tlv',
    'text/plain',
    '5A0862220212345678945F20085A48414E472F5349',
    '5A0862220200000078945F20085A2A2A2A2A2A2A2A',
  ));

test('forms, whose names may be escaped', () =>
  becomes(
    '/form',
    'application/x-www-form-urlencoded',
    `c%76n2=123&a=%41&card%4eo=${CARD}`,
    `a=%41&card%4eo=${MASKED_CARD}`,
  ));

test('query strings of GET, and of a plan with fields of bodies', async () => {
  for (const route of ['/outside', '/form']) {
    harness.upstream.answer = (_, response) => response.writeHead(204).end();
    const reply = await send(harness.url, { method: 'GET', path: `${route}?a=1&c%61rdNo=${CARD}`, headers: {} });
    assert.equal(reply.status, 204);
    assert.equal(harness.upstream.arrived.at(-1)!.path, `${route}?a=1&c%61rdNo=${MASKED_CARD}`);
  }
});

test('headers, cookies and set-cookie, beside a body', async () => {
  harness.upstream.answer = (_, response) =>
    response
      .writeHead(200, {
        'content-type': JSON_TYPE,
        'x-user-phone': '13800138000',
        'set-cookie': ['uid=zhangsan; Path=/; HttpOnly', 'k=v'],
      })
      .end(JSON.stringify({ cardNo: CARD }));
  const reply = await send(harness.url, {
    path: '/outside',
    headers: { 'content-type': JSON_TYPE, 'X-USER-PHONE': '13800138000', cookie: 'k=v; uid=zhangsan' },
    body: JSON.stringify({ cardNo: CARD }),
  });
  const { headers, body } = harness.upstream.arrived.at(-1)!;
  assert.equal(headers['x-user-phone'], '138****8000');
  assert.equal(headers.cookie, 'k=v; uid=z******n');
  assert.equal(body.toString(), `{"cardNo":"${MASKED_CARD}"}`);
  assert.equal(reply.headers['x-user-phone'], '138****8000');
  assert.deepEqual(reply.headers['set-cookie'], ['uid=z******n; Path=/; HttpOnly', 'k=v']);
  assert.equal(reply.body.toString(), `{"cardNo":"${MASKED_CARD}"}`);
});

test('answers without a body: HEAD, 204, 304', async () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    harness.upstream.answer = (_, response) =>
      response.writeHead(status, { 'content-type': JSON_TYPE, 'x-user-phone': '13800138000' }).end();
    const reply = await send(harness.url, { method, path: '/outside', headers: {} });
    assert.equal(reply.status, status);
    assert.equal(reply.headers['x-user-phone'], '138****8000');
  }
});

function open(token: string, algorithm = 'sm4-gcm', key = SM4): string {
  const bytes = Buffer.from(token.replace(/^fimt1\./, ''), 'base64url');
  const cipher = createDecipheriv(algorithm as 'aes-128-gcm', key, bytes.subarray(4, 16));
  cipher.setAAD(Buffer.from('fim mask token'));
  cipher.setAuthTag(bytes.subarray(-16));
  return cipher.update(bytes.subarray(16, -16), undefined, 'utf8') + cipher.final('utf8');
}

test('keyed hashes, tokens and FF1, with keys of the KMS', async () => {
  const body = JSON.stringify({ hash: CARD, token: '张三丰', join: CARD, ff1: '6226090102675688' });
  const headers = { 'content-type': JSON_TYPE };
  const { arrived, back } = await echo({ path: '/keyed', headers, body });
  const request = JSON.parse(arrived.toString()) as Record<string, string>;
  const response = JSON.parse(back.toString()) as Record<string, string>;
  for (const masked of [request, response]) {
    assert.equal(masked.hash, createHmac('sm3', HASH).update(CARD).digest('hex'));
    assert.equal(open(masked.token!), '张三丰');
    assert.equal(open(masked.join!), CARD);
    assert.equal(masked.ff1, '2326982895499381');
  }
  const access = { url: harness.kmsUrl };
  assert.equal(await unmask(request.token!, { key: 'kms://prod/mask/sm4', algorithm: 'SM4-GCM' }, access), '张三丰');
  const terms: UnmaskTerms = { key: 'kms://prod/mask/ff1#1', algorithm: 'FF1-SM4', tweak: '9876543210' };
  assert.equal(await unmask(request.ff1!, terms, access), '6226090102675688');
  assert.notEqual(request.token, response.token);
  assert.equal(request.join, response.join);
});

test('the other algorithms: HMAC-SHA-256, AES-256-GCM, FF1 with AES-256', async () => {
  const body = JSON.stringify({ hash: CARD, token: '张三丰', ff1: '0123456789ABCDEFGHI' });
  const { arrived, back } = await echo({ path: '/keyed-otherwise', headers: { 'content-type': JSON_TYPE }, body });
  for (const text of [arrived, back]) {
    const masked = JSON.parse(text.toString()) as Record<string, string>;
    assert.equal(masked.hash, createHmac('sha256', HASH).update(CARD).digest('hex'));
    assert.equal(open(masked.token!, 'aes-256-gcm', AES), '张三丰');
    assert.equal(masked.ff1, 'XS8A0AZH2AVYALYZUWD');
  }
});

test('detectors of the house, and who sees what they find', async () => {
  const headers = { 'content-type': JSON_TYPE };
  const body =
    '{"staffNo":"E123456","other":"E123456","n":1234567897,"no":"流水1234567897","a":"工号Ｅ12\\u0033456，HT-2026-000123","p":"13800138000","k":"账户88123456789012"}';
  const masked = async (role: object): Promise<Record<string, string>> =>
    JSON.parse((await echo({ path: '/house', headers: { ...headers, ...role }, body })).back.toString());
  const { k, ...rest } = await masked({});
  assert.deepEqual(rest, {
    staffNo: '*******',
    other: 'E123456',
    n: '**********',
    no: '流水1234567897',
    a: '工号*******，**-****-**0123',
    p: '138****8000',
  });
  assert.equal(open(k!.replace('账户', '')), '88123456789012');
  const seen = await masked({ 'x-role': 'auditor' });
  assert.deepEqual([seen.staffNo, seen.n, seen.p, seen.k], ['E123456', '**********', '13800138000', k]);
});

test('a role by a header that another proxy sets; one that comes twice, or is none, reveals nothing', async () => {
  const body = '{"name":"张三丰"}';
  const headers = { 'content-type': JSON_TYPE };
  const reply = async (role: Record<string, string | string[]>): Promise<string> =>
    (await echo({ path: '/role', headers: { ...headers, ...role } as Record<string, string>, body })).back.toString();
  assert.equal(await reply({ 'x-role': 'clerk' }), body);
  assert.equal(await reply({}), '{"name":"张**"}');
  assert.equal(await reply({ 'x-role': 'guest' }), '{"name":"张**"}');
  assert.equal(await reply({ 'x-role': ['guest', 'clerk'] }), '{"name":"张**"}');
  assert.equal(await reply({ 'x-role': 'guest,clerk' }), '{"name":"张**"}');
  assert.equal(await reply({ x_role: 'clerk' }), '{"name":"张**"}');
});

test('an observed route is masked, and compressed bodies are masked or refused', async () => {
  const headers = { 'content-type': JSON_TYPE };
  const body = `{"cardNo":"${CARD}"}`;
  const { arrived, back } = await echo({ path: '/watched', headers, body });
  assert.equal(arrived.toString(), `{"cardNo":"${MASKED_CARD}"}`);
  assert.equal(back.toString(), `{"cardNo":"${MASKED_CARD}"}`);
  harness.upstream.answer = (_, response) =>
    response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end(gzipSync(body));
  const reply = await send(harness.url, { path: '/watched', headers, body });
  const plain = reply.headers['content-encoding'] === 'gzip' ? gunzipSync(reply.body) : reply.body;
  assert.ok(!plain.includes(CARD), plain.toString());
});
