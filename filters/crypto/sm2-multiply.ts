// Scalar multiplication: by secret scalars, whose instructions and addresses do not depend on them, and by public ones.
//
// A secret scalar k is made odd (k or n - k, the result's y negated to match, by selection) and cut into digits that
// are odd and signed, so that none is zero: digit w of `width` bits is ((k >> (width * w)) mod 2^(width + 1) | 1) -
// 2^width, the highest k >> (width * top) | 1. A digit's multiple is taken by reading its whole row under masks. The
// sum is built from the highest digit down, so it is never infinity, and the raw addition, which fails for equal or
// opposite points, meets none:
// - The sum is m * 2^(width * (w + 1)) or, over a comb, a multiple of 64^(w + 1) that is larger than the digit's
// multiple of 64^w and smaller
//   than n; sum -+ digit = 0 as integers is impossible, and sum -+ digit = n needs n to be a multiple of 64^w (32^w):
//   so w = 0.
// - For w = 0 sum + digit = n is k = n or 0, which is excluded. sum - digit = n is k = n + 2 digit, digit = -d, k = n -
// 2d with k's lowest bits
//   giving -d: n = 35 modulo 64 and modulo 128, so 35 - 2d = 64 - d over a comb, impossible for 0 < d < 64; and 35 - 2d
//   = 32 - d over the window
//   of 5 bits, d = 3. There, for k = n - 6 (and 6, which is made odd), the doubling is computed as well, and selected.

import { FIELD_BYTES, fieldNegate, fieldSelect, fieldSetOne } from './sm2-field';
import {
  CACHED_BYTES,
  JACOBIAN_BYTES,
  Y,
  Z,
  lastAdditionWasDoubling,
  pointAddAffinePublic,
  pointAddAffineRaw,
  pointAddCachedPublic,
  pointAddCachedRaw,
  pointCache,
  pointDouble,
  pointFromAffine,
  pointSelect,
  pointSetInfinity,
} from './sm2-point';
import {
  COMB_BITS,
  COMB_ENTRIES,
  COMB_ROWS,
  COMB_ROW_BYTES,
  ENTRY_BYTES,
  KEY_ROWS,
  KEY_ROW_BYTES,
  KEY_SPACING,
  combOfGenerator,
  unpackEntry,
} from './sm2-multiples';
import { scalarNegate, scalarSelect } from './sm2-scalar';
import { maskIfEqual } from './constant-time';

/** Bits of a digit of a secret scalar over a variable base. */
const WINDOW_BITS: u32 = 5;
/** Windows below the highest one, whose digit is always 1. */
const WINDOWS: u32 = 51;
const WINDOW_ENTRIES: u32 = 16;
/** Bits of a public scalar's digit over a variable base: odd, below 2^4 in magnitude. */
const PUBLIC_BITS: u32 = 5;
const PUBLIC_ENTRIES: u32 = 8;
/** Bits of a public scalar's digit over the generator: odd, below 2^6 in magnitude. */
const GENERATOR_BITS: u32 = 7;
/** Digits of a public scalar in non-adjacent form: 256 bits and a carry. */
const DIGITS: u32 = 257;

const ODD: usize = memory.data(48, 16); // the scalar made odd, with zeros above
const NEGATED: usize = memory.data(80, 16);
const ENTRY: usize = memory.data(80, 16);
const POINT: usize = memory.data(400, 16);
const SUM: usize = memory.data(240, 16);
const DOUBLED: usize = memory.data(240, 16);
const WINDOW_TABLE: usize = memory.data(6400, 16); // 16 cached points
const DIGITS_S: usize = memory.data(320, 16); // i8
const DIGITS_T: usize = memory.data(320, 16);

let digitIndex: u32 = 0; // of the last digit: (magnitude - 1) / 2
let digitSign: u32 = 0; // 1: negative

/** ODD = k or n - k, whichever is odd. Returns 1 if it is n - k. */
function makeOdd(k: usize): u32 {
  const even = (load<u32>(k) & 1) ^ 1;
  scalarNegate(ODD, k);
  scalarSelect(ODD, even, ODD, k);
  return even;
}

/** Takes the digit of `width` bits at bit `position` of ODD. */
function takeDigit(position: u32, width: u32): void {
  const bits = ((load<u32>(ODD + (position >> 3)) >> (position & 7)) & ((2 << width) - 1)) | 1;
  digitSign = (bits >> width) ^ 1;
  const size = ((bits - (1 << width)) ^ (0 - digitSign)) + digitSign;
  digitIndex = size >> 1;
}

