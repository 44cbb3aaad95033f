// Signatures in headers: what FIM signs is verified by Tongsuo, GmSSL and BouncyCastle, and what they sign by FIM.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createVm, exchange } from '../../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../../envoy/host/index.ts';
import { fimModule } from '../../host/modules.ts';
import { TestKms } from '../../kms/test-kms.ts';
import { kmsKey, publicOf } from '../../protection/partner.ts';
import { keyOf } from '../../protection/route.ts';
import { canonical } from '../../protection/signing.ts';
import type { SigningTerms } from '../../protection/signing.ts';
import { bouncyCastle, Oracle } from '../sm2/oracles.ts';
import { Counterparty, PEERS, SET_UP_MS } from './peers.ts';

const LENGTHS = [1, 55, 56, 64, 1000, 70_000];
const START = ['FIM1-REQUEST', 'POST', '/fund/redeem', 'channel=app'];
const SM2: SigningTerms = { algorithm: 'SM2', key: keyOf('SM2') };
const VARIANTS: SigningTerms[] = [
  { algorithm: 'HMAC-SM3', key: Buffer.from('a key that both sides have agreed on') },
  { algorithm: 'HMAC-SM3', key: randomBytes(128), encoding: 'hex' },
  SM2,
  { ...SM2, form: 'RS' },
  { ...SM2, userId: 'bank-a@example' },
  { ...SM2, form: 'RS', encoding: 'hex', userId: 'bank-a@example' },
];

let module: LoadedModule;
before(async () => {
  module = await fimModule();
});

const CLOCK_AHEAD_MS = 5_000;

/** A route that signs or verifies requests. */
class SignedRoute {
  readonly vm: Vm;
  private readonly root: RootContext;

  constructor(terms: SigningTerms, request: 'Sign' | 'Verify', covers: 'Body' | 'Message') {
    const data =
      terms.algorithm === 'SM2'
        ? kmsKey('SM2', terms.key, request === 'Verify')
        : { algorithm: 'HMAC-SM3', material: terms.key.toString('base64') };
    this.vm = createVm(module, { httpCall: new TestKms({ 1: { data } }).call });
    const { key: _, ...options } = terms;
    const messageSignature = { keyId: 'kms://prod/partner', covers, request, response: 'None', ...options };
    const { accepted, root, logs } = this.vm.configure(
      JSON.stringify({
        version: '1.0',
        kms: { cluster: 'fim-kms' },
        routes: [{ name: 'a', stages: { messageSignature } }],
      }),
    );
    assert.ok(accepted, logs.map((entry) => entry.message).join('\n'));
    this.root = root;
    // For the default of clockAhead after a start nothing that counts once is accepted.
    this.vm.clock.advance(CLOCK_AHEAD_MS);
  }

  send(body: Buffer, headers: Record<string, string> = {}): ExchangeResult {
    return exchange(this.root, { request: { path: '/fund/redeem?channel=app', body, headers } });
  }

  /** The time of signing, milliseconds. */
  get now(): string {
    return String(this.vm.clock.realtimeNs / 1_000_000n);
  }
}

const changed = (body: Buffer): Buffer => Buffer.concat([body.subarray(1), Buffer.of(body[0]! ^ 1)]);

function assertRefused({ client, upstream }: ExchangeResult): void {
  assert.equal(client.status, 401);
  assert.match(client.body.toString(), /FIM-SIG-0001/);
  assert.ok(upstream.sawNothing);
}

for (const peer of PEERS) {
  describe(`signatures with ${peer}`, () => {
    let counterparty: Counterparty;
    before(
      () => {
        counterparty = new Counterparty(peer);
      },
      { timeout: SET_UP_MS },
    );
    after(() => counterparty.end());

    for (const terms of VARIANTS) {
      const name = [terms.algorithm, terms.form, terms.encoding, terms.userId].filter(Boolean).join(' ');

      test(`${name}: ${peer} verifies what FIM signed`, async () => {
        const [whole, bodies] = [new SignedRoute(terms, 'Sign', 'Message'), new SignedRoute(terms, 'Sign', 'Body')];
        for (const length of LENGTHS) {
          const body = randomBytes(length);
          const sent = whole.send(body).upstream.headers;
          const [signature, time, nonce] = ['signature', 'timestamp', 'nonce'].map(
            (part) => sent?.get(`x-fim-${part}`) ?? '',
          ) as [string, string, string];
          assert.equal(
            await counterparty.verify(terms, canonical(START, time, nonce, [], body), signature),
            true,
            `${length} bytes`,
          );
          assert.equal(
            await counterparty.verify(terms, canonical(START, time, nonce, [], changed(body)), signature),
            false,
          );
          const detached = bodies.send(body).upstream.headers?.get('x-fim-signature') ?? '';
          assert.equal(await counterparty.verify(terms, body, detached), true);
          assert.equal(await counterparty.verify(terms, changed(body), detached), false);
        }
      });

      test(`${name}: FIM verifies what ${peer} signed`, async () => {
        const [whole, bodies] = [new SignedRoute(terms, 'Verify', 'Message'), new SignedRoute(terms, 'Verify', 'Body')];
        for (const length of LENGTHS) {
          const body = randomBytes(length);
          const [time, nonce] = [whole.now, `nonce-${length}-12345678`];
          const headers = {
            'x-fim-timestamp': time,
            'x-fim-nonce': nonce,
            'x-fim-signature': await counterparty.sign(terms, canonical(START, time, nonce, [], body)),
          };
          assertRefused(whole.send(changed(body), headers));
          assert.deepEqual(whole.send(body, headers).upstream.body, body, `${length} bytes`);
          const detached = { 'x-fim-signature': await counterparty.sign(terms, body) };
          assertRefused(bodies.send(changed(body), detached));
          assert.deepEqual(bodies.send(body, detached).upstream.body, body, `${length} bytes`);
        }
      });
    }
  });
}

describe('signatures with BouncyCastle', () => {
  let castle: Oracle;
  before(
    () => {
      castle = new Oracle('java', [
        '-cp',
        bouncyCastle(),
        join(import.meta.dirname, '../sm2/bouncy-castle-oracle.java'),
      ]);
    },
    { timeout: SET_UP_MS },
  );
  after(() => castle.end());

  for (const userId of ['1234567812345678', 'bank-a@example', '机构-a']) {
    test(`SM2 over the body, user id ${userId}, both ways`, async () => {
      const terms: SigningTerms = { ...SM2, userId };
      const keys = { secret: SM2.key.toString('hex'), public: publicOf(SM2.key) };
      const [signing, verifying] = [new SignedRoute(terms, 'Sign', 'Body'), new SignedRoute(terms, 'Verify', 'Body')];
      for (const length of LENGTHS) {
        const body = randomBytes(length);
        const ours = Buffer.from(signing.send(body).upstream.headers?.get('x-fim-signature') ?? '', 'base64');
        assert.equal(await castle.askFields('verify', keys, Buffer.from(userId), body, ours), 'true');
        assert.equal(await castle.askFields('verify', keys, Buffer.from(userId), changed(body), ours), 'false');
        const theirs = {
          'x-fim-signature': Buffer.from(
            (await castle.askFields('sign', keys, Buffer.from(userId), body))!,
            'hex',
          ).toString('base64'),
        };
        assert.deepEqual(verifying.send(body, theirs).upstream.body, body);
        assertRefused(verifying.send(changed(body), theirs));
      }
    });
  }
});
