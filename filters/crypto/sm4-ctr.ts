// SM4 key stream: four blocks at a time for short runs, sixteen for longer ones, sixty-four for bulk.
import { clear } from './constant-time';
import { BlockCounter, xorStream } from './counter';
import { copyVectors, mapBytes } from './simd';
import { sm4Slices } from './sm4-bitslice.gen';
import { sm4Blocks4 } from './sm4-block';
import { leavePlanes } from './sm4-blocks';
import { BULK_BYTES, loadCounters, setNonceSlices, sm4BulkWipe, sm4SlicesXor } from './sm4-bulk';
import { expandSm4Key, SM4_KEY_BYTES, SM4_PLANE_KEYS, SM4_SLICE_KEYS, SM4_WORD_KEYS } from './sm4-key';
import { IN, NIBBLE, sm4Planes, SM4_PLANES, SM4_VPERM } from './sm4-vperm.gen';

const START: usize = memory.data(16, 16); // the counter block as given
const NONCE: usize = memory.data(192, 16); // its first twelve bytes as planes in the tower basis
const STREAM: usize = memory.data(256, 16); // key stream of one batch
const STEPS: usize = memory.data<u32>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

/** SM4 in counter mode under one key: `SM4_KEY_BYTES` (6,272) bytes of round keys. */
export class Sm4Counter extends BlockCounter {
  private keys: StaticArray<u8> = new StaticArray<u8>(SM4_KEY_BYTES);

  /** Expands the 16 bytes at `key`. */
  setKey(key: usize): void {
    expandSm4Key(key, this.at, false);
  }

  begin(block: usize): void {
    const start = v128.load(block);
    v128.store(STREAM, mapBytes(start, SM4_VPERM + IN, v128.load(SM4_VPERM, NIBBLE)));
    for (let byte: usize = 0; byte < 12; byte++) v128.store(NONCE + (byte << 4), v128.load8_splat(STREAM + byte));
    v128.store(START, start);
  }

  stream4(counter: u32, to: usize): void {
    for (let i: u32 = 0; i < 4; i++) {
      v128.store(to + (i << 4), i32x4.replace_lane(v128.load(START), 3, <i32>bswap(counter + i)));
    }
    sm4Blocks4(this.at + SM4_WORD_KEYS, to, to);
  }

  xor(counter: u32, from: usize, to: usize, length: u32): void {
    if (length >= BULK_BYTES) {
      const bulk = length & ~(BULK_BYTES - 1);
      bulkXor(this.at + SM4_SLICE_KEYS, counter, from, to, bulk);
      counter += bulk >> 4;
      from += bulk;
      to += bulk;
      length -= bulk;
    }
    while (length > 0) {
      const bytes = min<u32>(length, 256);
      if (bytes <= 64) this.stream4(counter, STREAM);
      else stream16(this.at + SM4_PLANE_KEYS, counter);
      xorStream(STREAM, from, to, bytes);
      counter += 16;
      from += bytes;
      to += bytes;
      length -= bytes;
    }
  }

  wipeWork(): void {
    clear(STREAM, 256);
    clear(SM4_PLANES, 256);
    clear(NONCE, 192);
    clear(START, 16);
    sm4BulkWipe();
  }

  wipe(): void {
    clear(this.at, SM4_KEY_BYTES);
  }

  private get at(): usize {
    return changetype<usize>(this.keys);
  }
}

function bulkXor(keys: usize, counter: u32, from: usize, to: usize, length: u32): void {
  setNonceSlices(START);
  for (const end = to + length; to < end; to += BULK_BYTES) {
    loadCounters(counter);
    sm4Slices(keys);
    sm4SlicesXor(from, to);
    from += BULK_BYTES;
    counter += BULK_BYTES >> 4;
  }
}

/** Writes sixteen blocks of key stream to STREAM. */
function stream16(keys: usize, counter: u32): void {
  copyVectors(SM4_PLANES, NONCE, 192);
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
  sm4Planes(keys);
  leavePlanes(STREAM);
}

/** Four words to their four most significant bytes, the next four, and so on. */
// @ts-ignore: decorator
@inline
function gather(words: v128): v128 {
  return i8x16.shuffle(words, words, 3, 7, 11, 15, 2, 6, 10, 14, 1, 5, 9, 13, 0, 4, 8, 12);
}
