// Characters of a text as it is written: plain, as UTF-8, behind backslashes (`\u0031`, `\n`; `\\u0031` in a text inside
// a text), percent-encoded (`%31`, `%EF%BC%91`, `%2531`) or as XML entities (`&#49;`, `&#x31;`, `&nbsp;`). Detection
// reads texts through these functions, so that an escape never hides a value.
import { Ascii } from '../../memory/ascii';

/** Code point of a byte that is no UTF-8, and behind the end of a text. */
export const NO_UNIT: u32 = 0xfffd;
const BACKSLASH_RUN: u32 = 8;
const MAX_ENTITY_DIGITS: u32 = 7;

let behind: usize = 0;

/** Address behind the character that `unitAt` read last. */
// @ts-ignore: decorator
@inline
export function unitEnd(): usize {
  return behind;
}

/** The character at `at` as a code point. NO_UNIT at the end of the text. */
// @ts-ignore: decorator
@inline
export function unitAt(at: usize, end: usize): u32 {
  if (at < end) {
    const byte = <u32>load<u8>(at);
    if (byte < 0x80 && byte != Ascii.Backslash && byte != Ascii.Percent && byte != Ascii.Ampersand) {
      behind = at + 1;
      return byte;
    }
  }
  return otherUnit(at, end);
}

function otherUnit(at: usize, end: usize): u32 {
  behind = at;
  if (at >= end) return NO_UNIT;
  const byte = <u32>load<u8>(at);
  behind = at + 1;
  if (byte >= 0x80) return utf8At(at, end);
  if (byte == Ascii.Backslash) return backslashed(at, end);
  return byte == Ascii.Percent ? percented(at, end) : entity(at, end);
}

function utf8At(at: usize, end: usize): u32 {
  const first = <u32>load<u8>(at);
  const size: u32 = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (size == 0 || at + size > end) return NO_UNIT;
  let point = first & (0x7f >> size);
  for (let i: u32 = 1; i < size; i++) {
    const next = <u32>load<u8>(at + i);
    if ((next & 0xc0) != 0x80) return NO_UNIT;
    point = (point << 6) | (next & 63);
  }
  behind = at + size;
  return point;
}

/** Value of a hexadecimal digit; 16 for any other byte. */
export function hexOf(byte: u32): u32 {
  if (byte - Ascii.Zero < 10) return byte - Ascii.Zero;
  const letter = (byte | 32) - Ascii.LowerA;
  return letter < 6 ? letter + 10 : 16;
}

/** A character behind one or more backslashes, or a backslash. */
function backslashed(at: usize, end: usize): u32 {
  let to = at + 1;
  while (to < end && load<u8>(to) == Ascii.Backslash && to - at < BACKSLASH_RUN) to++;
  if (to >= end) return Ascii.Backslash;
  const byte = <u32>load<u8>(to);
  if (byte == Ascii.LowerU) {
    if (to + 5 > end) return Ascii.Backslash;
    let point: u32 = 0;
    for (let i: u32 = 1; i <= 4; i++) {
      const digit = hexOf(load<u8>(to + i));
      if (digit > 15) return Ascii.Backslash;
      point = (point << 4) | digit;
    }
    behind = to + 5;
    return point;
  }
  behind = to + 1;
  if (byte == Ascii.LowerN) return Ascii.LineFeed;
  if (byte == Ascii.LowerR) return Ascii.CarriageReturn;
  if (byte == Ascii.LowerT) return Ascii.Tab;
  if (byte == Ascii.Quote || byte == Ascii.Slash || byte == Ascii.Apostrophe) return byte;
  behind = at + 1;
  return Ascii.Backslash;
}

let percentEnd: usize = 0;

/** Byte that is percent-encoded at `at` (`%31`, also `%2531`); 256 if there is none. */
function percentByte(at: usize, end: usize): u32 {
  if (at + 3 > end || load<u8>(at) != Ascii.Percent) return 256;
  while (at + 5 <= end && load<u8>(at, 1) == 50 && load<u8>(at, 2) == 53 && hexOf(load<u8>(at, 3)) < 16) at += 2;
  const high = hexOf(load<u8>(at, 1));
  const low = hexOf(load<u8>(at, 2));
  if (high > 15 || low > 15) return 256;
  percentEnd = at + 3;
  return (high << 4) | low;
}

