// Base64 (RFC 4648, 4), sixteen characters at a time (after Muła and Lemire, "Faster Base64 Encoding and Decoding Using
// AVX2 Instructions", 2018). Keys pass through here, so no load address or branch depends on a byte. They depend on
// lengths and on whether the text is valid.
import { Ascii } from './ascii';

const BLOCK: usize = memory.data(16, 16); // characters of an incomplete last block
const EQUALS: u8 = 0x3d;

/**
 * Constants of `encodeBlock` by the offsets below. V8 makes a constant anew from four instructions wherever it is used,
 * also in loops; a load is one.
 */
// prettier-ignore
const ENCODE: usize = memory.data<u8>([
  2, 1, 0, 128, 5, 4, 3, 128, 8, 7, 6, 128, 11, 10, 9, 128,
  0, 63, 0, 0, 0, 63, 0, 0, 0, 63, 0, 0, 0, 63, 0, 0,
  0, 0, 63, 0, 0, 0, 63, 0, 0, 0, 63, 0, 0, 0, 63, 0,
  0, 0, 63, 63, 0, 0, 63, 63, 0, 0, 63, 63, 0, 0, 63, 63,
  51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51,
  26, 26, 26, 26, 26, 26, 26, 26, 26, 26, 26, 26, 26, 26, 26, 26,
  13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
  71, 252, 252, 252, 252, 252, 252, 252, 252, 252, 252, 237, 240, 65, 0, 0,
], 16);
const SECOND: usize = 16;
const THIRD: usize = 32;
const UPPER: usize = 48;
const LAST_LETTER: usize = 64;
const LOWER: usize = 80;
const CAPITALS: usize = 96;
const OFFSETS: usize = 112;

/** Length of the encoding of `bytes` bytes, padding included. */
export function base64Length(bytes: u32): u32 {
  return ((bytes + 2) / 3) << 2;
}

/** Extra room of buffers for base64 and base64url beyond the output, bytes. */
export const BASE64_SLACK_BYTES: usize = 64;

/** Upper bound of the decoded length of `characters` characters, bytes. */
export function base64DecodedBound(characters: u32): u32 {
  return (characters >> 2) * 3;
}

/**
 * Encodes `length` bytes with padding. Returns the number of characters, `base64Length(length)`. The ranges must not
 * overlap.
 */
export function encodeBase64(from: usize, length: u32, to: usize): u32 {
  let left = length;
  let cursor = to;
  for (; left >= 16; left -= 12) {
    v128.store(cursor, encodeBlock(v128.load(from)));
    from += 12;
    cursor += 16;
  }
  while (left > 0) {
    const bytes = min<u32>(left, 12);
    v128.store(BLOCK, i64x2.splat(0));
    memory.copy(BLOCK, from, bytes);
    v128.store(BLOCK, encodeBlock(v128.load(BLOCK)));
    const characters = base64Length(bytes);
    const padding = (characters >> 2) * 3 - bytes;
    memory.fill(BLOCK + characters - padding, EQUALS, padding);
    memory.copy(cursor, BLOCK, characters);
    from += bytes;
    cursor += characters;
    left -= bytes;
  }
  v128.store(BLOCK, i64x2.splat(0));
  return <u32>(cursor - to);
}

/**
 * Decodes `length` characters strictly: length a multiple of four, padding present, no other characters, unused bits
 * zero. Returns the number of bytes, or -1 (`to` is then meaningless). `to` may be `from`. Room for
 * `base64DecodedBound(length)` bytes is enough.
 */
export function decodeBase64(from: usize, length: u32, to: usize): i32 {
  if (length == 0) return 0;
  if (length & 3) return -1;
  const end = from + length;
  const padding: u32 = load<u8>(end - 1) != EQUALS ? 0 : load<u8>(end - 2) != EQUALS ? 1 : 2;
  let cursor = to;
  let wrong = i64x2.splat(0);
  for (; end - from > 16; from += 16) {
    const text = v128.load(from);
    wrong = v128.or(wrong, invalid(text));
    storeDecoded(cursor, decodeBlock(text));
    cursor += 12;
  }
  const characters = <u32>(end - from);
  v128.store(BLOCK, i8x16.splat(0x41)); // 'A': zero bits
  memory.copy(BLOCK, from, characters - padding);
  const text = v128.load(BLOCK);
  wrong = v128.or(wrong, invalid(text));
  v128.store(BLOCK, decodeBlock(text));
  const bytes = (characters >> 2) * 3 - padding;
  memory.copy(cursor, BLOCK, bytes);
  const unused: u32 = padding > 0 ? load<u8>(BLOCK + bytes) : 0;
  v128.store(BLOCK, i64x2.splat(0));
  if (v128.any_true(wrong) || unused != 0) return -1;
  return <i32>(cursor - to + bytes);
}

