// Checksums of compressed data: CRC-32 of gzip (RFC 1952, 8) and Adler-32 of zlib (RFC 1950, 8.2).

/** CRC-32 polynomial in reflected form. */
const POLYNOMIAL: u32 = 0xedb88320;
/** One table for each of the sixteen bytes that are processed together. */
const SLICES: u32 = 16;
const TABLES: usize = memory.data(16 * 256 * 4, 16);
let filled: bool = false;

function fillTables(): void {
  if (filled) return;
  filled = true;
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(TABLES + (byte << 2), crc);
  }
  for (let slice: u32 = 1; slice < SLICES; slice++) {
    for (let byte: u32 = 0; byte < 256; byte++) {
      const crc = load<u32>(TABLES + ((((slice - 1) << 8) + byte) << 2));
      store<u32>(TABLES + (((slice << 8) + byte) << 2), (crc >> 8) ^ load<u32>(TABLES + ((crc & 255) << 2)));
    }
  }
}

// @ts-ignore: decorator
@inline
function table(slice: u32, byte: u32): u32 {
  return load<u32>(TABLES + (slice << 10) + ((<usize>byte) << 2));
}

/** Contribution of four bytes, the last of which is `slice` bytes from the end of its sixteen. */
// @ts-ignore: decorator
@inline
function four(word: u32, slice: u32): u32 {
  return (
    table(slice + 3, word & 255) ^
    table(slice + 2, (word >> 8) & 255) ^
    table(slice + 1, (word >> 16) & 255) ^
    table(slice, word >> 24)
  );
}

/** CRC-32 of `length` bytes. */
export function crc32(pointer: usize, length: u32): u32 {
  fillTables();
  let crc: u32 = ~0;
  const end = pointer + length;
  for (; end - pointer >= 16; pointer += 16) {
    crc =
      four(load<u32>(pointer) ^ crc, 12) ^
      four(load<u32>(pointer, 4), 8) ^
      four(load<u32>(pointer, 8), 4) ^
      four(load<u32>(pointer, 12), 0);
  }
  for (; pointer < end; pointer++) crc = (crc >> 8) ^ table(0, (crc ^ load<u8>(pointer)) & 255);
  return ~crc;
}

/** Largest prime below 2^16. */
const ADLER_MODULUS: u32 = 65521;
/** Number of bytes, a multiple of 16, after which the sums must be reduced. */
const ADLER_RUN: usize = 5552;

/** Adler-32 of `length` bytes. */
export function adler32(pointer: usize, length: u32): u32 {
  let a: u32 = 1;
  let b: u32 = 0;
  const end = pointer + length;
  while (pointer < end) {
    const stop = min(end, pointer + ADLER_RUN);
    const blocks = <u32>((stop - pointer) >> 4);
    if (blocks != 0) {
      b += a * (blocks << 4);
      let sums = i64x2.splat(0);
      let before = i64x2.splat(0);
      let weighted = i64x2.splat(0);
      for (const whole = pointer + ((<usize>blocks) << 4); pointer < whole; pointer += 16) {
        const bytes = v128.load(pointer);
        before = i32x4.add(before, sums);
        sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)));
        weighted = i32x4.add(
          weighted,
          i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(bytes), i16x8(16, 15, 14, 13, 12, 11, 10, 9)),
        );
        weighted = i32x4.add(
          weighted,
          i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(bytes), i16x8(8, 7, 6, 5, 4, 3, 2, 1)),
        );
      }
      a += total(sums);
      b = (b + total(weighted) + (total(before) << 4)) % ADLER_MODULUS;
    }
    for (; pointer < stop; pointer++) {
      a += load<u8>(pointer);
      b += a;
    }
    a %= ADLER_MODULUS;
    b %= ADLER_MODULUS;
  }
  return (b << 16) | a;
}

// @ts-ignore: decorator
@inline
function total(lanes: v128): u32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  );
}
