// Linear memory after an operation contains no secret except the key that is still held.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Sm2 } from './sm2-harness.ts';
import { N, P, bytes32, mod, randomBelow, times } from './sm2-reference.ts';

const FIELD_R = 1n << 261n;
const SCALAR_R = 1n << 256n;
/** Nine limbs of 29 bits in 64. */
const WIDE_LIMBS_BYTES = 72;

function littleEndian(value: bigint): Buffer {
  return bytes32(value).reverse();
}

/** Nine limbs of 29 bits in 64, and of 30 bits in 32: the forms in which the arithmetic holds numbers. */
function limbs(value: bigint, bits: bigint, bytes: number): Buffer {
  const out = Buffer.alloc(9 * bytes);
  for (let i = 0; i < 9; i++) {
    const limb = (value >> (bits * BigInt(i))) & ((1n << bits) - 1n);
    if (bytes === 8) out.writeBigUInt64LE(limb, i * 8);
    else out.writeUInt32LE(Number(limb), i * 4);
  }
  return out;
}

/** Every form of a secret number, by name. */
function forms(name: string, value: bigint): [string, Buffer][] {
  const montgomery = mod(value * FIELD_R, P);
  return [
    [`${name}, bytes`, bytes32(value)],
    [`${name}, words`, littleEndian(value)],
    [`${name}, words in Montgomery form`, littleEndian(mod(value * SCALAR_R, N))],
    [`${name}, field limbs`, limbs(mod(value, P), 29n, 8)],
    [`${name}, field limbs in Montgomery form`, limbs(montgomery, 29n, 8)],
    [`${name}, limbs of 30 bits`, limbs(value, 30n, 4)],
  ];
}

/** Linear memory without its pages of zeros, which are most of it. */
function usedMemory(sm2: Sm2, except: readonly [number, number]): Buffer {
  const memory = Buffer.from(sm2.wasm.memory.buffer.slice(0)).fill(0, ...except);
  const zeros = Buffer.alloc(256);
  const used: Buffer[] = [];
  for (let at = 0; at < memory.length; at += zeros.length) {
    const part = memory.subarray(at, at + zeros.length);
    if (!part.equals(zeros)) used.push(part);
  }
  return Buffer.concat(used);
}

/**
 * Fails if 8 successive bytes of a form (16 of one that is half zeros, lest chance finds them) are found anywhere but
 * at `except`.
 */
function assertGone(sm2: Sm2, secrets: [string, Buffer][], except: readonly [number, number] = [0, 0]): void {
  const memory = usedMemory(sm2, except);
  for (const [name, bytes] of secrets) {
    const window = bytes.length === WIDE_LIMBS_BYTES ? 16 : 8;
    for (let at = 0; at + window <= bytes.length; at += window / 2) {
      const part = bytes.subarray(at, at + window);
      if (part.every((byte) => byte === 0)) continue;
      assert.equal(memory.indexOf(part), -1, `${name} at ${at}`);
    }
  }
}

/** A module with a key, and the addresses of the scalar and its inverse. */
function withKey(): { sm2: Sm2; key: number; point: number; secret: bigint; held: [number, number] } {
  const sm2 = new Sm2();
  const secret = randomBelow(N - 1n);
  const key = sm2.privateFromBytes(bytes32(secret))!;
  sm2.clearAreas();
  const at = sm2.wasm.privateSecret(key);
  return { sm2, key, point: sm2.publicOf(key), secret, held: [at, at + 64] };
}

test('a search does find what is there', () => {
  const { sm2, secret, held } = withKey();
  assert.throws(() => assertGone(sm2, forms('key', secret)));
  assertGone(sm2, forms('key', secret), held);
});

test('after signing: no key, no nonce', () => {
  const { sm2, key, secret, held } = withKey();
  for (let i = 0; i < 6; i++) {
    const nonce = randomBelow(N);
    assert.ok(sm2.signWithNonce(key, randomBytes(32), bytes32(nonce)));
    sm2.clearAreas();
    assertGone(sm2, [...forms('nonce', nonce), ...forms('other nonce', N - nonce), ...forms('key', secret)], held);
    assert.ok(sm2.signDigest(key, randomBytes(32)));
    sm2.clearAreas();
    assertGone(sm2, forms('key', secret), held);
  }
});

test('after decryption and encryption: no shared point, no text', () => {
  const { sm2, key, point, secret, held } = withKey();
  const text = randomBytes(100);
  const publicKey = sm2.publicBytes(point);
  const q = [BigInt(`0x${publicKey.toString('hex', 1, 33)}`), BigInt(`0x${publicKey.toString('hex', 33)}`)] as const;
  for (let i = 0; i < 4; i++) {
    const nonce = randomBelow(N);
    const shared = times(nonce, q)!;
    const secrets = [
      ...forms('x2', shared[0]),
      ...forms('y2', shared[1]),
      ...forms('nonce', nonce),
      ...forms('key', secret),
      ['text', text],
    ] as [string, Buffer][];
    const ciphertext = sm2.encryptWithNonce(point, 'C1C3C2', bytes32(nonce), text)!;
    sm2.clearAreas();
    assertGone(sm2, secrets, held);
    assert.deepEqual(sm2.decrypt(key, 'C1C3C2', ciphertext), text);
    sm2.clearAreas();
    assertGone(sm2, secrets, held);
  }
});

test('after a key was read from PEM and wiped: no key, no file', () => {
  const { sm2, key } = withKey();
  const secret = BigInt(`0x${sm2.privateBytes(key).toString('hex')}`);
  const pem = Buffer.from(
    `-----BEGIN PRIVATE KEY-----\n${sm2.privateDer(key).toString('base64')}\n-----END PRIVATE KEY-----\n`,
  );
  const again = sm2.privateFromPem(pem)!;
  assert.ok(again);
  sm2.wasm.wipePrivate(key);
  sm2.wasm.wipePrivate(again);
  sm2.clearAreas();
  assertGone(sm2, [...forms('key', secret), ['file', pem.subarray(70, 110)]]);
});

test('after a key exchange: no shared point, no key material', () => {
  const { sm2, key, point, secret, held } = withKey();
  const ephemeral = sm2.generate()!;
  const id = sm2.identity(point)!;
  const result = sm2.agree(true, [key, ephemeral], [point, sm2.publicOf(ephemeral)], [id, id], 64)!;
  sm2.wasm.wipePrivate(ephemeral);
  sm2.clearAreas();
  assertGone(sm2, [...forms('key', secret), ['agreed key', result.key]], held);
});
