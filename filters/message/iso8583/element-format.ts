// Whether the bytes of a data element are written in its format, in each encoding.
import { ASCII_OF_EBCDIC } from './ebcdic';
import { IsoEncoding, IsoFormat } from './spec';

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
}

/** Whether an ASCII character may stand in the format. */
function fits(format: IsoFormat, byte: u32): bool {
  switch (format) {
    case IsoFormat.Numeric: return isDigit(byte);
    case IsoFormat.Alphabetic: return isLetter(byte) || byte == 32;
    case IsoFormat.Alphanumeric: return isLetter(byte) || isDigit(byte) || byte == 32;
    case IsoFormat.Track: return isDigit(byte) || byte == 61 || byte == 68;
  }
  return byte >= 32 && byte != 127;
}

function isHex(byte: u32): bool {
  return isDigit(byte) || (byte | 32) - 97 < 6;
}

/** Characters of one byte each. */
function isText(format: IsoFormat, pointer: usize, units: u32, ebcdic: bool): bool {
  const end = pointer + units;
  if (format == IsoFormat.Signed) {
    const sign = ebcdic ? load<u8>(ASCII_OF_EBCDIC + load<u8>(pointer)) : load<u8>(pointer);
    if (sign != 67 && sign != 68) return false;
    format = IsoFormat.Numeric;
    pointer++;
  }
  for (; pointer < end; pointer++) {
    const byte = <u32>load<u8>(pointer);
    if (!fits(format, ebcdic ? <u32>load<u8>(ASCII_OF_EBCDIC + byte) : byte)) return false;
  }
  return true;
}

/** `units` digits, two to a byte; `right`: an odd one is followed by 0 or F, else preceded by 0. */
function isBcd(pointer: usize, units: u32, right: bool, track: bool): bool {
  const bytes = (units + 1) >> 1;
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(pointer + i);
    const filler = (units & 1) != 0 && (right ? i == bytes - 1 : i == 0);
    const high = byte >> 4;
    const low = byte & 15;
    if (filler && right && low != 0 && low != 15) return false;
    if (filler && !right && high != 0) return false;
    if (!(filler && !right) && high > 9 && !(track && high == 13)) return false;
    if (!(filler && right) && low > 9 && !(track && low == 13)) return false;
  }
  return true;
}

/** Bytes that `units` take; 0 for none. */
export function encodedBytes(format: IsoFormat, encoding: IsoEncoding, units: u32): u32 {
  if (encoding == IsoEncoding.Hex) return units * 2;
  if (encoding != IsoEncoding.Bcd) return units;
  // The sign of x+n is a character of its own.
  return format == IsoFormat.Signed ? (units == 0 ? 0 : 1 + (units >> 1)) : (units + 1) >> 1;
}

/** Whether `units` characters, digits or bytes at `pointer` are written in the format. */
export function isElement(format: IsoFormat, encoding: IsoEncoding, pointer: usize, units: u32, right: bool): bool {
  if (format == IsoFormat.Binary && encoding != IsoEncoding.Hex) return true;
  if (encoding == IsoEncoding.Hex) {
    for (let i: u32 = 0; i < units * 2; i++) if (!isHex(load<u8>(pointer + i))) return false;
    return true;
  }
  if (format == IsoFormat.Signed && units == 0) return false;
  if (encoding != IsoEncoding.Bcd) return isText(format, pointer, units, encoding == IsoEncoding.Ebcdic);
  if (format != IsoFormat.Signed) return isBcd(pointer, units, right, format == IsoFormat.Track);
  return (load<u8>(pointer) == 67 || load<u8>(pointer) == 68) && isBcd(pointer + 1, units - 1, right, false);
}