/** POINT = POINT or its negation by `digitSign`. */
function applySign(): void {
  fieldNegate(NEGATED, POINT + Y);
  fieldSelect(POINT + Y, digitSign, NEGATED, POINT + Y);
}

/** POINT (affine) = the entry `digitIndex` of a row of the comb. Reads every entry. */
function scanComb(row: usize): void {
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e: u64 = 0;
  for (let i: u32 = 0; i < <u32>COMB_ENTRIES; i++) {
    const mask = maskIfEqual(i, digitIndex);
    const lanes = i32x4.splat(mask);
    a = v128.or(a, v128.and(v128.load(row), lanes));
    b = v128.or(b, v128.and(v128.load(row, 16), lanes));
    c = v128.or(c, v128.and(v128.load(row, 32), lanes));
    d = v128.or(d, v128.and(v128.load(row, 48), lanes));
    e |= load<u64>(row, 64) & (<u64>(<i64>(<i32>mask)));
    row += ENTRY_BYTES;
  }
  v128.store(ENTRY, a);
  v128.store(ENTRY, b, 16);
  v128.store(ENTRY, c, 32);
  v128.store(ENTRY, d, 48);
  store<u64>(ENTRY, e, 64);
  unpackEntry(POINT, ENTRY);
}

/** r = r or -r: the end of a multiplication by a scalar that was made odd. */
function negateResult(r: usize, negate: u32): void {
  fieldNegate(NEGATED, r + Y);
  fieldSelect(r + Y, negate, NEGATED, r + Y);
  multiplyWipe();
}

/** r (Jacobian) = k * G for a secret k in [1, n - 1]. */
export function multiplyGenerator(r: usize, k: usize): void {
  let row = combOfGenerator() + (COMB_ROWS - 1) * COMB_ROW_BYTES;
  const negate = makeOdd(k);
  digitIndex = load<u32>(ODD, 28) >> 29; // (k >> 252 | 1) >> 1
  scanComb(row);
  memory.copy(r, POINT, 2 * FIELD_BYTES);
  fieldSetOne(r + Z);
  for (let w: i32 = <i32>COMB_ROWS - 2; w >= 0; w--) {
    row -= COMB_ROW_BYTES;
    takeDigit(<u32>w * COMB_BITS, COMB_BITS);
    scanComb(row);
    applySign();
    pointAddAffineRaw(r, r, POINT);
  }
  negateResult(r, negate);
}

