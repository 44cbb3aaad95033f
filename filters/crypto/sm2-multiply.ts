// Scalar multiplication: two for secret scalars, whose instructions and addresses do not depend on them, one for public ones.
//
// Secret scalars are cut into signed digits of fixed width (Booth). A digit's multiple is taken by reading its whole table under masks, its
// sign by selection. The raw additions fail for equal points and for infinity; where that can happen:
// - Infinity occurs until the first digit that is not zero: the sum is selected, not branched on.
// - Comb: digit w is added to a sum of the digits below, whose scalar is smaller than 64^w in size, so the two are never equal or
//   opposite, except modulo n at the last digit; there a sum equal to D = d * 2^252 would mean 2D = k + n or more, k - 2D = -n, hence
//   D = n + (k - D) with k - D the positive part below: k = 2^256 + ... > n. So never for k in [1, n - 1].
// - Variable base: sums are prefixes of k, and 32 e = +-d modulo n with |d| <= 16 needs e = d = 0 or, at the last digit, 32 e = n - 3 (as
//   n = 3 modulo 32), d = -3, that is k = n - 6: there the doubling is computed as well, and selected.

import { FIELD_BYTES, fieldNegate, fieldSelect, fieldSetOne } from './sm2-field';
import {
  CACHED_BYTES, JACOBIAN_BYTES, Y, Z, lastAdditionWasDoubling, pointAddAffinePublic, pointAddAffineRaw, pointAddCachedPublic,
  pointAddCachedRaw, pointCache, pointDouble, pointFromAffine, pointSelect, pointSetInfinity,
} from './sm2-point';
import {
  COMB_BITS, COMB_ENTRIES, COMB_WINDOWS, ENTRY_BYTES, ODD_BITS, combOfGenerator, oddMultiplesOfGenerator, unpackEntry,
} from './sm2-base-table';
import { maskIfEqual } from './constant-time';

/** Bits of a digit of a secret scalar over a variable base. */
const WINDOW_BITS: u32 = 5;
const WINDOWS: u32 = 52;
const WINDOW_ENTRIES: u32 = 16;
/** Bits of a digit of a public scalar over a variable base: odd, below 2^4 in size. */
const PUBLIC_BITS: u32 = 5;
const PUBLIC_ENTRIES: u32 = 8;
/** Digits of a public scalar in non-adjacent form: 256 bits and a carry. */
const DIGITS: u32 = 257;

const SHIFTED: usize = memory.data(48, 16); // the scalar times two: a digit of w bits at bit p is the w + 1 bits at p here
const ENTRY: usize = memory.data(80, 16);
const POINT: usize = memory.data(400, 16);
const SUM: usize = memory.data(240, 16);
const DOUBLED: usize = memory.data(240, 16);
const NEGATED: usize = memory.data(80, 16);
const WINDOW_TABLE: usize = memory.data(6400, 16); // 16 cached points
const DIGITS_S: usize = memory.data(528, 16); // i16
const DIGITS_T: usize = memory.data(528, 16);

let digitSize: u32 = 0; // of the digit taken last
let digitSign: u32 = 0; // 1: negative

/** Fills SHIFTED from a scalar. */
function shiftScalar(scalar: usize): void {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    const word = load<u64>(scalar + i);
    store<u64>(SHIFTED + i, (word << 1) | carry);
    carry = word >> 63;
  }
  store<u64>(SHIFTED, carry, 32);
}

/** Takes the signed digit of `width` bits at `position` (a bit number): `digitSize` in 0 .. 2^(width - 1), `digitSign`. */
function takeDigit(position: u32, width: u32): void {
  const bits = (load<u32>(SHIFTED + (position >> 3)) >> (position & 7)) & ((1 << (width + 1)) - 1);
  const negative: u32 = 0 - (bits >> width);
  const folded = (bits & ~negative) | (((1 << (width + 1)) - 1 - bits) & negative);
  digitSize = (folded + 1) >> 1;
  digitSign = negative & 1;
}

