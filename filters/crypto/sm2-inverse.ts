// Inverses modulo the prime and the order, in constant time: 600 division steps of Bernstein and Yang ("Fast
// constant-time gcd computation and modular inversion", 2019; 590 suffice from delta = 1/2 for 256 bits, Wuille 2021),
// 30 at a time on the low words, each batch then applied to the whole numbers as a matrix. Nine limbs of 30 bits in
// i32, the highest signed. Four times as fast as a power.

import { MODULUS_FACTOR, MODULUS_LIMBS } from './sm2-constants.gen';

const LIMB_BITS: i32 = 30;
const LIMB_MASK: i32 = 0x3fffffff;
const LAST: usize = 32; // offset of the highest limb
const BATCHES: u32 = 20;

const D: usize = memory.data(48, 16);
const E: usize = memory.data(48, 16);
const F: usize = memory.data(48, 16);
const G: usize = memory.data(48, 16);

// Matrix of the last batch, times 2^30.
let u: i32 = 0;
let v: i32 = 0;
let q: i32 = 0;
let r: i32 = 0;

/**
 * Thirty division steps on the low words of F and G. Writes their matrix and returns the new `zeta` (-(delta + 1/2)).
 */
function divisionSteps(zeta: i32): i32 {
  let f = load<u32>(F) | (load<u32>(F, 4) << 30);
  let g = load<u32>(G) | (load<u32>(G, 4) << 30);
  let a: u32 = 1;
  let b: u32 = 0;
  let c: u32 = 0;
  let d: u32 = 1;
  for (let i = 0; i < LIMB_BITS; i++) {
    const swap = <u32>(zeta >> 31);
    const odd: u32 = 0 - (g & 1);
    g += ((f ^ swap) - swap) & odd;
    c += ((a ^ swap) - swap) & odd;
    d += ((b ^ swap) - swap) & odd;
    const both = swap & odd;
    zeta = (zeta ^ (<i32>both)) - 1;
    f += g & both;
    a += c & both;
    b += d & both;
    g >>= 1;
    a <<= 1;
    b <<= 1;
  }
  u = <i32>a;
  v = <i32>b;
  q = <i32>c;
  r = <i32>d;
  return zeta;
}

/** (F, G) = matrix * (F, G) / 2^30, exactly. */
function applyToPair(): void {
  const a = <i64>u;
  const b = <i64>v;
  const c = <i64>q;
  const d = <i64>r;
  let f = <i64>load<i32>(F);
  let g = <i64>load<i32>(G);
  let sumF = (a * f + b * g) >> LIMB_BITS;
  let sumG = (c * f + d * g) >> LIMB_BITS;
  for (let i: usize = 4; i <= LAST; i += 4) {
    f = <i64>load<i32>(F + i);
    g = <i64>load<i32>(G + i);
    sumF += a * f + b * g;
    sumG += c * f + d * g;
    store<i32>(F + i - 4, (<i32>sumF) & LIMB_MASK);
    store<i32>(G + i - 4, (<i32>sumG) & LIMB_MASK);
    sumF >>= LIMB_BITS;
    sumG >>= LIMB_BITS;
  }
  store<i32>(F + LAST, <i32>sumF);
  store<i32>(G + LAST, <i32>sumG);
}

/** (D, E) = matrix * (D, E) / 2^30 modulo the modulus, within (-2m, m): a multiple of it makes the low limb zero. */
function applyToCofactors(modulus: usize, factor: i32): void {
  const a = <i64>u;
  const b = <i64>v;
  const c = <i64>q;
  const d = <i64>r;
  const signD = load<i32>(D + LAST) >> 31;
  const signE = load<i32>(E + LAST) >> 31;
  let x = <i64>load<i32>(D);
  let y = <i64>load<i32>(E);
  let sumD = a * x + b * y;
  let sumE = c * x + d * y;
  const addD: i32 = (u & signD) + (v & signE);
  const addE: i32 = (q & signD) + (r & signE);
  const lowD: i32 = (factor * <i32>sumD + addD) & LIMB_MASK;
  const lowE: i32 = (factor * <i32>sumE + addE) & LIMB_MASK;
  const timesD = <i64>(addD - lowD);
  const timesE = <i64>(addE - lowE);
  let m = <i64>load<i32>(modulus);
  sumD = (sumD + m * timesD) >> LIMB_BITS;
  sumE = (sumE + m * timesE) >> LIMB_BITS;
  for (let i: usize = 4; i <= LAST; i += 4) {
    x = <i64>load<i32>(D + i);
    y = <i64>load<i32>(E + i);
    m = <i64>load<i32>(modulus + i);
    sumD += a * x + b * y + m * timesD;
    sumE += c * x + d * y + m * timesE;
    store<i32>(D + i - 4, (<i32>sumD) & LIMB_MASK);
    store<i32>(E + i - 4, (<i32>sumE) & LIMB_MASK);
    sumD >>= LIMB_BITS;
    sumE >>= LIMB_BITS;
  }
  store<i32>(D + LAST, <i32>sumD);
  store<i32>(E + LAST, <i32>sumE);
}

