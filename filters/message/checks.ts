// Check digits and the identifiers that contain them. All functions take ASCII text and allocate nothing.
import { Ascii } from '../memory/ascii';

/** Smallest and largest number of digits of a payment card number (ISO/IEC 7812-1). */
export const MIN_CARD_DIGITS: u32 = 13;
export const MAX_CARD_DIGITS: u32 = 19;
/** Length of a resident identity number, characters (GB 11643-1999). */
export const ID_LENGTH: u32 = 18;

/** First digits of UnionPay card numbers, as a little-endian load reads them. */
const UNIONPAY_62: u16 = 0x3236;
const UNIONPAY_81: u16 = 0x3138;

const FIRST_YEAR: u32 = 1800;
const LAST_YEAR: u32 = 2199;

/** Weights of GB 11643-1999 for positions 18 to 2, from left to right. Check characters by remainder. */
const ID_WEIGHTS: usize = memory.data<u8>([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
const ID_CHECK: usize = memory.data<u8>([49, 48, 88, 57, 56, 55, 54, 53, 52, 51, 50]); // 10X98765432
const MONTH_DAYS: usize = memory.data<u8>([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);

/**
 * Bit n: the first two digits n are a province-level division (GB/T 2260): 11-15, 21-23, 31-37, 41-46, 50-54, 61-65,
 * 71, 81, 82, and 83 (residence permits for residents of Taiwan). 91 is used on permanent residence cards of
 * foreigners.
 */
const REGIONS_LOW: u64 =
  ((<u64>0x1f) << 11) |
  ((<u64>0x7) << 21) |
  ((<u64>0x7f) << 31) |
  ((<u64>0x3f) << 41) |
  ((<u64>0x1f) << 50) |
  ((<u64>0x7) << 61);
const REGIONS_HIGH: u64 = 0x3 | ((<u64>1) << (71 - 64)) | ((<u64>0x7) << (81 - 64)) | ((<u64>1) << (91 - 64));

// @ts-ignore: decorator
@inline
function digitAt(pointer: usize): u32 {
  return <u32>load<u8>(pointer) - 48;
}

/** Whether the text is 13 to 19 digits whose last one is the correct check digit (ISO/IEC 7812-1 annex B). */
export function isLuhn(pointer: usize, length: u32): bool {
  if (length < MIN_CARD_DIGITS || length > MAX_CARD_DIGITS) return false;
  let sum: u32 = 0;
  let twice = false;
  for (let i = length; i > 0; i--) {
    let digit = digitAt(pointer + i - 1);
    if (digit > 9) return false;
    if (twice) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
    twice = !twice;
  }
  return sum % 10 == 0;
}

/**
 * Whether the text is a card number: 13 to 19 digits with a check digit. UnionPay's (62, 81) need no correct check
 * digit, because some were issued without one.
 */
export function isCardNumber(pointer: usize, length: u32): bool {
  if (length < MIN_CARD_DIGITS || length > MAX_CARD_DIGITS) return false;
  const first = load<u16>(pointer);
  if (first != UNIONPAY_62 && first != UNIONPAY_81) return isLuhn(pointer, length);
  for (let i: u32 = 0; i < length; i++) if (digitAt(pointer + i) > 9) return false;
  return true;
}

/**
 * Whether the text is a resident identity number of 18 characters: a known province, a valid date (1800 to 2199), and
 * the check character (ISO 7064 MOD 11-2; `X` or `x` for ten).
 */
export function isGb11643(pointer: usize, length: u32): bool {
  if (length != ID_LENGTH) return false;
  let sum: u32 = 0;
  for (let i: usize = 0; i < 17; i++) {
    const digit = digitAt(pointer + i);
    if (digit > 9) return false;
    sum += digit * load<u8>(ID_WEIGHTS + i);
  }
  const check = load<u8>(pointer, 17);
  if ((check == 120 ? 88 : check) != load<u8>(ID_CHECK + (sum % 11))) return false;
  return isRegion(pointer) && isDateAt(pointer + 6);
}

/** Whether two digits are a division of China at the level of provinces. The caller has checked the digits. */
export function isRegion(pointer: usize): bool {
  const region = digitAt(pointer) * 10 + digitAt(pointer + 1);
  return region < 64 ? ((REGIONS_LOW >> region) & 1) != 0 : ((REGIONS_HIGH >> (region - 64)) & 1) != 0;
}

/** Whether eight digits, year first, are a date of the Gregorian calendar. The caller has checked the digits. */
function isDateAt(pointer: usize): bool {
  const year = digitAt(pointer) * 1000 + digitAt(pointer + 1) * 100 + digitAt(pointer + 2) * 10 + digitAt(pointer + 3);
  const month = digitAt(pointer + 4) * 10 + digitAt(pointer + 5);
  return isDate(year, month, digitAt(pointer + 6) * 10 + digitAt(pointer + 7));
}

/** Whether a day from 1800 to 2199 exists in the Gregorian calendar. */
export function isDate(year: u32, month: u32, day: u32): bool {
  if (year < FIRST_YEAR || year > LAST_YEAR || month == 0 || month > 12 || day == 0) return false;
  const leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= (month == 2 && leap ? 29 : <u32>load<u8>(MONTH_DAYS + month));
}

/** `3502` and `M000`, little-endian. */
const XIAMEN: u32 = 0x32303533;
const OLD_ENTITY: u32 = 0x3030304d;

/** Value of a character in GB 32100 (digits, and capital letters without I, O, S, V and Z). 31 for any other. */
function usccValue(byte: u32): u32 {
  if (byte - 48 < 10) return byte - 48;
  if (
    byte - 65 >= 26 ||
    byte == Ascii.UpperI ||
    byte == Ascii.UpperO ||
    byte == Ascii.UpperS ||
    byte == Ascii.UpperV ||
    byte == Ascii.UpperZ
  )
    return 31;
  return byte - 55 - (byte > 73 ? 1 : 0) - (byte > 79 ? 1 : 0) - (byte > 83 ? 1 : 0) - (byte > 86 ? 1 : 0);
}

/**
 * Unified social credit code (GB 32100-2015): 18 characters of its alphabet, an administrative division of six digits
 * in places 3 to 8, and a check character with powers of 3 modulo 31 as weights. Codes that Xiamen (division 3502)
 * issued before 2016, with entity numbers that begin with M000, follow an unknown rule, so their check character is not
 * verified.
 */
export function isUscc(pointer: usize, length: u32): bool {
  if (length != 18) return false;
  for (let i: u32 = 2; i < 8; i++) if (digitAt(pointer + i) > 9) return false;
  let sum: u32 = 0;
  let weight: u32 = 1;
  for (let i: u32 = 0; i < 17; i++) {
    const value = usccValue(load<u8>(pointer + i));
    if (value == 31) return false;
    sum += value * weight;
    weight = (weight * 3) % 31;
  }
  const check = usccValue(load<u8>(pointer, 17));
  return (
    check == (31 - (sum % 31)) % 31 ||
    (check != 31 && load<u32>(pointer + 2) == XIAMEN && load<u32>(pointer + 8) == OLD_ENTITY)
  );
}
