// Multiples of the generator. Computed at the first use (under a millisecond each, no secret in it) rather than carried in the module.
//
// Comb: entry (w, j) is (j + 1) * 64^w * G, w < 43, j < 32, for multiplication by secrets. Odd: entry i is (2i + 1) * G, i < 128, for
// verification. An entry is x and y as 18 words of 32 bits.

import { GENERATOR } from './sm2-constants.gen';
import { FIELD_BYTES } from './sm2-field';
import { JACOBIAN_BYTES, Y, pointAddAffinePublic, pointDouble, pointFromAffine, pointsToAffine } from './sm2-point';

/** Bits of a comb window. */
export const COMB_BITS: u32 = 6;
/** Windows that cover 256 bits and the carry of signed digits. */
export const COMB_WINDOWS: usize = 43;
/** Entries of a window: the digits 1 to 32. */
export const COMB_ENTRIES: usize = 32;
/** Bits of a digit in verification: odd, below 2^8 in size. */
export const ODD_BITS: u32 = 9;
const ODD_ENTRIES: usize = 128;
/** Bytes of an entry: x and y, nine words each. */
export const ENTRY_BYTES: usize = 72;

let combTable: usize = 0;
let oddTable: usize = 0;

/** Narrows an affine point to an entry. */
function pack(entry: usize, point: usize): void {
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

/** table[j] = base + j * step, packed, for `count` entries; `work` has room for `count` Jacobian points and field elements. */
function fill(table: usize, count: usize, base: usize, step: usize, work: usize): void {
  const products = work + count * JACOBIAN_BYTES;
  pointFromAffine(work, base);
  for (let j: usize = 1; j < count; j++) {
    const point = work + j * JACOBIAN_BYTES;
    memory.copy(point, point - JACOBIAN_BYTES, JACOBIAN_BYTES);
    pointAddAffinePublic(point, step);
  }
  pointsToAffine(work, count, JACOBIAN_BYTES, products);
  for (let j: usize = 0; j < count; j++) pack(table + j * ENTRY_BYTES, work + j * JACOBIAN_BYTES);
}

/** Address of the comb, 99,072 bytes of heap. */
export function combOfGenerator(): usize {
  if (combTable != 0) return combTable;
  const table = heap.alloc(COMB_WINDOWS * COMB_ENTRIES * ENTRY_BYTES);
  const work = heap.alloc((COMB_WINDOWS + COMB_ENTRIES) * (JACOBIAN_BYTES + FIELD_BYTES));
  const bases = work + COMB_ENTRIES * (JACOBIAN_BYTES + FIELD_BYTES);
  pointFromAffine(bases, GENERATOR);
  for (let w: usize = 1; w < COMB_WINDOWS; w++) {
    const base = bases + w * JACOBIAN_BYTES;
    pointDouble(base, base - JACOBIAN_BYTES);
    for (let i: u32 = 1; i < COMB_BITS; i++) pointDouble(base, base);
  }
  pointsToAffine(bases, COMB_WINDOWS, JACOBIAN_BYTES, bases + COMB_WINDOWS * JACOBIAN_BYTES);
  for (let w: usize = 0; w < COMB_WINDOWS; w++) {
    const base = bases + w * JACOBIAN_BYTES;
    fill(table + w * COMB_ENTRIES * ENTRY_BYTES, COMB_ENTRIES, base, base, work);
  }
  heap.free(work);
  combTable = table;
  return table;
}

/** Address of the odd multiples, 9,216 bytes of heap. */
export function oddMultiplesOfGenerator(): usize {
  if (oddTable != 0) return oddTable;
  const table = heap.alloc(ODD_ENTRIES * ENTRY_BYTES);
  const work = heap.alloc(ODD_ENTRIES * (JACOBIAN_BYTES + FIELD_BYTES) + JACOBIAN_BYTES + FIELD_BYTES);
  const twice = work + ODD_ENTRIES * (JACOBIAN_BYTES + FIELD_BYTES);
  pointFromAffine(twice, GENERATOR);
  pointDouble(twice, twice);
  pointsToAffine(twice, 1, JACOBIAN_BYTES, twice + JACOBIAN_BYTES);
  fill(table, ODD_ENTRIES, GENERATOR, twice, work);
  heap.free(work);
  oddTable = table;
  return table;
}
