// Finds where the parts of a document begin and end. The document was checked: what begins ends.
import { Ascii } from '../../memory/ascii';

const LESS: u8 = 60;
const GREATER: u8 = 62;
const SLASH: u8 = 47;
const EXCLAMATION: u8 = 33;
const QUESTION: u8 = 63;
const QUOTE: u8 = 34;
const APOSTROPHE: u8 = 39;
/** `<![CDATA[` and `]]>`. */
export const SECTION_BYTES: u32 = 9;
export const SECTION_END_BYTES: u32 = 3;
/** `CDAT`, as a little-endian load reads it. */
const CDATA: u32 = 0x54414443;

/** Address behind the `>` of a tag, from within it. */
export function tagEnd(at: usize, end: usize): usize {
  let quote: u8 = 0;
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (quote != 0) {
      if (byte == quote) quote = 0;
    } else if (byte == QUOTE || byte == APOSTROPHE) quote = byte;
    else if (byte == GREATER) return at + 1;
  }
  return end;
}

/** Address of the next tag, or `end`: behind text, sections, comments and instructions. */
export function contentEnd(at: usize, end: usize): usize {
  while (at < end) {
    if (load<u8>(at) != LESS) at++;
    else if (isSection(at)) at = sectionEnd(at);
    else if (load<u8>(at, 1) == EXCLAMATION) at = behind(at + 4, end, 0x3e2d2d, 3);
    else if (load<u8>(at, 1) == QUESTION) at = behind(at + 2, end, 0x3e3f, 2);
    else return at;
  }
  return end;
}

export function isSpace(byte: u8): bool {
  return byte == Ascii.Space || byte - 9 < 2 || byte == Ascii.CarriageReturn;
}

export function isSection(at: usize): bool {
  return (
    load<u8>(at) == LESS &&
    load<u8>(at, 1) == Ascii.Exclamation &&
    load<u8>(at, 2) == Ascii.OpenBracket &&
    load<u32>(at, 3) == CDATA
  );
}

/** Address behind the section at `at`. */
export function sectionEnd(at: usize): usize {
  at += SECTION_BYTES;
  while ((load<u32>(at) & 0xffffff) != 0x3e5d5d) at++;
  return at + SECTION_END_BYTES;
}

/** Address behind the next `close` of `length` bytes. */
function behind(at: usize, end: usize, close: u32, length: u32): usize {
  const mask: u32 = length == 2 ? 0xffff : 0xffffff;
  while (at < end && (load<u32>(at) & mask) != close) at++;
  return at + length;
}
