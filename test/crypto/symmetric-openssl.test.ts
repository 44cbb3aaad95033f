// Every length from 0 to 1,100 against OpenSSL (through Node), in both builds, and every way to feed the streaming
// interfaces.
import assert from 'node:assert/strict';
import { createCipheriv, createHash, createHmac, hkdfSync, type CipherGCM } from 'node:crypto';
import { describe, test } from 'node:test';
import { BUILDS, Library, reproducible, splits, type HashName, type Sealed } from './harness.ts';

const LONGEST = 1100;
/** Lengths around batches, bulk runs and their tails. */
const LONG = [2047, 2048, 2049, 3000, 4096, 5000, 16384, 65537];
const LENGTHS = [...Array(LONGEST + 1).keys(), ...LONG];
const MESSAGE = reproducible('message', 65537);
const KEY = reproducible('key', 16);
const KEY32 = reproducible('key', 32);
const IV = reproducible('iv', 16);
const HASHES: HashName[] = ['sm3', 'sha256'];

function opensslGcm(name: string, key: Buffer, iv: Buffer, aad: Buffer, data: Buffer): Sealed {
  const cipher = createCipheriv(name, key, iv) as CipherGCM;
  cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(data), cipher.final()]);
  return { ciphertext, tag: cipher.getAuthTag() };
}

const openssl = (name: string, key: Buffer, iv: Buffer | null, data: Buffer, padding = false) => {
  const cipher = createCipheriv(name, key, iv).setAutoPadding(padding);
  return Buffer.concat([cipher.update(data), cipher.final()]);
};

for (const build of BUILDS) {
  describe(`against OpenSSL, ${build} SIMD`, () => {
    const library = Library.load(build);

    test('SM4 blocks, both ways', () => {
      for (let blocks = 0; blocks <= 80; blocks++) {
        const data = MESSAGE.subarray(0, blocks * 16);
        const encrypted = library.ecb(KEY, data);
        assert.deepEqual(encrypted, openssl('sm4-ecb', KEY, null, data), `${blocks} blocks`);
        assert.deepEqual(library.ecb(KEY, encrypted, true), data, `${blocks} blocks back`);
      }
    });

    test('SM4 under many keys', () => {
      for (let i = 0; i < 500; i++) {
        const key = reproducible(`key ${i}`, 16);
        assert.deepEqual(library.ecb(key, key), openssl('sm4-ecb', key, null, key));
      }
    });

    test('SM4-CTR of every length', () => {
      for (const length of LENGTHS) {
        const data = MESSAGE.subarray(0, length);
        assert.deepEqual(library.ctr(KEY, IV, data), openssl('sm4-ctr', KEY, IV, data), `${length} bytes`);
      }
    });

    test('SM4-CTR carries into all 128 bits', () => {
      for (const block of [
        '00112233445566778899aabbffffffff',
        '00112233445566778899aabbffffffd0',
        '0123456789abcdefffffffffffffffc1',
        'fffffffffffffffffffffffffffffff0',
      ]) {
        const counter = Buffer.from(block, 'hex');
        for (const length of [100, 1500, 4000]) {
          const data = MESSAGE.subarray(0, length);
          assert.deepEqual(
            library.ctr(KEY, counter, data),
            openssl('sm4-ctr', KEY, counter, data),
            `${block} ${length}`,
          );
        }
      }
    });

    test('SM4-CBC of every length, both ways', () => {
      for (const length of LENGTHS) {
        const data = MESSAGE.subarray(0, length);
        const encrypted = library.cbcEncrypt(KEY, IV, data);
        assert.deepEqual(encrypted, openssl('sm4-cbc', KEY, IV, data, true), `${length} bytes`);
        assert.deepEqual(library.cbcDecrypt(KEY, IV, encrypted), data, `${length} bytes back`);
      }
    });

    for (const [cipher, name, key] of [
      ['sm4', 'sm4-gcm', KEY],
      ['aes', 'aes-128-gcm', KEY],
      ['aes', 'aes-256-gcm', KEY32],
    ] as const) {
      test(`${name} of every length, both ways`, () => {
        for (const length of LENGTHS) {
          const iv = reproducible('gcm iv', length % 3 === 0 ? 1 + (length % 61) : 12);
          const aad = reproducible('aad', length % 83);
          const data = MESSAGE.subarray(0, length);
          const sealed = library.gcmEncrypt(cipher, key, iv, aad, data);
          assert.deepEqual(sealed, opensslGcm(name, key, iv, aad, data), `${length} bytes, IV ${iv.length}`);
          assert.deepEqual(library.gcmDecrypt(cipher, key, iv, aad, sealed), data, `${length} bytes back`);
        }
      });
    }

    for (const name of HASHES) {
      test(`${name} of every length`, () => {
        for (const length of LENGTHS) {
          const data = MESSAGE.subarray(0, length);
          assert.deepEqual(library.hash(name, data), createHash(name).update(data).digest(), `${length} bytes`);
        }
      });

      test(`HMAC-${name} with keys and messages of many lengths`, () => {
        for (let length = 0; length <= 300; length++) {
          const key = MESSAGE.subarray(0, length);
          const data = MESSAGE.subarray(0, (length * 7) % 301);
          assert.deepEqual(
            library.hmac(name, key, data),
            createHmac(name, key).update(data).digest(),
            `${length} bytes of key`,
          );
        }
      });

      test(`HKDF over ${name}`, () => {
        for (const length of [0, 1, 31, 32, 33, 64, 100, 8160]) {
          const [input, salt, info] = [
            MESSAGE.subarray(0, 40),
            MESSAGE.subarray(50, 50 + (length % 70)),
            MESSAGE.subarray(200, 200 + (length % 90)),
          ];
          const expected = length === 0 ? Buffer.alloc(0) : Buffer.from(hkdfSync(name, input, salt, info, length));
          assert.deepEqual(library.hkdf(name, input, salt, info, length), expected, `${length} bytes`);
        }
        assert.equal(library.hkdf(name, MESSAGE.subarray(0, 16), Buffer.alloc(0), Buffer.alloc(0), 8161), null);
      });
    }

    test('GM/T KDF is SM3 over the secret and a counter', () => {
      for (const length of [0, 1, 31, 32, 33, 64, 200]) {
        for (const secretLength of [0, 32, 64, 97]) {
          const secret = MESSAGE.subarray(0, secretLength);
          const blocks = Array.from({ length: 7 }, (_, i) =>
            createHash('sm3')
              .update(secret)
              .update(Buffer.from([0, 0, 0, i + 1]))
              .digest(),
          );
          assert.deepEqual(library.kdf(secret, length), Buffer.concat(blocks).subarray(0, length));
        }
      }
    });
  });
}

