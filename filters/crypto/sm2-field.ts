// The field of SM2: numbers modulo p = 2^256 - 2^224 - 2^96 + 2^64 - 1.
//
// An element is nine limbs of 29 bits in i64, 80 bytes with padding, in Montgomery form (R = 2^261). "Normal" means
// limbs 0-7 in
// [0, 2^29) and a value within (-p, 2p): what multiplication gives and takes. Sums and differences are taken limb by
// limb and may be multiplied once (see the bounds in sm2-field.gen.ts) before they are reduced. Nothing here branches
// on a value.

import { fieldMultiply, fieldSquare } from './sm2-field.gen';
import { MODULO_PRIME, invert } from './sm2-inverse';
import { FIELD_ONE, FIELD_PLAIN_ONE, FIELD_R_SQUARED, PRIME, PRIME_BYTES } from './sm2-constants.gen';

export { fieldMultiply, fieldSquare };

/** Bytes of an element in memory. */
export const FIELD_BYTES: usize = 80;

const LIMB_MASK: i64 = 0x1fffffff;

const T0: usize = memory.data(80, 16);
const T1: usize = memory.data(80, 16);
const T2: usize = memory.data(80, 16);
const T3: usize = memory.data(80, 16);

/** r = a. */
// @ts-ignore: decorator
@inline
export function fieldCopy(r: usize, a: usize): void {
  for (let i: usize = 0; i < 80; i += 16) v128.store(r + i, v128.load(a + i));
}

/** r = a + b, limb by limb: normal operands give limbs below 2^30. */
// @ts-ignore: decorator
@inline
export function fieldAdd(r: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < 64; i += 16) v128.store(r + i, i64x2.add(v128.load(a + i), v128.load(b + i)));
  store<i64>(r, load<i64>(a, 64) + load<i64>(b, 64), 64);
}

/** r = a - b, limb by limb: normal operands give limbs within +-2^29. */
// @ts-ignore: decorator
@inline
export function fieldSubtract(r: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < 64; i += 16) v128.store(r + i, i64x2.sub(v128.load(a + i), v128.load(b + i)));
  store<i64>(r, load<i64>(a, 64) - load<i64>(b, 64), 64);
}

/**
 * r = ka * a + kb * b for small constants, carried and reduced to (-2^237, p + 2^225): a normal element. Takes limbs up
 * to 2^58. Subtracting a multiple of p, which is four shifts, removes the bits above 2^256.
 */
// @ts-ignore: decorator
@inline
export function fieldCombine(r: usize, ka: i64, a: usize, kb: i64, b: usize): void {
  let top = load<i64>(a, 64) * ka + load<i64>(b, 64) * kb;
  const above = top >> 24;
  top -= above << 24;
  let sum = load<i64>(a) * ka + load<i64>(b) * kb + above;
  store<i64>(r, sum & LIMB_MASK);
  sum = load<i64>(a, 8) * ka + load<i64>(b, 8) * kb + (sum >> 29);
  store<i64>(r, sum & LIMB_MASK, 8);
  sum = load<i64>(a, 16) * ka + load<i64>(b, 16) * kb - (above << 6) + (sum >> 29);
  store<i64>(r, sum & LIMB_MASK, 16);
  sum = load<i64>(a, 24) * ka + load<i64>(b, 24) * kb + (above << 9) + (sum >> 29);
  store<i64>(r, sum & LIMB_MASK, 24);
  sum = load<i64>(a, 32) * ka + load<i64>(b, 32) * kb + (sum >> 29);
  store<i64>(r, sum & LIMB_MASK, 32);
  sum = load<i64>(a, 40) * ka + load<i64>(b, 40) * kb + (sum >> 29);
  store<i64>(r, sum & LIMB_MASK, 40);
  sum = load<i64>(a, 48) * ka + load<i64>(b, 48) * kb + (sum >> 29);
  store<i64>(r, sum & LIMB_MASK, 48);
  sum = load<i64>(a, 56) * ka + load<i64>(b, 56) * kb + (above << 21) + (sum >> 29);
  store<i64>(r, sum & LIMB_MASK, 56);
  store<i64>(r, top + (sum >> 29), 64);
}

/** r = 3a, normal. */
export function fieldTriple(r: usize, a: usize): void {
  fieldCombine(r, 2, a, 1, a);
}

