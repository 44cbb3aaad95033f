// Inputs that a careless SM2 accepts or trips over, in the manner of Project Wycheproof.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { LAYOUTS, Sm2, type Layout } from './sm2-harness.ts';
import { G, N, P, bytes32, inverse, mod, pointText, randomBelow, times } from './sm2-reference.ts';

const sm2 = new Sm2();
const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const join = (r: bigint, s: bigint): Buffer => Buffer.concat([bytes32(r), bytes32(s)]);

function newKey(): { secret: bigint; key: number; point: number } {
  const key = sm2.generate();
  assert.ok(key);
  return { secret: number(sm2.privateBytes(key)), key, point: sm2.publicOf(key) };
}

test('verification refuses r or s outside [1, n - 1]', () => {
  const { key, point } = newKey();
  const message = randomBytes(50);
  const signature = sm2.sign(key, message);
  assert.ok(signature && sm2.verify(point, message, signature));
  const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32))];
  const bad = [0n, N, N + 1n, P, (1n << 256n) - 1n];
  for (const value of bad) {
    assert.ok(!sm2.verify(point, message, join(value, s)), `r = ${value}`);
    assert.ok(!sm2.verify(point, message, join(r, value)), `s = ${value}`);
    for (const other of bad) assert.ok(!sm2.verify(point, message, join(value, other)));
  }
  for (const [a, b] of [
    [s, r],
    [N - r, s],
    [r, N - s],
    [r, mod(s + 1n, N)],
    [mod(r + 1n, N), s],
  ] as const) {
    assert.ok(!sm2.verify(point, message, join(a, b)));
  }
});

test('verification refuses r + s = n, though the equation would hold', () => {
  // With t = 0 the point is s G. Choose s, and a digest for which r = n - s is e + x(s G).
  const { point } = newKey();
  for (let i = 0; i < 20; i++) {
    const s = randomBelow(N);
    const digest = mod(N - s - times(s, G)![0], N);
    assert.ok(!sm2.verifyDigest(point, bytes32(digest), join(N - s, s)));
  }
});

test('verification refuses the point at infinity', () => {
  // s G + t P = (s + t d) G is infinity for s = -t d; t = r + s.
  const { secret, point } = newKey();
  for (let i = 0; i < 20; i++) {
    const t = randomBelow(N);
    const s = mod(-t * secret, N);
    const r = mod(t - s, N);
    for (const digest of [r, 0n, mod(r - 1n, N)]) assert.ok(!sm2.verifyDigest(point, bytes32(digest), join(r, s)));
  }
});

test('digests of n and more count modulo n', () => {
  const { key, point } = newKey();
  for (const digest of [0n, 1n, N - 1n, N, N + 1n, (1n << 256n) - 1n]) {
    const signature = sm2.signDigest(key, bytes32(digest));
    assert.ok(signature && sm2.verifyDigest(point, bytes32(digest), signature), `e = ${digest}`);
    if (digest + N < 1n << 256n) assert.ok(sm2.verifyDigest(point, bytes32(digest + N), signature));
  }
});

test('verification tries x1 = r - e + n as well', () => {
  // A point whose x is in [n, p). With t = 1, the key Q = point - s G makes s G + t Q that point.
  let x = N;
  let point: number | undefined;
  for (; point === undefined; x++) point = sm2.publicFromBytes(Buffer.concat([Buffer.from([2]), bytes32(x)]));
  const found = number(sm2.publicBytes(point).subarray(1, 33));
  assert.ok(found >= N && found < P);
  const s = randomBelow(N);
  const signer = sm2.publicFromBytes(Buffer.from(sm2.sum(N - s, 1n, point), 'hex'));
  assert.ok(signer);
  const r = mod(1n - s, N);
  assert.ok(sm2.verifyDigest(signer, bytes32(mod(r - found, N)), join(r, s)));
  assert.ok(!sm2.verifyDigest(signer, bytes32(mod(r - found + 1n, N)), join(r, s)));
});

