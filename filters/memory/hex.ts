// Hexadecimal (RFC 4648, 8), sixteen bytes at a time. Writes lower case and reads both. No branch or address depends on
// a byte. They depend on lengths and on whether the text is valid.

const BLOCK: usize = memory.data(32, 16); // the incomplete last block

/** Encodes `length` bytes as `2 * length` lower-case digits. The ranges must not overlap. */
export function encodeHex(from: usize, length: u32, to: usize): void {
  let left = length;
  for (; left >= 16; left -= 16) {
    const bytes = v128.load(from);
    v128.store(to, digits(bytes, false));
    v128.store(to, digits(bytes, true), 16);
    from += 16;
    to += 32;
  }
  if (left == 0) return;
  memory.copy(BLOCK, from, left);
  const bytes = v128.load(BLOCK);
  v128.store(BLOCK, digits(bytes, false));
  v128.store(BLOCK, digits(bytes, true), 16);
  memory.copy(to, BLOCK, left << 1);
  clearBlock();
}

/**
 * Decodes `length` digits. Returns the number of bytes, or -1 for an odd number or another character (`to` is then
 * meaningless). `to` may be `from`.
 */
export function decodeHex(from: usize, length: u32, to: usize): i32 {
  if (length & 1) return -1;
  const bytes = length >> 1;
  let left = bytes;
  let wrong = i64x2.splat(0);
  for (; left >= 16; left -= 16) {
    const first = v128.load(from);
    const second = v128.load(from, 16);
    wrong = v128.or(wrong, v128.or(notHex(first), notHex(second)));
    v128.store(to, i8x16.narrow_i16x8_u(pairs(first), pairs(second)));
    from += 32;
    to += 16;
  }
  if (left > 0) {
    memory.fill(BLOCK, 0x30, 32);
    memory.copy(BLOCK, from, left << 1);
    const first = v128.load(BLOCK);
    const second = v128.load(BLOCK, 16);
    wrong = v128.or(wrong, v128.or(notHex(first), notHex(second)));
    v128.store(BLOCK, i8x16.narrow_i16x8_u(pairs(first), pairs(second)));
    memory.copy(to, BLOCK, left);
    clearBlock();
  }
  return v128.any_true(wrong) ? -1 : <i32>bytes;
}

function clearBlock(): void {
  v128.store(BLOCK, i64x2.splat(0));
  v128.store(BLOCK, i64x2.splat(0), 16);
}

/** The digits of the first eight bytes, or of the last eight. */
// @ts-ignore: decorator
@inline
function digits(bytes: v128, upper: bool): v128 {
  const high = i8x16.shr_u(bytes, 4);
  const low = v128.and(bytes, i8x16.splat(15));
  const nibbles = upper
    ? i8x16.shuffle(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    : i8x16.shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return i8x16.swizzle(i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102), nibbles);
}

/** Non-zero for a character that is no digit. */
// @ts-ignore: decorator
@inline
function notHex(text: v128): v128 {
  const decimal = i8x16.lt_u(i8x16.sub(text, i8x16.splat(48)), i8x16.splat(10));
  const letter = i8x16.lt_u(i8x16.sub(v128.or(text, i8x16.splat(32)), i8x16.splat(97)), i8x16.splat(6));
  return v128.not(v128.or(decimal, letter));
}

/** Two digits to one byte, in lanes of sixteen bits. */
// @ts-ignore: decorator
@inline
function pairs(text: v128): v128 {
  // '0' … '9' are 0x30 … 0x39; letters have bit 6 set, and their low nibble is one to six.
  const nine = v128.and(i8x16.splat(9), i8x16.ne(v128.and(text, i8x16.splat(64)), i8x16.splat(0)));
  const nibbles = i8x16.add(v128.and(text, i8x16.splat(15)), nine);
  const even = v128.and(nibbles, i16x8.splat(15));
  return v128.or(i16x8.shl(even, 4), i16x8.shr_u(nibbles, 8));
}
