// Published vectors, in both builds.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BUILDS, Library, unhex, vectors, type HashName } from './harness.ts';

interface GcmCase {
  name: string;
  cipher: 'sm4' | 'aes';
  key: string;
  iv: string;
  aad: string;
  plaintext: string;
  ciphertext: string;
  tag: string;
}
interface ModeCase {
  name: string;
  mode: 'cbc' | 'ctr';
  key: string;
  iv: string;
  plaintext: string;
  ciphertext: string;
}

for (const build of BUILDS) {
  describe(`vectors, ${build} SIMD`, () => {
    const library = Library.load(build);

    test('the module is the build it should be, and passes its own tests', () => {
      assert.equal(library.call.relaxed(), Number(build === 'relaxed'));
      assert.equal(library.call.selfTest(), 1);
    });

    for (const v of vectors<{ name: string; key: string; plaintext: string; ciphertext: string; times: number }>(
      'gbt-32907-2016-annex-a-sm4.json',
    )) {
      test(`GB/T 32907-2016 ${v.name}`, () => {
        library.call.sm4SetKey(library.argument(0, unhex(v.key)), 0);
        const block = library.argument(1, unhex(v.plaintext));
        library.call.sm4Repeat(block, v.times);
        assert.equal(library.read(block, 16).toString('hex'), v.ciphertext);
      });
    }

    for (const v of vectors<ModeCase>('draft-ribose-cfrg-sm4-10-annex-a-modes.json')) {
      test(v.name, () => {
        const [key, iv, plaintext] = [v.key, v.iv, v.plaintext].map(unhex);
        const whole =
          v.mode === 'ctr'
            ? library.ctr(key, iv, plaintext)
            : library.cbcEncrypt(key, iv, plaintext).subarray(0, plaintext.length);
        assert.equal(whole.toString('hex'), v.ciphertext);
      });
    }

    for (const v of [
      ...vectors<GcmCase>('rfc-8998-a1-sm4-gcm.json'),
      ...vectors<GcmCase>('gcm-specification-annex-b-aes-gcm.json'),
    ]) {
      test(`${v.cipher}-gcm ${v.name}`, () => {
        const [key, iv, aad, plaintext] = [v.key, v.iv, v.aad, v.plaintext].map(unhex);
        const sealed = library.gcmEncrypt(v.cipher, key, iv, aad, plaintext);
        assert.equal(sealed.ciphertext.toString('hex'), v.ciphertext);
        assert.equal(sealed.tag.toString('hex'), v.tag);
        assert.deepEqual(library.gcmDecrypt(v.cipher, key, iv, aad, sealed), plaintext);
      });
    }

    const hashes: [HashName, string][] = [
      ['sm3', 'gbt-32905-2016-annex-a-sm3.json'],
      ['sha256', 'fips-180-2-annex-b-sha256.json'],
    ];
    for (const [name, file] of hashes) {
      for (const v of vectors<{ name: string; message: string; digest: string }>(file)) {
        test(`${name} ${v.name}`, () => assert.equal(library.hash(name, unhex(v.message)).toString('hex'), v.digest));
      }
    }

    for (const v of vectors<{ name: string; key: string; data: string; code: string }>('rfc-4231-4-hmac-sha256.json')) {
      test(`RFC 4231 ${v.name}`, () => {
        const code = library.hmac('sha256', unhex(v.key), unhex(v.data));
        assert.equal(code.toString('hex').slice(0, v.code.length), v.code);
        const verify = (bytes: Buffer) => {
          library.call.hmacUpdate(1, library.input, v.data.length / 2);
          return library.call.hmacVerify(1, library.argument(2, bytes), bytes.length);
        };
        assert.equal(verify(unhex(v.code)), 1);
        code[0] ^= 0x80;
        assert.equal(verify(code), 0);
        assert.equal(verify(unhex(v.code).subarray(0, 15)), 0, 'too short a code');
      });
    }

    for (const v of vectors<{
      name: string;
      input: string;
      salt: string;
      info: string;
      length: number;
      output: string;
    }>('rfc-5869-a-hkdf-sha256.json')) {
      test(`RFC 5869 ${v.name}`, () => {
        assert.equal(
          library.hkdf('sha256', unhex(v.input), unhex(v.salt), unhex(v.info), v.length)?.toString('hex'),
          v.output,
        );
      });
    }
  });
}
