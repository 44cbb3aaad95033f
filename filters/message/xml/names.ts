// Names of elements, attributes and instructions: NCName of Namespaces in XML 1.0, based on NameStartChar and NameChar
// of XML 1.0, fifth edition, 2.3.
import { Ascii } from '../../memory/ascii';
import { utf8Length } from '../utf8';

// Classes of ASCII name characters, by the upper half of the byte. A byte is in a class if both tables contain it.
const FIRST_LETTERS: u8 = 1; // A to O, a to o
const LAST_CAPITALS: u8 = 2; // P to Z, _
const LAST_SMALLS: u8 = 4; // p to z
const DIGIT: u8 = 8;
const MARK: u8 = 16; // - .

const BY_HIGH: usize = memory.data<u8>(
  [0, 0, MARK, DIGIT, FIRST_LETTERS, LAST_CAPITALS, FIRST_LETTERS, LAST_SMALLS, 0, 0, 0, 0, 0, 0, 0, 0],
  16,
);
const BY_LOW: usize = memory.data<u8>(
  [
    LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS | DIGIT,
    FIRST_LETTERS | LAST_CAPITALS | LAST_SMALLS,
    FIRST_LETTERS,
    FIRST_LETTERS,
    FIRST_LETTERS | MARK,
    FIRST_LETTERS | MARK,
    FIRST_LETTERS | LAST_CAPITALS,
  ],
  16,
);

// Ranges beyond ASCII, first and last: those of NameStartChar, then the additions of NameChar.
const START_RANGES: StaticArray<u32> = [
  0xc0, 0xd6, 0xd8, 0xf6, 0xf8, 0x2ff, 0x370, 0x37d, 0x37f, 0x1fff, 0x200c, 0x200d, 0x2070, 0x218f, 0x2c00, 0x2fef,
  0x3001, 0xd7ff, 0xf900, 0xfdcf, 0xfdf0, 0xfffd, 0x10000, 0xeffff,
];
const MORE_RANGES: StaticArray<u32> = [0xb7, 0xb7, 0x300, 0x36f, 0x203f, 0x2040];

function isIn(point: u32, ranges: StaticArray<u32>): bool {
  for (let i = 0; i < ranges.length; i += 2)
    if (point >= unchecked(ranges[i]) && point <= unchecked(ranges[i + 1])) return true;
  return false;
}

/** Code point of the well-formed character of `length` bytes at `p`. */
function pointAt(p: usize, length: u32): u32 {
  const first = <u32>load<u8>(p);
  if (length == 2) return ((first & 31) << 6) | ((<u32>load<u8>(p, 1)) & 63);
  if (length == 3) return ((first & 15) << 12) | (((<u32>load<u8>(p, 1)) & 63) << 6) | ((<u32>load<u8>(p, 2)) & 63);
  return (
    ((first & 7) << 18) |
    (((<u32>load<u8>(p, 1)) & 63) << 12) |
    (((<u32>load<u8>(p, 2)) & 63) << 6) |
    ((<u32>load<u8>(p, 3)) & 63)
  );
}

/** Whether a name may begin with the character at `p`. A colon may not. */
// @ts-ignore: decorator
@inline
export function isNameStart(p: usize, end: usize): bool {
  const byte = <u32>load<u8>(p);
  if ((byte | 32) - 97 < 26 || byte == Ascii.Underscore) return true;
  return byte >= 0x80 && isWideStart(p, end);
}

function isWideStart(p: usize, end: usize): bool {
  const length = utf8Length(p, end);
  return length != 0 && isIn(pointAt(p, length), START_RANGES);
}

/**
 * Address of the first character from `p` on that cannot be in a name, colons included. Does not check the first one:
 * `isNameStart`.
 */
// @ts-ignore: decorator
@inline
export function nameEnd(p: usize, end: usize): usize {
  while (true) {
    const bytes = v128.load(p);
    const low = i8x16.swizzle(v128.load(BY_LOW), v128.and(bytes, i8x16.splat(15)));
    const others = i8x16.bitmask(
      i8x16.eq(v128.and(low, i8x16.swizzle(v128.load(BY_HIGH), i8x16.shr_u(bytes, 4))), i8x16.splat(0)),
    );
    if (others != 0) {
      p += ctz(others);
      return load<u8>(p) < 0x80 ? p : wideNameEnd(p, end);
    }
    p += 16;
    if (p >= end) return p;
  }
}

/** The same, beginning at a character beyond ASCII. */
function wideNameEnd(p: usize, end: usize): usize {
  while (p < end) {
    const byte = <u32>load<u8>(p);
    if (byte < 0x80) {
      if (!(
        (byte | 32) - 97 < 26 ||
        byte - 48 < 10 ||
        byte == Ascii.Underscore ||
        byte == Ascii.Minus ||
        byte == Ascii.Point
      ))
        return p;
      p++;
      continue;
    }
    const length = utf8Length(p, end);
    if (length == 0) return p;
    const point = pointAt(p, length);
    if (!isIn(point, START_RANGES) && !isIn(point, MORE_RANGES)) return p;
    p += length;
  }
  return p;
}
