// The lines of a request as RFC 9112 writes them, without what it lets a lenient reader guess.

/** No number, or one that is too long. */
export const NO_NUMBER: u64 = u64.MAX_VALUE;
/** Digits of a number at most: none of them overflows. */
const DECIMALS: u32 = 18;
const HEX_DIGITS: u32 = 15;

const TAB: u8 = 9;
const SPACE: u8 = 32;
const COLON: u8 = 58;
const COMMA: u8 = 44;
const DELETE: u8 = 127;
/** ` HTTP/1.`, to which the minor version is added. */
const PROTOCOL: string = ' HTTP/1.';
/** Characters of names and methods besides letters and digits. */
const MARKS: string = "!#$%&'*+-.^_`|~";

/** A space or a tab. */
export function isBlank(byte: u8): bool {
  return byte == SPACE || byte == TAB;
}

function isToken(byte: u8): bool {
  const lower = byte | 32;
  if ((lower >= 97 && lower <= 122) || (byte >= 48 && byte <= 57)) return true;
  for (let i = 0; i < MARKS.length; i++) if (byte == <u8>letterAt(MARKS, i)) return true;
  return false;
}

/** `METHOD target HTTP/1.x`, single spaces between, and no CONNECT, behind which there are no requests any more. */
export function isRequestLine(line: usize, length: u32): bool {
  const tail = <u32>PROTOCOL.length + 1;
  let at: u32 = 0;
  while (at < length && isToken(load<u8>(line + at))) at++;
  if (at == 0 || says(line, at, 'connect') || at + 2 + tail > length || load<u8>(line + at) != SPACE) return false;
  const end = length - tail;
  for (at++; at < end; at++) {
    const byte = load<u8>(line + at);
    if (byte <= SPACE || byte == DELETE) return false;
  }
  for (let i = 0; i < PROTOCOL.length; i++) if (load<u8>(line + end + i) != <u8>letterAt(PROTOCOL, i)) return false;
  return (load<u8>(line + length - 1) | 1) == 49;
}

/** `name: value` on one line, nothing before the name or between it and the colon, no controls. */
export function isFieldLine(line: usize, length: u32): bool {
  let at: u32 = 0;
  while (at < length && isToken(load<u8>(line + at))) at++;
  if (at == 0 || at == length || load<u8>(line + at) != COLON) return false;
  for (at++; at < length; at++) {
    const byte = load<u8>(line + at);
    if ((byte < SPACE && byte != TAB) || byte == DELETE) return false;
  }
  return true;
}

/** Whether bytes are a text in lower case, in whatever case they are. */
export function says(bytes: usize, length: u32, text: string): bool {
  if (length != <u32>text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = load<u8>(bytes + i);
    const lower = byte - 65 < 26 ? byte + 32 : byte;
    if (lower != <u8>letterAt(text, i)) return false;
  }
  return true;
}

export function contains(bytes: usize, length: u32, sought: u8): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(bytes + i) == sought) return true;
  return false;
}

/** Whether a list with commas has a text in lower case, in whatever case it is there. */
export function lists(bytes: usize, length: u32, text: string): bool {
  for (let at: u32 = 0; at < length; at++) {
    let from = at;
    while (at < length && load<u8>(bytes + at) != COMMA) at++;
    let to = at;
    while (from < to && isBlank(load<u8>(bytes + from))) from++;
    while (to > from && isBlank(load<u8>(bytes + to - 1))) to--;
    if (says(bytes + from, to - from, text)) return true;
  }
  return false;
}

export function decimal(bytes: usize, length: u32): u64 {
  if (length == 0 || length > DECIMALS) return NO_NUMBER;
  let value: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(bytes + i) - 48;
    if (digit > 9) return NO_NUMBER;
    value = value * 10 + digit;
  }
  return value;
}

/** Without extensions: no sender of requests needs them, and parsers differ on where they end. */
export function hexadecimal(bytes: usize, length: u32): u64 {
  if (length == 0 || length > HEX_DIGITS) return NO_NUMBER;
  let value: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(bytes + i);
    const letter = (byte | 32) - 97;
    if (byte - 48 > 9 && letter > 5) return NO_NUMBER;
    value = (value << 4) | (byte - 48 <= 9 ? byte - 48 : letter + 10);
  }
  return value;
}

function letterAt(text: string, at: i32): u16 {
  return load<u16>(changetype<usize>(text) + ((<usize>at) << 1));
}