/** ENTRY = entry number `digitSize` (from 1) of a comb window, all zero for 0; every entry is read. */
function scanComb(table: usize): void {
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e: u64 = 0;
  for (let i: u32 = 1; i <= <u32>COMB_ENTRIES; i++) {
    const mask = maskIfEqual(i, digitSize);
    const lanes = i32x4.splat(mask);
    a = v128.or(a, v128.and(v128.load(table), lanes));
    b = v128.or(b, v128.and(v128.load(table, 16), lanes));
    c = v128.or(c, v128.and(v128.load(table, 32), lanes));
    d = v128.or(d, v128.and(v128.load(table, 48), lanes));
    e |= load<u64>(table, 64) & <u64>(<i64>(<i32>mask));
    table += ENTRY_BYTES;
  }
  v128.store(ENTRY, a);
  v128.store(ENTRY, b, 16);
  v128.store(ENTRY, c, 32);
  v128.store(ENTRY, d, 48);
  store<u64>(ENTRY, e, 64);
}

/** POINT = POINT or its opposite by `digitSign`. */
function applySign(): void {
  fieldNegate(NEGATED, POINT + Y);
  fieldSelect(POINT + Y, digitSign, NEGATED, POINT + Y);
}

/** r (Jacobian) = k * G for a secret k in [1, n - 1]. */
export function multiplyGenerator(r: usize, k: usize): void {
  const table = combOfGenerator();
  shiftScalar(k);
  pointSetInfinity(r);
  fieldSetOne(POINT + Z);
  let finite: u32 = 0; // 1 once a digit was not zero
  for (let w: usize = 0; w < COMB_WINDOWS; w++) {
    takeDigit(<u32>w * COMB_BITS, COMB_BITS);
    scanComb(table + w * COMB_ENTRIES * ENTRY_BYTES);
    unpackEntry(POINT, ENTRY);
    applySign();
    pointAddAffineRaw(SUM, r, POINT);
    const some = (maskIfEqual(digitSize, 0) & 1) ^ 1;
    pointSelect(SUM, finite, SUM, POINT);
    pointSelect(r, some, SUM, r);
    finite |= some;
  }
  multiplyWipe();
}

/** POINT = entry number `digitSize` (from 1) of WINDOW_TABLE, all zero for 0; every entry is read. */
function scanWindow(): void {
  for (let offset: usize = 0; offset < CACHED_BYTES; offset += 80) {
    let a = i32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let from = WINDOW_TABLE + offset;
    for (let i: u32 = 1; i <= WINDOW_ENTRIES; i++) {
      const lanes = i32x4.splat(maskIfEqual(i, digitSize));
      a = v128.or(a, v128.and(v128.load(from), lanes));
      b = v128.or(b, v128.and(v128.load(from, 16), lanes));
      c = v128.or(c, v128.and(v128.load(from, 32), lanes));
      d = v128.or(d, v128.and(v128.load(from, 48), lanes));
      e = v128.or(e, v128.and(v128.load(from, 64), lanes));
      from += CACHED_BYTES;
    }
    v128.store(POINT + offset, a);
    v128.store(POINT + offset, b, 16);
    v128.store(POINT + offset, c, 32);
    v128.store(POINT + offset, d, 48);
    v128.store(POINT + offset, e, 64);
  }
}

/** WINDOW_TABLE[i] = (step * i + 1) * q, cached, for `count` entries; step 1 or 2. The points are public. */
function fillWindowTable(q: usize, step: u32, count: u32): void {
  pointFromAffine(WINDOW_TABLE, q);
  pointCache(WINDOW_TABLE);
  memory.copy(POINT, WINDOW_TABLE, CACHED_BYTES);
  if (step == 2) {
    pointDouble(POINT, WINDOW_TABLE);
    pointCache(POINT);
  }
  for (let i: usize = 1; i < count; i++) {
    const entry = WINDOW_TABLE + i * CACHED_BYTES;
    memory.copy(entry, entry - CACHED_BYTES, JACOBIAN_BYTES);
    pointAddCachedPublic(entry, POINT);
    pointCache(entry);
  }
}

