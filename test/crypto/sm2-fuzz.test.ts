// Random and mutated input for everything that decodes: nothing traps, nothing is read beyond the input, and what is
// accepted is what would be written. FIM_FUZZ_CASES sets the number of cases (200,000).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LAYOUTS, Sm2 } from './sm2-harness.ts';

const CASES = Number(process.env.FIM_FUZZ_CASES ?? 200_000);
const SEED = Number(process.env.FIM_FUZZ_SEED ?? Date.now() & 0x7fffffff);
const sm2 = new Sm2();

/** xorshift32: reproducible from the seed that a failure prints. */
function generator(seed: number): (below: number) => number {
  let state = seed || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const next = generator(SEED);

function randomInput(): Buffer {
  const bytes = Buffer.alloc(next(160));
  for (let i = 0; i < bytes.length; i++)
    bytes[i] =
      next(3) === 0
        ? [0x30, 0x02, 0x04, 0x03, 0x06, 0xa0, 0xa1, 0x80, 0x81, 0x82, 0xff, 0x00, 0x20, 0x21][next(14)]!
        : next(256);
  return bytes;
}

function mutate(original: Buffer): Buffer {
  let bytes = Buffer.from(original);
  for (let count = 1 + next(4); count > 0 && bytes.length > 0; count--) {
    const at = next(bytes.length);
    switch (next(5)) {
      case 0:
        bytes[at]! ^= 1 << next(8);
        break;
      case 1:
        bytes[at] = next(256);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + next(4))]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([next(256)]), bytes.subarray(at)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(next(bytes.length))]);
    }
  }
  return bytes;
}

const key = sm2.privateFromBytes(
  Buffer.from('3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8', 'hex'),
)!;
const point = sm2.publicOf(key);
const message = Buffer.from('message digest');
const signature = sm2.sign(key, message)!;
const p8 = sm2.privateDer(key);
const spki = sm2.publicDer(point);
const wrap = (label: string, der: Buffer): Buffer =>
  Buffer.from(`-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`);

/** Name, good inputs to mutate, decoder, share of the cases. */
const TARGETS: [string, Buffer[], (bytes: Buffer) => void, number][] = [
  [
    'signature',
    [sm2.toDer(signature)],
    (bytes) => {
      const read = sm2.fromDer(bytes);
      if (read) assert.deepEqual(sm2.toDer(read), bytes);
    },
    0.5,
  ],
  [
    'private key',
    [p8, p8.subarray(29)],
    (bytes) => {
      const read = sm2.privateFromDer(bytes);
      if (read) assert.equal(sm2.privateBytes(read).length, 32);
    },
    0.2,
  ],
  [
    'public key',
    [spki],
    (bytes) => {
      const read = sm2.publicFromDer(bytes);
      if (read) assert.ok(bytes.includes(sm2.publicCompressed(read).subarray(1)));
    },
    0.1,
  ],
  [
    'PEM',
    [wrap('PRIVATE KEY', p8), wrap('PUBLIC KEY', spki)],
    (bytes) => {
      sm2.privateFromPem(bytes);
      sm2.publicFromPem(bytes);
    },
    0.15,
  ],
  [
    'ciphertext',
    LAYOUTS.map((layout) => sm2.encrypt(point, layout, message)!),
    (bytes) => {
      for (const layout of LAYOUTS) {
        const text = sm2.decrypt(key, layout, bytes);
        if (text) assert.deepEqual(text, message, `${layout} ${bytes.toString('hex')}`); // C3 covers all of it
      }
    },
    0.03,
  ],
  [
    'signature value',
    [signature],
    (bytes) => {
      const padded = Buffer.concat([bytes, Buffer.alloc(64)]).subarray(0, 64);
      assert.equal(sm2.verify(point, message, padded), padded.equals(signature));
    },
    0.02,
  ],
];

for (const [name, seeds, decode, share] of TARGETS) {
  test(`fuzz: ${name}, seed ${SEED}`, () => {
    const cases = Math.ceil(CASES * share);
    for (let i = 0; i < cases; i++) {
      const bytes = next(4) === 0 ? randomInput() : mutate(seeds[next(seeds.length)]!);
      try {
        decode(bytes);
      } catch (error) {
        throw new Error(`case ${i} of seed ${SEED}: ${bytes.toString('hex')}`, { cause: error });
      }
      if (i % 1000 === 0) forgetBut();
    }
  });
}

/** Drops the keys that were decoded; the two of the tests are made again. */
function forgetBut(): void {
  sm2.wasm.forget();
  assert.equal(
    sm2.privateFromBytes(Buffer.from('3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8', 'hex')),
    key,
  );
  assert.equal(sm2.publicOf(key), point);
}
