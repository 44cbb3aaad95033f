// Tables of odd multiples of a fixed point: row r, entry i is (2i + 1) * 2^(spacing * r) * point. The generator's table
// has 43 rows, for every sixth bit. It is computed on first use (about half a millisecond, nothing secret) and not
// stored in the module. A public key that verifies repeatedly gets a small one. An entry is an affine point, with x and
// y as nine 32-bit words each.

import { GENERATOR } from './sm2-constants.gen';
import {
  FIELD_BYTES,
  fieldCombine,
  fieldInvert,
  fieldMultiply,
  fieldSetOne,
  fieldSquare,
  fieldSubtract,
} from './sm2-field';
import { JACOBIAN_BYTES, Y, pointDouble, pointFromAffine, pointsToAffine } from './sm2-point';

/** Bytes of an entry. */
export const ENTRY_BYTES: usize = 72;
/** Rows of the generator's table: 43 digits of 6 bits cover 256. */
export const COMB_ROWS: usize = 43;
/** Bits between its rows, and bits of a digit. */
export const COMB_BITS: u32 = 6;
/** Entries of its rows: digits 1, 3 … 63. */
export const COMB_ENTRIES: usize = 32;
const COMB_LEVELS: usize = 5;
/** Bytes of a row of the generator's table. */
export const COMB_ROW_BYTES: usize = COMB_ENTRIES * ENTRY_BYTES;

/** Rows of a public key's table. Eight of 36 bits cover the 257 of a scalar in non-adjacent form. */
export const KEY_ROWS: usize = 8;
/** Bits between its rows. A multiple of COMB_BITS, so that rows of the generator's table have the same positions. */
export const KEY_SPACING: u32 = 36;
const KEY_LEVELS: usize = 3;
/** Entries of its rows: digits 1, 3 … 15. */
export const KEY_ENTRIES: usize = 8;
/** Size of one of its rows, bytes. */
export const KEY_ROW_BYTES: usize = KEY_ENTRIES * ENTRY_BYTES;
/** Size of the whole table, bytes. */
export const KEY_TABLE_BYTES: u32 = 4608;

const OLD: usize = memory.data(160, 16);
const SLOPE: usize = memory.data(80, 16);
const DIFFERENCE: usize = memory.data(80, 16);
const PRODUCT: usize = memory.data(80, 16);
const INVERSE: usize = memory.data(80, 16);
const RUNNING: usize = memory.data(240, 16);

let combTable: usize = 0;

/** Packs an affine point into an entry. */
function packEntry(entry: usize, point: usize): void {
  for (let i: usize = 0; i < 9; i++) {
    store<i32>(entry + i * 4, <i32>load<i64>(point + i * 8));
    store<i32>(entry + 36 + i * 4, <i32>load<i64>(point + Y + i * 8));
  }
}

/** r (affine) = an entry. */
export function unpackEntry(r: usize, entry: usize): void {
  for (let i: usize = 0; i < 8; i += 2) {
    v128.store(r + i * 8, v128.load_ext<i32>(entry + i * 4));
    v128.store(r + Y + i * 8, v128.load_ext<i32>(entry + 36 + i * 4));
  }
  store<i64>(r, load<i32>(entry, 32), 64);
  store<i64>(r, load<i32>(entry, 68), Y + 64);
}

/**
 * Writes 2^(spacing * row + l) * base for every row and l of 0 to levels, affine, `JACOBIAN_BYTES` apart, row by row.
 */
function fillDoublings(points: usize, base: usize, rows: usize, spacing: usize, levels: usize): void {
  pointFromAffine(RUNNING, base);
  let at = points;
  for (let row: usize = 0; row < rows; row++) {
    for (let bit: usize = 0; bit < spacing; bit++) {
      if (bit <= levels) {
        memory.copy(at, RUNNING, JACOBIAN_BYTES);
        at += JACOBIAN_BYTES;
      }
      pointDouble(RUNNING, RUNNING);
    }
  }
  const count = rows * (levels + 1);
  pointsToAffine(points, count, JACOBIAN_BYTES, points + count * JACOBIAN_BYTES);
}

