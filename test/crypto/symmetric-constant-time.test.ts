// Constant time, shown: the trace of branches, addresses and divisions is the same whatever the secrets are. See trace/
// for the tool.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { BUILDS, buildModule, LIBRARIES, Library, reproducible } from './harness.ts';
import { Tracer } from './trace/tracer.ts';

const RUNS = 6;
const IV = reproducible('public iv', 16);

/** Secret of one run: key and message. Run 0 has zeros, run 1 ones, the others random-looking bytes. */
interface Secret {
  key: Buffer;
  text: Buffer;
}
const secrets: Secret[] = Array.from({ length: RUNS }, (_, i) =>
  i < 2
    ? { key: Buffer.alloc(32, i * 255), text: Buffer.alloc(4096, i * 255) }
    : { key: reproducible(`secret key ${i}`, 32), text: reproducible(`secret text ${i}`, 4096) },
);

type Act = (library: Library, secret: Secret) => void;
const key16 = (library: Library, { key }: Secret) => library.argument(0, key.subarray(0, 16));

/** Traced operations, and their untraced preparation (writing inputs from outside is not the library's work). */
const operations: Record<string, { prepare: Act; run: Act }> = {
  'SM4 key schedule, both directions': {
    prepare: (l, s) => key16(l, s),
    run: (l, s) => {
      l.call.sm4SetKey(key16(l, s), 0);
      l.call.sm4SetKey(key16(l, s), 1);
    },
  },
  'SM4 blocks: 1, 4, 7, 16, 40': {
    prepare: (l, s) => {
      l.call.sm4SetKey(key16(l, s), 0);
      l.write(l.input, s.text);
    },
    run: (l) => {
      for (const count of [1, 4, 7, 16, 40]) l.call.sm4Blocks(l.input, l.output, count);
    },
  },
  'SM4-CTR: short, batches, bulk, tail': {
    prepare: (l, s) => {
      l.call.ctrSetKey(key16(l, s));
      l.argument(1, IV);
      l.write(l.input, s.text);
    },
    run: (l) => {
      for (const length of [5, 70, 300, 2077]) l.call.ctrMessage(l.argument(1, IV), l.input, l.output, length);
    },
  },
  'SM4-CBC encryption': {
    prepare: (l, s) => {
      l.call.cbcSetKey(key16(l, s));
      l.write(l.input, s.text);
    },
    run: (l) => {
      l.call.cbcEncrypt(l.argument(1, IV), l.input, 333, l.output);
    },
  },
  'SM4-CBC decryption, padding of one length': {
    prepare: (l, s) => {
      l.write(l.input, l.cbcEncrypt(s.key.subarray(0, 16), IV, s.text.subarray(0, 2333)));
    },
    run: (l) => {
      assert.equal(l.call.cbcDecrypt(l.argument(1, IV), l.input, 2336, l.output), 2333);
    },
  },
  'SM4-CBC decryption, paddings wrong in different ways': {
    prepare: (l, s) => {
      const block = Buffer.concat([s.text.subarray(0, 15), Buffer.from([17 + (s.text[20] % 200)])]);
      l.write(l.input, l.cbcEncrypt(s.key.subarray(0, 16), IV, block).subarray(0, 16));
    },
    run: (l) => {
      assert.equal(l.call.cbcDecrypt(l.argument(1, IV), l.input, 16, l.output), -1);
    },
  },
  'SM4-GCM key': { prepare: (l, s) => key16(l, s), run: (l, s) => l.call.sm4GcmSetKey(key16(l, s)) },
  'SM4-GCM encryption': {
    prepare: (l, s) => {
      l.call.sm4GcmSetKey(key16(l, s));
      l.write(l.input, s.text);
    },
    run: (l) => {
      for (const length of [0, 17, 300, 2077])
        l.call.sm4GcmEncrypt(
          l.argument(1, IV),
          12,
          l.argument(2, IV),
          16,
          l.input,
          l.output,
          length,
          l.argument(3, IV),
        );
    },
  },
  'SM4-GCM decryption': {
    prepare: (l, s) => {
      const sealed = l.gcmEncrypt('sm4', s.key.subarray(0, 16), IV.subarray(0, 12), IV, s.text.subarray(0, 1500));
      l.write(l.input, sealed.ciphertext);
      l.argument(3, sealed.tag);
    },
    run: (l) => {
      assert.equal(
        l.call.sm4GcmDecrypt(
          l.argument(1, IV),
          12,
          l.argument(2, IV),
          16,
          l.input,
          l.output,
          1500,
          l.argument(3, new Uint8Array(0)),
        ),
        1,
      );
    },
  },
  'SM4-GCM refusal, tags wrong in different places': {
    prepare: (l, s) => {
      const sealed = l.gcmEncrypt('sm4', s.key.subarray(0, 16), IV.subarray(0, 12), IV, s.text.subarray(0, 100));
      l.write(l.input, sealed.ciphertext);
      sealed.tag[s.text[0] & 15] ^= 1;
      l.argument(3, sealed.tag);
    },
    run: (l) => {
      assert.equal(
        l.call.sm4GcmDecrypt(
          l.argument(1, IV),
          12,
          l.argument(2, IV),
          16,
          l.input,
          l.output,
          100,
          l.argument(3, new Uint8Array(0)),
        ),
        0,
      );
    },
  },
  'AES-256-GCM key and encryption': {
    prepare: (l, s) => {
      l.argument(0, s.key);
      l.write(l.input, s.text);
    },
    run: (l, s) => {
      l.call.aesGcmSetKey(l.argument(0, s.key), 32);
      l.call.aesGcmEncrypt(l.argument(1, IV), 12, l.argument(2, IV), 16, l.input, l.output, 1000, l.argument(3, IV));
    },
  },
  'AES-128-GCM key': { prepare: (l, s) => key16(l, s), run: (l, s) => l.call.aesGcmSetKey(key16(l, s), 16) },
  'SM3, SHA-256 of a secret': {
    prepare: (l, s) => l.write(l.input, s.text),
    run: (l) => {
      for (const kind of [0, 1])
        for (const length of [0, 55, 56, 64, 1000]) l.call.hash(kind, l.input, length, l.output);
    },
  },
  'HMAC key, code and its verification': {
    prepare: (l, s) => {
      l.argument(0, s.key);
      l.write(l.input, s.text);
    },
    run: (l, s) => {
      for (const kind of [0, 1]) {
        l.call.hmacSetKey(kind, l.argument(0, s.key), 32);
        l.call.hmacUpdate(kind, l.input, 100);
        l.call.hmacVerify(kind, l.input, 32);
      }
    },
  },
  'HKDF and GM/T KDF': {
    prepare: (l, s) => {
      l.argument(0, s.key);
    },
    run: (l, s) => {
      l.call.expand(0, l.argument(0, s.key), 32, l.argument(1, IV), 16, l.output, 100);
      l.call.kdf(l.argument(0, s.key), 32, l.output, 100);
    },
  },
  'DES and triple DES: key, block': {
    prepare: (l, s) => {
      l.argument(0, s.key);
      l.write(l.input, s.text);
    },
    run: (l, s) => {
      for (const length of [8, 16]) {
        l.call.desSetKey(l.argument(0, s.key), length);
        l.call.desEncrypt(l.input, l.output);
      }
    },
  },
  'MAC of every algorithm: key, code and its verification': {
    prepare: (l, s) => {
      l.argument(0, s.key);
      l.write(l.input, s.text);
    },
    run: (l, s) => {
      for (let algorithm = 0; algorithm < 6; algorithm++) {
        assert.equal(l.call.macSetKey(algorithm, l.argument(0, s.key), 16), 1);
        l.call.macUpdate(l.input, 203);
        l.call.macVerify(l.input, 8);
        l.call.macUpdate(l.input, 600);
        l.call.macDigest(l.output);
      }
    },
  },
  'base64 of a secret, both ways': {
    prepare: (l, s) => l.write(l.input, s.text),
    run: (l) => {
      const length = l.call.encodeBase64(l.input, 100, l.output);
      assert.equal(l.call.decodeBase64(l.output, length, l.output), 100);
    },
  },
};

