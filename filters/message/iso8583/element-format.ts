// Checks that the bytes of a data element fit its format, in each encoding.
import { Ascii } from '../../memory/ascii';
import { areDigits } from '../hex-text';
import { ASCII_OF_EBCDIC } from './ebcdic';
import { IsoEncoding, IsoFormat, isTrack } from './spec';

// Character classes; bits of CHARACTERS.
const DIGIT: u32 = 1;
const LETTER: u32 = 2;
const SPACE: u32 = 4;
const SEPARATOR: u32 = 8;
const PRINTABLE: u32 = 16;
const CHARACTERS: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 16, 16, 16, 16,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 16, 16, 16, 24, 16, 16, 16, 18,
  18, 18, 26, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 16, 16, 16, 16,
  16, 16, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 18, 16,
  16, 16, 16, 0, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
]);
/** Permitted characters of each format, by its number. Formats after the last have checks of their own. */
const ALLOWED: StaticArray<u32> = [
  0,
  DIGIT,
  LETTER | SPACE,
  LETTER | DIGIT | SPACE,
  PRINTABLE,
  0,
  DIGIT | SEPARATOR,
  DIGIT,
];

function isHex(byte: u32): bool {
  return byte - 48 < 10 || (byte | 32) - 97 < 6;
}

/** A track of hexadecimal digits, with `=` or D as its separator. */
function isSealedTrack(pointer: usize, units: u32, ebcdic: bool): bool {
  for (const end = pointer + units; pointer < end; pointer++) {
    const byte = <u32>(ebcdic ? load<u8>(ASCII_OF_EBCDIC + load<u8>(pointer)) : load<u8>(pointer));
    if (!isHex(byte) && byte != Ascii.Equals) return false;
  }
  return true;
}

/** Text of single-byte characters. */
function isText(format: IsoFormat, pointer: usize, units: u32, ebcdic: bool): bool {
  if (format == IsoFormat.Mixed) return true;
  if (format == IsoFormat.SealedTrack) return isSealedTrack(pointer, units, ebcdic);
  const end = pointer + units;
  const allowed = unchecked(ALLOWED[format]);
  if (format == IsoFormat.Signed) {
    if (!isSign(ebcdic ? load<u8>(ASCII_OF_EBCDIC + load<u8>(pointer)) : load<u8>(pointer))) return false;
    pointer++;
  }
  if (ebcdic) {
    for (; pointer < end; pointer++)
      if ((load<u8>(CHARACTERS + load<u8>(ASCII_OF_EBCDIC + load<u8>(pointer))) & allowed) == 0) return false;
    return true;
  }
  for (; pointer < end; pointer++) if ((load<u8>(CHARACTERS + load<u8>(pointer)) & allowed) == 0) return false;
  return true;
}

function isSign(byte: u8): bool {
  return byte == Ascii.UpperC || byte == Ascii.UpperD;
}

/** Whether all nibbles are digits or the separator D. */
function areTrackDigits(pointer: usize, bytes: u32): bool {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if ((byte >> 4 > 9 && byte >> 4 != 13) || ((byte & 15) > 9 && (byte & 15) != 13)) return false;
  }
  return true;
}

/** `units` digits, two to a byte. An odd number is padded: with `right` by a trailing 0 or F, else by a leading 0. */
function isBcd(format: IsoFormat, pointer: usize, units: u32, right: bool): bool {
  const track = isTrack(format);
  const sealed = format == IsoFormat.SealedTrack;
  let bytes = (units + 1) >> 1;
  if ((units & 1) != 0) {
    const byte = <u32>load<u8>(right ? pointer + --bytes : pointer);
    const filler = right ? byte & 15 : byte >> 4;
    const digit = right ? byte >> 4 : byte & 15;
    if (filler != 0 && !(right && filler == 15)) return false;
    if (digit > 9 && !sealed && !(track && digit == 13)) return false;
    if (!right) {
      pointer++;
      bytes--;
    }
  }
  return sealed || areDigits(pointer, bytes) || (track && areTrackDigits(pointer, bytes));
}

/** Encoded length of `units`, bytes. 0 for none. */
export function encodedBytes(format: IsoFormat, encoding: IsoEncoding, units: u32): u32 {
  if (encoding == IsoEncoding.Hex) return units * 2;
  if (encoding != IsoEncoding.Bcd) return units;
  // The sign of x+n is a character of its own.
  return format == IsoFormat.Signed ? (units == 0 ? 0 : 1 + (units >> 1)) : (units + 1) >> 1;
}

/** Whether `units` characters, digits or bytes at `pointer` fit the format. */
export function isElement(format: IsoFormat, encoding: IsoEncoding, pointer: usize, units: u32, right: bool): bool {
  if (format == IsoFormat.Binary && encoding != IsoEncoding.Hex) return true;
  if (encoding == IsoEncoding.Hex) {
    for (let i: u32 = 0; i < units * 2; i++) if (!isHex(load<u8>(pointer + i))) return false;
    return true;
  }
  if (format == IsoFormat.Signed && units == 0) return false;
  if (encoding != IsoEncoding.Bcd) return isText(format, pointer, units, encoding == IsoEncoding.Ebcdic);
  if (format != IsoFormat.Signed) return isBcd(format, pointer, units, right);
  return isSign(load<u8>(pointer)) && isBcd(format, pointer + 1, units - 1, right);
}
