// Edge cases in the manner of Wycheproof: what a correct-looking implementation gets wrong.
import assert from 'node:assert/strict';
import { createCipheriv, type CipherGCM } from 'node:crypto';
import { describe, test } from 'node:test';
import { BUILDS, LIBRARIES, Library, reproducible } from './harness.ts';

const KEY = reproducible('edge key', 16);
const IV = reproducible('edge iv', 16);

for (const build of BUILDS) {
  describe(`edges, ${build} SIMD`, () => {
    const library = Library.load(build);

    for (const cipher of ['sm4', 'aes'] as const) {
      test(`${cipher}-gcm refuses every changed bit of tag, ciphertext, data and IV, and writes nothing`, () => {
        const [iv, aad, text] = [IV.subarray(0, 12), reproducible('aad', 20), reproducible('text', 40)];
        const sealed = library.gcmEncrypt(cipher, KEY, iv, aad, text);
        for (const [name, part] of Object.entries({ tag: sealed.tag, ciphertext: sealed.ciphertext, aad, iv })) {
          for (let bit = 0; bit < part.length * 8; bit++) {
            part[bit >> 3] ^= 1 << (bit & 7);
            assert.equal(library.gcmDecrypt(cipher, KEY, iv, aad, sealed), null, `${name} bit ${bit}`);
            part[bit >> 3] ^= 1 << (bit & 7);
          }
        }
        assert.deepEqual(library.gcmDecrypt(cipher, KEY, iv, aad, sealed), text);
      });

      test(`${cipher}-gcm tells apart data moved between text and authenticated data, and zeros appended`, () => {
        const iv = IV.subarray(0, 12);
        const empty = Buffer.alloc(0);
        const sealed = library.gcmEncrypt(cipher, KEY, iv, reproducible('aad', 16), empty);
        assert.equal(
          library.gcmDecrypt(cipher, KEY, iv, empty, { ciphertext: reproducible('aad', 16), tag: sealed.tag }),
          null,
        );
        assert.equal(
          library.gcmDecrypt(cipher, KEY, iv, Buffer.concat([reproducible('aad', 16), Buffer.alloc(1)]), sealed),
          null,
        );
      });

      test(`${cipher}-gcm wraps its counter within 32 bits`, () => {
        // A 16-byte IV is hashed to J0 = (IV H + length) H. Solve for the IV that gives a chosen J0.
        const hash = field(
          createCipheriv(cipher === 'sm4' ? 'sm4-ecb' : 'aes-128-ecb', KEY, null).update(Buffer.alloc(16)),
        );
        const inverse = power(hash, (1n << 128n) - 2n);
        for (const low of ['ffffffff', 'fffffffe', 'ffffffd0', 'ffffff00', '7fffffff', '00000000']) {
          const start = field(Buffer.from(`ffffffffffffffffffffffff${low}`, 'hex'));
          const iv = bytes(times(times(start, inverse) ^ 128n, inverse));
          for (const length of [16, 64, 300, 2000]) {
            const text = reproducible('text', length);
            const peer = createCipheriv(cipher === 'sm4' ? 'sm4-gcm' : 'aes-128-gcm', KEY, iv) as CipherGCM;
            const ciphertext = Buffer.concat([peer.update(text), peer.final()]);
            assert.deepEqual(
              library.gcmEncrypt(cipher, KEY, iv, Buffer.alloc(0), text),
              { ciphertext, tag: peer.getAuthTag() },
              `${low} ${length}`,
            );
          }
        }
      });
    }

    test('aes-gcm takes keys of 16 and 32 bytes only', () => {
      const key = library.argument(0, Buffer.alloc(64));
      for (let length = 0; length <= 64; length++)
        assert.equal(library.call.aesGcmSetKey(key, length), Number(length === 16 || length === 32));
    });

    test('a wiped key is gone', () => {
      const text = Buffer.alloc(64);
      const before = library.gcmEncrypt('sm4', KEY, IV, Buffer.alloc(0), text);
      library.call.sm4GcmWipe();
      const tag = library.argument(3, Buffer.alloc(16));
      library.write(library.input, text);
      library.call.sm4GcmEncrypt(library.argument(1, IV), 16, tag, 0, library.input, library.input, 64, tag);
      assert.notDeepEqual(library.read(library.input, 64), before.ciphertext);
    });

    test('no copy of key, key stream or plaintext stays in memory after a message', () => {
      const fresh = Library.load(build);
      const key = reproducible('sought key', 16);
      const text = reproducible('sought text', 2000);
      const sealed = fresh.gcmEncrypt('sm4', key, IV.subarray(0, 12), Buffer.alloc(0), text);
      const stream = Buffer.from(text.map((byte, i) => byte ^ sealed.ciphertext[i]));
      fresh.call.sm4GcmWipe();
      fresh.argument(0, Buffer.alloc(16));
      const memory = Buffer.from(fresh.call.memory.buffer);
      for (const [name, secret] of Object.entries({
        key,
        text: text.subarray(64, 80),
        'text tail': text.subarray(1984),
        stream: stream.subarray(0, 16),
        'stream tail': stream.subarray(1984),
      })) {
        assert.equal(memory.indexOf(secret), -1, name);
      }
    });

    test('CBC refuses wrong lengths and every wrong padding, and accepts every right one', () => {
      for (let last = 0; last < 256; last++) {
        for (let run = 1; run <= 16; run++) {
          const block = Buffer.alloc(32, 0x55);
          block.fill(last, 32 - run);
          const padded = last >= 1 && last <= 16 && run >= last;
          const cipher = createCipheriv('sm4-cbc', KEY, IV).setAutoPadding(false);
          const opened = library.cbcDecrypt(KEY, IV, cipher.update(block));
          if (padded) assert.deepEqual(opened, block.subarray(0, 32 - last), `${run} bytes of ${last}`);
          else assert.equal(opened, null, `${run} bytes of ${last}`);
        }
      }
      for (const length of [0, 1, 15, 17, 31])
        assert.equal(library.cbcDecrypt(KEY, IV, Buffer.alloc(length)), null, `${length} bytes`);
    });

    test('calls of a stream out of order do nothing', () => {
      const { call } = library;
      const at = library.argument(2, reproducible('text', 64));
      call.sm4GcmSetKey(library.argument(0, KEY));
      const tag = library.argument(3, Buffer.alloc(16));
      call.streamBegin(library.argument(1, IV), 12);
      assert.equal(call.streamEncrypt(at, library.output, 10), 1);
      assert.equal(call.streamAad(at, 10), 0, 'authenticated data after text');
      assert.equal(call.streamVerify(tag), 0, 'verify while encrypting');
      assert.equal(call.streamFinish(tag), 1);
      assert.equal(call.streamFinish(tag), 0, 'a second end');
      call.streamBegin(library.argument(1, IV), 12);
      call.streamAuthenticate(at, 64);
      assert.equal(call.streamVerify(library.argument(3, Buffer.alloc(16))), 0, 'a wrong tag');
      assert.equal(call.streamRelease(at, library.output, 64), 0, 'release after a wrong tag');
    });

    test('the self-test fails when a cipher is damaged', () => {
      const tables = {
        'inversion in the tower': [128, 1, 8, 13, 15, 6, 5, 14],
        'SM4 family key': [0xc6, 0xba, 0xb1, 0xa3],
        'SM3 initial value': [0x6f, 0x16, 0x80, 0x73],
        'SHA-256 initial value': [0x67, 0xe6, 0x09, 0x6a],
      };
      const module = new WebAssembly.Module(LIBRARIES[build]);
      for (const [name, bytesOf] of Object.entries(tables)) {
        const damaged = new Library(module);
        const memory = Buffer.from(damaged.call.memory.buffer);
        const at = memory.indexOf(Buffer.from(bytesOf));
        assert.ok(at > 0, `${name} found`);
        memory[at + 2] ^= 1;
        assert.equal(damaged.call.selfTest(), 0, name);
      }
    });
  });
}

// GHASH's field with bit 0 of the polynomial in the most significant bit (SP 800-38D, 6.3), bit by bit.
function field(block: Buffer): bigint {
  return BigInt(`0x${block.toString('hex')}`);
}

function bytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

function times(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let i = 127n, v = b; i >= 0n; i--) {
    if ((a >> i) & 1n) product ^= v;
    v = v & 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n;
  }
  return product;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n << 127n;
  for (let e = exponent, square = base; e > 0n; e >>= 1n, square = times(square, square))
    if (e & 1n) result = times(result, square);
  return result;
}
