// Message authentication codes through a real Envoy, with keys of a KMS.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { expected } from '../crypto/openssl-mac.ts';
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
  await harness.edit(together(retail, partner));
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

test('HMAC-SM3 of a body in a header', async () => {
  const text = Buffer.from('{"amount":"100.00"}');
  const code = expected('HmacSm3', PARTNER_KEY, text).toString('hex');
  await assertJudged('/partner', 'application/json', [text, code], [Buffer.from('{"amount":"900.00"}'), code]);
});
