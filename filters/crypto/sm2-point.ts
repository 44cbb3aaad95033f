// Points of the SM2 curve y^2 = x^3 - 3x + b. Jacobian coordinates: x = X / Z^2, y = Y / Z^3; Z = 0 is the point at
// infinity.
//
// A Jacobian point is X, Y, Z (240 bytes), an affine one x, y (160 bytes), with coordinates of sm2-field.ts. X and Y of
// a Jacobian point and both coordinates of an affine one are normal. Doubling and the raw additions never branch. Their
// callers handle the excluded cases (equal or opposite points, infinity): constant-time ones by selection, those on
// public values by a test.

import {
  FIELD_BYTES,
  fieldAdd,
  fieldCombine,
  fieldCopy,
  fieldEquals,
  fieldFromBytes,
  fieldInvert,
  fieldIsOdd,
  fieldIsZeroPublic,
  fieldMultiply,
  fieldNegate,
  fieldReduce,
  fieldSelect,
  fieldSetOne,
  fieldSquare,
  fieldSquareRoot,
  fieldSubtract,
  fieldToBytes,
  fieldTriple,
  isFieldBytes,
} from './sm2-field';
import { CURVE_B } from './sm2-constants.gen';

/** Bytes of an affine point: x, y. */
export const AFFINE_BYTES: usize = 2 * FIELD_BYTES;
/** Bytes of a Jacobian point: X, Y, Z. */
export const JACOBIAN_BYTES: usize = 3 * FIELD_BYTES;
/** Size of a Jacobian point followed by Z^2 and Z^3, which an addition would otherwise compute. */
export const CACHED_BYTES: usize = 5 * FIELD_BYTES;

/** Offset of y. */
export const Y: usize = FIELD_BYTES;
/** Offset of Z. */
export const Z: usize = 2 * FIELD_BYTES;
const ZZ: usize = 3 * FIELD_BYTES;
const ZZZ: usize = 4 * FIELD_BYTES;

const TEMPORARY: usize = memory.data(800, 16);
const A: usize = TEMPORARY;
const B: usize = TEMPORARY + FIELD_BYTES;
const C: usize = TEMPORARY + 2 * FIELD_BYTES;
const D: usize = TEMPORARY + 3 * FIELD_BYTES;
const E: usize = TEMPORARY + 4 * FIELD_BYTES;
/** Differences of x and of y in the last raw addition. Both zero means equal points, only the first opposite ones. */
const H: usize = TEMPORARY + 5 * FIELD_BYTES;
const R: usize = TEMPORARY + 6 * FIELD_BYTES;
const U: usize = TEMPORARY + 7 * FIELD_BYTES;
const S: usize = TEMPORARY + 8 * FIELD_BYTES;
const V: usize = TEMPORARY + 9 * FIELD_BYTES;

/** r = 2p (4M + 4S). Correct for infinity too. `r` may be `p`. */
export function pointDouble(r: usize, p: usize): void {
  fieldSquare(A, p + Z); // delta
  fieldSquare(B, p + Y); // gamma
  fieldAdd(C, p, A);
  fieldSubtract(D, p, A);
  fieldMultiply(C, C, D);
  fieldTriple(C, C); // alpha = 3 (X - delta) (X + delta), because a = -3
  fieldMultiply(D, p, B); // beta
  fieldAdd(E, p + Y, p + Y);
  fieldMultiply(r + Z, E, p + Z);
  fieldSquare(E, C);
  fieldCombine(r, 1, E, -8, D); // X = alpha^2 - 8 beta
  fieldCombine(E, -1, E, 12, D); // 4 beta - X, without waiting for X
  fieldMultiply(E, E, C);
  fieldSquare(B, B);
  fieldCombine(r + Y, 1, E, -8, B);
}

/** First half of p + q, q affine: H and R. U and S are X and Y of p. */
// @ts-ignore: decorator
@inline
function beginAffine(p: usize, q: usize): void {
  fieldSquare(A, p + Z);
  fieldMultiply(B, q, A);
  fieldSubtract(H, B, p);
  fieldMultiply(A, A, p + Z);
  fieldMultiply(A, A, q + Y);
  fieldSubtract(R, A, p + Y);
}

