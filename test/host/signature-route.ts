// A route that signs or verifies, and messages for it.
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { createVm, exchange, SharedData, VirtualClock } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { FAILING } from '../kms/replies.ts';
import { type KeyVersion, stored, TestKms } from '../kms/test-kms.ts';
import { keyOf } from '../protection/route.ts';
import { kmsKey } from '../protection/partner.ts';
import { canonical, sign } from '../protection/signing.ts';
import type { SigningTerms } from '../protection/signing.ts';
import { fimModule } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = await fimModule();
});

export const HMAC: SigningTerms = { algorithm: 'HMAC-SM3', key: Buffer.from('a key that both sides have agreed on') };
export const SM2: SigningTerms = { algorithm: 'SM2', key: keyOf('SM2') };
export const PATH = '/fund/redeem?channel=app&v=2';
export const START = ['FIM1-REQUEST', 'POST', '/fund/redeem', 'channel=app&v=2'];
export const BODY = Buffer.from('{"amount":"100.00"}');
const NONCE = 'nonce-0123456789';
export const NARROW = { covers: 'Message', request: 'Verify', clockSkewMs: 1_000 };
export const WIDE = { covers: 'Message', request: 'Verify', clockSkewMs: 300_000 };

/** Most that a time may be ahead of now by default, and the time after a start in which nothing is accepted. */
export const CLOCK_AHEAD_MS = 5_000;

interface Route {
  vm: Vm;
  root: RootContext;
}

/** No bytes: the KMS fails when it is asked for this version. */
function versionOf(terms: SigningTerms, key: Buffer): KeyVersion {
  if (key.length === 0) return { data: null, fault: FAILING };
  return terms.algorithm === 'SM2' ? { data: kmsKey('SM2', key, false) } : stored('HMAC-SM3', key);
}

export function start(
  terms: SigningTerms,
  section: object,
  versions: Record<number, Buffer> = { 1: terms.key },
  sharedData = new SharedData(),
  stages: object = {},
  { afterStartMs = CLOCK_AHEAD_MS, clock = new VirtualClock(), body = {} } = {},
): Route {
  const kms = new TestKms(
    Object.fromEntries(Object.entries(versions).map(([version, key]) => [version, versionOf(terms, key)])),
  );
  const vm = createVm(module, { clock, sharedData, httpCall: kms.call });
  const { form, userId, encoding } = terms;
  const messageSignature = {
    keyId: 'kms://prod/partner',
    algorithm: terms.algorithm,
    covers: 'Message',
    request: 'None',
    response: 'None',
    ...(form && { form }),
    ...(userId && { userId }),
    ...(encoding && { encoding }),
    ...section,
  };
  const { accepted, root, logs } = vm.configure(
    JSON.stringify({
      version: '1.0',
      kms: { cluster: 'fim-kms' },
      routes: [{ name: 'a', body, stages: { messageSignature, ...stages } }],
    }),
  );
  assert.ok(accepted, logs.map((entry) => entry.message).join('\n'));
  vm.clock.advance(afterStartMs);
  return { vm, root };
}

export const nowOf = ({ vm }: Route): string => String(vm.clock.realtimeNs / 1_000_000n);

export function headersOf(
  route: Route,
  terms: SigningTerms,
  { time = nowOf(route), nonce = NONCE, body = BODY, start: lines = START, signed = [] as [string, string][] } = {},
): Record<string, string> {
  return {
    'x-fim-timestamp': time,
    'x-fim-nonce': nonce,
    'x-fim-signature': sign(terms, canonical(lines, time, nonce, signed, body)),
  };
}

export const post = (
  route: Route,
  headers: Record<string, string | string[]>,
  body: Buffer | string = BODY,
  path = PATH,
): ExchangeResult => exchange(route.root, { request: { path, body, headers } });

export function assertRefused({ client, upstream }: ExchangeResult, code = 'FIM-SIG-0001', status = 401): string {
  assert.equal(client.status, status, client.body.toString());
  assert.ok(upstream.sawNothing);
  assert.match(client.body.toString(), new RegExp(code));
  return JSON.stringify([client.status, client.headers?.entries, client.body.toString()]);
}

export const VARIANTS: SigningTerms[] = [
  HMAC,
  { ...HMAC, encoding: 'hex' },
  SM2,
  { ...SM2, form: 'RS' },
  { ...SM2, form: 'RS', encoding: 'hex' },
  { ...SM2, userId: 'bank-a@example' },
];