/** r = a, carried. For elements whose limbs have grown. */
export function fieldReduce(r: usize, a: usize): void {
  fieldCombine(r, 2, a, -1, a);
}

/** r = -a, normal. */
export function fieldNegate(r: usize, a: usize): void {
  fieldCombine(r, 1, a, -2, a);
}

/** r = condition ? a : b, by masks; `condition` is 0 or 1. */
export function fieldSelect(r: usize, condition: u32, a: usize, b: usize): void {
  const mask = i64x2.splat(-(<i64>condition));
  for (let i: usize = 0; i < 80; i += 16) {
    v128.store(r + i, v128.bitselect(v128.load(a + i), v128.load(b + i), mask));
  }
}

/** r = the number of `a` out of Montgomery form, in [0, p); |a| < 2^258. */
function toPlain(r: usize, a: usize): void {
  fieldMultiply(r, a, FIELD_PLAIN_ONE); // in [0, p]: a / R is within (-1, 1), the rest is at most p
  subtractPrimeOnce(r, r);
}

/** r = a, or a - p if that is not negative; `a` in [0, 2p) with limbs in [0, 2^29). */
function subtractPrimeOnce(r: usize, a: usize): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 72; i += 8) borrow = (load<i64>(a + i) - load<i64>(PRIME + i) + borrow) >> 29;
  const mask = ~borrow; // all ones unless there was a borrow
  borrow = 0;
  for (let i: usize = 0; i < 72; i += 8) {
    const limb = load<i64>(a + i) - (load<i64>(PRIME + i) & mask) + borrow;
    store<i64>(r + i, limb & LIMB_MASK);
    borrow = limb >> 29;
  }
}

/** 1 if a is zero modulo p, else 0. */
export function fieldIsZero(a: usize): u32 {
  toPlain(T0, a);
  let bits: i64 = 0;
  for (let i: usize = 0; i < 72; i += 8) bits |= load<i64>(T0 + i);
  return <u32>((<u64>(bits - 1)) >> 63); // limbs are below 2^29: only 0 - 1 is negative
}

/** 1 if a and b are equal modulo p, else 0. Both are normal. */
export function fieldEquals(a: usize, b: usize): u32 {
  fieldSubtract(T1, a, b);
  return fieldIsZero(T1);
}

/**
 * Whether a normal-limbed `a` with |a| < 2^260 is zero modulo p. For public values only, since it mostly decides by one
 * limb.
 */
export function fieldIsZeroPublic(a: usize): bool {
  fieldReduce(T1, a); // zero now has two forms: 0 and p
  const low = load<i64>(T1);
  if (low != 0 && low != load<i64>(PRIME)) return false;
  return fieldIsZero(T1) != 0;
}

/** r = the element of the number w3 ‖ w2 ‖ w1 ‖ w0, reduced modulo p. */
// @ts-ignore: decorator
@inline
function fromWords(r: usize, w0: u64, w1: u64, w2: u64, w3: u64): void {
  store<u64>(r, w0 & 0x1fffffff);
  store<u64>(r, (w0 >> 29) & 0x1fffffff, 8);
  store<u64>(r, ((w0 >> 58) | (w1 << 6)) & 0x1fffffff, 16);
  store<u64>(r, (w1 >> 23) & 0x1fffffff, 24);
  store<u64>(r, ((w1 >> 52) | (w2 << 12)) & 0x1fffffff, 32);
  store<u64>(r, (w2 >> 17) & 0x1fffffff, 40);
  store<u64>(r, ((w2 >> 46) | (w3 << 18)) & 0x1fffffff, 48);
  store<u64>(r, (w3 >> 11) & 0x1fffffff, 56);
  store<u64>(r, w3 >> 40, 64);
  fieldMultiply(r, r, FIELD_R_SQUARED);
}

/** Writes the number, fully reduced, as 32 little-endian bytes. */
function toWords(words: usize, a: usize): void {
  toPlain(T0, a);
  const a2 = load<u64>(T0, 16);
  const a4 = load<u64>(T0, 32);
  const a6 = load<u64>(T0, 48);
  store<u64>(words, load<u64>(T0) | (load<u64>(T0, 8) << 29) | (a2 << 58));
  store<u64>(words, (a2 >> 6) | (load<u64>(T0, 24) << 23) | (a4 << 52), 8);
  store<u64>(words, (a4 >> 12) | (load<u64>(T0, 40) << 17) | (a6 << 46), 16);
  store<u64>(words, (a6 >> 18) | (load<u64>(T0, 56) << 11) | (load<u64>(T0, 64) << 40), 24);
}