for (const build of BUILDS) {
  describe(`constant time, ${build} SIMD`, () => {
    const tracer = new Tracer(
      LIBRARIES[build],
      (module) => new Library(module),
      (library) => library.call,
    );
    for (const [name, { prepare, run }] of Object.entries(operations)) {
      test(name, () => {
        for (const secret of secrets.slice(1))
          assert.equal(tracer.difference(secrets[0], secret, run, prepare), undefined);
      });
    }

    test('lengths do show, so the trace is not blind', () => {
      const run = (library: Library, length: number) => library.call.hash(0, library.input, length, library.output);
      assert.match(String(tracer.difference(64, 200, run)), /decision/);
    });
  });
}

const LEAKY = readFileSync(await buildModule('strict', 'test/crypto/trace/leaky.module.ts'));

describe('the tracer catches', () => {
  type Leaky = Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory };
  const tracer = new Tracer(
    LEAKY,
    (module) => {
      const leaky = new WebAssembly.Instance(module, { env: { abort: () => {} } }).exports as Leaky & {
        _initialize(): void;
      };
      leaky._initialize();
      return leaky;
    },
    (leaky) => leaky,
  );
  const leaks: Record<string, RegExp> = {
    lookup: /address/,
    scatter: /addressUnder/,
    compare: /decision/,
    repeat: /decision/,
    reduce: /division/,
    copy: /range/,
  };
  const act = (name: string) => (leaky: Leaky, secret: Buffer) => {
    const at = leaky.allocate(64);
    new Uint8Array(leaky.memory.buffer).set(secret, at);
    leaky[name](at, leaky.allocate(16));
  };
  const [a, b] = [Buffer.alloc(16, 0), Buffer.alloc(16, 0x57)];

  for (const [name, expected] of Object.entries(leaks)) {
    test(name, () => assert.match(String(tracer.difference(a, b, act(name))), expected));
  }

  test('but not code that leaks nothing', () => assert.equal(tracer.difference(a, b, act('innocent')), undefined));
});
