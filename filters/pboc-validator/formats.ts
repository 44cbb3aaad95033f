// Character sets and amounts of financial fields. Each function takes the bytes of a text. None fails or allocates.
import { Ascii } from '../memory/ascii';

/** Number of leading digits. */
export function leadingDigits(pointer: usize, length: u32): u32 {
  let count: u32 = 0;
  while (count < length && <u32>load<u8>(pointer + count) - 48 < 10) count++;
  return count;
}

/**
 * Unsigned amount: 1 to 12 digits (minor units, ISO 8583 n12), or 1 to 13 digits, a point, 1 to 4 decimals (major
 * units).
 */
export function isAmount(pointer: usize, length: u32): bool {
  const whole = leadingDigits(pointer, length);
  if (whole == length) return whole >= 1 && whole <= 12;
  if (whole < 1 || whole > 13 || load<u8>(pointer + whole) != Ascii.Point) return false;
  const decimals = length - whole - 1;
  return decimals >= 1 && decimals <= 4 && leadingDigits(pointer + whole + 1, decimals) == decimals;
}

/**
 * Amount of ISO 20022 (`ActiveCurrencyAndAmount`): not negative, at most 18 digits of which at most 5 are decimals, in
 * any spelling of xs:decimal (`+1`, `.5`, `1.`, `007.50000000`). Leading and trailing zeros do not count. No exponent.
 */
export function isIsoAmount(pointer: usize, length: u32): bool {
  const end = pointer + length;
  const negative = length != 0 && load<u8>(pointer) == Ascii.Minus;
  if (length != 0 && (negative || load<u8>(pointer) == Ascii.Plus)) pointer++;
  const written = leadingDigits(pointer, <u32>(end - pointer));
  let at = pointer + written;
  let decimals: u32 = 0;
  if (at < end && load<u8>(at) == Ascii.Point) {
    decimals = leadingDigits(++at, <u32>(end - at));
    if (at + decimals != end) return false;
  } else if (at != end) return false;
  if (written + decimals == 0) return false;
  while (decimals != 0 && load<u8>(at + decimals - 1) == Ascii.Zero) decimals--;
  let whole = written;
  while (whole != 0 && load<u8>(pointer + written - whole) == Ascii.Zero) whole--;
  return whole + decimals <= 18 && decimals <= 5 && (!negative || whole + decimals == 0);
}

/** An even number, at least two, of hex digits in either case. */
export function isHex(pointer: usize, length: u32): bool {
  if (length == 0 || (length & 1) != 0) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte - 48 >= 10 && (byte | 32) - 97 >= 6) return false;
  }
  return true;
}

/** Decimal digits, at least one (n of ISO 8583). */
export function isNumeric(pointer: usize, length: u32): bool {
  return length > 0 && leadingDigits(pointer, length) == length;
}

/** ASCII letters, at least one (a of ISO 8583). */
export function isAlphabetic(pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (((<u32>load<u8>(pointer + i)) | 32) - 97 >= 26) return false;
  return length > 0;
}

/** ASCII letters and digits, at least one (an of ISO 8583). */
export function isAlphanumeric(pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte - 48 >= 10 && (byte | 32) - 97 >= 26) return false;
  }
  return length > 0;
}

/** Printable ASCII, at least one (ans of ISO 8583). */
export function isPrintable(pointer: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (<u32>load<u8>(pointer + i) - 32 >= 95) return false;
  return length > 0;
}
