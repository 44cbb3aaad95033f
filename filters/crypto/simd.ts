// SIMD operations that the ciphers share. Relaxed SIMD is used if the module is compiled with it; results do not
// change.

/**
 * `table[index]` in each of 16 lanes. An index with its top bit set gives 0. Indices 16 to 127 are not permitted: hosts
 * differ on them under relaxed SIMD (which takes one instruction instead of two).
 */
// @ts-ignore: decorator
@inline
export function lookup16(table: v128, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, index);
  return i8x16.swizzle(table, index);
}

/** Linear map on bytes by two nibble tables at `tables` and `tables + 16`. `nibble` is 0x0f in every lane. */
// @ts-ignore: decorator
@inline
export function mapBytes(value: v128, tables: usize, nibble: v128): v128 {
  return v128.xor(
    lookup16(v128.load(tables), v128.and(value, nibble)),
    lookup16(v128.load(tables, 16), v128.and(i32x4.shr_u(value, 4), nibble)),
  );
}

/** Copies a multiple of 16 bytes. Inlined, because calling `memory.copy` costs more than copying a short range. */
// @ts-ignore: decorator
@inline
export function copyVectors(to: usize, from: usize, length: u32): void {
  for (const end = from + length; from < end; from += 16, to += 16) v128.store(to, v128.load(from));
}

/** Swaps the bytes of each 32-bit lane. */
// @ts-ignore: decorator
@inline
export function swapBytes32(value: v128): v128 {
  return i8x16.shuffle(value, value, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}
