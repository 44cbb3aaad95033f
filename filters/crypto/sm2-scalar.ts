// Numbers modulo the order n of the SM2 group. A scalar is eight 32-bit words, least significant first (32 bytes),
// always below n. Products are Montgomery products with R = 2^256. Loops are not unrolled, because a signature needs
// one product and a verification none. Constant time.

import { ORDER, ORDER_BYTES, ORDER_FACTOR, SCALAR_PLAIN_ONE, SCALAR_R_SQUARED } from './sm2-constants.gen';
import { MODULO_ORDER, invert } from './sm2-inverse';

/** Bytes of a scalar in memory. */
export const SCALAR_BYTES: usize = 32;

const SUM: usize = memory.data(48, 16); // ten words: the running sum of a product

/**
 * r = a - n if that is not negative or if `carry` (0 or 1: the bit above a) is set, else a. a + carry * 2^256 is below
 * 2n.
 */
function subtractOrderOnce(r: usize, a: usize, carry: u64): void {
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    borrow = (<u64>load<u32>(a + i) - <u64>load<u32>(ORDER + i) - borrow) >> 63;
  }
  const mask: u64 = (borrow & ~carry & 1) - 1; // all ones to subtract n
  borrow = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const word = <u64>load<u32>(a + i) - ((<u64>load<u32>(ORDER + i)) & mask) - borrow;
    store<u32>(r + i, <u32>word);
    borrow = word >> 63;
  }
}

/** r = a + b. `r` may be an operand. */
export function scalarAdd(r: usize, a: usize, b: usize): void {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(a + i) + <u64>load<u32>(b + i);
    store<u32>(SUM + i, <u32>carry);
    carry >>= 32;
  }
  subtractOrderOnce(r, SUM, carry);
}

/** r = a - b. `r` may be an operand. */
export function scalarSubtract(r: usize, a: usize, b: usize): void {
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const word = <u64>load<u32>(a + i) - <u64>load<u32>(b + i) - borrow;
    store<u32>(SUM + i, <u32>word);
    borrow = word >> 63;
  }
  const mask: u64 = 0 - borrow;
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(SUM + i) + ((<u64>load<u32>(ORDER + i)) & mask);
    store<u32>(r + i, <u32>carry);
    carry >>= 32;
  }
}

/** r = -a, for a that is not zero. `r` may be `a`. */
export function scalarNegate(r: usize, a: usize): void {
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const word = <u64>load<u32>(ORDER + i) - <u64>load<u32>(a + i) - borrow;
    store<u32>(r + i, <u32>word);
    borrow = word >> 63;
  }
}

/** r = condition ? a : b, by masks; `condition` is 0 or 1. */
export function scalarSelect(r: usize, condition: u32, a: usize, b: usize): void {
  const mask = i64x2.splat(-(<i64>condition));
  v128.store(r, v128.bitselect(v128.load(a), v128.load(b), mask));
  v128.store(r, v128.bitselect(v128.load(a, 16), v128.load(b, 16), mask), 16);
}

/** r = a * b / 2^256. `r` may be an operand. */
export function scalarMultiplyMontgomery(r: usize, a: usize, b: usize): void {
  memory.fill(SUM, 0, 40);
  for (let i: usize = 0; i < 32; i += 4) {
    const factor = <u64>load<u32>(b + i);
    let carry: u64 = 0;
    for (let j: usize = 0; j < 32; j += 4) {
      carry += <u64>load<u32>(a + j) * factor + <u64>load<u32>(SUM + j);
      store<u32>(SUM + j, <u32>carry);
      carry >>= 32;
    }
    carry += load<u32>(SUM, 32);
    store<u32>(SUM, <u32>carry, 32);
    store<u32>(SUM, <u32>(carry >> 32), 36);
    reduceRound();
  }
  subtractOrderOnce(r, SUM, load<u32>(SUM, 32));
}

