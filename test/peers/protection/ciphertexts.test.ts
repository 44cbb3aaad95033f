// Tongsuo, GmSSL, BouncyCastle and jwcrypto open what FIM protects, and FIM opens what they produce. Python code
// written from the filter's README implements the wire profiles; ciphers, codes and key derivations are the peers' own.
// Every side refuses one changed bit.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LoadedModule } from '../../../envoy/host/index.ts';
import { builtModules } from '../../host/modules.ts';
import { ALGORITHMS, goesWith, publicOf } from '../../protection/partner.ts';
import type { Terms } from '../../protection/partner.ts';
import { KEY_ID, keyOf, ProtectedRoute } from '../../protection/route.ts';
import { bouncyCastle, Oracle } from '../sm2/oracles.ts';
import { Counterparty, joseOracle, MAX_SM2_TEXT, PEERS, SET_UP_MS } from './peers.ts';
import type { Peer } from './peers.ts';

const LENGTHS = [1, 15, 16, 17, 255, 1000, 70_000];
/** Shorter texts sometimes have a key stream of zeros, which peers treat differently. */
const SM2_LENGTHS = [4, 31, 32, 33, 255, 1000, 5000];
const TYPE = 'application/pdf';
const NONE = Buffer.alloc(0);

let module: LoadedModule;
before(async () => {
  module = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

function termsOf(peer: Peer): Terms[] {
  const algorithms = ALGORITHMS.filter((algorithm) => peer === 'tongsuo' || algorithm !== 'AES-256-GCM');
  return algorithms.flatMap((algorithm) =>
    (['raw', 'fim-json', 'compact'] as const)
      .filter((profile) => goesWith(algorithm, profile))
      .flatMap((profile) => {
        const terms: Terms = { algorithm, profile, kid: `${KEY_ID}#1`, key: keyOf(algorithm) };
        return profile === 'raw' ? [terms] : [terms, { ...terms, context: 'branch-77' }];
      }),
  );
}

const lengthsFor = ({ algorithm }: Terms, peer: Peer): number[] =>
  algorithm === 'SM2' ? SM2_LENGTHS.filter((length) => length <= MAX_SM2_TEXT[peer]) : LENGTHS;
const nameOf = ({ algorithm, profile, layout, context }: Terms): string =>
  [algorithm, profile, layout, context].filter(Boolean).join(' ');

const flip = (bytes: Buffer, at = bytes.length - 1): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
};

/** The message with one bit of its ciphertext changed, and one with a bit of its tag changed. */
function damaged({ profile }: Terms, message: Buffer): Buffer[] {
  if (profile === 'fim-json') {
    const parts = JSON.parse(message.toString()) as Record<string, string>;
    return ['ct', 'tag'].map((name) =>
      Buffer.from(JSON.stringify({ ...parts, [name]: flip(Buffer.from(parts[name]!, 'base64')).toString('base64') })),
    );
  }
  if (profile === 'compact') {
    const parts = message.toString().split('.');
    return [3, 4].map((damage) =>
      Buffer.from(
        parts
          .map((part, i) => (i === damage ? flip(Buffer.from(part, 'base64url')).toString('base64url') : part))
          .join('.'),
      ),
    );
  }
  return [flip(message, message.length - 40), flip(message)];
}

function assertRefused(route: ProtectedRoute, message: Buffer): void {
  const { client, upstream } = route.send(message, {});
  assert.equal(client.status, 422);
  assert.match(client.body.toString(), /FIM-SM4-0002/);
  assert.ok(upstream.sawNothing);
}

for (const peer of PEERS) {
  describe(`ciphertexts with ${peer}`, () => {
    let counterparty: Counterparty;
    before(
      () => {
        counterparty = new Counterparty(peer);
      },
      { timeout: SET_UP_MS },
    );
    after(() => counterparty.end());

    for (const terms of termsOf(peer)) {
      test(`${nameOf(terms)}: ${peer} opens what FIM protected`, async () => {
        const route = new ProtectedRoute(module, terms, 'Encrypt');
        for (const length of lengthsFor(terms, peer)) {
          const text = randomBytes(length);
          const { upstream, client } = route.send(text, { 'content-type': TYPE });
          assert.equal(client.status, 200, client.body.toString());
          assert.deepEqual(
            await counterparty.unprotect(terms, upstream.body),
            { result: text.toString('hex') },
            `${length} bytes`,
          );
          if (length !== 255) continue;
          for (const bad of damaged(terms, upstream.body))
            assert.deepEqual(await counterparty.unprotect(terms, bad), {
              error: terms.algorithm === 'SM2' ? 'sm2' : 'tag',
            });
        }
        route.close();
      });

      test(`${nameOf(terms)}: FIM opens what ${peer} protected`, async () => {
        const route = new ProtectedRoute(module, terms, 'Decrypt');
        for (const length of lengthsFor(terms, peer)) {
          const text = randomBytes(length);
          const message = await counterparty.protect(terms, text, TYPE);
          const { upstream, client } = route.send(message, {});
          assert.equal(client.status, 200, client.body.toString());
          assert.deepEqual(upstream.body, text, `${length} bytes`);
          if (terms.profile !== 'raw') assert.equal(upstream.headers?.get('content-type'), TYPE);
          if (length === 255) for (const bad of damaged(terms, message)) assertRefused(route, bad);
        }
        route.close();
      });
    }
  });
}

describe('ciphertexts with BouncyCastle', () => {
  let castle: Oracle;
  let counterparty: Counterparty;
  before(
    () => {
      castle = new Oracle('java', [
        '-cp',
        bouncyCastle(),
        join(import.meta.dirname, '../sm2/bouncy-castle-oracle.java'),
      ]);
      counterparty = new Counterparty('tongsuo');
    },
    { timeout: SET_UP_MS },
  );
  after(() => {
    castle.end();
    counterparty.end();
  });
  const key = keyOf('SM2');
  const keys = { secret: key.toString('hex'), public: publicOf(key) };
  const open = async (layout: string, sealed: Buffer): Promise<Buffer | undefined> => {
    const framed = layout.endsWith('Bare') ? Buffer.concat([Buffer.of(4), sealed]) : sealed;
    const text = await castle.askFields(layout.startsWith('C1C2C3') ? 'decrypt123' : 'decrypt', keys, NONE, framed);
    return text === undefined ? undefined : Buffer.from(text, 'hex');
  };
  const seal = async (layout: string, text: Buffer): Promise<Buffer> => {
    const sealed = Buffer.from(
      (await castle.askFields(layout.startsWith('C1C2C3') ? 'encrypt123' : 'encrypt', keys, NONE, text))!,
      'hex',
    );
    return layout.endsWith('Bare') ? sealed.subarray(1) : sealed;
  };

  for (const layout of ['C1C3C2', 'C1C2C3', 'C1C3C2-Bare', 'C1C2C3-Bare'] as const) {
    test(`SM2 ${layout}, both ways`, async () => {
      const terms: Terms = { algorithm: 'SM2', profile: 'raw', kid: `${KEY_ID}#1`, key, layout };
      const sealing = new ProtectedRoute(module, terms, 'Encrypt');
      const opening = new ProtectedRoute(module, terms, 'Decrypt');
      for (const length of SM2_LENGTHS) {
        const text = randomBytes(length);
        const ours = sealing.send(text, {}).upstream.body;
        assert.deepEqual(await open(layout, ours), text);
        assert.equal(await open(layout, flip(ours)), undefined);
        const theirs = await seal(layout, text);
        assert.deepEqual(opening.send(theirs, {}).upstream.body, text);
        assertRefused(opening, flip(theirs));
      }
      sealing.close();
      opening.close();
    });

    test(`SM2-ENVELOPE ${layout}: BouncyCastle unwraps the key, Tongsuo opens the body`, async () => {
      const terms: Terms = { algorithm: 'SM2-ENVELOPE', profile: 'fim-json', kid: `${KEY_ID}#1`, key, layout };
      const sealing = new ProtectedRoute(module, terms, 'Encrypt');
      for (const length of LENGTHS) {
        const text = randomBytes(length);
        const message = sealing.send(text, {}).upstream.body;
        const { ek } = JSON.parse(message.toString()) as { ek: string };
        const contentKey = await open(layout, Buffer.from(ek, 'base64'));
        assert.equal(contentKey?.length, 16);
        assert.deepEqual(await counterparty.unprotect(terms, message, contentKey), { result: text.toString('hex') });
        assert.equal(await open(layout, flip(Buffer.from(ek, 'base64'))), undefined);
      }
      sealing.close();
    });
  }
});

describe('compact with AES-256-GCM is a JWE', () => {
  let jose: Oracle;
  before(
    () => {
      jose = joseOracle();
    },
    { timeout: SET_UP_MS },
  );
  after(() => jose.end());
  interface Opened {
    result?: string;
    header?: object;
    error?: string;
  }
  const ask = async (question: object): Promise<Opened> =>
    JSON.parse(await jose.ask(JSON.stringify(question))) as Opened;

  for (const context of [undefined, 'branch-77']) {
    const key = keyOf('AES-256-GCM');
    const kid = `${KEY_ID}#1`;
    const terms: Terms = {
      algorithm: 'AES-256-GCM',
      profile: 'compact',
      kid,
      key,
      ...(context === undefined ? {} : { context }),
    };
    const header = {
      alg: 'dir',
      enc: 'A256GCM',
      kid,
      typ: 'fim',
      ...(context === undefined ? {} : { ctx: context }),
      cty: TYPE,
    };

    test(`jwcrypto opens what FIM protected, context ${context}`, async () => {
      const route = new ProtectedRoute(module, terms, 'Encrypt');
      for (const length of LENGTHS) {
        const text = randomBytes(length);
        const message = route.send(text, { 'content-type': TYPE }).upstream.body;
        assert.deepEqual(await ask({ op: 'decrypt', key: key.toString('hex'), data: message.toString('hex') }), {
          result: text.toString('hex'),
          header,
        });
        for (const bad of damaged(terms, message))
          assert.deepEqual(await ask({ op: 'decrypt', key: key.toString('hex'), data: bad.toString('hex') }), {
            error: 'InvalidJWEData',
          });
      }
      route.close();
    });

    test(`FIM opens what jwcrypto made, context ${context}`, async () => {
      const route = new ProtectedRoute(module, terms, 'Decrypt');
      for (const length of LENGTHS) {
        const text = randomBytes(length);
        const { result } = await ask({ op: 'encrypt', key: key.toString('hex'), data: text.toString('hex'), header });
        const message = Buffer.from(result!, 'hex');
        const { upstream, client } = route.send(message, {});
        assert.equal(client.status, 200, client.body.toString());
        assert.deepEqual(upstream.body, text);
        assert.equal(upstream.headers?.get('content-type'), TYPE);
        for (const bad of damaged(terms, message)) assertRefused(route, bad);
      }
      route.close();
    });
  }
});
