// Base64 for URLs and JOSE (RFC 4648, 5; RFC 7515, 2): `-` and `_` for `+` and `/`, no padding. It uses base64.ts and
// swaps the two characters in the register.
import { decodeBlock, encodeBlock, invalid, storeDecoded } from './base64';

const BLOCK: usize = memory.data(16, 16); // characters of an incomplete last block

/** Length of the encoding of `bytes` bytes. */
export function base64UrlLength(bytes: u32): u32 {
  return <u32>((<u64>bytes * 4 + 2) / 3);
}

/** Decoded length of `characters` characters, bytes. */
export function base64UrlBytes(characters: u32): u32 {
  return <u32>((<u64>characters * 3) >> 2);
}

/**
 * Encodes `length` bytes without padding. Returns the number of characters, `base64UrlLength(length)`. The ranges must
 * not overlap.
 */
export function encodeBase64Url(from: usize, length: u32, to: usize): u32 {
  let left = length;
  let cursor = to;
  for (; left >= 16; left -= 12) {
    v128.store(cursor, toUrl(encodeBlock(v128.load(from))));
    from += 12;
    cursor += 16;
  }
  while (left > 0) {
    const bytes = min<u32>(left, 12);
    v128.store(BLOCK, i64x2.splat(0));
    memory.copy(BLOCK, from, bytes);
    v128.store(BLOCK, toUrl(encodeBlock(v128.load(BLOCK))));
    const characters = base64UrlLength(bytes);
    memory.copy(cursor, BLOCK, characters);
    from += bytes;
    cursor += characters;
    left -= bytes;
  }
  v128.store(BLOCK, i64x2.splat(0));
  return <u32>(cursor - to);
}

/**
 * Decodes `length` characters strictly: no padding, no other characters, unused bits zero. Returns the number of bytes,
 * or -1 (`to` is then meaningless). `to` may be `from`. Room for `base64UrlBytes(length)` bytes is enough.
 */
export function decodeBase64Url(from: usize, length: u32, to: usize): i32 {
  if (length == 0) return 0;
  if ((length & 3) == 1) return -1;
  const end = from + length;
  let cursor = to;
  let wrong = i64x2.splat(0);
  for (; end - from > 16; from += 16) {
    const text = v128.load(from);
    const plain = fromUrl(text);
    wrong = v128.or(wrong, v128.or(invalid(plain), foreign(text)));
    storeDecoded(cursor, decodeBlock(plain));
    cursor += 12;
  }
  const characters = <u32>(end - from);
  v128.store(BLOCK, i8x16.splat(0x41)); // 'A': zero bits
  memory.copy(BLOCK, from, characters);
  const text = v128.load(BLOCK);
  const plain = fromUrl(text);
  wrong = v128.or(wrong, v128.or(invalid(plain), foreign(text)));
  v128.store(BLOCK, decodeBlock(plain));
  const bytes = base64UrlBytes(characters);
  memory.copy(cursor, BLOCK, bytes);
  const unused: u32 = (characters & 3) != 0 ? load<u8>(BLOCK + bytes) : 0;
  v128.store(BLOCK, i64x2.splat(0));
  if (v128.any_true(wrong) || unused != 0) return -1;
  return <i32>(cursor - to + bytes);
}

/** `+` and `/` become `-` and `_`. */
// @ts-ignore: decorator
@inline
function toUrl(text: v128): v128 {
  const dashed = v128.bitselect(i8x16.splat(0x2d), text, i8x16.eq(text, i8x16.splat(0x2b)));
  return v128.bitselect(i8x16.splat(0x5f), dashed, i8x16.eq(text, i8x16.splat(0x2f)));
}

/** `-` and `_` become `+` and `/`. */
// @ts-ignore: decorator
@inline
function fromUrl(text: v128): v128 {
  const plus = v128.bitselect(i8x16.splat(0x2b), text, i8x16.eq(text, i8x16.splat(0x2d)));
  return v128.bitselect(i8x16.splat(0x2f), plus, i8x16.eq(text, i8x16.splat(0x5f)));
}

/** Non-zero for `+` and `/`, which belong to the other alphabet. */
// @ts-ignore: decorator
@inline
function foreign(text: v128): v128 {
  return v128.or(i8x16.eq(text, i8x16.splat(0x2b)), i8x16.eq(text, i8x16.splat(0x2f)));
}
