// DES and the message authentication codes of payment networks: published vectors, OpenSSL (node:crypto) for thousands
// of random inputs, edges.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { BUILDS, Library, unhex, vectors } from './harness.ts';
import { ALGORITHMS, expected, openssl, tripled } from './openssl-mac.ts';
import type { Algorithm } from './openssl-mac.ts';

const CASES = 3000;

function setKey(library: Library, algorithm: Algorithm, key: Buffer): boolean {
  return library.call.macSetKey!(ALGORITHMS.indexOf(algorithm), library.argument(0, key), key.length) === 1;
}

/** The code of a text given in the pieces that `cuts` make. */
function code(library: Library, text: Buffer, cuts: number[] = []): Buffer {
  library.write(library.input, text);
  let at = 0;
  for (const cut of [...cuts, text.length]) {
    library.call.macUpdate!(library.input + at, cut - at);
    at = cut;
  }
  return library.read(library.output, library.call.macDigest!(library.output));
}

for (const build of BUILDS) {
  describe(`message authentication codes, ${build} SIMD`, () => {
    const library = Library.load(build);
    const verify = (text: Buffer, mac: Buffer): boolean => {
      library.call.macUpdate!(library.write(library.input, text), text.length);
      return library.call.macVerify!(library.argument(1, mac), mac.length) === 1;
    };

    test('DES and triple DES blocks agree with OpenSSL', () => {
      for (let i = 0; i < CASES; i++) {
        const key = randomBytes(i % 2 === 0 ? 8 : 16);
        const block = randomBytes(8);
        library.call.desSetKey!(library.argument(0, key), key.length);
        library.call.desEncrypt!(library.write(library.input, block), library.output);
        assert.deepEqual(
          library.read(library.output, 8),
          openssl('des-ede3', tripled(key), block),
          key.toString('hex'),
        );
      }
    });

    for (const v of vectors<{ name: string; algorithm: Algorithm; key: string; text: string; code: string }>(
      'payment-macs.json',
    )) {
      test(v.name, () => {
        assert.ok(setKey(library, v.algorithm, unhex(v.key)));
        assert.equal(code(library, unhex(v.text)).toString('hex'), v.code);
        assert.ok(verify(unhex(v.text), unhex(v.code)));
      });
    }

    for (const algorithm of ALGORITHMS) {
      test(`${algorithm} agrees with OpenSSL for random keys, lengths and pieces`, () => {
        for (let i = 0; i < CASES; i++) {
          const key = randomBytes(
            algorithm === 'HmacSm3'
              ? randomInt(1, 100)
              : (algorithm === 'AnsiX99' || algorithm === 'UnionPayEcb') && i % 2 === 0
                ? 8
                : 16,
          );
          const text = randomBytes(i < 80 ? i : randomInt(0, 700));
          const cuts = Array.from({ length: i % 4 }, () => randomInt(0, text.length + 1)).sort((a, b) => a - b);
          assert.ok(setKey(library, algorithm, key));
          const mac = code(library, text, cuts);
          assert.deepEqual(mac, expected(algorithm, key, text), `${text.length} bytes, cut at ${cuts.join()}`);
          assert.ok(verify(text, mac));
          const bad = Buffer.from(mac);
          bad[randomInt(bad.length)]! ^= 1 << randomInt(8);
          assert.ok(!verify(text, bad));
        }
      });
    }

    test('lengths of keys and codes that an algorithm has not are refused', () => {
      const lengths: Record<Algorithm, { keys: number[]; codes: [least: number, most: number] }> = {
        AnsiX99: { keys: [8, 16], codes: [4, 8] },
        AnsiX919: { keys: [16], codes: [4, 8] },
        UnionPayEcb: { keys: [8, 16], codes: [8, 8] },
        UnionPayEcbSm4: { keys: [16], codes: [8, 8] },
        Sm4Cbc: { keys: [16], codes: [4, 16] },
        HmacSm3: { keys: [1, 7, 8, 15, 16, 17, 24, 32, 33], codes: [16, 32] },
      };
      const text = randomBytes(50);
      for (const algorithm of ALGORITHMS) {
        const { keys, codes } = lengths[algorithm];
        for (const length of [0, 1, 7, 8, 15, 16, 17, 24, 32, 33]) {
          const taken = keys.includes(length);
          assert.equal(setKey(library, algorithm, randomBytes(length)), taken, `${algorithm}, key of ${length} bytes`);
          const mac = code(library, text);
          assert.equal(mac.length > 0, taken);
          if (!taken) assert.ok(!verify(text, Buffer.alloc(8)));
          else
            for (let n = 0; n <= 40; n++)
              assert.equal(
                verify(text, Buffer.concat([mac, Buffer.alloc(40)]).subarray(0, n)),
                n >= codes[0] && n <= codes[1],
                `${algorithm}, ${n}`,
              );
        }
      }
    });

    test('nothing of a key or a code stays after wiping', () => {
      const key = randomBytes(16);
      const text = randomBytes(333);
      for (const algorithm of ALGORITHMS) {
        assert.ok(setKey(library, algorithm, key));
        const mac = code(library, text);
        library.call.macWipe!();
        library.argument(0, Buffer.alloc(16));
        library.write(library.output, Buffer.alloc(64));
        const memory = Buffer.from(library.call.memory.buffer);
        assert.ok(
          !memory.includes(key) && !memory.includes(key.subarray(8)) && !memory.includes(mac.subarray(0, 8)),
          algorithm,
        );
        assert.equal(code(library, text).length, 0);
      }
    });
  });
}