/**
 * Brings base64 as libraries write it, with line breaks and blanks, without padding, in the alphabet of URLs, into the
 * form that `decodeBase64` reads; returns its length, or 1, the length of no such text, if padding does not stand at the
 * end. Room for `length + 3` bytes; `to` may be `from`. Not for keys: its work depends on the text.
 */
export function plainBase64(from: usize, length: u32, to: usize): u32 {
  let cursor = to;
  let padding: u32 = 0;
  for (const end = from + length; from < end; from++) {
    const byte = load<u8>(from);
    if (byte == Ascii.Space || byte == Ascii.LineFeed || byte == Ascii.CarriageReturn || byte == Ascii.Tab) continue;
    if (byte == EQUALS) {
      padding++;
      continue;
    }
    if (padding > 0) return 1;
    store<u8>(cursor++, byte == Ascii.Minus ? 43 : byte == Ascii.Underscore ? 47 : byte);
  }
  const characters = <u32>(cursor - to);
  const missing = (4 - (characters & 3)) & 3;
  if (missing == 3 || (padding != 0 && padding != missing)) return 1;
  memory.fill(cursor, EQUALS, missing);
  return characters + missing;
}

/** Sixteen characters of the first twelve bytes. */
// @ts-ignore: decorator
@inline
export function encodeBlock(bytes: v128): v128 {
  // Each 32-bit lane gets three bytes, most significant first, then its four sextets from the lowest byte up.
  const triple = lookup(bytes, v128.load(ENCODE));
  const first = v128.or(i32x4.shr_u(triple, 18), v128.and(i32x4.shr_u(triple, 4), v128.load(ENCODE, SECOND)));
  const second = v128.and(
    v128.or(v128.and(i32x4.shl(triple, 10), v128.load(ENCODE, THIRD)), i32x4.shl(triple, 24)),
    v128.load(ENCODE, UPPER),
  );
  const sextets = v128.or(first, second);
  // Index of the value to add: 0 … 25 → 13, 26 … 51 → 0, 52 … 61 → 1 … 10, 62 → 11, 63 → 12.
  const range = v128.or(
    i8x16.sub_sat_u(sextets, v128.load(ENCODE, LAST_LETTER)),
    v128.and(i8x16.gt_s(v128.load(ENCODE, LOWER), sextets), v128.load(ENCODE, CAPITALS)),
  );
  return i8x16.add(sextets, lookup(v128.load(ENCODE, OFFSETS), range));
}

/** `table[index]` in each lane, for indices below 16 and those whose top bit is set, which give 0. */
// @ts-ignore: decorator
@inline
function lookup(table: v128, index: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, index) : i8x16.swizzle(table, index);
}

/** Non-zero for a character outside the alphabet: its classes by low and by high nibble share a bit. */
// @ts-ignore: decorator
@inline
export function invalid(text: v128): v128 {
  const byLow = i8x16(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
  const byHigh = i8x16(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  const low = v128.and(text, i8x16.splat(15));
  const high = i8x16.shr_u(text, 4);
  return v128.and(i8x16.swizzle(byLow, low), i8x16.swizzle(byHigh, high));
}

/** Twelve bytes, then four zeros, of sixteen characters of the alphabet. */
// @ts-ignore: decorator
@inline
export function decodeBlock(text: v128): v128 {
  const slash = i8x16.eq(text, i8x16.splat(0x2f)); // it shares its high nibble with '+': one row up
  const offsets = i8x16(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const sextets = i8x16.add(text, i8x16.swizzle(offsets, i8x16.add(i8x16.shr_u(text, 4), slash)));
  const pairs = v128.or(i16x8.shl(v128.and(sextets, i16x8.splat(0x3f)), 6), i16x8.shr_u(sextets, 8));
  const triples = i32x4.dot_i16x8_s(pairs, i32x4.splat(0x00011000));
  return i8x16.shuffle(triples, i64x2.splat(0), 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 16, 16, 16, 16);
}

/** Stores the twelve bytes of `decodeBlock`. */
// @ts-ignore: decorator
@inline
export function storeDecoded(to: usize, bytes: v128): void {
  v128.store64_lane(to, bytes, 0);
  v128.store32_lane(to + 8, bytes, 2);
}
