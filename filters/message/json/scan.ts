// Scanners of JSON tokens. Each takes the address of a token and the end of the text. It returns the address after the
// token, or 0 after setting `scanError` and `scanErrorAt`. They may read, but never use, up to 15 bytes after `end`;
// the caller ensures that these are in memory.
import { Ascii } from '../../memory/ascii';
import { ErrorId } from '../../errors.gen';

/** Error of the last failed scan. */
export let scanError: ErrorId = 0;
/** Address of the last failed scan. */
export let scanErrorAt: usize = 0;

const QUOTES: usize = memory.data<u8>([34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34, 34], 16);
const BACKSLASHES: usize = memory.data<u8>([92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92, 92], 16);
const CONTROLS: usize = memory.data<u8>([31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31], 16);
const SPACES: usize = memory.data<u8>([32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32], 16);

/** Records a failure. Always returns 0. */
export function fail(error: ErrorId, at: usize): usize {
  scanError = error;
  scanErrorAt = at;
  return 0;
}

// @ts-ignore: decorator
@inline
function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

/** Bit i is set if byte i of the 16 at `pointer` is a quote, a backslash or a control character. */
// @ts-ignore: decorator
@inline
export function stringStops(pointer: usize): u32 {
  const bytes = v128.load(pointer);
  const ends = v128.or(i8x16.eq(bytes, v128.load(QUOTES)), i8x16.eq(bytes, v128.load(BACKSLASHES)));
  return <u32>i8x16.bitmask(v128.or(ends, i8x16.le_u(bytes, v128.load(CONTROLS))));
}

/** First byte that is not white space, or an address at or after `end`. */
export function skipRun(pointer: usize, end: usize): usize {
  // Indentation usually follows a line break: blocks of 16 spaces, then the rest.
  while (pointer < end) {
    const byte = load<u8>(pointer);
    if (
      byte > 32 ||
      (byte != Ascii.Space && byte != Ascii.LineFeed && byte != Ascii.CarriageReturn && byte != Ascii.Tab)
    )
      return pointer;
    pointer++;
    const others = ~(<u32>i8x16.bitmask(i8x16.eq(v128.load(pointer), v128.load(SPACES)))) & 0xffff;
    pointer += others != 0 ? <usize>ctz(others) : 16;
  }
  return pointer;
}

/** Like `skipRun`, with the usual case (no white space) inlined. */
// @ts-ignore: decorator
@inline
export function skipWhitespace(pointer: usize, end: usize): usize {
  return load<u8>(pointer) > 32 ? pointer : skipRun(pointer, end);
}

/**
 * Scans from inside a string to its closing quote. Returns the quote's address. An escape sets `flag` in the word at
 * `flags`. UTF-8 has been checked before.
 */
export function scanString(pointer: usize, end: usize, flags: usize, flag: u32): usize {
  while (pointer < end) {
    const stops = stringStops(pointer);
    if (stops == 0) {
      pointer += 16;
      continue;
    }
    pointer += ctz(stops);
    if (pointer >= end) break;
    const byte = load<u8>(pointer);
    if (byte == Ascii.Quote) return pointer;
    if (byte != Ascii.Backslash) return fail(ErrorId.FIM_JSON_0003, pointer);
    store<u32>(flags, load<u32>(flags) | flag);
    pointer = scanEscape(pointer, end);
    if (pointer == 0) return 0;
  }
  return fail(ErrorId.FIM_JSON_0002, end);
}

/** Like `scanString`, with the usual case (a quote among the next 16 bytes, and no escape before it) inlined. */
// @ts-ignore: decorator
@inline
export function scanShortString(pointer: usize, end: usize, flags: usize, flag: u32): usize {
  const stop = pointer + ctz(stringStops(pointer) | 0x10000);
  return stop < end && load<u8>(stop) == Ascii.Quote && stop < pointer + 16
    ? stop
    : scanString(pointer, end, flags, flag);
}

