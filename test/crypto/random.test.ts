// The host's randomness: handed out once, and not at all when it fails its tests.
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { test } from 'node:test';
import { Sm2 } from './sm2-harness.ts';

const AREA_BYTES = 8192;

function draw(sm2: Sm2, at: number, length: number): Buffer | undefined {
  const good = sm2.wasm.randomBytes(at, length) !== 0;
  const bytes = Buffer.from(new Uint8Array(sm2.wasm.memory.buffer, at, length));
  if (good) return bytes;
  assert.ok(
    bytes.every((byte) => byte === 0),
    'output of a failed draw is zero',
  );
  return undefined;
}

test('every length, from one good generator, in the order of its bytes', () => {
  const sm2 = new Sm2();
  const handedOut: Buffer[] = [];
  sm2.random = (bytes) => {
    randomFillSync(bytes);
    handedOut.push(Buffer.from(bytes.subarray(16))); // the first 16 are only compared
    return 0;
  };
  const at = sm2.wasm.allocate(AREA_BYTES);
  const drawn: Buffer[] = [];
  for (let length = 0; length <= 1100; length++) {
    const bytes = draw(sm2, at, length);
    assert.ok(bytes);
    drawn.push(bytes);
  }
  const all = Buffer.concat(drawn);
  assert.deepEqual(all, Buffer.concat(handedOut).subarray(0, all.length));
});

test('50,000 lots of a good generator pass', () => {
  const sm2 = new Sm2();
  const at = sm2.wasm.allocate(AREA_BYTES);
  for (let i = 0; i < 3_125; i++) assert.ok(sm2.wasm.randomBytes(at, AREA_BYTES - (i & 15)));
});

const BROKEN: Record<string, (bytes: Uint8Array, call: number) => number> = {
  'writes nothing': () => 0,
  refuses: () => 28,
  'writes one byte': (bytes) => {
    bytes.fill(0xa5);
    return 0;
  },
  'repeats its output': (bytes) => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 151 + (i >> 3)) & 255;
    return 0;
  },
  'sticks after a while': (bytes, call) => {
    if (call < 3) randomFillSync(bytes);
    else bytes.fill(0x11);
    return 0;
  },
  'repeats a byte ten times': (bytes) => {
    randomFillSync(bytes);
    bytes.fill(7, 100, 110);
    return 0;
  },
  'has one frequent byte': (bytes) => {
    randomFillSync(bytes);
    for (let i = 16; i < bytes.length; i += 16) bytes[i] = bytes[16]!;
    return 0;
  },
  'favours zeros': (bytes) => {
    randomFillSync(bytes);
    for (let i = 0; i < bytes.length; i++) bytes[i]! &= (i * 37) | 0x55;
    return 0;
  },
};

for (const [what, random] of Object.entries(BROKEN)) {
  test(`a generator that ${what} is found, for good`, () => {
    const sm2 = new Sm2();
    let calls = 0;
    sm2.random = (bytes) => random(bytes, calls++);
    const at = sm2.wasm.allocate(AREA_BYTES);
    let failed = false;
    for (let i = 0; i < 10 && !failed; i++) failed = draw(sm2, at, 500) === undefined;
    assert.ok(failed);
    sm2.random = (bytes) => {
      randomFillSync(bytes);
      return 0;
    };
    assert.equal(draw(sm2, at, 16), undefined, 'a failure is final');
  });
}
