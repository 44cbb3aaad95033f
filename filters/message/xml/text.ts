// Decodes checked XML characters. The output is never longer than the input.
import { Ascii } from '../../memory/ascii';
import { writeUtf8 } from '../json/text';
import { digitOf, findByte } from './scan';

const CR: u8 = 13;
const LF: u8 = 10;

/**
 * Decodes an element's content (2.11, 2.7, 4.1): resolves references, normalises line ends to one line feed, omits
 * comments and instructions. Returns the length in bytes.
 */
export function decodeContent(from: usize, end: usize, to: usize): u32 {
  const start = to;
  while (from < end) {
    const byte = load<u8>(from);
    if (byte == Ascii.Ampersand) {
      to = writeReference(from, to);
      from = findByte(from, end, 59) + 1;
    } else if (byte == Ascii.Less) {
      if (load<u8>(from, 1) == Ascii.Question) {
        from = after(from, end, 63, 0x3e3f, 2);
      } else if (load<u8>(from, 2) == Ascii.Minus) {
        from = after(from + 4, end, 45, 0x3e2d2d, 3);
      } else {
        const close = after(from + 9, end, 93, 0x3e5d5d, 3);
        to = writeLines(from + 9, close - 3, to);
        from = close;
      }
    } else if (byte == CR) {
      from = skipLineEnd(from, end);
      store<u8>(to++, LF);
    } else {
      store<u8>(to++, byte);
      from++;
    }
  }
  return <u32>(to - start);
}

/**
 * Decodes an attribute's value (3.3.3): resolves references, replaces white space by spaces. Returns the length in
 * bytes.
 */
export function decodeValue(from: usize, end: usize, to: usize): u32 {
  const start = to;
  while (from < end) {
    const byte = load<u8>(from);
    if (byte == Ascii.Ampersand) {
      to = writeReference(from, to);
      from = findByte(from, end, 59) + 1;
      continue;
    }
    from = byte == CR ? skipLineEnd(from, end) : from + 1;
    store<u8>(to++, byte < 32 ? 32 : byte);
  }
  return <u32>(to - start);
}

/** Address after the next `close`, which has `length` bytes and begins with `first`. */
function after(p: usize, end: usize, first: u32, close: u32, length: u32): usize {
  const mask: u32 = length == 2 ? 0xffff : 0xffffff;
  while (p < end) {
    p = findByte(p, end, first);
    if ((load<u32>(p) & mask) == close) return p + length;
    p++;
  }
  return end;
}

function skipLineEnd(p: usize, end: usize): usize {
  return p + 1 < end && load<u8>(p, 1) == LF ? p + 2 : p + 1;
}

function writeLines(from: usize, end: usize, to: usize): usize {
  while (from < end) {
    const byte = load<u8>(from);
    from = byte == CR ? skipLineEnd(from, end) : from + 1;
    store<u8>(to++, byte == CR ? LF : byte);
  }
  return to;
}

/** Writes the character of the reference at `from`. Returns the address after the reference. */
function writeReference(from: usize, to: usize): usize {
  const first = load<u8>(from, 1);
  if (first != Ascii.Hash) {
    const second = load<u8>(from, 2);
    store<u8>(
      to,
      first == Ascii.LowerL
        ? Ascii.Less
        : first == Ascii.LowerG
          ? Ascii.Greater
          : first == Ascii.LowerQ
            ? Ascii.Quote
            : second == Ascii.LowerM
              ? Ascii.Ampersand
              : Ascii.Apostrophe,
    );
    return to + 1;
  }
  const hexadecimal = load<u8>(from, 2) == Ascii.LowerX;
  let at = from + (hexadecimal ? 3 : 2);
  let point: u32 = 0;
  for (let digit = digitOf(load<u8>(at), hexadecimal); digit >= 0; digit = digitOf(load<u8>(++at), hexadecimal)) {
    point = point * (hexadecimal ? 16 : 10) + <u32>digit;
  }
  return writeUtf8(to, point);
}
