// Digits of a text and what stands between the groups of a printed number: ASCII and full-width digits, and separators
// as terminals, printers and input methods write them.
import { Ascii } from '../memory/ascii';

/** Kind of separator. Groups of one number have one kind between them. */
export const enum Separator {
  None = 0,
  /** Blank, no-break space, thin and ideographic spaces; one or two of them. */
  Space = 1,
  /** Hyphen, non-breaking hyphen, dashes, minus, full-width hyphen. */
  Dash = 2,
  Dot = 3,
}

const ZERO: u32 = 48;
/** UTF-8 of the full-width digits U+FF10 to U+FF19: EF BC 90 to EF BC 99. */
const WIDE_LEAD: u8 = 0xef;
const WIDE_SECOND: u8 = 0xbc;
const WIDE_ZERO: u32 = 0x90;
const WIDE_BYTES: u32 = 3;

/** First byte at or after `pointer` at which a digit may begin. `end` if there is none. */
export function nextDigit(pointer: usize, end: usize): usize {
  while (pointer < end) {
    while (pointer + 16 <= end) {
      const bytes = v128.load(pointer);
      const hits = i8x16.bitmask(
        v128.or(
          i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(48)), i8x16.splat(10)),
          i8x16.eq(bytes, i8x16.splat(<i8>WIDE_LEAD)),
        ),
      );
      if (hits != 0) {
        pointer += ctz(hits);
        break;
      }
      pointer += 16;
    }
    if (pointer >= end) break;
    if (digitBytes(pointer, end) != 0) return pointer;
    pointer++;
  }
  return end;
}

/** Bytes of the digit at `pointer`: 1, 3 if it is full-width, 0 if there is none. */
// @ts-ignore: decorator
@inline
export function digitBytes(pointer: usize, end: usize): u32 {
  if (pointer >= end) return 0;
  if (<u32>load<u8>(pointer) - ZERO < 10) return 1;
  return load<u8>(pointer) == WIDE_LEAD ? wideBytes(pointer, end) : 0;
}

function wideBytes(pointer: usize, end: usize): u32 {
  if (pointer + WIDE_BYTES > end || load<u8>(pointer, 1) != WIDE_SECOND) return 0;
  return <u32>load<u8>(pointer, 2) - WIDE_ZERO < 10 ? WIDE_BYTES : 0;
}

/** The digit of `bytes` bytes as an ASCII character. */
export function asciiDigit(pointer: usize, bytes: u32): u8 {
  return bytes == 1 ? load<u8>(pointer) : <u8>(load<u8>(pointer, 2) - WIDE_ZERO + ZERO);
}

/** Address behind the digits at `pointer`. */
export function endOfDigits(pointer: usize, end: usize): usize {
  for (let bytes = digitBytes(pointer, end); bytes != 0; bytes = digitBytes(pointer, end)) pointer += bytes;
  return pointer;
}

let separatorEnd: usize = 0;

/** Address behind the last separator. */
export function behindSeparator(): usize {
  return separatorEnd;
}

/** Kind of the separator at `pointer`; two spaces are one. */
export function separatorAt(pointer: usize, end: usize): Separator {
  const kind = oneSeparator(pointer, end);
  if (kind == Separator.Space) {
    const first = separatorEnd;
    if (oneSeparator(first, end) != Separator.Space) separatorEnd = first;
  }
  return kind;
}

function oneSeparator(pointer: usize, end: usize): Separator {
  if (pointer >= end) return Separator.None;
  const byte = <u32>load<u8>(pointer);
  separatorEnd = pointer + 1;
  if (byte < 0x80)
    return byte == Ascii.Space
      ? Separator.Space
      : byte == Ascii.Minus
        ? Separator.Dash
        : byte == Ascii.Point
          ? Separator.Dot
          : Separator.None;
  if (byte == 0xc2) {
    separatorEnd = pointer + 2;
    return pointer + 2 <= end && load<u8>(pointer, 1) == 0xa0 ? Separator.Space : Separator.None;
  }
  if (pointer + 3 > end) return Separator.None;
  separatorEnd = pointer + 3;
  const point = ((byte & 15) << 12) | (((<u32>load<u8>(pointer, 1)) & 63) << 6) | ((<u32>load<u8>(pointer, 2)) & 63);
  if (byte < 0xe0 || byte > 0xef) return Separator.None;
  // U+2000 to U+200A, U+202F, U+205F, U+3000
  if (point - 0x2000 <= 10 || point == 0x202f || point == 0x205f || point == 0x3000) return Separator.Space;
  // U+2010 to U+2015, U+2212, U+FE63, U+FF0D
  return point - 0x2010 <= 5 || point == 0x2212 || point == 0xfe63 || point == 0xff0d ? Separator.Dash : Separator.None;
}
