// Constant-time DES and triple DES (FIPS 46-3, SP 800-67) for message authentication codes. S-boxes and P are register
// swizzles. Old networks authenticate with it. There is no encryption mode, because nothing else should use it.
import { clear, wipe } from './constant-time';
import { DES_BOXES, DES_KEY_BITS, DES_LANES, DES_PERMUTATION } from './des.gen';
import { lookup16 } from './simd';

const ROUNDS: usize = 16;
/** Round keys of one DES key, bytes. */
const SCHEDULE_BYTES: u32 = 256;

/**
 * One key of DES (8 bytes) or of two-key triple DES (16 bytes; equal halves give DES). 512 bytes of round keys. `wipe`
 * when done.
 */
export class Des {
  private keys: StaticArray<u8> = new StaticArray<u8>(2 * SCHEDULE_BYTES);
  private triple: bool = false;

  /** Expands the key of 8 or 16 bytes. Parity bits are ignored. */
  setKey(key: usize, length: u32): void {
    const keys = changetype<usize>(this.keys);
    this.triple = length >= 16;
    expand(key, keys);
    if (this.triple) expand(key + 8, keys + SCHEDULE_BYTES);
    else clear(keys + SCHEDULE_BYTES, SCHEDULE_BYTES);
  }

  /** Encrypts one block of 8 bytes, as a big-endian number. */
  encrypt(block: u64): u64 {
    const keys = changetype<usize>(this.keys);
    let state = rounds(initial(block), keys, false);
    if (this.triple) {
      state = rounds(state, keys + SCHEDULE_BYTES, true);
      state = rounds(state, keys, false);
    }
    return final(state);
  }

  /** One encryption with the first part of the key alone. */
  encryptFirst(block: u64): u64 {
    return final(rounds(initial(block), changetype<usize>(this.keys), false));
  }

  /**
   * Decrypts once with the second half of the key. The retail MAC does so before a last encryption with the first half.
   */
  decryptSecond(block: u64): u64 {
    return final(rounds(initial(block), changetype<usize>(this.keys) + SCHEDULE_BYTES, true));
  }

  /** Overwrites the key. */
  wipe(): void {
    wipe(changetype<usize>(this.keys), 2 * SCHEDULE_BYTES);
  }
}

/** Writes sixteen vectors with six bits for each box, in the lanes of `DES_LANES` and eight lanes above. */
function expand(key: usize, to: usize): void {
  const bits = bswap(load<u64>(key));
  clear(to, SCHEDULE_BYTES);
  for (let round: usize = 0; round < ROUNDS; round++) {
    for (let box: usize = 0; box < 8; box++) {
      const from = DES_KEY_BITS + round * 48 + box * 6;
      let six: u32 = 0;
      for (let i: usize = 0; i < 6; i++) six = (six << 1) | ((<u32>(bits >> (63 - load<u8>(from + i)))) & 1);
      const lane = to + round * 16 + load<u8>(DES_LANES + box);
      store<u8>(lane, six);
      store<u8>(lane, six, 8);
    }
  }
}

/** Swaps the bits of `mask` in the right half with those `shift` above them, in the left half. */
// @ts-ignore: decorator
@inline
function swapLeft(value: u64, shift: u64, mask: u64): u64 {
  const difference = ((value >> shift) ^ value) & mask;
  return value ^ difference ^ (difference << shift);
}

/** Swaps the bits of `mask` in the left half with those `shift` below them, in the right half. */
// @ts-ignore: decorator
@inline
function swapRight(value: u64, shift: u64, mask: u64): u64 {
  const difference = ((value << shift) ^ value) & mask;
  return value ^ difference ^ (difference >> shift);
}

/** The initial permutation IP. */
function initial(block: u64): u64 {
  let x = swapLeft(block, 36, 0x0f0f0f0f);
  x = swapLeft(x, 48, 0xffff);
  x = swapRight(x, 30, 0x3333333300000000);
  x = swapRight(x, 24, 0x00ff00ff00000000);
  return swapLeft(x, 33, 0x55555555);
}

/** Inverse of the initial permutation. */
function final(state: u64): u64 {
  let x = swapLeft(state, 33, 0x55555555);
  x = swapRight(x, 24, 0x00ff00ff00000000);
  x = swapRight(x, 30, 0x3333333300000000);
  x = swapLeft(x, 48, 0xffff);
  return swapLeft(x, 36, 0x0f0f0f0f);
}

/** Sixteen rounds and the final swap of halves, between the permutations. */
function rounds(state: u64, keys: usize, decrypt: bool): u64 {
  let left = <u32>(state >> 32);
  let right = <u32>state;
  const step: usize = decrypt ? -16 : 16;
  let key = decrypt ? keys + (ROUNDS - 1) * 16 : keys;
  for (let pair = 0; pair < 8; pair++) {
    left ^= cipher(right, key);
    right ^= cipher(left, key + step);
    key += step + step;
  }
  return ((<u64>right) << 32) | left;
}

/** Value of one box in its lane, zeros elsewhere. */
// @ts-ignore: decorator
@inline
function box(low: v128, number: usize): v128 {
  return lookup16(v128.load(DES_BOXES + number * 32), v128.or(low, v128.load(DES_BOXES + number * 32 + 16)));
}

/** Halves of four boxes. */
// @ts-ignore: decorator
@inline
function boxes(low: v128, first: usize): v128 {
  return v128.or(v128.or(box(low, first), box(low, first + 1)), v128.or(box(low, first + 2), box(low, first + 3)));
}

/** The cipher function f: expansion, key, S-boxes, permutation P. */
function cipher(half: u32, key: usize): u32 {
  const turned = rotr<u32>(half, 1);
  const words = ((<u64>rotl<u32>(turned, 4)) << 32) | turned;
  const six = v128.xor(i8x16.shr_u(i64x2.splat(words), 2), v128.load(key));
  const low = v128.and(six, i8x16.splat(15));
  const pairs = v128.or(v128.or(boxes(low, 0), boxes(low, 4)), v128.or(boxes(low, 8), boxes(low, 12)));
  const upper = i8x16.ne(v128.and(six, i8x16.splat(16)), i8x16.splat(0));
  const nibbles = v128.bitselect(i8x16.shr_u(pairs, 4), v128.and(pairs, i8x16.splat(15)), upper);
  const wanted = i64x2(0, 0x2020202020202020);
  const chosen = v128.and(nibbles, i8x16.eq(v128.and(six, i8x16.splat(32)), wanted));
  const values = v128.or(chosen, i64x2.shuffle(chosen, chosen, 1, 0));
  return (<u32>permuted(values, 0)) | ((<u32>permuted(values, 16)) << 16);
}

/** Sixteen bits of P's result, from bit `from`. */
// @ts-ignore: decorator
@inline
function permuted(values: v128, from: usize): i32 {
  const bits = v128.and(lookup16(values, v128.load(DES_PERMUTATION + from)), v128.load(DES_PERMUTATION + 32 + from));
  return i8x16.bitmask(i8x16.ne(bits, i8x16.splat(0)));
}