/** D = (D + (modulus if D is negative)), then -D where `negate` is all ones; carried. */
function adjust(modulus: usize, negate: i32): void {
  const negative = load<i32>(D + LAST) >> 31;
  let carry: i32 = 0;
  for (let i: usize = 0; i < LAST; i += 4) {
    const limb: i32 = load<i32>(D + i) + (load<i32>(modulus + i) & negative);
    carry += (limb ^ negate) - negate;
    store<i32>(D + i, carry & LIMB_MASK);
    carry >>= LIMB_BITS;
  }
  const top: i32 = load<i32>(D + LAST) + (load<i32>(modulus + LAST) & negative);
  store<i32>(D + LAST, (top ^ negate) - negate + carry);
}

/** Splits 32 little-endian bytes into limbs. */
function cut(limbs: usize, words: usize): void {
  const w0 = load<u64>(words);
  const w1 = load<u64>(words, 8);
  const w2 = load<u64>(words, 16);
  const w3 = load<u64>(words, 24);
  store<u32>(limbs, (<u32>w0) & LIMB_MASK);
  store<u32>(limbs, (<u32>(w0 >> 30)) & LIMB_MASK, 4);
  store<u32>(limbs, (<u32>((w0 >> 60) | (w1 << 4))) & LIMB_MASK, 8);
  store<u32>(limbs, (<u32>(w1 >> 26)) & LIMB_MASK, 12);
  store<u32>(limbs, (<u32>((w1 >> 56) | (w2 << 8))) & LIMB_MASK, 16);
  store<u32>(limbs, (<u32>(w2 >> 22)) & LIMB_MASK, 20);
  store<u32>(limbs, (<u32>((w2 >> 52) | (w3 << 12))) & LIMB_MASK, 24);
  store<u32>(limbs, (<u32>(w3 >> 18)) & LIMB_MASK, 28);
  store<u32>(limbs, <u32>(w3 >> 48), 32);
}

/** Joins limbs to 32 little-endian bytes. */
function join(words: usize, limbs: usize): void {
  const a2 = <u64>load<u32>(limbs, 8);
  const a4 = <u64>load<u32>(limbs, 16);
  const a6 = <u64>load<u32>(limbs, 24);
  store<u64>(words, (<u64>load<u32>(limbs)) | ((<u64>load<u32>(limbs, 4)) << 30) | (a2 << 60));
  store<u64>(words, (a2 >> 4) | ((<u64>load<u32>(limbs, 12)) << 26) | (a4 << 56), 8);
  store<u64>(words, (a4 >> 8) | ((<u64>load<u32>(limbs, 20)) << 22) | (a6 << 52), 16);
  store<u64>(words, (a6 >> 12) | ((<u64>load<u32>(limbs, 28)) << 18) | ((<u64>load<u32>(limbs, 32)) << 48), 24);
}

/** Index of the modulus. */
export const MODULO_PRIME: u32 = 0;
export const MODULO_ORDER: u32 = 1;

/**
 * out = 1 / a modulo the prime or the order, and 0 for 0. 32 little-endian bytes each, `a` below the modulus. `out` may
 * be `a`.
 */
export function invert(out: usize, a: usize, which: u32): void {
  const modulus = MODULUS_LIMBS + <usize>which * 48;
  const factor = load<i32>(MODULUS_FACTOR + <usize>which * 4);
  memory.fill(D, 0, 48);
  memory.fill(E, 0, 48);
  store<i32>(E, 1);
  memory.copy(F, modulus, 36);
  cut(G, a);
  let zeta: i32 = -1;
  for (let batch: u32 = 0; batch < BATCHES; batch++) {
    zeta = divisionSteps(zeta);
    applyToCofactors(modulus, factor);
    applyToPair();
  }
  adjust(modulus, load<i32>(F + LAST) >> 31); // F is 1 or -1
  adjust(modulus, 0);
  join(out, D);
  memory.fill(D, 0, 48);
  memory.fill(E, 0, 48);
  memory.fill(F, 0, 48);
  memory.fill(G, 0, 48);
  u = 0;
  v = 0;
  q = 0;
  r = 0;
}