/** entry = OLD + q by the affine formula. 1 / (x of q - x of OLD) is at SLOPE; the two differ in x. */
function addAffine(entry: usize, q: usize): void {
  fieldSubtract(DIFFERENCE, q + Y, OLD + Y);
  fieldMultiply(SLOPE, SLOPE, DIFFERENCE);
  fieldSquare(PRODUCT, SLOPE);
  fieldSubtract(PRODUCT, PRODUCT, OLD);
  fieldCombine(RUNNING, 1, PRODUCT, -1, q);
  fieldSubtract(DIFFERENCE, OLD, RUNNING);
  fieldMultiply(PRODUCT, SLOPE, DIFFERENCE);
  fieldCombine(RUNNING + Y, 1, PRODUCT, -1, OLD + Y);
  packEntry(entry, RUNNING);
}

/**
 * Doubles the filled part of every row: entry half + i = entry i + 2 * half * (point of the row); one inversion for
 * all.
 */
function fillLevel(
  table: usize,
  rows: usize,
  rowBytes: usize,
  half: usize,
  doublings: usize,
  stride: usize,
  prefixes: usize,
): void {
  fieldSetOne(PRODUCT);
  let prefix = prefixes;
  for (let row: usize = 0; row < rows; row++) {
    for (let i: usize = 0; i < half; i++) {
      unpackEntry(OLD, table + row * rowBytes + i * ENTRY_BYTES);
      fieldSubtract(prefix, doublings + row * stride, OLD);
      fieldMultiply(PRODUCT, PRODUCT, prefix);
      memory.copy(prefix, PRODUCT, FIELD_BYTES);
      prefix += FIELD_BYTES;
    }
  }
  fieldInvert(INVERSE, PRODUCT);
  for (let row = rows; row > 0; row--) {
    const q = doublings + (row - 1) * stride;
    for (let i = half; i > 0; i--) {
      const entry = table + (row - 1) * rowBytes + (i - 1) * ENTRY_BYTES;
      prefix -= FIELD_BYTES;
      unpackEntry(OLD, entry);
      if (prefix == prefixes) memory.copy(SLOPE, INVERSE, FIELD_BYTES);
      else fieldMultiply(SLOPE, INVERSE, prefix - FIELD_BYTES);
      fieldSubtract(DIFFERENCE, q, OLD);
      fieldMultiply(INVERSE, INVERSE, DIFFERENCE);
      addAffine(entry + half * ENTRY_BYTES, q);
    }
  }
}

/** Fills a table of `rows` rows, `spacing` bits apart, of 2^levels entries each. The base is affine and not secret. */
function fillTable(table: usize, base: usize, rows: usize, spacing: usize, levels: usize): void {
  const stride = (levels + 1) * JACOBIAN_BYTES;
  const rowBytes = ENTRY_BYTES << levels;
  const count = rows * (levels + 1);
  const prefixCount = max(count, rows << (levels - 1));
  const points = heap.alloc(count * JACOBIAN_BYTES + prefixCount * FIELD_BYTES);
  fillDoublings(points, base, rows, spacing, levels);
  for (let row: usize = 0; row < rows; row++) packEntry(table + row * rowBytes, points + row * stride);
  for (let level: usize = 1; level <= levels; level++) {
    fillLevel(
      table,
      rows,
      rowBytes,
      (<usize>1) << (level - 1),
      points + level * JACOBIAN_BYTES,
      stride,
      points + count * JACOBIAN_BYTES,
    );
  }
  heap.free(points);
}

/** Address of the generator's table, 99,072 bytes of heap. */
export function combOfGenerator(): usize {
  if (combTable != 0) return combTable;
  const table = heap.alloc(COMB_ROWS * COMB_ROW_BYTES);
  fillTable(table, GENERATOR, COMB_ROWS, COMB_BITS, COMB_LEVELS);
  combTable = table;
  return table;
}

/** Fills the table of a public key, `KEY_TABLE_BYTES`. Costs about as much as a verification without it. */
export function fillKeyTable(table: usize, point: usize): void {
  fillTable(table, point, KEY_ROWS, KEY_SPACING, KEY_LEVELS);
}