function scanEscape(pointer: usize, end: usize): usize {
  if (pointer + 1 >= end) return fail(ErrorId.FIM_JSON_0002, end);
  switch (load<u8>(pointer, 1)) {
    case 34:
    case 92:
    case 47:
    case 98:
    case 102:
    case 110:
    case 114:
    case 116: // " \ / b f n r t
      return pointer + 2;
    case 117: // u
      return scanUnicodeEscape(pointer, end);
  }
  return fail(ErrorId.FIM_JSON_0003, pointer);
}

/** Surrogates must come as a pair, because a lone one has no UTF-8 form. */
function scanUnicodeEscape(pointer: usize, end: usize): usize {
  if (pointer + 6 > end) return fail(ErrorId.FIM_JSON_0002, end);
  const unit = hex4(pointer + 2);
  if (unit < 0 || (unit & 0xfc00) == 0xdc00) return fail(ErrorId.FIM_JSON_0003, pointer);
  if ((unit & 0xfc00) != 0xd800) return pointer + 6;
  if (pointer + 12 > end) return fail(ErrorId.FIM_JSON_0003, pointer);
  if (load<u16>(pointer, 6) != 0x755c || (hex4(pointer + 8) & 0x8000fc00) != 0xdc00)
    return fail(ErrorId.FIM_JSON_0003, pointer);
  return pointer + 12;
}

/** Value of four hexadecimal digits. Negative if one is none. */
export function hex4(pointer: usize): i32 {
  let value = 0;
  for (let i: usize = 0; i < 4; i++) {
    const byte = <u32>load<u8>(pointer + i);
    const letter = (byte | 32) - 97;
    if (isDigit(byte)) value = (value << 4) | (byte - 48);
    else if (letter < 6) value = (value << 4) | (letter + 10);
    else return -1;
  }
  return value;
}

function skipDigits(pointer: usize, end: usize): usize {
  while (pointer < end && isDigit(load<u8>(pointer))) pointer++;
  return pointer;
}

/**
 * A number in the form of RFC 8259, section 6. Its value is not computed, since amounts must not pass through floating
 * point.
 */
export function scanNumber(pointer: usize, end: usize): usize {
  const start = pointer;
  if (load<u8>(pointer) == Ascii.Minus) pointer++;
  const whole = pointer;
  pointer = skipDigits(pointer, end);
  if (pointer == whole) return fail(pointer >= end ? ErrorId.FIM_JSON_0002 : ErrorId.FIM_JSON_0005, start);
  if (load<u8>(whole) == Ascii.Zero && pointer - whole > 1) return fail(ErrorId.FIM_JSON_0005, start);
  if (pointer < end && load<u8>(pointer) == Ascii.Point) {
    const fraction = ++pointer;
    pointer = skipDigits(pointer, end);
    if (pointer == fraction) return fail(ErrorId.FIM_JSON_0005, start);
  }
  if (pointer < end && (load<u8>(pointer) | 32) == Ascii.LowerE) {
    pointer++;
    if (pointer < end && (load<u8>(pointer) == Ascii.Plus || load<u8>(pointer) == Ascii.Minus)) pointer++;
    const exponent = pointer;
    pointer = skipDigits(pointer, end);
    if (pointer == exponent) return fail(ErrorId.FIM_JSON_0005, start);
  }
  return pointer;
}

/** `true`, `false` or `null`. */
export function scanLiteral(pointer: usize, end: usize): usize {
  const four = load<u32>(pointer);
  if (four == 0x65757274 || four == 0x6c6c756e) {
    if (pointer + 4 <= end) return pointer + 4;
  } else if (four == 0x736c6166) {
    if (pointer + 5 <= end && load<u8>(pointer, 4) == Ascii.LowerE) return pointer + 5;
    if (pointer + 5 <= end) return fail(ErrorId.FIM_JSON_0001, pointer);
  } else return fail(ErrorId.FIM_JSON_0001, pointer);
  return fail(ErrorId.FIM_JSON_0002, end);
}
