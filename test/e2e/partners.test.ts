// Proxies of two partners, each a real Envoy. Each verifies the other's signatures under the default header names.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { until } from '../operator/until.ts';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';

const DEFAULT_NAMES = ['x-fim-signature', 'x-fim-timestamp', 'x-fim-nonce'];
const BODY = '{"amount":"100.00"}';
const CLOCK_AHEAD_MS = 5_000;
const NOTHING = route('before', { masking: { fields: [{ path: '$.card' }] } });

/** A signature of each kind. `sign`, `verify`: the ids of the keys. */
const KINDS = [
  { name: 'hmac', settings: {}, sign: 'kms://partner/hmac', verify: 'kms://partner/hmac' },
  {
    name: 'sm2',
    settings: { algorithm: 'SM2', covers: 'Message' },
    sign: 'kms://partner/sm2',
    verify: 'kms://partner/sm2-public',
  },
] as const;

function routes(sender: boolean): string {
  const of = KINDS.map(({ name, settings, sign, verify }) => {
    const way = sender
      ? { request: 'Sign', response: 'None', keyId: sign }
      : { request: 'Verify', response: 'None', keyId: verify };
    const answer = sender
      ? { request: 'None', response: 'Verify', keyId: verify }
      : { request: 'None', response: 'Sign', keyId: sign };
    return [
      route(`${name}-request`, { match: { path: { value: `/${name}/request` } }, signature: { ...settings, ...way } }),
      route(`${name}-response`, {
        match: { path: { value: `/${name}/response` } },
        signature: { ...settings, ...answer },
      }),
    ];
  });
  return together(...of.flat());
}

let sender: Harness;
let receiver: Harness;
before(async () => {
  receiver = await Harness.start({ routes: NOTHING });
  sender = await Harness.start({ routes: NOTHING, upstream: new URL(receiver.url) });
  const started = Date.now();
  const hmac = randomBytes(32);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'SM2' });
  for (const { kms } of [sender, receiver]) {
    kms.register.create('partner/hmac', 'HMAC-SM3', { material: Buffer.from(hmac) });
    kms.register.create('partner/sm2', 'SM2-PRIVATE', {
      material: privateKey.export({ format: 'der', type: 'pkcs8' }),
    });
    kms.register.create('partner/sm2-public', 'SM2-PUBLIC', {
      material: publicKey.export({ format: 'der', type: 'spki' }),
    });
  }
  for (const [harness, text] of [
    [receiver, routes(false)],
    [sender, routes(true)],
  ] as const)
    assert.equal((await harness.edit(text)).event, 'applied');
  // For the default of clockAhead after the second start nothing that counts once is accepted.
  await until('both proxies accept', () => Date.now() > started + CLOCK_AHEAD_MS);
});
after(async () => {
  await sender?.stop();
  await receiver?.stop();
});

for (const { name } of KINDS) {
  test(`${name}: a request that one proxy signs is verified by the other, and a forged or repeated one is not`, async () => {
    const passed = await send(sender.url, { path: `/${name}/request`, body: BODY });
    assert.equal(passed.status, 200, passed.body.toString());
    const arrived = receiver.upstream.arrived.at(-1)!;
    for (const header of DEFAULT_NAMES) assert.ok(arrived.headers[header], header);
    const signed = Object.fromEntries(DEFAULT_NAMES.map((header) => [header, String(arrived.headers[header])]));
    const { begun } = receiver.upstream;
    const headers = { 'content-type': 'application/json' };
    for (const forged of [{}, signed, { ...signed, 'x-fim-nonce': 'another-nonce' }]) {
      const refused = await send(receiver.url, {
        path: `/${name}/request`,
        body: BODY,
        headers: { ...headers, ...forged },
      });
      assert.equal(refused.status, 401, refused.body.toString());
    }
    assert.equal(receiver.upstream.begun, begun);
  });

  test(`${name}: a response that one proxy signs is verified by the other`, async () => {
    const passed = await send(sender.url, { path: `/${name}/response`, body: BODY });
    assert.equal(passed.status, 200, passed.body.toString());
    for (const header of DEFAULT_NAMES) assert.ok(passed.headers[header], header);
    const direct = await send(receiver.url, { path: `/${name}/response`, body: BODY });
    assert.ok(direct.headers['x-fim-signature']);
  });
}