/** First half of p + q, q cached: U, S, H and R. */
// @ts-ignore: decorator
@inline
function beginCached(p: usize, q: usize): void {
  fieldSquare(A, p + Z);
  fieldMultiply(U, p, q + ZZ);
  fieldMultiply(B, q, A);
  fieldSubtract(H, B, U);
  fieldMultiply(A, A, p + Z);
  fieldMultiply(A, A, q + Y);
  fieldMultiply(S, p + Y, q + ZZZ);
  fieldSubtract(R, A, S);
}

/** Second half: X and Y of `r` from u = X1 Z2^2, s = Y1 Z2^3, H and R; u and s may be X and Y of `r`. */
function finishAddition(r: usize, u: usize, s: usize): void {
  fieldSquare(A, H);
  fieldMultiply(B, A, H);
  fieldMultiply(V, u, A);
  fieldSquare(C, R);
  fieldSubtract(C, C, B);
  fieldMultiply(B, B, s);
  fieldCombine(r, 1, C, -2, V);
  fieldSubtract(V, V, r);
  fieldMultiply(V, V, R);
  fieldCombine(r + Y, 1, V, -1, B);
}

/** r = p + q, q affine (8M + 3S); neither at infinity, q not p nor -p. `r` may be `p`. */
export function pointAddAffineRaw(r: usize, p: usize, q: usize): void {
  beginAffine(p, q);
  fieldMultiply(r + Z, p + Z, H);
  finishAddition(r, p, p + Y);
}

/** r = p + q, q cached (11M + 3S); neither at infinity, q not p nor -p. `r` may be `p`. */
export function pointAddCachedRaw(r: usize, p: usize, q: usize): void {
  beginCached(p, q);
  fieldMultiply(A, p + Z, q + Z);
  fieldMultiply(r + Z, A, H);
  finishAddition(r, U, S);
}

/** 1 if the points of the last raw addition were equal, so that its result is wrong and a doubling is needed. */
export function lastAdditionWasDoubling(): u32 {
  fieldReduce(A, H);
  fieldReduce(B, R);
  fieldSetZero(C);
  return fieldEquals(A, C) & fieldEquals(B, C);
}

function fieldSetZero(r: usize): void {
  memory.fill(r, 0, FIELD_BYTES);
}

/** Whether a Jacobian point is at infinity: Z is all zero, as every function here produces it. For public points. */
// @ts-ignore: decorator
@inline
export function isInfinityPublic(p: usize): bool {
  const low = v128.or(
    v128.or(v128.load(p + Z), v128.load(p + Z, 16)),
    v128.or(v128.load(p + Z, 32), v128.load(p + Z, 48)),
  );
  return !v128.any_true(low) && load<i64>(p + Z, 64) == 0;
}

/** r = infinity. */
export function pointSetInfinity(r: usize): void {
  fieldSetOne(r);
  fieldSetOne(r + Y);
  fieldSetZero(r + Z);
}

/** p = 2p or infinity, which is p + q if both have the same x. For public points. */
function addSameX(p: usize): void {
  if (fieldIsZeroPublic(R)) pointDouble(p, p);
  else pointSetInfinity(p);
}

/** p += q for any points, q affine. For public points, because the time depends on them. */
export function pointAddAffinePublic(p: usize, q: usize): void {
  if (isInfinityPublic(p)) return pointFromAffine(p, q);
  beginAffine(p, q);
  if (fieldIsZeroPublic(H)) return addSameX(p);
  fieldMultiply(p + Z, p + Z, H);
  finishAddition(p, p, p + Y);
}

/** p += q for any p and a finite q, cached. For public points, because the time depends on them. */
export function pointAddCachedPublic(p: usize, q: usize): void {
  if (isInfinityPublic(p)) return memory.copy(p, q, JACOBIAN_BYTES);
  beginCached(p, q);
  if (fieldIsZeroPublic(H)) return addSameX(p);
  fieldMultiply(A, p + Z, q + Z);
  fieldMultiply(p + Z, A, H);
  finishAddition(p, U, S);
}