/** POINT (cached) = entry `digitIndex` of WINDOW_TABLE. Reads every entry. */
function scanWindow(): void {
  for (let offset: usize = 0; offset < CACHED_BYTES; offset += 80) {
    let a = i32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    let e = a;
    let from = WINDOW_TABLE + offset;
    for (let i: u32 = 0; i < WINDOW_ENTRIES; i++) {
      const lanes = i32x4.splat(maskIfEqual(i, digitIndex));
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

/** WINDOW_TABLE[i] = (2i + 1) * q, cached, for `count` entries. The points are public. */
function fillWindowTable(q: usize, count: u32): void {
  pointFromAffine(WINDOW_TABLE, q);
  pointCache(WINDOW_TABLE);
  pointDouble(POINT, WINDOW_TABLE);
  pointCache(POINT);
  for (let i: usize = 1; i < count; i++) {
    const entry = WINDOW_TABLE + i * CACHED_BYTES;
    pointAddCachedRaw(entry, entry - CACHED_BYTES, POINT);
    pointCache(entry);
  }
}

/** r (Jacobian) = k * q for a secret k in [1, n - 1] and a public affine q on the curve. */
export function multiplyPoint(r: usize, k: usize, q: usize): void {
  fillWindowTable(q, WINDOW_ENTRIES);
  const negate = makeOdd(k);
  pointFromAffine(r, q);
  for (let w: i32 = WINDOWS - 1; w >= 0; w--) {
    for (let i: u32 = 0; i < WINDOW_BITS; i++) pointDouble(r, r);
    takeDigit(<u32>w * WINDOW_BITS, WINDOW_BITS);
    scanWindow();
    applySign();
    if (w > 0) pointAddCachedRaw(r, r, POINT);
  }
  pointAddCachedRaw(SUM, r, POINT);
  const equal = lastAdditionWasDoubling();
  pointDouble(DOUBLED, r);
  pointSelect(r, equal, DOUBLED, SUM);
  negateResult(r, negate);
}

/**
 * Writes the non-adjacent form of width `bits`: DIGITS digits (i8), zero or odd and below 2^(bits - 1) in magnitude.
 * For public scalars.
 */
function nonAdjacentForm(digits: usize, scalar: usize, bits: u32): void {
  memory.fill(digits, 0, 320);
  memory.copy(ODD, scalar, 32); // including the zeros above it
  let carry: u32 = 0;
  let position: u32 = 0;
  while (position < DIGITS) {
    const window = load<u32>(ODD + (position >> 3)) >> (position & 7);
    if ((window & 1) == carry) {
      position++;
      continue;
    }
    const value = (window & ((1 << bits) - 1)) + carry;
    carry = value >> (bits - 1);
    store<i8>(digits + position, <i8>(<i32>value - <i32>(carry << bits)));
    position += bits;
  }
}

/** r += digit * point by a row of a table of odd multiples. Does nothing for 0. */
function addRowDigit(r: usize, row: usize, digit: i32): void {
  if (digit == 0) return;
  unpackEntry(POINT, row + ((<usize>abs<i32>(digit)) >> 1) * ENTRY_BYTES);
  if (digit < 0) fieldNegate(POINT + Y, POINT + Y);
  pointAddAffinePublic(r, POINT);
}

/** r += digit * point by WINDOW_TABLE. Does nothing for 0. */
function addWindowDigit(r: usize, digit: i32): void {
  if (digit == 0) return;
  const entry = WINDOW_TABLE + ((<usize>abs<i32>(digit)) >> 1) * CACHED_BYTES;
  if (digit > 0) return pointAddCachedPublic(r, entry);
  for (let offset: usize = 0; offset < CACHED_BYTES; offset += 16)
    v128.store(POINT + offset, v128.load(entry + offset));
  fieldNegate(POINT + Y, POINT + Y);
  pointAddCachedPublic(r, POINT);
}

/**
 * r (Jacobian) = s * G + t * q for scalars and an affine point q on the curve. All are public, since the time depends
 * on them. The result may be infinity.
 */
export function multiplySumPublic(r: usize, s: usize, t: usize, q: usize): void {
  const comb = combOfGenerator();
  fillWindowTable(q, PUBLIC_ENTRIES);
  nonAdjacentForm(DIGITS_S, s, GENERATOR_BITS);
  nonAdjacentForm(DIGITS_T, t, PUBLIC_BITS);
  pointSetInfinity(r);
  for (let i: i32 = DIGITS - 1; i >= 0; i--) {
    pointDouble(r, r);
    addRowDigit(r, comb, load<i8>(DIGITS_S + i));
    addWindowDigit(r, load<i8>(DIGITS_T + i));
  }
}

/** Like `multiplySumPublic` for a q with a table (of `fillKeyTable`): 36 doublings instead of 256. */
export function multiplySumPrepared(r: usize, s: usize, t: usize, table: usize): void {
  const comb = combOfGenerator();
  nonAdjacentForm(DIGITS_S, s, GENERATOR_BITS);
  nonAdjacentForm(DIGITS_T, t, PUBLIC_BITS);
  pointSetInfinity(r);
  const combStep = <usize>(KEY_SPACING / COMB_BITS) * COMB_ROW_BYTES;
  for (let bit: i32 = KEY_SPACING - 1; bit >= 0; bit--) {
    pointDouble(r, r);
    for (let row: usize = 0; row < KEY_ROWS; row++) {
      const position = <usize>bit + row * KEY_SPACING;
      addRowDigit(r, comb + row * combStep, load<i8>(DIGITS_S + position));
      addRowDigit(r, table + row * KEY_ROW_BYTES, load<i8>(DIGITS_T + position));
    }
  }
}

/** Clears the working memory of this file. */
function multiplyWipe(): void {
  memory.fill(ODD, 0, 48);
  memory.fill(ENTRY, 0, 80);
  memory.fill(POINT, 0, CACHED_BYTES);
  memory.fill(SUM, 0, JACOBIAN_BYTES);
  memory.fill(DOUBLED, 0, JACOBIAN_BYTES);
  memory.fill(NEGATED, 0, FIELD_BYTES);
  digitIndex = 0;
  digitSign = 0;
}
