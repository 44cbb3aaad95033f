// SM4 (GB/T 32907-2016, 7.1) with one 32-bit word in each lane: four blocks for the ends of messages, one for chained
// modes. Latency matters here, so each sum adds the value that is ready last at the end.
import { lookup16, mapBytes, swapBytes32 } from './simd';
import { IN, INVERSE, INVERSE_A, MIXED_I, MIXED_J, NIBBLE, OUT, SM4_VPERM, TURNED_I, TURNED_J } from './sm4-vperm.gen';

/**
 * Encrypts four blocks (or decrypts, with keys in reverse order) from `from` to `to`, 64 bytes each. They may be the
 * same. `keys`: 32 words in the tower basis (`SM4_WORD_KEYS`).
 */
export function sm4Blocks4(keys: usize, from: usize, to: usize): void {
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  const a = mapBytes(swapBytes32(v128.load(from)), SM4_VPERM + IN, nibble);
  const b = mapBytes(swapBytes32(v128.load(from, 16)), SM4_VPERM + IN, nibble);
  const c = mapBytes(swapBytes32(v128.load(from, 32)), SM4_VPERM + IN, nibble);
  const d = mapBytes(swapBytes32(v128.load(from, 48)), SM4_VPERM + IN, nibble);
  const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  let w0 = i64x2.shuffle(ab0, cd0, 0, 2);
  let w1 = i64x2.shuffle(ab0, cd0, 1, 3);
  let w2 = i64x2.shuffle(ab1, cd1, 0, 2);
  let w3 = i64x2.shuffle(ab1, cd1, 1, 3);
  for (let key = keys, end = keys + 128; key < end; key += 16) {
    w0 = round(w0, v128.xor(v128.xor(v128.xor(w1, v128.load32_splat(key)), w2), w3));
    w1 = round(w1, v128.xor(v128.xor(v128.xor(w2, v128.load32_splat(key, 4)), w3), w0));
    w2 = round(w2, v128.xor(v128.xor(v128.xor(w3, v128.load32_splat(key, 8)), w0), w1));
    w3 = round(w3, v128.xor(v128.xor(v128.xor(w0, v128.load32_splat(key, 12)), w1), w2));
  }
  // The words come out in reverse order.
  const ba0 = i32x4.shuffle(w3, w2, 0, 4, 1, 5);
  const ba1 = i32x4.shuffle(w3, w2, 2, 6, 3, 7);
  const dc0 = i32x4.shuffle(w1, w0, 0, 4, 1, 5);
  const dc1 = i32x4.shuffle(w1, w0, 2, 6, 3, 7);
  v128.store(to, leave(i64x2.shuffle(ba0, dc0, 0, 2), nibble));
  v128.store(to, leave(i64x2.shuffle(ba0, dc0, 1, 3), nibble), 16);
  v128.store(to, leave(i64x2.shuffle(ba1, dc1, 0, 2), nibble), 32);
  v128.store(to, leave(i64x2.shuffle(ba1, dc1, 1, 3), nibble), 48);
}

/**
 * CBC encryption of `count` blocks. `to` may be `from`. `chain`: the previous block, replaced by the last one. The
 * chain stays in the tower basis, so that there is one addition between two blocks.
 */
export function sm4ChainBlocks(keys: usize, chain: usize, from: usize, to: usize, count: u32): void {
  if (count == 0) return;
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  const start = mapBytes(swapBytes32(v128.load(chain)), SM4_VPERM + IN, nibble);
  let w0 = i32x4.shuffle(start, start, 3, 3, 3, 3); // as after rounds: words in reverse
  let w1 = i32x4.shuffle(start, start, 2, 2, 2, 2);
  let w2 = i32x4.shuffle(start, start, 1, 1, 1, 1);
  let w3 = i32x4.shuffle(start, start, 0, 0, 0, 0);
  for (const end = to + (count << 4); to < end; to += 16, from += 16) {
    const text = mapBytes(swapBytes32(v128.load(from)), SM4_VPERM + IN, nibble);
    const t0 = v128.xor(w3, i32x4.shuffle(text, text, 0, 0, 0, 0));
    const t1 = v128.xor(w2, i32x4.shuffle(text, text, 1, 1, 1, 1));
    w2 = v128.xor(w1, i32x4.shuffle(text, text, 2, 2, 2, 2));
    w3 = v128.xor(w0, i32x4.shuffle(text, text, 3, 3, 3, 3));
    w0 = t0;
    w1 = t1;
    for (let key = keys, last = keys + 128; key < last; key += 16) {
      w0 = round(w0, v128.xor(v128.xor(v128.xor(w1, v128.load32_splat(key)), w2), w3));
      w1 = round(w1, v128.xor(v128.xor(v128.xor(w2, v128.load32_splat(key, 4)), w3), w0));
      w2 = round(w2, v128.xor(v128.xor(v128.xor(w3, v128.load32_splat(key, 8)), w0), w1));
      w3 = round(w3, v128.xor(v128.xor(v128.xor(w0, v128.load32_splat(key, 12)), w1), w2));
    }
    v128.store(
      to,
      leave(i64x2.shuffle(i32x4.shuffle(w3, w2, 0, 4, 1, 5), i32x4.shuffle(w1, w0, 0, 4, 1, 5), 0, 2), nibble),
    );
  }
  v128.store(chain, v128.load(to - 16));
}

/** `word` ^ L(S(`input`)), all in the tower basis. */
// @ts-ignore: decorator
@inline
function round(word: v128, input: v128): v128 {
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  const low = v128.and(input, nibble);
  const high = v128.and(i32x4.shr_u(input, 4), nibble);
  const sum = v128.xor(low, high);
  const inverse = v128.load(SM4_VPERM, INVERSE);
  const a = lookup16(v128.load(SM4_VPERM, INVERSE_A), low);
  const io = v128.xor(lookup16(inverse, v128.xor(lookup16(inverse, high), a)), sum);
  const jo = v128.xor(lookup16(inverse, v128.xor(lookup16(inverse, sum), a)), high);
  const turned = v128.xor(lookup16(v128.load(SM4_VPERM, TURNED_I), io), lookup16(v128.load(SM4_VPERM, TURNED_J), jo));
  const mixed = v128.xor(lookup16(v128.load(SM4_VPERM, MIXED_I), io), lookup16(v128.load(SM4_VPERM, MIXED_J), jo));
  const whole = v128.xor(word, v128.xor(turned, mixed));
  return v128.xor(v128.xor(whole, rotate24(mixed)), v128.xor(rotate8(turned), rotate16(turned)));
}

// @ts-ignore: decorator
@inline
function rotate8(words: v128): v128 {
  return i8x16.shuffle(words, words, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}

// @ts-ignore: decorator
@inline
function rotate16(words: v128): v128 {
  return i8x16.shuffle(words, words, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

// @ts-ignore: decorator
@inline
function rotate24(words: v128): v128 {
  return i8x16.shuffle(words, words, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

// @ts-ignore: decorator
@inline
function leave(words: v128, nibble: v128): v128 {
  return swapBytes32(mapBytes(words, SM4_VPERM + OUT, nibble));
}
