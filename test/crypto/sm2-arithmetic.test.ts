// Field, scalars and points of SM2 against schoolbook arithmetic, at random and where carries and exceptional cases
// lie.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sm2 } from './sm2-harness.ts';
import { G, N, P, add, bytes32, hex32, inverse, mod, pointText, randomBelow, times } from './sm2-reference.ts';

const sm2 = new Sm2();
const RANDOM_NUMBERS = 500;

/** Numbers around powers of two, limb boundaries and the modulus. */
function edges(modulus: bigint): bigint[] {
  const list = [0n, 1n, 2n, 3n, modulus - 1n, modulus - 2n, modulus >> 1n, (modulus >> 1n) + 1n];
  for (let bit = 29n; bit < 256n; bit += 29n) list.push((1n << bit) - 1n, 1n << bit, (1n << bit) + 1n);
  for (const bit of [32n, 64n, 96n, 128n, 160n, 192n, 224n, 255n])
    list.push((1n << bit) - 1n, 1n << bit, modulus - (1n << bit));
  return list;
}

test('field: products, inverses and roots', () => {
  const numbers = [...edges(P), P, P + 1n, (1n << 256n) - 1n];
  for (let i = 0; i < RANDOM_NUMBERS; i++) numbers.push(randomBelow(P));
  for (const [i, a] of numbers.entries()) {
    for (const b of [...numbers.slice(0, 60), numbers[(i * 7) % numbers.length]!]) {
      assert.equal(sm2.fieldProduct(a, b), mod(a * b), `${a.toString(16)} * ${b.toString(16)}`);
    }
    assert.equal(sm2.fieldInverse(a), inverse(a), `1 / ${a.toString(16)}`);
    const root = sm2.fieldRoot(mod(a * a));
    assert.ok(root === mod(a) || root === mod(-a), `root of ${a.toString(16)} squared`);
  }
});

test('scalars: quotients, and the range that is accepted', () => {
  const numbers = edges(N).filter((value) => value > 0n);
  for (let i = 0; i < 100; i++) numbers.push(randomBelow(N));
  for (const [i, a] of numbers.entries()) {
    const b = numbers[(i * 5 + 3) % numbers.length]!;
    assert.equal(sm2.scalarQuotient(a, b), mod(b * inverse(a, N), N), `${b.toString(16)} / ${a.toString(16)}`);
  }
  for (const outside of [0n, N, N + 1n, P, (1n << 256n) - 1n]) assert.equal(sm2.scalarQuotient(outside, 1n), undefined);
});

/** Scalars whose signed digits are extreme, and those where a raw addition could meet equal or opposite points. */
function delicateScalars(): bigint[] {
  const list: bigint[] = [];
  for (let i = 1n; i <= 70n; i++) list.push(i, N - i);
  for (let bit = 4n; bit < 256n; bit++) {
    for (const value of [
      1n << bit,
      (1n << bit) - 1n,
      31n << bit,
      33n << bit,
      15n << bit,
      17n << bit,
      N - (1n << bit),
    ]) {
      if (value > 0n && value < N) list.push(value);
    }
  }
  for (const digit of [15n, 16n, 17n, 31n, 32n, 33n]) {
    for (const width of [5n, 6n]) {
      let value = 0n;
      for (let i = 0n; i * width < 250n; i++) value |= (digit & ((1n << width) - 1n)) << (i * width);
      list.push(value % N, (N - value) % N, value >> 3n);
    }
  }
  return list.filter((value) => value > 0n && value < N);
}

test('points: secret scalars times the generator and times another point', () => {
  const other = times(0x123456789abcdefn, G);
  const key = sm2.publicFromBytes(Buffer.from(pointText(other), 'hex'));
  assert.ok(key);
  const scalars = delicateScalars().filter((_, i) => i < 160 || i % 7 === 0);
  for (let i = 0; i < 150; i++) scalars.push(randomBelow(N));
  for (const k of scalars) {
    assert.equal(sm2.generatorTimes(k), pointText(times(k, G)), `${k.toString(16)} G`);
    assert.equal(sm2.pointTimes(k, key), pointText(times(k, other)), `${k.toString(16)} Q`);
  }
});

test('points: sums of public multiples, through infinity and doublings', () => {
  const factor = 0x1234567n;
  const other = times(factor, G);
  const key = sm2.publicFromBytes(Buffer.from(pointText(other), 'hex'));
  assert.ok(key);
  const pairs: [bigint, bigint][] = [
    [0n, 0n],
    [1n, 0n],
    [0n, 1n],
    [factor, 1n],
    [factor, N - 1n],
    [N - factor, 1n],
    [2n * factor, N - 2n],
  ];
  for (let i = 1n; i < 40n; i++) pairs.push([factor * i, N - i], [mod(-factor * i, N), i], [factor * i, i]);
  for (let i = 0; i < 250; i++) pairs.push([randomBelow(N), randomBelow(N)]);
  for (const [s, t] of pairs) {
    const expected = pointText(add(times(s, G), times(t, other)));
    assert.equal(sm2.sum(s, t, key), expected, `${s} G + ${t} Q`);
    assert.equal(sm2.preparedSum(s, t, key), expected, `${s} G + ${t} Q, prepared`);
  }
});

test('points: the generator itself, and its opposite, as the other point', () => {
  for (const point of [G, times(N - 1n, G), times(2n, G)]) {
    const key = sm2.publicFromBytes(Buffer.from(pointText(point), 'hex'));
    assert.ok(key);
    for (const [s, t] of [
      [1n, 1n],
      [5n, 5n],
      [N - 5n, 5n],
      [7n, N - 7n],
      [3n, 9n],
      [N - 1n, N - 1n],
    ] as const) {
      const expected = pointText(add(times(s, G), times(t, point)));
      assert.equal(sm2.sum(s, t, key), expected);
      assert.equal(sm2.preparedSum(s, t, key), expected);
    }
  }
});

test('points: compressed form, both parities; x without a point is refused', () => {
  let refused = 0;
  for (let i = 0; i < 100; i++) {
    const point = times(randomBelow(N), G)!;
    const parity = Number(point[1] & 1n);
    const key = sm2.publicFromBytes(Buffer.concat([Buffer.from([2 + parity]), bytes32(point[0])]));
    assert.ok(key);
    assert.equal(sm2.publicBytes(key).toString('hex'), `04${pointText(point)}`);
    assert.equal(sm2.publicCompressed(key).toString('hex'), `0${2 + parity}${hex32(point[0])}`);
    const opposite = sm2.publicFromBytes(Buffer.concat([Buffer.from([3 - parity]), bytes32(point[0])]));
    assert.ok(opposite);
    assert.equal(sm2.publicBytes(opposite).toString('hex'), `04${pointText([point[0], P - point[1]])}`);
    if (sm2.publicFromBytes(Buffer.concat([Buffer.from([2]), bytes32(randomBelow(P))])) === undefined) refused++;
  }
  assert.ok(refused > 20 && refused < 80, `${refused} of 100 random x have no point`);
});
