// Check digits and characters of a house's own numbers. A text here is its letters and digits alone, in ASCII.
import { Ascii } from '../../memory/ascii';

/** Check that ends a number, or in an IBAN begins it. By the numbers of `DetectorCheck`. */
export const enum NumberCheck {
  None = 0,
  Luhn = 1,
  /** ISO 7064 MOD 11-2: digits, and X for ten at the end. */
  Mod11Of2 = 2,
  /** ISO 7064 MOD 11,10: digits. */
  Mod11Of10 = 3,
  /** ISO 7064 MOD 97-10: letters count as 10 to 35; two digits at the end. */
  Mod97Of10 = 4,
  /** ISO 13616: MOD 97-10 with the first four characters behind the others. */
  Iban = 5,
}

const SHORTEST: u32 = 3;
const IBAN_SHORTEST: u32 = 15;
const IBAN_HEAD: u32 = 4;
/** No digit and no letter. */
const NO_VALUE: u32 = 36;

/** Value of a digit, or of a letter from 10 on. */
function valueOf(byte: u32): u32 {
  if (byte - Ascii.Zero < 10) return byte - Ascii.Zero;
  const letter = (byte | 32) - Ascii.LowerA;
  return letter < 26 ? letter + 10 : NO_VALUE;
}

/** Whether a text has the check. */
export function hasCheck(check: NumberCheck, text: usize, length: u32): bool {
  if (check == NumberCheck.None) return true;
  if (length < SHORTEST) return false;
  switch (check) {
    case NumberCheck.Luhn:
      return luhn(text, length);
    case NumberCheck.Mod11Of2:
      return mod11Of2(text, length);
    case NumberCheck.Mod11Of10:
      return mod11Of10(text, length);
    case NumberCheck.Mod97Of10:
      return mod97(text, length, 0) == 1;
  }
  if (length < IBAN_SHORTEST) return false;
  return mod97(text, IBAN_HEAD, mod97(text + IBAN_HEAD, length - IBAN_HEAD, 0)) == 1;
}

/** Of any length; `isLuhn` of filters/message takes cards alone. */
function luhn(text: usize, length: u32): bool {
  let sum: u32 = 0;
  let twice = false;
  for (let i = length; i > 0; i--) {
    const digit = <u32>load<u8>(text + i - 1) - Ascii.Zero;
    if (digit > 9) return false;
    sum += twice ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
    twice = !twice;
  }
  return sum % 10 == 0;
}

function mod11Of2(text: usize, length: u32): bool {
  let rest: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(text + i);
    const isTen = i == length - 1 && (byte | 32) == Ascii.LowerX;
    const digit = isTen ? 10 : byte - Ascii.Zero;
    if (digit > 9 && !isTen) return false;
    rest = i == length - 1 ? rest + digit : ((rest + digit) * 2) % 11;
  }
  return rest % 11 == 1;
}

function mod11Of10(text: usize, length: u32): bool {
  let product: u32 = 10;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(text + i) - Ascii.Zero;
    if (digit > 9) return false;
    const sum = (product + digit) % 10;
    if (i == length - 1) return sum == 1;
    product = ((sum == 0 ? 10 : sum) * 2) % 11;
  }
  return false;
}

/** Remainder by 97 of the number that goes on from `rest`. 97: there is a character without a value. */
function mod97(text: usize, length: u32, rest: u32): u32 {
  for (let i: u32 = 0; i < length && rest < 97; i++) {
    const value = valueOf(<u32>load<u8>(text + i));
    if (value == NO_VALUE) return 97;
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
