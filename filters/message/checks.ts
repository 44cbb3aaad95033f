// Check digits of the numbers that financial messages carry. Pure functions over ASCII text; nothing is kept.

/** Characters of a citizen identity number (GB 11643-1999). */
const ID_CHARS: u32 = 18;
/** Weights of GB 11643-1999, 5.2: 2^(18-i) mod 11 for i = 1 to 17. */
const ID_WEIGHTS: usize = memory.data<u8>([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
/** Check characters for remainders 0 to 10 ("10X98765432"). */
const ID_CHECKS: usize = memory.data<u8>([49, 48, 88, 57, 56, 55, 54, 53, 52, 51, 50]);
/** Year of birth before which nobody with a number is alive. */
const FIRST_BIRTH_YEAR: u32 = 1800;
const LAST_BIRTH_YEAR: u32 = 2199;

/**
 * Luhn's check (ISO/IEC 7812-1, annex B): from the right, every second digit doubled, digits summed, divisible by ten. False for anything but
 * digits and for fewer than two of them. The caller bounds the length (cards: 13 to 19).
 */
export function isLuhn(text: usize, length: u32): bool {
  if (length < 2) return false;
  let sum: u32 = 0;
  let doubled = false;
  for (let i = length; i > 0; i--) {
    let digit = <u32>load<u8>(text + i - 1) - 48;
    if (digit > 9) return false;
    if (doubled) {
      digit <<= 1;
      if (digit > 9) digit -= 9;
    }
    sum += digit;
    doubled = !doubled;
  }
  return sum % 10 == 0;
}

/**
 * A citizen identity number (GB 11643-1999): province of GB/T 2260, a date of birth that exists, and the check character of ISO 7064 MOD 11-2.
 * A lower-case `x` is taken for `X`, as it is written in practice.
 */
export function isGb11643(text: usize, length: u32): bool {
  if (length != ID_CHARS) return false;
  let sum: u32 = 0;
  for (let i: u32 = 0; i < ID_CHARS - 1; i++) {
    const digit = <u32>load<u8>(text + i) - 48;
    if (digit > 9) return false;
    sum += digit * <u32>load<u8>(ID_WEIGHTS + i);
  }
  let check = load<u8>(text + ID_CHARS - 1);
  if (check == 120) check = 88;
  return check == load<u8>(ID_CHECKS + (sum % 11)) && isProvince(number(text, 2)) && isBirthDate(text + 6);
}

/** First two digits of a division code (GB/T 2260): the provinces, Taiwan, Hong Kong, Macao, 83 (residence permits) and 91 (abroad). */
function isProvince(code: u32): bool {
  const unit = code % 10;
  switch (code / 10) {
    case 1: return unit >= 1 && unit <= 5;
    case 2: return unit >= 1 && unit <= 3;
    case 3: return unit >= 1 && unit <= 7;
    case 4: return unit >= 1 && unit <= 6;
    case 5: return unit <= 4;
    case 6: return unit >= 1 && unit <= 5;
    case 7: return unit == 1;
    case 8: return unit >= 1 && unit <= 3;
    case 9: return unit == 1;
    default: return false;
  }
}

/** YYYYMMDD of the Gregorian calendar. */
function isBirthDate(text: usize): bool {
  const year = number(text, 4);
  const month = number(text + 4, 2);
  const day = number(text + 6, 2);
  return year >= FIRST_BIRTH_YEAR && year <= LAST_BIRTH_YEAR && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
}

function daysOf(year: u32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Value of `digits` digits that the caller has looked at. */
function number(text: usize, digits: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < digits; i++) value = value * 10 + <u32>load<u8>(text + i) - 48;
  return value;
}
