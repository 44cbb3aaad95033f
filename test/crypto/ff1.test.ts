// FF1: published examples, and texts of every radix and length against an implementation over OpenSSL's ciphers and
// numbers of any size.
import assert from 'node:assert/strict';
import { createCipheriv, randomBytes, randomInt } from 'node:crypto';
import { test } from 'node:test';
import { BUILDS, Library, unhex, vectors } from './harness.ts';

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';

interface Case {
  name: string;
  cipher: 'sm4' | 'aes';
  key: string;
  radix: number;
  tweak: string;
  plaintext: string;
  ciphertext: string;
  padsWholeBlock?: boolean;
}

interface Terms {
  cipher: 'sm4' | 'aes';
  key: Buffer;
  radix: number;
  tweak: Buffer;
}

function run(library: Library, decrypt: boolean, { cipher, key, radix, tweak }: Terms, numerals: number[]): number[] {
  const at = library.argument(2, Buffer.from(numerals));
  const bytes = cipher === 'sm4' ? 0 : key.length;
  const keyAt = library.argument(0, key);
  library.call.ff1(Number(decrypt), keyAt, bytes, radix, library.argument(1, tweak), tweak.length, at, numerals.length);
  return [...library.read(at, numerals.length)];
}

/** NUM of the standard, algorithm 1. */
function number(numerals: number[], radix: number): bigint {
  return numerals.reduce((value, numeral) => value * BigInt(radix) + BigInt(numeral), 0n);
}

function bytesOf(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
}

/** FF1.Encrypt of the standard, 6.2, step by step. `wholeBlock`: with GmSSL's padding. */
function reference({ cipher, key, radix, tweak }: Terms, numerals: number[], wholeBlock = false): number[] {
  const ciph = (block: Buffer): Buffer => {
    const name = cipher === 'sm4' ? 'sm4-ecb' : `aes-${key.length * 8}-ecb`;
    return createCipheriv(name, key, null).setAutoPadding(false).update(block);
  };
  const [n, t] = [numerals.length, tweak.length];
  const u = Math.floor(n / 2);
  const v = n - u;
  let [a, b] = [numerals.slice(0, u), numerals.slice(u)];
  const size = Math.ceil((BigInt(radix) ** BigInt(v) - 1n).toString(2).length / 8);
  const d = 4 * Math.ceil(size / 4) + 4;
  const p = Buffer.concat([
    Buffer.from([1, 2, 1, 0, 0, radix, 10, u % 256]),
    bytesOf(BigInt(n), 4),
    bytesOf(BigInt(t), 4),
  ]);
  for (let i = 0; i < 10; i++) {
    const short = (((-t - size - 1) % 16) + 16) % 16;
    const zeros = Buffer.alloc(short === 0 && wholeBlock ? 16 : short);
    const text = Buffer.concat([p, tweak, zeros, Buffer.from([i]), bytesOf(number(b, radix), size)]);
    let r: Buffer = Buffer.alloc(16);
    for (let at = 0; at < text.length; at += 16) r = ciph(Buffer.from(r.map((byte, k) => byte ^ (text[at + k] ?? 0))));
    const s = [r];
    for (let j = 1; s.length * 16 < d; j++) {
      const mark = bytesOf(BigInt(j), 16);
      s.push(ciph(Buffer.from(r.map((byte, k) => byte ^ (mark[k] ?? 0)))));
    }
    const m = i % 2 === 0 ? u : v;
    const y = BigInt(`0x${Buffer.concat(s).subarray(0, d).toString('hex')}`);
    let c = (number(a, radix) + y) % BigInt(radix) ** BigInt(m);
    const out: number[] = [];
    for (let k = 0; k < m; k++, c /= BigInt(radix)) out.unshift(Number(c % BigInt(radix)));
    [a, b] = [b, out];
  }
  return [...a, ...b];
}

for (const build of BUILDS) {
  const library = Library.load(build);
  for (const v of vectors<Case>('sp-800-38g-ff1.json')) {
    test(`${v.name}, ${build} SIMD`, () => {
      const terms = { cipher: v.cipher, key: unhex(v.key), radix: v.radix, tweak: unhex(v.tweak) };
      const numerals = [...v.plaintext].map((letter) => LETTERS.indexOf(letter));
      const sealed = run(library, false, terms, numerals);
      const expected = [...v.ciphertext].map((letter) => LETTERS.indexOf(letter));
      if (v.padsWholeBlock === true) {
        assert.deepEqual(reference(terms, numerals, true), expected);
        assert.deepEqual(sealed, reference(terms, numerals));
      } else assert.deepEqual(sealed, expected);
      assert.deepEqual(run(library, true, terms, sealed), numerals);
    });
  }

  test(`texts of every length and radix, ${build} SIMD`, () => {
    for (let round = 0; round < 400; round++) {
      const cipher = round % 2 === 0 ? 'sm4' : 'aes';
      const key = randomBytes(cipher === 'sm4' ? 16 : round % 4 === 1 ? 16 : 32);
      const radix = [10, 36, 62, 2, 26, randomInt(2, 63)][round % 6] ?? 10;
      const terms: Terms = { cipher, key, radix, tweak: randomBytes(randomInt(0, 65)) };
      const least = Math.ceil(6 / Math.log10(radix));
      const numerals = Array.from({ length: randomInt(least, 65) }, () => randomInt(0, radix));
      if (round % 10 === 0) numerals.fill(radix - 1);
      const sealed = run(library, false, terms, numerals);
      assert.deepEqual(sealed, reference(terms, numerals), `${cipher} radix ${radix} length ${numerals.length}`);
      assert.deepEqual(run(library, true, terms, sealed), numerals);
    }
  });
}

test('domains below a million texts are none', () => {
  const library = Library.load('relaxed');
  const cases: [number, number, boolean][] = [
    [10, 5, false],
    [10, 6, true],
    [36, 3, false],
    [36, 4, true],
    [62, 3, false],
    [62, 4, true],
    [2, 19, false],
    [2, 20, true],
    [10, 64, true],
    [10, 65, false],
    [1, 30, false],
    [63, 8, false],
  ];
  for (const [radix, count, good] of cases)
    assert.equal(library.call.ff1Domain(radix, count), Number(good), `${count} of radix ${radix}`);
});