function percented(at: usize, end: usize): u32 {
  const first = percentByte(at, end);
  if (first > 255) return Ascii.Percent;
  behind = percentEnd;
  if (first < 0x80) return first;
  const size: u32 = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (size == 0) return NO_UNIT;
  let point = first & (0x7f >> size);
  for (let i: u32 = 1; i < size; i++) {
    const next = percentByte(percentEnd, end);
    if (next > 255 || (next & 0xc0) != 0x80) return NO_UNIT;
    point = (point << 6) | (next & 63);
  }
  behind = percentEnd;
  return point;
}

/** An XML or HTML entity, or an ampersand. `&amp;#49;` is the digit too: it was encoded twice. */
function entity(at: usize, end: usize): u32 {
  let to = at + 1;
  while (to + 4 <= end && load<u32>(to) == 0x3b706d61) to += 4; // `amp;`
  if (to + 3 > end) return Ascii.Ampersand;
  if (load<u8>(to) != Ascii.Hash) return named(to, end);
  to++;
  const isHex = (load<u8>(to) | 32) == Ascii.LowerX;
  if (isHex) to++;
  let point: u32 = 0;
  const from = to;
  for (; to < end && to - from < MAX_ENTITY_DIGITS; to++) {
    const digit = hexOf(load<u8>(to));
    if (digit >= (isHex ? 16 : 10)) break;
    point = point * (isHex ? 16 : 10) + digit;
  }
  if (to == from || to >= end || load<u8>(to) != Ascii.Semicolon) return Ascii.Ampersand;
  behind = to + 1;
  return point;
}

/** `&nbsp;`, `&ensp;`, `&emsp;`, `&quot;`, `&lt;`, `&gt;`. */
function named(to: usize, end: usize): u32 {
  if (to + 3 <= end && load<u16>(to, 1) == 0x3b74 && (load<u8>(to) == Ascii.LowerL || load<u8>(to) == Ascii.LowerG)) {
    behind = to + 3;
    return load<u8>(to) == Ascii.LowerL ? Ascii.Less : Ascii.Greater;
  }
  if (to + 5 > end || load<u8>(to, 4) != Ascii.Semicolon) return Ascii.Ampersand;
  const name = load<u32>(to);
  let point: u32 = 0;
  if (name == 0x7073626e) point = 0xa0;
  else if (name == 0x70736e65 || name == 0x70736d65) point = 0x2002;
  else if (name == 0x746f7571) point = Ascii.Quote;
  if (point == 0) return Ascii.Ampersand;
  behind = to + 5;
  return point;
}

let before: usize = 0;

/** Address of the character that `unitBefore` read last. */
export function unitStart(): usize {
  return before;
}

/** The character that ends at `at`. NO_UNIT at the start of the text. */
// @ts-ignore: decorator
@inline
export function unitBefore(begin: usize, at: usize): u32 {
  if (at > begin) {
    const last = <u32>load<u8>(at - 1);
    const isPlain = last < 0x80 && load<u8>(ENDS_ESCAPE + last) == 0;
    if (isPlain || (last == Ascii.Quote && (at - 1 == begin || load<u8>(at - 2) != Ascii.Backslash))) {
      before = at - 1;
      return last;
    }
  }
  return otherBefore(begin, at);
}

/** By byte of ASCII: 1 if an escape may end with it (hexadecimal digits, `n`, `r`, `t`, quote, `/`, `;`). */
const ENDS_ESCAPE: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

