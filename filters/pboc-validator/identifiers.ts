// Identifiers with check digits of companies, banks, accounts and places, and the code lists of ISO. Each function
// takes the bytes of a text. None fails or allocates.
import {
  COUNTRY_ALPHA_2,
  COUNTRY_ALPHA_2_COUNT,
  COUNTRY_ALPHA_3,
  COUNTRY_ALPHA_3_COUNT,
  COUNTRY_DIGITS,
  COUNTRY_DIGITS_COUNT,
  CURRENCY_DIGITS,
  CURRENCY_DIGITS_COUNT,
  CURRENCY_LETTERS,
  CURRENCY_LETTERS_COUNT,
  IBAN_LENGTHS,
  IBAN_LENGTHS_COUNT,
} from './codes.gen';
import { leadingDigits } from './formats';

/** Unknown code. */
export const NO_CODE: u32 = u32.MAX_VALUE;

/** First entry of an ascending table that is not below `value`. NO_CODE if all are. */
function atLeast(table: usize, count: u32, value: u32): u32 {
  let from: u32 = 0;
  let to = count;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (load<u32>(table + ((<usize>middle) << 2)) < value) from = middle + 1;
    else to = middle;
  }
  return from < count ? load<u32>(table + ((<usize>from) << 2)) : NO_CODE;
}

/** At most 3 capital letters as a number of base 26. NO_CODE for other characters. */
function letters(pointer: usize, count: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const letter = <u32>load<u8>(pointer + i) - 65;
    if (letter >= 26) return NO_CODE;
    value = value * 26 + letter;
  }
  return value;
}

function threeDigits(pointer: usize): u32 {
  return (<u32>load<u8>(pointer) - 48) * 100 + (<u32>load<u8>(pointer, 1) - 48) * 10 + (<u32>load<u8>(pointer, 2) - 48);
}

/**
 * Minor units of an ISO 4217 code, three digits or three capital letters. MINOR_UNITS_NOT_APPLICABLE if it has none,
 * NO_CODE for other text.
 */
export function minorUnits(pointer: usize, length: u32): u32 {
  if (length != 3) return NO_CODE;
  const numeric = leadingDigits(pointer, 3) == 3;
  const code = numeric ? threeDigits(pointer) : letters(pointer, 3);
  if (code == NO_CODE) return NO_CODE;
  const entry = numeric
    ? atLeast(CURRENCY_DIGITS, CURRENCY_DIGITS_COUNT, code << 4)
    : atLeast(CURRENCY_LETTERS, CURRENCY_LETTERS_COUNT, code << 4);
  return entry >> 4 == code ? entry & 15 : NO_CODE;
}

/** ISO 4217 code: three digits or three capital letters. */
export function isCurrency(pointer: usize, length: u32): bool {
  return minorUnits(pointer, length) != NO_CODE;
}

/**
 * Two-letter codes that ISO 3166-1 leaves to users: AA, QM to QZ, XA to XZ, ZZ. Test systems and territories (XK) use
 * them, in BIC too.
 */
function isUserCountry(code: u32): bool {
  const first = code / 26;
  return code == 0 || code == 25 * 26 + 25 || first == 23 || (first == 16 && code % 26 >= 12);
}

/** Two-letter codes that ISO 3166-1 reserves and that are in use: EU, EZ, UK, UN. */
function isReservedCountry(code: u32): bool {
  return code == 4 * 26 + 20 || code == 4 * 26 + 25 || code == 20 * 26 + 10 || code == 20 * 26 + 13;
}

/**
 * ISO 3166-1 code: two or three capital letters, or three digits. Two-letter codes for users and reserved ones are
 * included.
 */
export function isCountry(pointer: usize, length: u32): bool {
  if (length == 2) return isCountryLetters(letters(pointer, 2));
  if (length != 3) return false;
  if (leadingDigits(pointer, 3) == 3)
    return atLeast(COUNTRY_DIGITS, COUNTRY_DIGITS_COUNT, threeDigits(pointer)) == threeDigits(pointer);
  const code = letters(pointer, 3);
  return code != NO_CODE && atLeast(COUNTRY_ALPHA_3, COUNTRY_ALPHA_3_COUNT, code) == code;
}

function isCountryLetters(code: u32): bool {
  return (
    code != NO_CODE &&
    (atLeast(COUNTRY_ALPHA_2, COUNTRY_ALPHA_2_COUNT, code) == code || isUserCountry(code) || isReservedCountry(code))
  );
}

/**
 * Bank code of the People's Bank's payment systems (CNAPS): 12 digits; bank 3, city 4, branch 4 and a check digit are
 * public. That the check digit follows ISO 7064 MOD 11,10 is the project's interpretation, which published codes
 * confirm.
 */
export function isCnapsBankCode(pointer: usize, length: u32): bool {
  if (length != 12 || leadingDigits(pointer, 12) != 12) return false;
  let product: u32 = 10;
  for (let i: u32 = 0; i < 11; i++) {
    let sum = (product + (<u32>load<u8>(pointer + i) - 48)) % 10;
    if (sum == 0) sum = 10;
    product = (sum * 2) % 11;
  }
  return (product + (<u32>load<u8>(pointer, 11) - 48)) % 10 == 1;
}

/**
 * Continues the remainder modulo 97 (ISO 7064 MOD 97-10) with digits and capital letters, and with `fold` also small
 * letters; A counts 10. 97 for any other character.
 */
function modulo97(pointer: usize, length: u32, remainder: u32, fold: bool): u32 {
  const capital: u32 = fold ? 0xdf : 0xff;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte - 48 < 10) remainder = (remainder * 10 + byte - 48) % 97;
    else if ((byte & capital) - 65 < 26) remainder = (remainder * 100 + (byte & capital) - 55) % 97;
    else return 97;
  }
  return remainder;
}

/**
 * IBAN (ISO 13616), without blanks: a country that uses IBANs, its length in the registry (or as published, for countries
 * that use IBANs without being in it), check digits 02 to 98. Letters of the account may have either case, as in ISO
 * 20022.
 */
export function isIban(pointer: usize, length: u32): bool {
  if (length < 15 || length > 34 || leadingDigits(pointer + 2, 2) != 2) return false;
  const country = letters(pointer, 2);
  if (country == NO_CODE) return false;
  const entry = (country << 6) | length;
  if (atLeast(IBAN_LENGTHS, IBAN_LENGTHS_COUNT, entry) != entry) return false;
  const check = (<u32>load<u8>(pointer, 2) - 48) * 10 + (<u32>load<u8>(pointer, 3) - 48);
  if (check < 2 || check > 98) return false;
  const remainder = modulo97(pointer + 4, length - 4, 0, true);
  return remainder != 97 && modulo97(pointer, 4, remainder, false) == 1;
}

/**
 * Business identifier code (ISO 9362:2014): four letters or digits, a country, two letters or digits, and optionally
 * three more. Capital letters.
 */
export function isBic(pointer: usize, length: u32): bool {
  if (length != 8 && length != 11) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (byte - 48 >= 10 && byte - 65 >= 26) return false;
  }
  return isCountryLetters(letters(pointer + 4, 2));
}

/** Legal entity identifier (ISO 17442): 18 letters or digits and two check digits (ISO 7064 MOD 97-10). */
export function isLei(pointer: usize, length: u32): bool {
  return length == 20 && leadingDigits(pointer + 18, 2) == 2 && modulo97(pointer, 20, 0, false) == 1;
}
