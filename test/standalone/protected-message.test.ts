// `fim decrypt` reads every profile and algorithm, and takes nothing that is damaged.
import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { openMessage, readProtected } from '../../envoy/standalone/protected-message.ts';
import { ALGORITHMS, goesWith, kmsKey, LAYOUTS, PROFILES, protect } from '../protection/partner.ts';
import type { Terms } from '../protection/partner.ts';
import { KEY_ID, keyOf } from '../protection/route.ts';

describe('a protected message, opened by hand', () => {
  for (const algorithm of ALGORITHMS) {
    for (const profile of PROFILES) {
      if (!goesWith(algorithm, profile)) continue;
      test(`${algorithm} ${profile}`, async () => {
        for (const layout of algorithm.startsWith('SM2') ? LAYOUTS : (['ASN1'] as const)) {
          const terms: Terms = {
            algorithm,
            profile,
            layout,
            kid: `${KEY_ID}#3`,
            key: keyOf(algorithm),
            context: 'c',
            segmentBytes: 100,
          };
          const text = randomBytes(777);
          const sealed = protect(terms, text, 'text/xml');
          const plain =
            profile === 'raw' || profile === 'hex' || profile === 'base64'
              ? { profile, algorithm, kid: terms.kid }
              : undefined;
          const message = readProtected(sealed, plain);
          assert.equal(message.kid, terms.kid);
          const material = kmsKey(algorithm, terms.key, false).material;
          const key = material.startsWith('-') ? Buffer.from(material) : Buffer.from(material, 'base64');
          assert.deepEqual(await openMessage(message, key), text);
          await assert.rejects(
            openMessage(
              message,
              algorithm.startsWith('SM2')
                ? Buffer.from(kmsKey(algorithm, keyOf(algorithm, 2), false).material)
                : randomBytes(key.length),
            ),
            /FIM-UP-0019/,
          );
        }
      });
    }
  }

  for (const [algorithm, cipher, iv] of [
    ['SM4-CBC-UNAUTHENTICATED', 'sm4-cbc', randomBytes(16)],
    ['SM4-ECB-UNAUTHENTICATED', 'sm4-ecb', null],
  ] as const) {
    test(`${algorithm}, as a partner's library writes it`, async () => {
      const key = randomBytes(16);
      const seal = createCipheriv(cipher, key, iv);
      const sealed = Buffer.concat([iv ?? Buffer.alloc(0), seal.update('{"amount":"100.00"}'), seal.final()]);
      for (const [profile, body] of [
        ['raw', sealed],
        ['hex', Buffer.from(sealed.toString('hex'))],
        ['base64', Buffer.from(sealed.toString('base64'))],
      ] as const) {
        const message = readProtected(body, { profile, algorithm, kid: `${KEY_ID}#3` });
        assert.equal((await openMessage(message, key)).toString(), '{"amount":"100.00"}');
      }
      const named = JSON.stringify({
        alg: algorithm,
        kid: `${KEY_ID}#3`,
        iv: '',
        ct: sealed.toString('base64'),
        tag: '',
      });
      assert.throws(() => readProtected(Buffer.from(named)), /FIM-UP-0018/);
    });
  }

  test('what is none is refused with a code', () => {
    for (const text of [
      '',
      'hello',
      '{}',
      '{"alg":"SM4-GCM"}',
      'a.b.c.d.e',
      'FIMS',
      `FIMS\u0001${'\u0000'.repeat(40)}`,
      '{"alg":"SM4-GCM","kid":"kms://../etc#1","iv":"","ct":"","tag":""}',
    ]) {
      assert.throws(() => readProtected(Buffer.from(text)), /FIM-UP-0018/, text);
    }
  });
});
