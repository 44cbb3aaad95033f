// Numbers with a decimal comma. Behind a comma of a list a card may stand, so only a text that is one number as a whole
// counts as such.
import { asciiDigit, digitBytes, separatorAt, Separator, behindSeparator } from './digits';

const COMMA: u8 = 44;
const APOSTROPHE: u8 = 39;
/** Significant digits that a number in floating point has at most; a longer text is a list of numbers. */
const MAX_SIGNIFICANT: u32 = 17;
/** Digits of a group of thousands. */
const GROUP: u32 = 3;
/** Decimals of an amount at most. More of them behind digits may be the verification code of a card. */
const AMOUNT_DECIMALS: u32 = 2;
/** Unless no card of today is so short: one of 13 digits, or of 14 that do not begin with 3. */
const DINERS_LENGTH: usize = 14;
const DINERS: u8 = 51;
const PLUS: u8 = 43;
const MINUS: u8 = 45;

/** Whether a number at [`at`, `stop`) is a part of the text [`begin`, `end`) as one number with a decimal comma. */
export function isDecimalPart(begin: usize, at: usize, stop: usize, end: usize): bool {
  const before = stop < end && load<u8>(stop) == COMMA;
  if (!before && (at == begin || load<u8>(at - 1) != COMMA)) return false;
  if (!before) return isWhole(begin, at - 1, end, MAX_SIGNIFICANT);
  if (!hasDecimals(stop, end)) return false;
  const isSigned = load<u8>(begin) == PLUS || load<u8>(begin) == MINUS;
  if (isSigned || decimals <= AMOUNT_DECIMALS) return isWhole(begin, stop, end, u32.MAX_VALUE);
  const length = stop - at;
  if (length > DINERS_LENGTH || (length == DINERS_LENGTH && load<u8>(at) == DINERS)) return false;
  return isWhole(begin, stop, end, MAX_SIGNIFICANT);
}

let decimals: u32 = 0;

/** Whether digits that are not all zero follow the comma, and nothing else: `decimals` of them. */
function hasDecimals(comma: usize, end: usize): bool {
  let zeros = true;
  decimals = 0;
  let at = comma + 1;
  for (let bytes = digitBytes(at, end); bytes != 0; bytes = digitBytes(at, end)) {
    if (asciiDigit(at, bytes) != 48) zeros = false;
    decimals++;
    at += bytes;
  }
  return at == end && !zeros;
}

/**
 * Whether the text is a sign, digits (also in groups of three), the comma at `comma` and digits, of which at most `most`
 * are significant.
 */
function isWhole(begin: usize, comma: usize, end: usize, most: u32): bool {
  let at = begin;
  if (at < comma && (load<u8>(at) == PLUS || load<u8>(at) == MINUS)) at++;
  let significant: u32 = 0;
  let size: u32 = 0;
  let groups: u32 = 0;
  while (at < comma) {
    const bytes = digitBytes(at, comma);
    if (bytes != 0) {
      if (significant > 0 || asciiDigit(at, bytes) != 48) significant++;
      size++;
      at += bytes;
      continue;
    }
    if (size == 0 || size > GROUP || (groups > 0 && size != GROUP)) return false;
    if (load<u8>(at) == APOSTROPHE) at++;
    else {
      const kind = separatorAt(at, comma);
      if (kind != Separator.Dot && kind != Separator.Space) return false;
      at = behindSeparator();
    }
    groups++;
    size = 0;
  }
  if (size == 0 || (groups > 0 && size != GROUP)) return false;
  at = comma + 1;
  for (let bytes = digitBytes(at, end); bytes != 0; bytes = digitBytes(at, end)) {
    if (significant > 0 || asciiDigit(at, bytes) != 48) significant++;
    at += bytes;
  }
  return at == end && at > comma + 1 && (groups > 0 || significant <= most);
}