/** Adds the multiple of n that clears the lowest word of SUM, and drops that word. */
function reduceRound(): void {
  const low: u32 = load<u32>(SUM) * ORDER_FACTOR; // typed: inside a cast to u64 the compiler would multiply as u64
  const factor: u64 = low;
  let carry = (<u64>load<u32>(ORDER) * factor + <u64>load<u32>(SUM)) >> 32;
  for (let j: usize = 4; j < 32; j += 4) {
    carry += <u64>load<u32>(ORDER + j) * factor + <u64>load<u32>(SUM + j);
    store<u32>(SUM + j - 4, <u32>carry);
    carry >>= 32;
  }
  carry += load<u32>(SUM, 32);
  store<u32>(SUM, <u32>carry, 28);
  store<u32>(SUM, load<u32>(SUM, 36) + <u32>(carry >> 32), 32);
}

/** r = a in Montgomery form. Its product with a plain scalar is plain. */
export function scalarToMontgomery(r: usize, a: usize): void {
  scalarMultiplyMontgomery(r, a, SCALAR_R_SQUARED);
}

/** r = 1 / a in Montgomery form, of a plain scalar. Zero gives zero. `r` may be `a`. */
export function scalarInvertToMontgomery(r: usize, a: usize): void {
  invert(r, a, MODULO_ORDER);
  scalarToMontgomery(r, r);
  scalarWipe();
}

/** 1 if the scalar is zero, else 0. */
export function scalarIsZero(a: usize): u32 {
  const bits = load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24);
  return <u32>(((bits | (0 - bits)) >> 63) ^ 1);
}

/** Reads 32 big-endian bytes unchanged. The number may be n or more. */
function wordsFromBytes(r: usize, bytes: usize): void {
  for (let i: usize = 0; i < 32; i += 4) store<u32>(r + i, bswap<u32>(load<u32>(bytes + 28 - i)));
}

/** r = the number of 32 big-endian bytes modulo n. */
export function scalarFromBytesReduced(r: usize, bytes: usize): void {
  wordsFromBytes(SUM, bytes);
  subtractOrderOnce(r, SUM, 0); // 2^256 is below 2n
}

/** r = the number of 32 big-endian bytes. 1 if it is in [1, n - 1], else 0 (r is then meaningless). */
export function scalarFromBytes(r: usize, bytes: usize): u32 {
  wordsFromBytes(r, bytes);
  let borrow: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    borrow = (<u64>load<u32>(r + i) - <u64>load<u32>(ORDER + i) - borrow) >> 63;
  }
  return (<u32>borrow) & (scalarIsZero(r) ^ 1);
}

/** Writes 32 big-endian bytes. */
export function scalarToBytes(bytes: usize, a: usize): void {
  const low = load<u64>(a);
  const second = load<u64>(a, 8);
  const third = load<u64>(a, 16);
  const high = load<u64>(a, 24);
  store<u64>(bytes, bswap<u64>(high));
  store<u64>(bytes, bswap<u64>(third), 8);
  store<u64>(bytes, bswap<u64>(second), 16);
  store<u64>(bytes, bswap<u64>(low), 24);
}

/** r = 1. */
export function scalarSetOne(r: usize): void {
  memory.copy(r, SCALAR_PLAIN_ONE, SCALAR_BYTES);
}

/** Adds n to 32 big-endian bytes. True if the sum is below 2^256. For public values. */
export function addOrderPublic(bytes: usize): bool {
  let carry: u32 = 0;
  for (let i: i32 = 31; i >= 0; i--) {
    carry += <u32>load<u8>(bytes + i) + <u32>load<u8>(ORDER_BYTES + i);
    store<u8>(bytes + i, <u8>carry);
    carry >>= 8;
  }
  return carry == 0;
}

/** Clears the working memory of this file. */
export function scalarWipe(): void {
  memory.fill(SUM, 0, 48);
}