test('signing: a nonce that gives r = 0, r + k = n or s = 0 is refused', () => {
  const { secret, key } = newKey();
  const nonce = randomBelow(N);
  const x = times(nonce, G)![0];
  assert.equal(sm2.signWithNonce(key, bytes32(mod(-x, N)), bytes32(nonce)), undefined, 'r = 0');
  assert.equal(sm2.signWithNonce(key, bytes32(mod(-nonce - x, N)), bytes32(nonce)), undefined, 'r + k = n');
  const r = mod(nonce * inverse(secret, N), N); // s = (k - r d) / (1 + d)
  assert.equal(sm2.signWithNonce(key, bytes32(mod(r - x, N)), bytes32(nonce)), undefined, 's = 0');
  for (const outside of [0n, N, N + 1n]) assert.equal(sm2.signWithNonce(key, bytes32(1n), bytes32(outside)), undefined);
});

test('private keys: 1 to n - 2 only', () => {
  for (const value of [0n, N - 1n, N, N + 1n, (1n << 256n) - 1n])
    assert.equal(sm2.privateFromBytes(bytes32(value)), undefined, `${value}`);
  for (const value of [1n, 2n, N - 2n, N - 3n, N - 6n]) {
    const key = sm2.privateFromBytes(bytes32(value));
    assert.ok(key);
    const point = sm2.publicOf(key);
    assert.equal(sm2.publicBytes(point).toString('hex'), `04${pointText(times(value, G))}`);
    const message = randomBytes(20);
    assert.ok(sm2.verify(point, message, sm2.sign(key, message)!));
    for (const layout of LAYOUTS)
      assert.deepEqual(sm2.decrypt(key, layout, sm2.encrypt(point, layout, message)!), message);
  }
});

test('public keys: off the curve, coordinates from p, infinity, wrong lengths and forms', () => {
  const [x, y] = times(randomBelow(N), G)!;
  const good = Buffer.concat([Buffer.from([4]), bytes32(x), bytes32(y)]);
  assert.ok(sm2.publicFromBytes(good));
  const bad: Buffer[] = [
    Buffer.concat([bytes32(x), bytes32(mod(y + 1n))]),
    Buffer.concat([bytes32(y), bytes32(x)]),
    Buffer.alloc(64),
    Buffer.alloc(65),
    Buffer.from([0]),
    Buffer.alloc(0),
    Buffer.concat([bytes32(0n), bytes32(0n)]),
    Buffer.concat([bytes32(P), bytes32(y)]),
    Buffer.concat([bytes32(x), bytes32(P)]),
    good.subarray(0, 64),
    good.subarray(0, 33),
    Buffer.concat([good, Buffer.alloc(1)]),
    Buffer.alloc(65, 0xff),
    Buffer.alloc(64, 0xff),
    Buffer.alloc(33, 0xff),
    Buffer.concat([Buffer.from([2]), bytes32(P)]),
    Buffer.concat([Buffer.from([3]), bytes32((1n << 256n) - 1n)]),
  ];
  for (const first of [0, 1, 2, 3, 5, 6, 7, 0x84]) bad.push(Buffer.concat([Buffer.from([first]), good.subarray(1)]));
  for (const first of [0, 1, 4, 5, 6, 7]) bad.push(Buffer.concat([Buffer.from([first]), bytes32(x)]));
  for (const bytes of bad) assert.equal(sm2.publicFromBytes(bytes), undefined, bytes.toString('hex'));
  // x + p is the same number modulo p: must not be taken for it.
  const small =
    sm2.publicFromBytes(Buffer.concat([Buffer.from([2]), bytes32(1n)])) ??
    sm2.publicFromBytes(Buffer.concat([Buffer.from([2]), bytes32(2n)]));
  if (small) {
    const point = sm2.publicBytes(small);
    const raised = Buffer.concat([bytes32(number(point.subarray(1, 33)) + P), point.subarray(33)]);
    assert.equal(sm2.publicFromBytes(raised), undefined);
  }
});

test('a wiped key neither signs nor decrypts', () => {
  const { key, point } = newKey();
  const ciphertext = sm2.encrypt(point, 'C1C3C2', Buffer.from('text'));
  assert.ok(ciphertext);
  const secret = sm2.wasm.privateSecret(key);
  sm2.wasm.wipePrivate(key);
  assert.ok(new Uint8Array(sm2.wasm.memory.buffer, secret, 64).every((byte) => byte === 0));
  assert.equal(sm2.sign(key, Buffer.from('m')), undefined);
  assert.equal(sm2.decrypt(key, 'C1C3C2', ciphertext), undefined);
});