describe('streams: every length in pieces gives what one piece gives', () => {
  const library = Library.load('relaxed');
  const { call } = library;

  for (const [kind, name] of HASHES.entries()) {
    test(name, () => {
      for (let length = 0; length <= LONGEST; length++) {
        library.write(library.input, MESSAGE.subarray(0, length));
        const expected = library.argument(0, createHash(name).update(MESSAGE.subarray(0, length)).digest());
        for (const chunks of splits(length)) {
          call.hashReset(kind);
          feed(chunks, (at, piece) => call.hashUpdate(kind, library.input + at, piece));
          call.hashDigest(kind, library.output);
          assert.ok(call.equal(library.output, expected, 32), `${length} bytes as ${chunks}`);
        }
      }
    });
  }

  test('SM4-CTR', () => {
    call.ctrSetKey(library.argument(0, KEY));
    const iv = library.argument(1, IV);
    library.write(library.input, MESSAGE.subarray(0, LONGEST));
    const expected = library.write(library.input + 4096, openssl('sm4-ctr', KEY, IV, MESSAGE.subarray(0, LONGEST)));
    for (let length = 0; length <= LONGEST; length += length < 300 ? 1 : 13) {
      for (const chunks of splits(length)) {
        call.ctrBegin(iv);
        feed(chunks, (at, piece) => call.ctrUpdate(library.input + at, library.output + at, piece));
        assert.ok(call.equal(library.output, expected, length), `${length} bytes as ${chunks}`);
      }
    }
  });

  test('SM4-CBC, both ways', () => {
    for (let length = 0; length <= LONGEST; length += length < 70 ? 1 : 29) {
      const data = MESSAGE.subarray(0, length);
      const encrypted = openssl('sm4-cbc', KEY, IV, data, true);
      for (const chunks of splits(length))
        assert.deepEqual(library.cbcPieces(KEY, IV, data, chunks, false), encrypted, `${length} as ${chunks}`);
      for (const chunks of splits(encrypted.length))
        assert.deepEqual(library.cbcPieces(KEY, IV, encrypted, chunks, true), data, `${length} as ${chunks} back`);
    }
  });

  test('SM4-GCM: sealing, and opening only after the tag', () => {
    const iv = reproducible('gcm iv', 12);
    call.sm4GcmSetKey(library.argument(0, KEY));
    const [ivAt, tagAt] = [library.argument(1, iv), library.argument(3, Buffer.alloc(16))];
    for (let length = 0; length <= LONGEST; length += length < 120 ? 1 : 37) {
      const aad = reproducible('aad', length % 50);
      const expected = opensslGcm('sm4-gcm', KEY, iv, aad, MESSAGE.subarray(0, length));
      const aadAt = library.argument(2, aad);
      const [textAt, tag] = [
        library.write(library.input + 4096, expected.ciphertext),
        library.write(library.input + 8192, expected.tag),
      ];
      for (const chunks of splits(length)) {
        library.write(library.input, MESSAGE.subarray(0, length));
        call.streamBegin(ivAt, 12);
        feed([aad.length >> 1, aad.length - (aad.length >> 1)], (at, piece) => call.streamAad(aadAt + at, piece));
        feed(chunks, (at, piece) => assert.ok(call.streamEncrypt(library.input + at, library.output + at, piece)));
        assert.ok(call.streamFinish(tagAt));
        assert.ok(
          call.equal(library.output, textAt, length) && call.equal(tagAt, tag, 16),
          `${length} bytes as ${chunks}`,
        );

        call.streamBegin(ivAt, 12);
        call.streamAad(aadAt, aad.length);
        feed(chunks, (at, piece) => call.streamAuthenticate(textAt + at, piece));
        assert.equal(call.streamRelease(textAt, library.output, length), 0, 'nothing is released before the tag');
        assert.ok(call.streamVerify(tag));
        feed(chunks, (at, piece) => call.streamRelease(textAt + at, library.output + at, piece));
        assert.ok(call.equal(library.output, library.input, length), `${length} bytes as ${chunks} back`);
        assert.equal(call.streamRelease(textAt, library.output, 1), 0, 'nothing is released past the end');
      }
    }
  });
});

function feed(chunks: number[], take: (at: number, piece: number) => void): void {
  let at = 0;
  for (const piece of chunks) {
    take(at, piece);
    at += piece;
  }
}
