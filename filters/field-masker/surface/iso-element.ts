// Texts as values of data elements: characters of a message's encoding, packed digits, bytes.
import { Ascii } from '../../memory/ascii';
import { hexDigit } from '../../message/hex-text';
import { ASCII_OF_EBCDIC } from '../../message/iso8583/ebcdic';
import { encodedBytes, isElement } from '../../message/iso8583/element-format';
import {
  IsoEncoding,
  IsoFormat,
  isTrack,
  rowEncoding,
  rowFillsRight,
  rowFormat,
  rowLengthEncoding,
  rowMost,
  rowPrefix,
} from '../../message/iso8583/spec';
import { numberBytes } from '../../message/iso8583/numbers';
import { nextCharacter, pointAt } from '../method/characters';

const ZERO: u8 = 48;
const STAR: u8 = 42;
/** Longest value of an element, characters. */
const MOST: u32 = 9999;
/** Characters of the element at hand, one byte each. */
const UNITS: usize = memory.data(10240, 16);
/** Its encoded form: length prefix and value. */
const ENCODED: usize = memory.data(20608, 16);

let encodedLength: u32 = 0;

/** Address of the element that was encoded last. */
export function encodedElement(): usize {
  return ENCODED;
}

/** Bytes of the element that was encoded last, with its length prefix. */
export function encodedElementBytes(): u32 {
  return encodedLength;
}

/**
 * Encodes a text as the value of an element. `before`: its characters now. Where the format does not take a character,
 * a 0 stands, if their number stays. False: the element cannot hold the text.
 */
export function encodeElement(row: u32, text: usize, length: u32, before: u32): bool {
  let units: u32 = 0;
  const end = text + length;
  const format = rowFormat(row);
  for (let at = text; at < end; at = nextCharacter(at, end)) {
    if (units == MOST) return false;
    const point = pointAt(at, end);
    store<u8>(UNITS + units++, takes(format, point) ? <u8>point : ZERO);
  }
  if (format == IsoFormat.Binary) {
    if ((units & 1) != 0) return false;
    units >>= 1;
  }
  if (units != before && (rowPrefix(row) == 0 || units > rowMost(row) || format == IsoFormat.Signed)) return false;
  return encode(row, units);
}

/** Encodes an element of `units` characters, all of them hidden. */
export function encodeHidden(row: u32, units: u32): void {
  const format = rowFormat(row);
  const char = format == IsoFormat.Special || format == IsoFormat.Mixed ? STAR : ZERO;
  memory.fill(UNITS, char, format == IsoFormat.Binary ? units * 2 : units);
  if (format == IsoFormat.Signed) store<u8>(UNITS, 67);
  encode(row, units);
}

/** Whether the format may hold the character. */
function takes(format: IsoFormat, point: u32): bool {
  const digit = point - 48 < 10;
  const letter = (point | 32) - 97 < 26 && point < 128;
  switch (format) {
    case IsoFormat.Numeric:
      return digit;
    case IsoFormat.Alphabetic:
      return letter || point == 32;
    case IsoFormat.Alphanumeric:
      return letter || digit || point == 32;
    case IsoFormat.Binary:
      return hexDigit(point) < 16;
    case IsoFormat.Track:
      return digit || point == 61 || point == 68;
    case IsoFormat.SealedTrack:
      return hexDigit(point) < 16 || point == 61;
    case IsoFormat.Signed:
      return digit || point == 67 || point == 68;
  }
  return point >= 32 && point < 256;
}

function encode(row: u32, units: u32): bool {
  const format = rowFormat(row);
  const encoding = rowEncoding(row);
  const prefix = rowPrefix(row);
  const bytes = encodedBytes(format, encoding, units);
  let at = ENCODED;
  if (prefix != 0) {
    writeNumber(rowLengthEncoding(row), at, prefix, units);
    at += numberBytes(rowLengthEncoding(row), prefix);
  }
  const right = rowFillsRight(row);
  if (encoding == IsoEncoding.Bcd) packDigits(row, at, units, right);
  else if (encoding == IsoEncoding.Binary) {
    for (let i: u32 = 0; i < units; i++)
      store<u8>(at + i, (hexDigit(load<u8>(UNITS + i * 2)) << 4) | hexDigit(load<u8>(UNITS + i * 2 + 1)));
  } else {
    memory.copy(at, UNITS, bytes);
    if (encoding == IsoEncoding.Ebcdic)
      for (let i: u32 = 0; i < bytes; i++) store<u8>(at + i, ebcdic(load<u8>(at + i)));
  }
  encodedLength = <u32>(at - ENCODED) + bytes;
  return isElement(format, encoding, at, units, right);
}

/** Packs the units as BCD; the sign of x+n is a byte of its own. */
function packDigits(row: u32, at: usize, units: u32, right: bool): void {
  let from = UNITS;
  let count = units;
  if (rowFormat(row) == IsoFormat.Signed) {
    store<u8>(at++, load<u8>(from++));
    count--;
  }
  const bytes = (count + 1) >> 1;
  memory.fill(at, right && (count & 1) != 0 && isTrack(rowFormat(row)) ? 0x0f : 0, bytes);
  const skip: u32 = (count & 1) != 0 && !right ? 1 : 0;
  for (let i: u32 = 0; i < count; i++) {
    const place = i + skip;
    const char = <u32>load<u8>(from + i);
    const digit = char == Ascii.Equals ? 13 : hexDigit(char) & 15;
    const to = at + (place >> 1);
    if ((place & 1) == 0) store<u8>(to, (digit << 4) | (load<u8>(to) & 15));
    else store<u8>(to, (load<u8>(to) & 0xf0) | digit);
  }
}

/** Writes a number of at most four `digits`, as `readNumber` reads it. */
export function writeNumber(encoding: IsoEncoding, at: usize, digits: u32, value: u32): void {
  const bytes = numberBytes(encoding, digits);
  for (let i = bytes; i > 0; i--) {
    if (encoding == IsoEncoding.Binary) {
      store<u8>(at + i - 1, <u8>value);
      value >>= 8;
    } else if (encoding == IsoEncoding.Bcd) {
      store<u8>(at + i - 1, <u8>((((value / 10) % 10) << 4) | (value % 10)));
      value /= 100;
    } else {
      const digit = <u8>(ZERO + (value % 10));
      store<u8>(at + i - 1, encoding == IsoEncoding.Ebcdic ? ebcdic(digit) : digit);
      value /= 10;
    }
  }
}

/** The EBCDIC byte of an ASCII character; that of a blank for those that it has not. */
function ebcdic(char: u8): u8 {
  for (let byte: u32 = 1; byte < 256; byte++) if (load<u8>(ASCII_OF_EBCDIC + byte) == char) return <u8>byte;
  return 64;
}
