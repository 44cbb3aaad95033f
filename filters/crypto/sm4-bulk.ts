// SM4 on 64 blocks at a time as bit slices: input and output of the rounds in sm4-bitslice.gen.ts.
import { transposeBits8 } from './bits.gen';
import { clear } from './constant-time';
import { copyVectors } from './simd';
import { SM4_SLICES } from './sm4-bitslice.gen';
import { sliceWord } from './sm4-key';

/** Bytes of a batch. */
export const BULK_BYTES: u32 = 1024;

const HALF: usize = 512; // 32 blocks
const WORD: usize = 128; // eight slices
const NONCE: usize = memory.data(384, 16); // slices of words 0 … 2 of the counter block
const STEPS: usize = memory.data<u32>([0, 8, 16, 24], 16);

let used = false; // whether there is anything to wipe

/** Prepares the slices of the first 12 bytes of a counter block for `loadCounters`. */
export function setNonceSlices(block: usize): void {
  sliceWord(bswap(load<u32>(block)), NONCE);
  sliceWord(bswap(load<u32>(block, 4)), NONCE + WORD);
  sliceWord(bswap(load<u32>(block, 8)), NONCE + 2 * WORD);
}

/** Fills the state with the counter blocks beginning at `counter`. */
export function loadCounters(counter: u32): void {
  used = true;
  for (let half: usize = SM4_SLICES; half < SM4_SLICES + 1024; half += HALF) {
    copyVectors(half, NONCE, 384);
    const base = i32x4.add(i32x4.splat(<i32>counter), v128.load(STEPS));
    for (let k: u32 = 0; k < 8; k++) {
      const counters = i32x4.add(base, i32x4.splat(<i32>k)); // blocks k, 8 + k, 16 + k, 24 + k
      v128.store(half + 3 * WORD + (k << 4), bytesFromWords(counters));
    }
    transposeBits8(half + 3 * WORD);
    counter += 32;
  }
}

/** Fills the state with the 1024 bytes at `from`. */
export function loadBlocks(from: usize): void {
  used = true;
  for (let half: usize = SM4_SLICES; half < SM4_SLICES + 1024; half += HALF) {
    for (let k: usize = 0; k < 128; k += 16) {
      const a = v128.load(from + k);
      const b = v128.load(from + k, 128);
      const c = v128.load(from + k, 256);
      const d = v128.load(from + k, 384);
      const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
      const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
      const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
      const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
      v128.store(half + k, transposeBytes(i64x2.shuffle(ab0, cd0, 0, 2)));
      v128.store(half + k, transposeBytes(i64x2.shuffle(ab0, cd0, 1, 3)), 128);
      v128.store(half + k, transposeBytes(i64x2.shuffle(ab1, cd1, 0, 2)), 256);
      v128.store(half + k, transposeBytes(i64x2.shuffle(ab1, cd1, 1, 3)), 384);
    }
    for (let word: usize = half; word < half + HALF; word += WORD) transposeBits8(word);
    from += HALF;
  }
}

/**
 * Takes the state out, words in reverse order, XORs it with the 1024 bytes at `mask` and writes it to `to`. They may be
 * the same.
 */
export function sm4SlicesXor(mask: usize, to: usize): void {
  for (let half: usize = SM4_SLICES; half < SM4_SLICES + 1024; half += HALF) {
    for (let word: usize = half; word < half + HALF; word += WORD) transposeBits8(word);
    for (let k: usize = 0; k < 128; k += 16) {
      const a = transposeBytes(v128.load(half + k, 384));
      const b = transposeBytes(v128.load(half + k, 256));
      const c = transposeBytes(v128.load(half + k, 128));
      const d = transposeBytes(v128.load(half + k));
      const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
      const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
      const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
      const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
      v128.store(to + k, v128.xor(i64x2.shuffle(ab0, cd0, 0, 2), v128.load(mask + k)));
      v128.store(to + k, v128.xor(i64x2.shuffle(ab0, cd0, 1, 3), v128.load(mask + k, 128)), 128);
      v128.store(to + k, v128.xor(i64x2.shuffle(ab1, cd1, 0, 2), v128.load(mask + k, 256)), 256);
      v128.store(to + k, v128.xor(i64x2.shuffle(ab1, cd1, 1, 3), v128.load(mask + k, 384)), 384);
    }
    mask += HALF;
    to += HALF;
  }
}

/** Overwrites the working memory of bulk runs. */
export function sm4BulkWipe(): void {
  if (!used) return;
  clear(SM4_SLICES, 1024);
  clear(NONCE, 384);
  used = false;
}

/** Four words as numbers to byte lanes: the four most significant bytes first. */
// @ts-ignore: decorator
@inline
function bytesFromWords(words: v128): v128 {
  return i8x16.shuffle(words, words, 3, 7, 11, 15, 2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12);
}

/** Four words in message order to byte lanes, and back: a 4 by 4 transposition. */
// @ts-ignore: decorator
@inline
function transposeBytes(words: v128): v128 {
  return i8x16.shuffle(words, words, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}
