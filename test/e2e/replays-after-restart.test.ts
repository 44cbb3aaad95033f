// A message that one Envoy process has accepted is not accepted by the next one, whatever the sender's clock says.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { canonical, sign, type SigningTerms } from '../protection/signing.ts';
import { until } from '../operator/until.ts';
import { Harness } from './harness.ts';
import { JSON_TYPE, send } from './http-client.ts';
import { route } from './resources.ts';

const TERMS: SigningTerms = { algorithm: 'HMAC-SM3', key: randomBytes(32) };
const AHEAD_MS = 15_000;
const ROUTES = route('signed', {
  match: { path: { type: 'Exact', value: '/pay' } },
  signature: { keyId: 'kms://partner/hmac', request: 'Verify', clockSkew: '5m', clockAhead: `${AHEAD_MS}ms` },
});
const BODY = '{"amount":"100.00"}';

let harness: Harness | undefined;
after(() => harness?.stop());

const start = async (): Promise<Harness> => {
  harness = await Harness.start({
    routes: ROUTES,
    withKms: (kms) => void kms.register.create('partner/hmac', 'HMAC-SM3', { material: Buffer.from(TERMS.key) }),
  });
  return harness;
};

/** Status of a message that is signed at a time. */
async function post(time: number, nonce: string): Promise<number> {
  const code = sign(TERMS, canonical(['FIM1-REQUEST', 'POST', '/pay', ''], String(time), nonce, [], Buffer.from(BODY)));
  const headers = {
    ...JSON_TYPE,
    'x-fim-timestamp': String(time),
    'x-fim-nonce': nonce,
    'x-fim-signature': code,
  };
  return (await send(harness!.url, { path: '/pay', body: BODY, headers })).status;
}

test('a message of a clock that is ahead counts once over a restart, and honest senders go on', async () => {
  await start();
  const began = Date.now();
  await until('the first process accepts', () => Date.now() > began + AHEAD_MS);
  const ahead = Date.now() + AHEAD_MS - 1_000;
  assert.equal(await post(ahead, 'nonce-of-the-future'), 200);
  assert.equal(await post(Date.now() + AHEAD_MS + 5_000, 'nonce-too-far-ahead'), 401);
  await harness!.stop();
  await start();
  assert.equal(await post(ahead, 'nonce-of-the-future'), 401, 'accepted before the restart');
  const restarted = Date.now();
  await until('the second process accepts', () => Date.now() > restarted + AHEAD_MS);
  assert.equal(await post(ahead, 'nonce-of-the-future'), 401, 'accepted before the restart, when its time has come');
  assert.equal(await post(Date.now(), 'nonce-of-the-present'), 200);
  assert.equal(await post(Date.now() + 10_000, 'nonce-somewhat-ahead'), 200);
});
