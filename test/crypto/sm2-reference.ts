// The curve of SM2 by schoolbook arithmetic on bigint: slow, short, and nothing in common with what it checks.
import { randomBytes } from 'node:crypto';

export const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
export const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
export const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;

/** An affine point; undefined is infinity. */
export type Point = readonly [bigint, bigint] | undefined;

export const G: Point = [
  0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
];

export function mod(value: bigint, modulus: bigint = P): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

export function inverse(value: bigint, modulus: bigint = P): bigint {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (a !== 0n) {
    const quotient = b / a;
    [b, a] = [a, b - quotient * a];
    [y, x] = [x, y - quotient * x];
  }
  return mod(y, modulus);
}

export function add(a: Point, b: Point): Point {
  if (!a) return b;
  if (!b) return a;
  if (a[0] === b[0] && mod(a[1] + b[1]) === 0n) return undefined;
  const slope = a[0] === b[0] ? (3n * a[0] * a[0] - 3n) * inverse(2n * a[1]) : (b[1] - a[1]) * inverse(b[0] - a[0]);
  const x = mod(slope * slope - a[0] - b[0]);
  return [x, mod(slope * (a[0] - x) - a[1])];
}

/** Homogeneous coordinates, x = X / Z: schoolbook chord and tangent with one inversion at the end. */
type Projective = readonly [bigint, bigint, bigint];

function projectiveAdd([x1, y1, z1]: Projective, [x2, y2, z2]: Projective): Projective {
  if (z1 === 0n) return [x2, y2, z2];
  if (z2 === 0n) return [x1, y1, z1];
  const u = mod(y2 * z1 - y1 * z2);
  const v = mod(x2 * z1 - x1 * z2);
  if (v === 0n) return u === 0n ? projectiveDouble([x1, y1, z1]) : [0n, 1n, 0n];
  const vv = mod(v * v);
  const vvv = mod(vv * v);
  const r = mod(vv * x1 * z2);
  const a = mod(u * u * z1 * z2 - vvv - 2n * r);
  return [mod(v * a), mod(u * (r - a) - vvv * y1 * z2), mod(vvv * z1 * z2)];
}

function projectiveDouble([x, y, z]: Projective): Projective {
  const w = mod(3n * (x * x - z * z));
  const s = mod(y * z);
  const b = mod(x * y * s);
  const h = mod(w * w - 8n * b);
  return [mod(2n * h * s), mod(w * (4n * b - h) - 8n * y * y * s * s), mod(8n * s * s * s)];
}

export function times(scalar: bigint, point: Point): Point {
  if (!point) return undefined;
  let sum: Projective = [0n, 1n, 0n];
  for (let bit = BigInt(scalar.toString(2).length) - 1n; bit >= 0n; bit--) {
    sum = projectiveDouble(sum);
    if ((scalar >> bit) & 1n) sum = projectiveAdd(sum, [point[0], point[1], 1n]);
  }
  if (sum[2] === 0n) return undefined;
  const factor = inverse(sum[2]);
  return [mod(sum[0] * factor), mod(sum[1] * factor)];
}

/** 64 hex digits. */
export function hex32(value: bigint): string {
  return value.toString(16).padStart(64, '0');
}

/** 32 big-endian bytes. */
export function bytes32(value: bigint): Buffer {
  return Buffer.from(hex32(value), 'hex');
}

/** x ‖ y in hex, or `infinity`. */
export function pointText(point: Point): string {
  return point ? hex32(point[0]) + hex32(point[1]) : 'infinity';
}

/** A random number from 1 to below - 1. */
export function randomBelow(below: bigint): bigint {
  return (BigInt(`0x${randomBytes(40).toString('hex')}`) % (below - 1n)) + 1n;
}
