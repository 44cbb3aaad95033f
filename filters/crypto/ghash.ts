// GHASH (NIST SP 800-38D, 6.4) with tables of one key. It absorbs one message at a time. A stream that pauses saves the
// 16 bytes of its sum.
import { clear } from './constant-time';
import { GHASH_NIBBLES, GHASH_POWERS, ghashSum } from './ghash.gen';
import { transpose16Spread } from './transpose.gen';

/** Bytes of tables for one key. */
export const GHASH_TABLE_BYTES: u32 = GHASH_POWERS * 512;

const SUM: usize = memory.data(16, 16);
const PAD: usize = memory.data(16, 16);
const ROWS: usize = memory.data(256, 16);
let staged: u32 = 0; // blocks that wait in GHASH_NIBBLES

/** Fills the `GHASH_TABLE_BYTES` at `tables` for the hash key in the 16 bytes at `key`. */
export function ghashSetKey(tables: usize, key: usize): void {
  let power = v128.load(key);
  for (let i: u32 = 0; i < GHASH_POWERS; i++) {
    fillTable(tables + i * 512, power);
    stage(0, power);
    power = ghashSum(tables, 1);
  }
  clear(ROWS, 256);
  ghashWipe();
}

/** Starts a message from nothing, or from a saved sum. */
export function ghashBegin(sum: v128): void {
  v128.store(SUM, sum);
  staged = 0;
}

/**
 * Absorbs `length` bytes. Pads an incomplete last block with zeros, so only the last piece of a section may have one.
 */
export function ghashAbsorb(tables: usize, data: usize, length: u32): void {
  const end = data + (length & ~15);
  while (data < end) {
    const stop = min(end, data + ((GHASH_POWERS - staged) << 4));
    for (; data < stop; data += 16) stage(staged++, v128.load(data));
    if (staged == GHASH_POWERS) flush(tables);
  }
  const rest = length & 15;
  if (rest == 0) return;
  v128.store(PAD, i64x2.splat(0));
  memory.copy(PAD, data, rest);
  absorbBlock(tables, v128.load(PAD));
}

/** Absorbs the block of lengths (bytes of authenticated and of encrypted data). */
export function ghashAbsorbLengths(tables: usize, aadLength: u64, length: u64): void {
  store<u64>(PAD, bswap<u64>(aadLength << 3));
  store<u64>(PAD, bswap<u64>(length << 3), 8);
  absorbBlock(tables, v128.load(PAD));
}

/** Sum over everything absorbed. */
export function ghashEnd(tables: usize): v128 {
  if (staged > 0) flush(tables);
  return v128.load(SUM);
}

/** Overwrites working memory of messages and keys. */
export function ghashWipe(): void {
  staged = 0;
  clear(SUM, 16);
  clear(PAD, 16);
  clear(GHASH_NIBBLES, GHASH_POWERS * 32);
}

function absorbBlock(tables: usize, block: v128): void {
  stage(staged++, block);
  if (staged == GHASH_POWERS) flush(tables);
}

// @ts-ignore: decorator
@inline
function stage(index: u32, block: v128): void {
  const nibble = i8x16.splat(15);
  const at = GHASH_NIBBLES + (index << 5);
  v128.store(at, v128.and(block, nibble));
  v128.store(at, v128.and(i32x4.shr_u(block, 4), nibble), 16);
}

function flush(tables: usize): void {
  const nibble = i8x16.splat(15);
  const sum = v128.load(SUM);
  v128.store(GHASH_NIBBLES, v128.xor(v128.load(GHASH_NIBBLES), v128.and(sum, nibble)));
  v128.store(GHASH_NIBBLES, v128.xor(v128.load(GHASH_NIBBLES, 16), v128.and(i32x4.shr_u(sum, 4), nibble)), 16);
  v128.store(SUM, ghashSum(tables, staged));
  staged = 0;
}

/** Table of one factor: its products with the sixteen low and the sixteen high nibbles of a byte, transposed. */
function fillTable(table: usize, factor: v128): void {
  let high = bswap(<u64>i64x2.extract_lane(factor, 0));
  let low = bswap(<u64>i64x2.extract_lane(factor, 1));
  for (let half: usize = 0; half < 2; half++) {
    v128.store(ROWS, i64x2.splat(0));
    for (let bit: usize = 128; bit > 8; bit >>= 1) {
      // Bit 3 of a nibble is its lowest power of x.
      store<u64>(ROWS + bit, bswap(high));
      store<u64>(ROWS + bit, bswap(low), 8);
      const carry: u64 = 0 - (low & 1);
      low = (low >> 1) | (high << 63);
      high = (high >> 1) ^ (carry & 0xe100000000000000);
    }
    for (let n: usize = 3; n < 16; n++) {
      const lowest = n & (0 - n);
      if (n != lowest)
        v128.store(ROWS + (n << 4), v128.xor(v128.load(ROWS + (lowest << 4)), v128.load(ROWS + ((n ^ lowest) << 4))));
    }
    transpose16Spread(ROWS, table + 16 - (half << 4)); // the high nibble has the lower powers
  }
}
