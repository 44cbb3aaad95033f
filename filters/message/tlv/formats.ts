// Formats of data object values, with the names of EMV Book 3 (section 4.3) and JR/T 0025.
import { Ascii } from '../../memory/ascii';
import { areDigits } from '../hex-text';

/** Format of a value. */
export const enum Format {
  /** Binary: any bytes. */
  Binary = 0,
  /** `n`: decimal digits, two to a byte, with leading zeros. */
  Numeric = 1,
  /** `cn`: decimal digits, two to a byte, with trailing F. */
  Compressed = 2,
  /** `a`: letters of ASCII. */
  Alphabetic = 3,
  /** `an`: letters and digits. */
  Alphanumeric = 4,
  /**
   * `ans`: characters and bytes beyond ASCII (the common character set, and names in GBK), without ASCII control
   * characters.
   */
  Special = 5,
  /** Contains data objects. */
  Template = 6,
}

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
}

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

/** Digits, then only F to the end. */
function isCompressed(pointer: usize, end: usize): bool {
  let filling = false;
  for (; pointer < end; pointer++) {
    const byte = <u32>load<u8>(pointer);
    const high = byte >> 4;
    const low = byte & 15;
    if (filling ? byte != 0xff : high > 9 && byte != 0xff) return false;
    if (high == 15) filling = true;
    else if (low == 15) filling = true;
    else if (low > 9) return false;
  }
  return true;
}

/** Length of a text without trailing zero bytes, with which terminals and cards pad texts. */
export function filledLength(pointer: usize, length: u32): u32 {
  while (length != 0 && load<u8>(pointer + length - 1) == 0) length--;
  return length;
}

/** Whether the value fits the format. Texts may end in zero bytes. The parser checks templates. */
export function isInFormat(format: Format, pointer: usize, length: u32): bool {
  if (format == Format.Numeric) return areDigits(pointer, length);
  if (format == Format.Compressed) return isCompressed(pointer, pointer + length);
  if (format == Format.Binary || format == Format.Template) return true;
  for (const end = pointer + filledLength(pointer, length); pointer < end; pointer++) {
    const byte = <u32>load<u8>(pointer);
    if (
      format == Format.Special
        ? byte < 32 || byte == Ascii.Delete
        : !isLetter(byte) && (format == Format.Alphabetic || !isDigit(byte))
    )
      return false;
  }
  return true;
}