/** r = the field element of 32 big-endian bytes, in Montgomery form. The number is reduced modulo p. */
export function fieldFromBytes(r: usize, bytes: usize): void {
  const w3 = bswap<u64>(load<u64>(bytes));
  const w2 = bswap<u64>(load<u64>(bytes, 8));
  const w1 = bswap<u64>(load<u64>(bytes, 16));
  const w0 = bswap<u64>(load<u64>(bytes, 24));
  fromWords(r, w0, w1, w2, w3);
}

/** Writes the fully reduced number as 32 big-endian bytes. */
export function fieldToBytes(bytes: usize, a: usize): void {
  toWords(T1, a);
  for (let i: usize = 0; i < 32; i += 8) store<u64>(bytes + i, bswap<u64>(load<u64>(T1 + 24 - i)));
}

/** 1 if the element, as a number in [0, p), is odd, else 0. */
export function fieldIsOdd(a: usize): u32 {
  toPlain(T0, a);
  return (<u32>load<i64>(T0)) & 1;
}

/** Whether 32 big-endian bytes are a number below p. For public values. */
export function isFieldBytes(bytes: usize): bool {
  return memory.compare(bytes, PRIME_BYTES, 32) < 0;
}

/** r = a^(2^count). */
function squareTimes(r: usize, a: usize, count: u32): void {
  fieldSquare(r, a);
  for (let i: u32 = 1; i < count; i++) fieldSquare(r, r);
}

/** r = r^(2^count) * b. */
// @ts-ignore: decorator
@inline
function shiftMultiply(r: usize, count: u32, b: usize): void {
  squareTimes(r, r, count);
  fieldMultiply(r, r, b);
}

/** T2 = a^(2^31 - 1), T3 = a^(2^32 - 1): the runs of ones in (p + 1) / 4. */
function powersOfOnes(a: usize): void {
  squareTimes(T1, a, 1);
  fieldMultiply(T1, T1, a); // 2 ones
  squareTimes(T2, T1, 2);
  fieldMultiply(T2, T2, T1); // 4
  squareTimes(T3, T2, 4);
  fieldMultiply(T3, T3, T2); // 8
  fieldCopy(T0, T3);
  shiftMultiply(T0, 8, T3); // 16
  shiftMultiply(T0, 8, T3); // 24
  shiftMultiply(T0, 4, T2); // 28
  shiftMultiply(T0, 2, T1); // 30
  squareTimes(T2, T0, 1);
  fieldMultiply(T2, T2, a); // 31
  squareTimes(T3, T2, 1);
  fieldMultiply(T3, T3, a); // 32
}

/** r = 1 / a, and 0 for 0. `a` is normal, `r` may be `a`. */
export function fieldInvert(r: usize, a: usize): void {
  toWords(T1, a);
  invert(T1, T1, MODULO_PRIME);
  fromWords(r, load<u64>(T1), load<u64>(T1, 8), load<u64>(T1, 16), load<u64>(T1, 24));
}

/** r = a^((p + 1) / 4), which is a square root of a if one exists. The caller checks. `r` may not be `a`. */
export function fieldSquareRoot(r: usize, a: usize): void {
  powersOfOnes(a);
  fieldCopy(T0, T2); // fffffffe: 31 ones, then a zero
  shiftMultiply(T0, 33, T3);
  for (let i = 0; i < 3; i++) shiftMultiply(T0, 32, T3);
  shiftMultiply(T0, 32, a);
  squareTimes(r, T0, 62);
}

/** r = 1. */
export function fieldSetOne(r: usize): void {
  fieldCopy(r, FIELD_ONE);
}

/** Clears working memory of inversions and conversions. */
export function fieldWipe(): void {
  memory.fill(T0, 0, 80);
  memory.fill(T1, 0, 80);
  memory.fill(T2, 0, 80);
  memory.fill(T3, 0, 80);
}