function otherBefore(begin: usize, at: usize): u32 {
  before = at;
  if (at <= begin) return NO_UNIT;
  before = at - 1;
  const last = <u32>load<u8>(at - 1);
  if (last >= 0x80) {
    let lead = at - 1;
    while (lead > begin && at - lead < 4 && (load<u8>(lead) & 0xc0) == 0x80) lead--;
    const point = utf8At(lead, at);
    if (behind != at || point == NO_UNIT) return NO_UNIT;
    before = lead;
    return point;
  }
  if (last == Ascii.Semicolon) return entityBefore(begin, at);
  if (hexOf(last) < 16) {
    if (at - begin >= 6 && load<u8>(at - 5) == Ascii.LowerU && load<u8>(at - 6) == Ascii.Backslash)
      return fromBackslashes(begin, at - 6, at);
    if (at - begin >= 3 && load<u8>(at - 3) == Ascii.Percent) return percentBefore(begin, at);
    if (at - begin >= 5 && load<u32>(at - 5) << 8 == 0x35322500) return percentBefore(begin, at);
    return last;
  }
  const isEscapable =
    last == Ascii.LowerN || last == Ascii.LowerR || last == Ascii.LowerT || last == Ascii.Quote || last == Ascii.Slash;
  return isEscapable && at - begin >= 2 && load<u8>(at - 2) == Ascii.Backslash
    ? fromBackslashes(begin, at - 2, at)
    : last;
}

function fromBackslashes(begin: usize, from: usize, at: usize): u32 {
  const first = from;
  while (from > begin && load<u8>(from - 1) == Ascii.Backslash && first - from < BACKSLASH_RUN - 1) from--;
  return readFrom(from, at);
}

/** The character from `from` on, if it ends at `at`; else the last byte. */
function readFrom(from: usize, at: usize): u32 {
  const point = otherUnit(from, at);
  if (behind != at) return load<u8>(at - 1);
  before = from;
  return point;
}

function percentBefore(begin: usize, at: usize): u32 {
  let from = at - 3;
  if (load<u8>(from) != Ascii.Percent) from -= 2;
  // The other bytes of a character beyond ASCII stand in front, encoded as often.
  const size: usize = load<u8>(at - 3) == Ascii.Percent ? 3 : 5;
  for (
    let i = 0;
    i < 3 && isContinuation(from, at) && from - begin >= size && load<u8>(from - size) == Ascii.Percent;
    i++
  )
    from -= size;
  return readFrom(from, at);
}

function isContinuation(from: usize, at: usize): bool {
  const byte = percentByte(from, at);
  return byte < 256 && (byte & 0xc0) == 0x80;
}

function entityBefore(begin: usize, at: usize): u32 {
  for (let from = at - 2; from >= begin && at - from <= 14; from--) {
    const byte = load<u8>(from);
    if (byte == Ascii.Ampersand) return readFrom(from, at);
    if (byte >= 0x80) break;
  }
  return Ascii.Semicolon;
}

/** Value of a digit, ASCII or full-width; 10 for any other character. */
// @ts-ignore: decorator
@inline
export function digitOf(point: u32): u32 {
  const ascii = point - Ascii.Zero;
  if (ascii < 10) return ascii;
  const wide = point - 0xff10;
  return wide < 10 ? wide : 10;
}

/** The ASCII form of a full-width letter, digit or sign; other characters as they are. */
// @ts-ignore: decorator
@inline
export function narrow(point: u32): u32 {
  return point - 0xff01 < 94 ? point - 0xfee0 : point;
}

/** Whether a character is an ASCII letter, also a full-width one. */
// @ts-ignore: decorator
@inline
export function isLatin(point: u32): bool {
  return (narrow(point) | 32) - Ascii.LowerA < 26;
}

/** Whether a character is Han: the unified ideographs with extension A, and 〇. */
// @ts-ignore: decorator
@inline
export function isHan(point: u32): bool {
  return point - 0x4e00 < 0x5200 || point - 0x3400 < 0x19c0 || point == 0x3007;
}

/** Whether a character is a space of any width, not a line break. */
export function isSpace(point: u32): bool {
  return (
    point == Ascii.Space ||
    point == Ascii.Tab ||
    point == 0xa0 ||
    point - 0x2000 <= 10 ||
    point == 0x202f ||
    point == 0x205f ||
    point == 0x3000
  );
}

/** Whether a character is a hyphen, a dash or a minus of any width. */
export function isDash(point: u32): bool {
  return (
    point == Ascii.Minus ||
    point - 0x2010 <= 5 ||
    point == 0x2212 ||
    point == 0xfe58 ||
    point == 0xfe63 ||
    point == 0xff0d
  );
}

/** Whether a character is a decimal or grouping point: `.`, full-width, Arabic, or in the middle of the line. */
export function isPoint(point: u32): bool {
  return point == Ascii.Point || point == 0xff0e || point == 0x66b || point == 0xfe52;
}