/** r (Jacobian) = k * q for a secret k in [1, n - 1] and a public affine q on the curve. */
export function multiplyPoint(r: usize, k: usize, q: usize): void {
  fillWindowTable(q, 1, WINDOW_ENTRIES);
  shiftScalar(k);
  pointSetInfinity(r);
  let finite: u32 = 0;
  for (let w: i32 = WINDOWS - 1; w >= 0; w--) {
    for (let i: u32 = 0; i < WINDOW_BITS; i++) pointDouble(r, r);
    takeDigit(<u32>w * WINDOW_BITS, WINDOW_BITS);
    scanWindow();
    applySign();
    pointAddCachedRaw(SUM, r, POINT);
    if (w == 0) {
      const equal = lastAdditionWasDoubling();
      pointDouble(DOUBLED, r);
      pointSelect(SUM, equal & finite, DOUBLED, SUM);
    }
    const some = (maskIfEqual(digitSize, 0) & 1) ^ 1;
    pointSelect(SUM, finite, SUM, POINT);
    pointSelect(r, some, SUM, r);
    finite |= some;
  }
  multiplyWipe();
}

/** Writes the non-adjacent form of width `bits`: DIGITS digits (i16), zero or odd and below 2^(bits - 1) in size. For public scalars. */
function nonAdjacentForm(digits: usize, scalar: usize, bits: u32): void {
  memory.fill(digits, 0, DIGITS * 2);
  shiftScalar(scalar);
  let carry: u32 = 0;
  let position: u32 = 0;
  while (position < DIGITS) {
    const at = position + 1;
    const window = load<u32>(SHIFTED + (at >> 3)) >> (at & 7);
    if ((window & 1) == carry) {
      position++;
      continue;
    }
    const value = (window & ((1 << bits) - 1)) + carry;
    carry = value >> (bits - 1);
    store<i16>(digits + (position << 1), <i16>(<i32>value - <i32>(carry << bits)));
    position += bits;
  }
}

/** r += digit * point by the table of cached odd multiples. */
function addPublicDigit(r: usize, digit: i32): void {
  const entry = WINDOW_TABLE + (<usize>abs<i32>(digit) >> 1) * CACHED_BYTES;
  if (digit > 0) return pointAddCachedPublic(r, entry);
  memory.copy(POINT, entry, CACHED_BYTES);
  fieldNegate(POINT + Y, POINT + Y);
  pointAddCachedPublic(r, POINT);
}

/** r += digit * G by the table of odd multiples. */
function addGeneratorDigit(r: usize, table: usize, digit: i32): void {
  unpackEntry(POINT, table + (<usize>abs<i32>(digit) >> 1) * ENTRY_BYTES);
  if (digit < 0) fieldNegate(POINT + Y, POINT + Y);
  pointAddAffinePublic(r, POINT);
}

/** r (Jacobian) = s * G + t * q for scalars and an affine point q on the curve, all public: time depends on them. May be infinity. */
export function multiplySumPublic(r: usize, s: usize, t: usize, q: usize): void {
  const table = oddMultiplesOfGenerator();
  fillWindowTable(q, 2, PUBLIC_ENTRIES);
  nonAdjacentForm(DIGITS_S, s, ODD_BITS);
  nonAdjacentForm(DIGITS_T, t, PUBLIC_BITS);
  pointSetInfinity(r);
  let started = false;
  for (let i: i32 = DIGITS - 1; i >= 0; i--) {
    if (started) pointDouble(r, r);
    const digitS: i32 = load<i16>(DIGITS_S + (i << 1));
    const digitT: i32 = load<i16>(DIGITS_T + (i << 1));
    if (digitS != 0) addGeneratorDigit(r, table, digitS);
    if (digitT != 0) addPublicDigit(r, digitT);
    started = started || digitS != 0 || digitT != 0;
  }
}

/** Clears the working memory of this file. */
export function multiplyWipe(): void {
  memory.fill(SHIFTED, 0, 48);
  memory.fill(ENTRY, 0, 80);
  memory.fill(POINT, 0, CACHED_BYTES);
  memory.fill(SUM, 0, JACOBIAN_BYTES);
  memory.fill(DOUBLED, 0, JACOBIAN_BYTES);
  memory.fill(NEGATED, 0, FIELD_BYTES);
  digitSize = 0;
  digitSign = 0;
}
