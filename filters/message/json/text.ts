// Unescapes JSON strings. The scanner has checked the input, so that nothing here can fail.
import { Ascii } from '../../memory/ascii';
import { hex4 } from './scan';

/** Writes a code point as UTF-8. Returns the address after it. */
export function writeUtf8(to: usize, point: u32): usize {
  if (point < 0x80) {
    store<u8>(to, <u8>point);
    return to + 1;
  }
  if (point < 0x800) {
    store<u8>(to, <u8>(0xc0 | (point >> 6)));
    store<u8>(to, <u8>(0x80 | (point & 63)), 1);
    return to + 2;
  }
  if (point < 0x10000) {
    store<u8>(to, <u8>(0xe0 | (point >> 12)));
    store<u8>(to, <u8>(0x80 | ((point >> 6) & 63)), 1);
    store<u8>(to, <u8>(0x80 | (point & 63)), 2);
    return to + 3;
  }
  store<u8>(to, <u8>(0xf0 | (point >> 18)));
  store<u8>(to, <u8>(0x80 | ((point >> 12) & 63)), 1);
  store<u8>(to, <u8>(0x80 | ((point >> 6) & 63)), 2);
  store<u8>(to, <u8>(0x80 | (point & 63)), 3);
  return to + 4;
}

function simpleEscape(byte: u8): u8 {
  switch (byte) {
    case 98:
      return 8;
    case 102:
      return 12;
    case 110:
      return 10;
    case 114:
      return 13;
    case 116:
      return 9;
  }
  return byte;
}

/**
 * Unescapes the inside of a checked string into `to`, which needs at most `length` bytes. Returns the number of bytes
 * written.
 */
export function unescape(from: usize, length: u32, to: usize): u32 {
  const end = from + length;
  const start = to;
  while (from < end) {
    const byte = load<u8>(from);
    if (byte != Ascii.Backslash) {
      store<u8>(to++, byte);
      from++;
      continue;
    }
    const letter = load<u8>(from, 1);
    if (letter != Ascii.LowerU) {
      store<u8>(to++, simpleEscape(letter));
      from += 2;
      continue;
    }
    let point = <u32>hex4(from + 2);
    from += 6;
    if ((point & 0xfc00) == 0xd800) {
      point = 0x10000 + ((point & 0x3ff) << 10) + ((<u32>hex4(from + 2)) & 0x3ff);
      from += 6;
    }
    to = writeUtf8(to, point);
  }
  return <u32>(to - start);
}
