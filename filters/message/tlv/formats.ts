// Formats of the values of data objects, as EMV Book 3 (section 4.3) and JR/T 0025 name them.
import { areDigits } from '../hex-text';

/** How a value is written. */
export const enum Format {
  /** Binary: any bytes. */
  Binary = 0,
  /** `n`: decimal digits, two to a byte, zeros in front. */
  Numeric = 1,
  /** `cn`: decimal digits, two to a byte, F behind. */
  Compressed = 2,
  /** `a`: letters of ASCII. */
  Alphabetic = 3,
  /** `an`: letters and digits. */
  Alphanumeric = 4,
  /**
   * `ans`: characters, and bytes beyond ASCII (the common character set, and names in GBK): no control characters of
   * ASCII.
   */
  Special = 5,
  /** Holds data objects. */
  Template = 6,
}

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
}

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

/** Digits, then nothing but F to the end. */
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

/** Length of a text without the zero bytes behind it, which terminals and cards fill texts up with. */
export function filledLength(pointer: usize, length: u32): u32 {
  while (length != 0 && load<u8>(pointer + length - 1) == 0) length--;
  return length;
}

/** Whether the value is written in the format; texts may end in zero bytes. Templates are judged by the parser. */
export function isInFormat(format: Format, pointer: usize, length: u32): bool {
  if (format == Format.Numeric) return areDigits(pointer, length);
  if (format == Format.Compressed) return isCompressed(pointer, pointer + length);
  if (format == Format.Binary || format == Format.Template) return true;
  for (const end = pointer + filledLength(pointer, length); pointer < end; pointer++) {
    const byte = <u32>load<u8>(pointer);
    if (
      format == Format.Special
        ? byte < 32 || byte == 127
        : !isLetter(byte) && (format == Format.Alphabetic || !isDigit(byte))
    )
      return false;
  }
  return true;
}
