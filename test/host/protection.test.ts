// Every algorithm in every wire profile, both ways, against a partner that shares no code with the filter.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { ALGORITHMS, goesWith, LAYOUTS, PROFILES, protect, unprotect } from '../protection/partner.ts';
import type { Terms } from '../protection/partner.ts';
import { KEY_ID, keyOf, ProtectedRoute } from '../protection/route.ts';
import { builtModules } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

const LENGTHS = [1, 15, 16, 17, 255, 256, 257, 1000, 5000];
const TYPES: Record<string, string> = {
  'fim-json': 'application/vnd.fim.encrypted+json',
  compact: 'application/jose',
  raw: 'application/octet-stream',
  hex: 'text/plain',
  base64: 'text/plain',
  segmented: 'application/vnd.fim.segmented',
};

function allTerms(): Terms[] {
  const terms: Terms[] = [];
  for (const algorithm of ALGORITHMS) {
    for (const profile of PROFILES) {
      if (!goesWith(algorithm, profile)) continue;
      const layouts = algorithm.startsWith('SM2') ? LAYOUTS : [undefined];
      for (const layout of layouts) {
        terms.push({
          algorithm,
          profile,
          kid: `${KEY_ID}#1`,
          key: keyOf(algorithm),
          ...(layout === undefined ? {} : { layout }),
          ...(profile === 'segmented' ? { segmentBytes: 256 } : {}),
        });
      }
    }
  }
  return terms;
}

const nameOf = ({ algorithm, profile, layout }: Terms): string =>
  [algorithm, profile, layout].filter(Boolean).join(' ');

describe('the partner opens what FIM protected', () => {
  for (const terms of allTerms()) {
    test(nameOf(terms), () => {
      const route = new ProtectedRoute(module, terms, 'Encrypt');
      for (const length of LENGTHS) {
        const text = randomBytes(length);
        const { upstream, client } = route.send(text, { 'content-type': 'application/pdf' });
        assert.equal(client.status, 200, client.body.toString());
        assert.equal(upstream.headers?.get('content-type')?.split(';')[0], TYPES[terms.profile]);
        const opened = unprotect(terms, upstream.body);
        assert.deepEqual(opened.text, text, `${length} bytes`);
        if (['fim-json', 'compact', 'segmented'].includes(terms.profile)) assert.equal(opened.type, 'application/pdf');
        assert.equal(upstream.body.includes(text) && length > 15, false);
      }
      route.close();
    });
  }
});

describe('FIM opens what the partner protected', () => {
  for (const terms of allTerms()) {
    test(nameOf(terms), () => {
      const route = new ProtectedRoute(module, terms, 'Decrypt');
      for (const length of LENGTHS) {
        const text = randomBytes(length);
        const says = ['fim-json', 'compact', 'segmented'].includes(terms.profile);
        const { upstream, client } = route.send(protect(terms, text, 'application/pdf'), {});
        assert.equal(client.status, 200, client.body.toString());
        assert.deepEqual(upstream.body, text, `${length} bytes`);
        assert.equal(upstream.headers?.get('content-type'), says ? 'application/pdf' : 'application/json');
      }
      route.close();
    });
  }
});

describe('a context is authenticated', () => {
  for (const profile of ['fim-json', 'compact', 'segmented'] as const) {
    test(profile, () => {
      const terms: Terms = {
        algorithm: 'SM4-GCM',
        profile,
        kid: `${KEY_ID}#1`,
        context: 'branch-77',
        key: keyOf('SM4-GCM'),
      };
      const sealing = new ProtectedRoute(module, terms, 'Encrypt');
      const { upstream } = sealing.send(Buffer.from('{"a":1}'), { 'content-type': 'application/json' });
      assert.deepEqual(unprotect(terms, upstream.body), { text: Buffer.from('{"a":1}') });
      assert.throws(() => unprotect({ ...terms, context: 'branch-78' }, upstream.body));
      const opening = new ProtectedRoute(module, terms, 'Decrypt');
      assert.equal(opening.send(upstream.body, {}).upstream.body.toString(), '{"a":1}');
      assert.equal(opening.send(protect({ ...terms, context: 'branch-78' }, Buffer.from('x')), {}).client.status, 422);
      sealing.close();
      opening.close();
    });
  }
});

describe('initialisation vectors', () => {
  test('never repeat, whatever the algorithm', () => {
    for (const algorithm of ['SM4-GCM', 'AES-256-GCM', 'SM4-CBC-HMAC-SM3', 'SM4-CTR-HMAC-SM3'] as const) {
      const terms: Terms = { algorithm, profile: 'raw', kid: `${KEY_ID}#1`, key: keyOf(algorithm) };
      const route = new ProtectedRoute(module, terms, 'Encrypt');
      const seen = new Set<string>();
      for (let i = 0; i < 200; i++)
        seen.add(route.send(Buffer.from('same text'), {}).upstream.body.toString('hex', 0, 12));
      assert.equal(seen.size, 200, algorithm);
      route.close();
    }
  });
});
