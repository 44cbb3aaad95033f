// Counter mode of SM4 with a 32-bit big-endian counter in the last word (as GCM has it; SP 800-38D, 6.5): the run of blocks under one nonce.
import { mapBytes } from './simd';
import { sm4Blocks4 } from './sm4-block';
import { leavePlanes } from './sm4-blocks';
import { BULK_BYTES, loadCounters, setNonceSlices, sm4BulkWipe, sm4SlicesXor } from './sm4-bulk';
import { sm4Slices } from './sm4-bitslice.gen';
import { SM4_PLANE_KEYS, SM4_SLICE_KEYS, SM4_WORD_KEYS } from './sm4-key';
import { IN, NIBBLE, sm4Planes, SM4_PLANES, SM4_VPERM } from './sm4-vperm.gen';

const START: usize = memory.data(16, 16); // the counter block as given
const NONCE: usize = memory.data(192, 16); // its first twelve bytes as planes in the tower basis
const STREAM: usize = memory.data(256, 16); // key stream of one batch

/** Sets the nonce of the runs that follow: the first 12 of the 16 bytes at `block`. */
export function sm4CounterBegin(block: usize): void {
  const start = v128.load(block);
  v128.store(STREAM, mapBytes(start, SM4_VPERM + IN, v128.load(SM4_VPERM, NIBBLE)));
  for (let byte: usize = 0; byte < 12; byte++) v128.store(NONCE + (byte << 4), v128.load8_splat(STREAM + byte));
  v128.store(START, start);
}

/** XORs the key stream from block `counter` on into `length` bytes; `from` and `to` may be the same. */
export function sm4CounterXor(keys: usize, counter: u32, from: usize, to: usize, length: u32): void {
  if (length >= BULK_BYTES) {
    const bulk = length & ~(BULK_BYTES - 1);
    bulkXor(keys, counter, from, to, bulk);
    counter += bulk >> 4;
    from += bulk;
    to += bulk;
    length -= bulk;
  }
  while (length > 0) {
    const bytes = min<u32>(length, 256);
    if (bytes <= 64) sm4KeyStream4(keys, counter, STREAM);
    else keyStream16(keys, counter);
    xorStream(STREAM, from, to, bytes);
    counter += 16;
    from += bytes;
    to += bytes;
    length -= bytes;
  }
}

/** Four blocks of key stream, 64 bytes, to `to`. */
export function sm4KeyStream4(keys: usize, counter: u32, to: usize): void {
  for (let i: u32 = 0; i < 4; i++) {
    v128.store(to + (i << 4), i32x4.replace_lane(v128.load(START), 3, <i32>bswap(counter + i)));
  }
  sm4Blocks4(keys + SM4_WORD_KEYS, to, to);
}

/** Overwrites the key stream and nonce in working memory. */
export function sm4CounterWipe(): void {
  memory.fill(STREAM, 0, 256);
  memory.fill(SM4_PLANES, 0, 256);
  memory.fill(NONCE, 0, 192);
  sm4BulkWipe();
  memory.fill(START, 0, 16);
}

/** XORs `length` bytes of stream, 16 at a time. */
export function xorStream(stream: usize, from: usize, to: usize, length: u32): void {
  const whole = length & ~15;
  let at: u32 = 0;
  for (; at < whole; at += 16) v128.store(to + at, v128.xor(v128.load(from + at), v128.load(stream + at)));
  for (; at < length; at++) store<u8>(to + at, load<u8>(from + at) ^ load<u8>(stream + at));
}

function bulkXor(keys: usize, counter: u32, from: usize, to: usize, length: u32): void {
  setNonceSlices(START);
  for (const end = to + length; to < end; to += BULK_BYTES) {
    loadCounters(counter);
    sm4Slices(keys + SM4_SLICE_KEYS);
    sm4SlicesXor(from, to);
    from += BULK_BYTES;
    counter += BULK_BYTES >> 4;
  }
}

function keyStream16(keys: usize, counter: u32): void {
  memory.copy(SM4_PLANES, NONCE, 192);
  const base = i32x4.splat(<i32>counter);
  const a = gather(i32x4.add(base, v128.load(STEPS)));
  const b = gather(i32x4.add(base, v128.load(STEPS, 16)));
  const c = gather(i32x4.add(base, v128.load(STEPS, 32)));
  const d = gather(i32x4.add(base, v128.load(STEPS, 48)));
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(SM4_PLANES, mapBytes(i64x2.shuffle(ab0, cd0, 0, 2), SM4_VPERM + IN, nibble), 192);
  v128.store(SM4_PLANES, mapBytes(i64x2.shuffle(ab0, cd0, 1, 3), SM4_VPERM + IN, nibble), 208);
  v128.store(SM4_PLANES, mapBytes(i64x2.shuffle(ab1, cd1, 0, 2), SM4_VPERM + IN, nibble), 224);
  v128.store(SM4_PLANES, mapBytes(i64x2.shuffle(ab1, cd1, 1, 3), SM4_VPERM + IN, nibble), 240);
  sm4Planes(keys + SM4_PLANE_KEYS);
  leavePlanes(STREAM);
}

const STEPS: usize = memory.data<u32>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

/** Four words to their four most significant bytes, the next four, and so on. */
// @ts-ignore: decorator
@inline
function gather(words: v128): v128 {
  return i8x16.shuffle(words, words, 3, 7, 11, 15, 2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12);
}
