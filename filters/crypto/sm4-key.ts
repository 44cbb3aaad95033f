// Key schedule of SM4 (GB/T 32907-2016, 7.3), constant-time: its S-box consists of swizzles and not of table loads.
import { clear } from './constant-time';
import { lookup16, mapBytes } from './simd';
import {
  IN,
  INVERSE,
  INVERSE_A,
  NIBBLE,
  PLAIN_I,
  PLAIN_J,
  SM4_INPUT_CONSTANT,
  SM4_ROUND_CONSTANT,
  SM4_VPERM,
} from './sm4-vperm.gen';

/** Round keys of one direction, one after the other, 16-byte aligned. */
export const SM4_WORD_KEYS: u32 = 0; // 32 words, tower basis: for `sm4Blocks4`
export const SM4_PLANE_KEYS: u32 = 128; // 32 rounds of 4 byte planes, tower basis: for `sm4Planes`
export const SM4_SLICE_KEYS: u32 = 128 + 2048; // 32 rounds of 8 bit slices: for `sm4Slices`
/** Bytes that `expandSm4Key` writes. */
export const SM4_KEY_BYTES: u32 = 128 + 2048 + 4096;

const RAW: usize = memory.data(128, 16); // plain round keys while a key is expanded
const FK: usize = memory.data<u32>([0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc], 16);

/** Expands the 16 bytes at `key` to the `SM4_KEY_BYTES` bytes at `keys`. `decrypt` reverses the order of the rounds. */
export function expandSm4Key(key: usize, keys: usize, decrypt: bool): void {
  roundKeys(key);
  if (decrypt) reverseRounds();
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  for (let group: u32 = 0; group < 8; group++) {
    const words = v128.xor(v128.load(RAW + (group << 4)), inputCorrection(group));
    v128.store(RAW + (group << 4), words);
    v128.store(keys + (group << 4), mapBytes(words, SM4_VPERM + IN, nibble));
  }
  const planes = keys + SM4_PLANE_KEYS;
  for (let round: u32 = 0; round < 32; round++) {
    const word = keys + (round << 2);
    const plane = planes + (round << 6);
    v128.store(plane, v128.load8_splat(word, 3));
    v128.store(plane, v128.load8_splat(word, 2), 16);
    v128.store(plane, v128.load8_splat(word, 1), 32);
    v128.store(plane, v128.load8_splat(word), 48);
    sliceWord(load<u32>(RAW + (round << 2)), keys + SM4_SLICE_KEYS + (round << 7));
  }
  clear(RAW, 128);
}

/**
 * Expands the bits of a word for 32 equal blocks: eight slices, 128 bytes at `to`, with byte 0 (the most significant)
 * in 32-bit lane 0.
 */
export function sliceWord(word: u32, to: usize): void {
  const splat = i32x4.splat(<i32>word);
  const bytes = i8x16.shuffle(splat, splat, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
  for (let bit = 0; bit < 8; bit++) {
    const mask = i8x16.splat(1 << (<i8>bit));
    v128.store(to + ((<usize>bit) << 4), i8x16.eq(v128.and(bytes, mask), mask));
  }
}

/**
 * The kernels omit the affine constants of the S-box. This is the correction of a round's input, per byte, for the four
 * rounds of a group: the input constant, and the round constant for each of its three words that was updated an odd
 * number of times.
 */
// @ts-ignore: decorator
@inline
function inputCorrection(group: u32): v128 {
  const input = i8x16.splat(<i8>SM4_INPUT_CONSTANT);
  const odd = i8x16.splat(<i8>(SM4_INPUT_CONSTANT ^ SM4_ROUND_CONSTANT));
  // Before round 4g + r, words 0 … r-1 were updated g + 1 times, the others g times. Word r itself is not an input.
  return group & 1
    ? i8x16.shuffle(input, odd, 16, 17, 18, 19, 4, 5, 6, 7, 24, 25, 26, 27, 12, 13, 14, 15)
    : i8x16.shuffle(input, odd, 0, 1, 2, 3, 20, 21, 22, 23, 8, 9, 10, 11, 28, 29, 30, 31);
}

function roundKeys(key: usize): void {
  let a = bswap(load<u32>(key)) ^ load<u32>(FK);
  let b = bswap(load<u32>(key, 4)) ^ load<u32>(FK, 4);
  let c = bswap(load<u32>(key, 8)) ^ load<u32>(FK, 8);
  let d = bswap(load<u32>(key, 12)) ^ load<u32>(FK, 12);
  let constant: u32 = 0x00070e15; // CK: byte j of round i is (4i + j) * 7 mod 256
  for (let i: u32 = 0; i < 32; i += 4) {
    a ^= keyTransform(b ^ c ^ d ^ constant);
    constant = nextConstant(constant);
    b ^= keyTransform(c ^ d ^ a ^ constant);
    constant = nextConstant(constant);
    c ^= keyTransform(d ^ a ^ b ^ constant);
    constant = nextConstant(constant);
    d ^= keyTransform(a ^ b ^ c ^ constant);
    constant = nextConstant(constant);
    store<u32>(RAW + (i << 2), a);
    store<u32>(RAW + (i << 2), b, 4);
    store<u32>(RAW + (i << 2), c, 8);
    store<u32>(RAW + (i << 2), d, 12);
  }
}

/** Adds 28 to each byte without carry between bytes. */
// @ts-ignore: decorator
@inline
function nextConstant(constant: u32): u32 {
  return ((constant & 0x7f7f7f7f) + 0x1c1c1c1c) ^ (constant & 0x80808080);
}

/** T' of the standard: four S-boxes, then B ^ (B <<< 13) ^ (B <<< 23). */
// @ts-ignore: decorator
@inline
function keyTransform(word: u32): u32 {
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  const value = mapBytes(i32x4.splat(word ^ (SM4_INPUT_CONSTANT * 0x01010101)), SM4_VPERM + IN, nibble);
  const low = v128.and(value, nibble);
  const high = v128.and(i32x4.shr_u(value, 4), nibble);
  const sum = v128.xor(low, high);
  const inverse = v128.load(SM4_VPERM, INVERSE);
  const a = lookup16(v128.load(SM4_VPERM, INVERSE_A), low);
  const io = v128.xor(lookup16(inverse, v128.xor(lookup16(inverse, high), a)), sum);
  const jo = v128.xor(lookup16(inverse, v128.xor(lookup16(inverse, sum), a)), high);
  const box = v128.xor(lookup16(v128.load(SM4_VPERM, PLAIN_I), io), lookup16(v128.load(SM4_VPERM, PLAIN_J), jo));
  const boxed = (<u32>i32x4.extract_lane(box, 0)) ^ 0xd3d3d3d3;
  return boxed ^ rotl(boxed, 13) ^ rotl(boxed, 23);
}

function reverseRounds(): void {
  for (let low: u32 = 0; low < 64; low += 4) {
    const high = 124 - low;
    const word = load<u32>(RAW + low);
    store<u32>(RAW + low, load<u32>(RAW + high));
    store<u32>(RAW + high, word);
  }
}