test('user ids: every length up to the limit, and none beyond', () => {
  const { key, point } = newKey();
  const message = randomBytes(10);
  for (const length of [0, 1, 16, 55, 8190, 8191]) {
    const id = randomBytes(length);
    const signature = sm2.sign(key, message, id);
    assert.ok(signature && sm2.verify(point, message, signature, id), `${length}`);
    assert.ok(!sm2.verify(point, message, signature), 'another id');
  }
  assert.equal(sm2.sign(key, message, Buffer.alloc(8192)), undefined);
  assert.ok(!sm2.verify(point, message, Buffer.alloc(64, 1), Buffer.alloc(8192)));
});

test('ciphertexts: every truncation, extension and flipped bit is refused, and nothing of the text is left', () => {
  const { key, point } = newKey();
  const text = Buffer.from('nothing of this may be seen: 0123456789');
  for (const layout of LAYOUTS) {
    const ciphertext = sm2.encrypt(point, layout, text)!;
    assert.deepEqual(sm2.decrypt(key, layout, ciphertext), text);
    const refused = (bytes: Buffer, what: string): void => {
      sm2.clear(200);
      assert.equal(sm2.decrypt(key, layout, bytes), undefined, `${layout}: ${what}`);
      assert.ok(!sm2.take(200).includes(text.subarray(0, 8)), `${layout}: ${what} left text`);
    };
    for (let length = 0; length < ciphertext.length; length++)
      refused(ciphertext.subarray(0, length), `cut to ${length}`);
    refused(Buffer.concat([ciphertext, Buffer.alloc(1)]), 'a byte more');
    for (let bit = 0; bit < ciphertext.length * 8; bit += 1 + (bit % 3)) {
      const changed = Buffer.from(ciphertext);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      refused(changed, `bit ${bit}`);
    }
  }
});

test('ciphertexts: the wrong layout, the wrong key, an empty text', () => {
  const { key, point } = newKey();
  const other = newKey();
  for (const layout of LAYOUTS) {
    const ciphertext = sm2.encrypt(point, layout, randomBytes(100))!;
    assert.equal(sm2.decrypt(other.key, layout, ciphertext), undefined);
    for (const wrong of LAYOUTS)
      if (wrong !== layout) assert.equal(sm2.decrypt(key, wrong, ciphertext), undefined, `${layout} as ${wrong}`);
    assert.equal(sm2.encrypt(point, layout, Buffer.alloc(0)), undefined);
  }
});

test('ciphertexts: every length of text up to 300, and 64 KiB', () => {
  const { key, point } = newKey();
  for (let length = 1; length <= 300; length++) {
    const layout = LAYOUTS[length % LAYOUTS.length] as Layout;
    const text = randomBytes(length);
    const ciphertext = sm2.encrypt(point, layout, text)!;
    assert.ok(ciphertext.length <= sm2.wasm.ciphertextBound(LAYOUTS.indexOf(layout), length));
    assert.deepEqual(sm2.decrypt(key, layout, ciphertext), text);
  }
  for (const layout of LAYOUTS) {
    const text = randomBytes(65536);
    assert.deepEqual(sm2.decrypt(key, layout, sm2.encrypt(point, layout, text)!), text);
  }
});

test('nothing works without randomness', () => {
  const broken = new Sm2();
  const key = broken.privateFromBytes(bytes32(12345n))!;
  broken.random = () => 28;
  assert.equal(broken.generate(), undefined);
  assert.equal(broken.sign(key, Buffer.from('m')), undefined);
  assert.equal(broken.encrypt(broken.publicOf(key), 'C1C3C2', Buffer.from('m')), undefined);
});

test('a repeating generator does not repeat nonces over different messages', () => {
  // Two instances with the same "random" bytes sign different messages: their r must differ by more than the digests
  // do.
  const secret = bytes32(randomBelow(N - 1n));
  const block = randomBytes(528);
  const [first, second] = [new Sm2(), new Sm2()];
  const signed: { x: bigint }[] = [];
  for (const [instance, message] of [
    [first, 'one'],
    [second, 'two'],
  ] as const) {
    instance.random = (bytes) => {
      bytes.set(block.subarray(0, bytes.length));
      return 0;
    };
    const key = instance.privateFromBytes(secret)!;
    const digest = instance.digest(instance.publicOf(key), Buffer.from(message))!;
    signed.push({ x: mod(number(instance.signDigest(key, digest)!.subarray(0, 32)) - number(digest), N) });
  }
  assert.notEqual(signed[0]!.x, signed[1]!.x);
});
