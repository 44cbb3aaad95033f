// Message authentication codes through a real Envoy, with keys of a KMS.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { expected } from '../crypto/openssl-mac.ts';
import { type SwitchMessage, coveredBySwitch, upToCode } from '../crypto/switch-message.ts';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';

const POS_KEY = randomBytes(16);
const PARTNER_KEY = randomBytes(32);

let harness: Harness;
before(async () => {
  harness = await Harness.start({ routes: route('before', { masking: { fields: [{ path: '$.card' }] } }) });
  harness.kms.register.create('pos/retail', 'TDES', { material: Buffer.from(POS_KEY) });
  harness.kms.register.create('partner/mac', 'HMAC-SM3', { material: Buffer.from(PARTNER_KEY) });
  const retail = route('retail', {
    match: { path: { type: 'Exact', value: '/retail' } },
    body: { format: 'ISO8583', iso8583: { specification: 'iso8583-1987' } },
    validation: { mac: { keyId: 'kms://pos/retail', algorithm: 'ANSI-X9.19' } },
  });
  const partner = route('partner', {
    match: { path: { type: 'Exact', value: '/partner' } },
    validation: { mac: { keyId: 'kms://partner/mac', algorithm: 'HMAC-SM3', header: 'x-mac' } },
  });
  harness.kms.register.create('switch/mac', 'TDES', { material: Buffer.from(POS_KEY) });
  const ofSwitch = route('switch', {
    match: { path: { type: 'Exact', value: '/switch' } },
    body: { format: 'ISO8583', iso8583: { specification: 'unionpay-switch' } },
    validation: {
      mac: { keyId: 'kms://switch/mac', algorithm: 'ANSI-X9.19', covers: 'UnionPaySwitch', encoding: 'Hex' },
    },
  });
  harness.kms.register.create('pos/sm4', 'SM4', { material: Buffer.from(POS_KEY) });
  const digits = route('digits', {
    match: { path: { type: 'Exact', value: '/digits' } },
    body: { format: 'ISO8583', iso8583: { specification: 'iso8583-1987' } },
    validation: { mac: { keyId: 'kms://pos/sm4', algorithm: 'UNIONPAY-ECB-SM4', encoding: 'Hex' } },
  });
  await harness.edit(together(retail, partner, ofSwitch, digits));
});
after(() => harness.stop());

async function assertJudged(
  path: string,
  type: string,
  right: [body: Buffer, code?: string],
  wrong: [body: Buffer, code?: string],
): Promise<void> {
  const post = ([body, code]: [Buffer, string?]): ReturnType<typeof send> =>
    send(harness.url, {
      path,
      body,
      headers: { 'content-type': type, ...(code === undefined ? {} : { 'x-mac': code }) },
    });
  const passed = await post(right);
  assert.equal(passed.status, 200, passed.body.toString());
  assert.deepEqual(harness.upstream.arrived.at(-1)!.body, right[0]);
  const before = harness.upstream.arrived.length;
  const refused = await post(wrong);
  assert.equal(refused.status, 422);
  assert.match(refused.body.toString(), /FIM-ISO-0009/);
  assert.equal(harness.upstream.arrived.length, before);
}

test('the retail MAC in element 64, with a key of triple DES', async () => {
  const text = Buffer.concat([
    Buffer.from('0800'),
    Buffer.from('0020000000800001', 'hex'),
    Buffer.from('12345612345678'),
  ]);
  const code = expected('AnsiX919', POS_KEY, text);
  await assertJudged(
    '/retail',
    'application/octet-stream',
    [Buffer.concat([text, code])],
    [Buffer.concat([text, Buffer.alloc(8)])],
  );
});

test("the eight digits of UnionPay's terminals with SM4, as hexadecimal", async () => {
  const text = Buffer.concat([
    Buffer.from('0800'),
    Buffer.from('0020000000800001', 'hex'),
    Buffer.from('12345612345678'),
  ]);
  const code = expected('UnionPayEcbSm4', POS_KEY, text);
  await assertJudged(
    '/digits',
    'application/octet-stream',
    [Buffer.concat([text, code])],
    [Buffer.concat([text, Buffer.from('00000000')])],
  );
});

test('HMAC-SM3 of a body in a header', async () => {
  const text = Buffer.from('{"amount":"100.00"}');
  const code = expected('HmacSm3', PARTNER_KEY, text).toString('hex');
  await assertJudged('/partner', 'application/json', [text, code], [Buffer.from('{"amount":"900.00"}'), code]);
});

test("the code of UnionPay's switch in element 128: 8 digits over the elements that it chooses", async () => {
  const message: SwitchMessage = {
    type: '0200',
    elements: {
      2: '6222021234567894',
      3: '000000',
      4: '000000010000',
      7: '1130093015',
      11: '123456',
      37: '010203040506',
      41: 'term 1  ',
      42: 'shop, no. 7*3  ',
      49: '156',
    },
  };
  const header = (body: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from([46, 2]),
      Buffer.from(String(body.length + 46).padStart(4, '0')),
      Buffer.from('00010000   48490000   '),
      Buffer.alloc(4),
      Buffer.from('00000000'),
      Buffer.alloc(1),
      Buffer.from('00000'),
    ]);
  const code = expected('AnsiX919', POS_KEY, Buffer.from(coveredBySwitch(message))).subarray(0, 4);
  const whole = (of: SwitchMessage): Buffer => {
    const body = Buffer.concat([upToCode(of), Buffer.from(code.toString('hex').toUpperCase())]);
    return Buffer.concat([header(body), body]);
  };
  const other = { ...message, elements: { ...message.elements, 4: '000000090000' } };
  await assertJudged('/switch', 'application/octet-stream', [whole(message)], [whole(other)]);
});
