// SM2 in constant time, shown: branches, addresses and divisions are the same whatever the secrets are. See trace/ for
// the tool.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Sm2, buildModule } from './sm2-harness.ts';
import { N, bytes32 } from './sm2-reference.ts';
import { Tracer } from './trace/tracer.ts';

const AREA_BYTES = 4096;
const MESSAGE = Buffer.from('the message is public, and so are the digest and the public key');

/** Bytes that look random and are the same in every run. */
function reproducible(label: string, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) blocks.push(createHash('sha256').update(`${label} ${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

/** Numbers with extreme digits, and ordinary ones. */
const NUMBERS: bigint[] = [
  1n,
  2n,
  6n,
  N - 6n,
  N - 2n,
  1n << 255n,
  (1n << 255n) - 1n,
  0x5555555555555555555555555555555555555555555555555555555555555555n,
  ...['a', 'b', 'c', 'd'].map((label) => (BigInt(`0x${reproducible(label, 32).toString('hex')}`) % (N - 2n)) + 1n),
];

/** One run: a private key, a nonce and a plaintext, all secret. */
interface Secret {
  scalar: Buffer;
  nonce: Buffer;
  text: Buffer;
  seed: string;
}

const SECRETS: Secret[] = NUMBERS.map((number, i) => ({
  scalar: bytes32(number),
  nonce: bytes32(NUMBERS[(i * 5 + 1) % NUMBERS.length]!),
  text: i < 2 ? Buffer.alloc(100, i * 255) : reproducible(`text ${i}`, 100),
  seed: `seed ${i}`,
}));

/** A traced module, its addresses, and a host whose randomness differs from run to run and is secret too. */
class Subject {
  readonly sm2: Sm2;
  readonly at: number;
  key = 0;
  point = 0;
  own: number[] = [];
  open: number[] = [];
  private lots = 0;

  constructor(module: WebAssembly.Module) {
    this.sm2 = new Sm2(module);
    this.at = this.sm2.wasm.allocate(AREA_BYTES);
  }

  put(offset: number, bytes: Uint8Array): number {
    new Uint8Array(this.sm2.wasm.memory.buffer).set(bytes, this.at + offset);
    return this.at + offset;
  }

  randomFrom(seed: string): void {
    this.sm2.random = (bytes) => {
      bytes.set(reproducible(`${seed} ${this.lots++}`, bytes.length));
      return 0;
    };
  }
}

type Act = (subject: Subject, secret: Secret) => void;

/** Loads the key and what goes with it, untraced. */
const withKey: Act = (subject, secret) => {
  subject.randomFrom(secret.seed);
  subject.key = subject.sm2.privateFromBytes(secret.scalar)!;
  subject.point = subject.sm2.publicOf(subject.key);
  subject.put(0, reproducible('digest', 32));
  subject.put(64, secret.nonce);
  subject.put(128, secret.text);
};

const OPERATIONS: Record<string, { prepare: Act; run: Act }> = {
  'key from bytes: public key and inverse': {
    prepare: (s, secret) => {
      s.put(0, secret.scalar);
      s.sm2.generatorTimes(1n);
    },
    run: (s) => {
      assert.notEqual(s.sm2.wasm.privateFromBytes(s.at), 0);
    },
  },
  'key from PKCS#8, public key inside compared': {
    prepare: (s, secret) => {
      withKey(s, secret);
      s.sm2.wasm.privateToDer(s.key, s.at);
    },
    run: (s) => {
      assert.notEqual(s.sm2.wasm.privateFromDer(s.at, 138), 0);
    },
  },
  'key from PEM': {
    prepare: (s, secret) => {
      withKey(s, secret);
      s.put(
        0,
        Buffer.from(
          `-----BEGIN PRIVATE KEY-----\n${s.sm2.privateDer(s.key).toString('base64')}\n-----END PRIVATE KEY-----\n`,
        ),
      );
    },
    run: (s) => {
      assert.notEqual(s.sm2.wasm.privateFromPem(s.at, 28 + 184 + 27), 0);
    },
  },
  'key generation': {
    prepare: (s, secret) => {
      s.randomFrom(secret.seed);
      s.sm2.generatorTimes(1n);
    },
    run: (s) => {
      assert.notEqual(s.sm2.wasm.generate(), 0);
    },
  },
  'signature with a nonce': {
    prepare: withKey,
    run: (s) => {
      assert.equal(s.sm2.wasm.signWithNonce(s.key, s.at, s.at + 64, s.at + 512), 1);
    },
  },
  'signature with a drawn nonce': {
    prepare: withKey,
    run: (s) => {
      for (let i = 0; i < 3; i++) assert.equal(s.sm2.wasm.signDigest(s.key, s.at, s.at + 512), 1);
    },
  },
  decryption: {
    prepare: (s, secret) => {
      withKey(s, secret);
      s.put(1024, s.sm2.encrypt(s.point, 'C1C3C2', secret.text)!);
    },
    run: (s) => {
      assert.equal(s.sm2.wasm.decrypt(s.key, 1, s.at + 1024, 197, s.at + 2048), 100);
    },
  },
  'decryption, refused for a digest wrong in different places': {
    prepare: (s, secret) => {
      withKey(s, secret);
      const ciphertext = s.sm2.encrypt(s.point, 'C1C3C2', secret.text)!;
      ciphertext[65 + (secret.nonce[31]! & 31)]! ^= 1;
      s.put(1024, ciphertext);
    },
    run: (s) => {
      assert.equal(s.sm2.wasm.decrypt(s.key, 1, s.at + 1024, 197, s.at + 2048), -1);
    },
  },
  encryption: {
    prepare: (s, secret) => {
      s.randomFrom(secret.seed);
      s.point = s.sm2.publicOf(s.sm2.privateFromBytes(bytes32(12345n))!);
      s.put(0, secret.text);
      s.put(256, secret.nonce);
    },
    run: (s) => {
      assert.equal(s.sm2.wasm.encryptWithNonce(s.point, 1, s.at + 256, s.at, 100, s.at + 1024), 197);
    },
  },
  'key exchange': {
    prepare: (s, secret) => {
      s.own = [s.sm2.privateFromBytes(secret.scalar)!, s.sm2.privateFromBytes(secret.nonce)!];
      s.open = [7n, 11n].map((number) => s.sm2.publicOf(s.sm2.privateFromBytes(bytes32(number))!));
    },
    run: (s) => {
      assert.equal(
        s.sm2.wasm.agree(1, s.own[0]!, s.own[1]!, s.open[0]!, s.open[1]!, s.at, s.at + 64, 48, s.at + 128),
        1,
      );
    },
  },
  'inverse modulo the order': {
    prepare: (s, secret) => {
      s.put(0, secret.scalar);
      s.put(32, secret.nonce);
    },
    run: (s) => {
      assert.equal(s.sm2.wasm.scalarQuotient(s.at, s.at + 32, s.at + 64), 1);
    },
  },
  'inverse modulo the prime': {
    prepare: (s, secret) => {
      s.put(0, secret.scalar);
    },
    run: (s) => s.sm2.wasm.fieldInverse(s.at, s.at + 64),
  },
  'random bytes': {
    prepare: (s, secret) => s.randomFrom(secret.seed),
    run: (s) => {
      for (const length of [32, 500, 1000]) assert.equal(s.sm2.wasm.randomBytes(s.at, length), 1);
    },
  },
};

const tracer = new Tracer(
  readFileSync(await buildModule()),
  (module) => new Subject(module),
  (subject) => subject.sm2.wasm,
);

for (const [name, { prepare, run }] of Object.entries(OPERATIONS)) {
  test(`constant time: ${name}`, (t) => {
    const first = SECRETS[0]!;
    for (const secret of SECRETS.slice(1)) assert.equal(tracer.difference(first, secret, run, prepare), undefined);
    t.diagnostic(
      `${tracer.trace(first, run, prepare).events} decisions and addresses, the same for ${SECRETS.length} secrets`,
    );
  });
}

test('verification does depend on its public inputs, so the trace is not blind', () => {
  const run = (subject: Subject, secret: Secret): void => {
    subject.sm2.verify(subject.point, MESSAGE, Buffer.concat([secret.scalar, secret.nonce]));
  };
  const prepare: Act = (subject) => {
    subject.point = subject.sm2.publicOf(subject.sm2.privateFromBytes(bytes32(12345n))!);
  };
  assert.notEqual(tracer.difference(SECRETS[3]!, SECRETS[8]!, run, prepare), undefined);
});