/** r (Jacobian) = q (affine). */
export function pointFromAffine(r: usize, q: usize): void {
  memory.copy(r, q, AFFINE_BYTES);
  fieldSetOne(r + Z);
}

/** Writes Z^2 and Z^3 after the Jacobian point `p`, which makes it a cached one. */
export function pointCache(p: usize): void {
  fieldSquare(p + ZZ, p + Z);
  fieldMultiply(p + ZZZ, p + ZZ, p + Z);
}

/** r = condition ? a : b for Jacobian points, by masks; `condition` is 0 or 1. */
export function pointSelect(r: usize, condition: u32, a: usize, b: usize): void {
  fieldSelect(r, condition, a, b);
  fieldSelect(r + Y, condition, a + Y, b + Y);
  fieldSelect(r + Z, condition, a + Z, b + Z);
}

/** r (affine) = p, which is finite. `r` may be `p`. Constant time. */
export function pointToAffine(r: usize, p: usize): void {
  fieldInvert(E, p + Z);
  affineFromInverse(r, p, E);
}

/** r (affine) = p, whose 1 / Z is given. */
function affineFromInverse(r: usize, p: usize, inverse: usize): void {
  fieldSquare(A, inverse);
  fieldMultiply(B, A, inverse);
  fieldMultiply(C, p, A);
  fieldMultiply(D, p + Y, B);
  fieldReduce(r, C);
  fieldReduce(r + Y, D);
}

/**
 * Makes `count` finite Jacobian points, `stride` bytes apart, affine in place (Z is overwritten) with one inversion.
 * `products`: room for `count` field elements.
 */
export function pointsToAffine(points: usize, count: usize, stride: usize, products: usize): void {
  fieldSetOne(E);
  for (let i: usize = 0; i < count; i++) {
    fieldCopy(products + i * FIELD_BYTES, E);
    fieldMultiply(E, E, points + i * stride + Z);
  }
  fieldInvert(E, E);
  for (let i: usize = count; i > 0; i--) {
    const point = points + (i - 1) * stride;
    fieldMultiply(V, E, products + (i - 1) * FIELD_BYTES);
    fieldMultiply(E, E, point + Z);
    affineFromInverse(point, point, V);
  }
}

/** r = x^3 - 3x + b, normal. */
function curveRight(r: usize, x: usize): void {
  fieldSquare(A, x);
  fieldMultiply(A, A, x);
  fieldCombine(A, 1, A, -3, x);
  fieldAdd(A, A, CURVE_B);
  fieldReduce(r, A);
}

/** Whether the affine point satisfies the curve's equation. For public points. */
export function isOnCurve(q: usize): bool {
  curveRight(B, q);
  fieldSquare(C, q + Y);
  return fieldEquals(B, C) != 0;
}

/** r (affine) = the point of 64 bytes x ‖ y. False if a coordinate is p or more, or the point is not on the curve. */
export function pointFromCoordinates(r: usize, bytes: usize): bool {
  if (!isFieldBytes(bytes) || !isFieldBytes(bytes + 32)) return false;
  fieldFromBytes(r, bytes);
  fieldFromBytes(r + Y, bytes + 32);
  return isOnCurve(r);
}

/** r (affine) = the point with this x (32 bytes) and a y of parity `odd` (0 or 1). False if there is none. */
export function pointDecompress(r: usize, bytes: usize, odd: u32): bool {
  if (!isFieldBytes(bytes)) return false;
  fieldFromBytes(r, bytes);
  curveRight(D, r);
  fieldSquareRoot(r + Y, D);
  fieldSquare(C, r + Y);
  if (fieldEquals(C, D) == 0) return false;
  if (fieldIsOdd(r + Y) != odd) fieldNegate(r + Y, r + Y); // y = 0 is impossible: the order is prime
  return true;
}

/** Writes x ‖ y of an affine point, 64 bytes. */
export function pointToCoordinates(bytes: usize, q: usize): void {
  fieldToBytes(bytes, q);
  fieldToBytes(bytes + 32, q + Y);
}

/** Clears the working memory of this file. */
export function pointWipe(): void {
  memory.fill(TEMPORARY, 0, 10 * FIELD_BYTES);
}
