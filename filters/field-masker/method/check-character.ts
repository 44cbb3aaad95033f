// Check characters that a method leaves valid: the last character is computed from those before it.
import { isGb11643, isLuhn } from '../../message/checks';

/** Kind of the check character that ends a value. */
export const enum Check {
  None = 0,
  /** ISO/IEC 7812-1: 13 to 19 digits. */
  Luhn = 1,
  /** GB 11643: 17 digits and a digit or X. */
  IdCard = 2,
}

const ID_LENGTH: u32 = 18;
const ID_WEIGHTS: usize = memory.data<u8>([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
const ID_CHECKS: usize = memory.data<u8>([49, 48, 88, 57, 56, 55, 54, 53, 52, 51, 50]); // 10X98765432

/** Whether the text has the form of the check, and its last character is right. */
export function isCheckOf(check: Check, pointer: usize, length: u32): bool {
  return check == Check.Luhn ? isLuhn(pointer, length) : isGb11643(pointer, length);
}

/** Writes the check character over the last one of the text, whose other characters are digits. */
export function writeCheck(check: Check, pointer: usize, length: u32): void {
  store<u8>(pointer + length - 1, check == Check.Luhn ? luhnDigit(pointer, length - 1) : idCharacter(pointer));
}

/** Whether `length` characters that end in a check character may have this check. */
export function hasCheckLength(check: Check, length: u32): bool {
  return check == Check.Luhn ? length >= 13 && length <= 19 : length == ID_LENGTH;
}

function luhnDigit(pointer: usize, length: u32): u8 {
  let sum: u32 = 0;
  let twice = true;
  for (let i = length; i > 0; i--) {
    const digit = <u32>load<u8>(pointer + i - 1) - 48;
    sum += twice ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
    twice = !twice;
  }
  return <u8>(48 + ((10 - (sum % 10)) % 10));
}

function idCharacter(pointer: usize): u8 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < ID_LENGTH - 1; i++) sum += (<u32>load<u8>(pointer + i) - 48) * load<u8>(ID_WEIGHTS + i);
  return load<u8>(ID_CHECKS + (sum % 11));
}
