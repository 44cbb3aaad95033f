// The canonical text of a key, so that one value has one bucket however it is spelt. A decimal number is its digits
// without leading and trailing zeros and an exponent of ten: 9, 9.0, 0.9e1, `09` and `+9` are one key. A JSON number is
// rounded to a whole one first, since readers round 8.99999999999999999999 to 9, and beyond 2^53 to what a double has.
// Any other text is itself, without white space around it.
import { Arena } from '../memory/arena';
import { DOUBLE_DIGITS, ROUNDED_DIGITS, roundToDouble } from './key-double';
import { foldDigits, isFoldable, skipBlanks, trimBlanks } from './key-fold';

/** Exponents beyond this are cut: such a number is none that names anybody. */
const MAX_EXPONENT: i64 = 1_000_000;
/** Room for a sign, a rounded number's digits, the letter and an exponent. */
const EXTRA_BYTES: u32 = 64;

const MINUS: u8 = 45;
const PLUS: u8 = 43;
const POINT: u8 = 46;
const ZERO: u8 = 48;
const NINE: u8 = 57;
const LETTER_E: u8 = 101;

let canonicalBytes: u32 = 0;

/** Length of the last `canonicalKey`, bytes. */
export function canonicalLength(): u32 {
  return canonicalBytes;
}

/** Address of the canonical text. `whole`: round to a whole number. 0 if the arena is full. Linear. */
export function canonicalKey(text: usize, length: u32, whole: bool, arena: Arena): usize {
  let end = text + length;
  text = skipBlanks(text, end);
  end = trimBlanks(text, end);
  canonicalBytes = <u32>(end - text);
  if (isFoldable(text, end)) {
    const folded = arena.allocate(canonicalBytes);
    if (folded == 0) {
      canonicalBytes = 0;
      return 0;
    }
    const foldedEnd = foldDigits(text, end, folded);
    if (!isDecimal(folded, foldedEnd)) return text;
    text = folded;
    end = foldedEnd;
  }
  if (!isDecimal(text, end)) return text;
  const to = arena.allocate(canonicalBytes + EXTRA_BYTES);
  if (to == 0) canonicalBytes = 0;
  else canonicalBytes = writeNumber(text, end, whole, to);
  return to;
}

function isDigit(byte: u8): bool {
  return <u8>(byte - ZERO) < 10;
}

function digitsEnd(at: usize, end: usize): usize {
  while (at < end && isDigit(load<u8>(at))) at++;
  return at;
}

function isSign(at: usize, end: usize): bool {
  return at < end && (load<u8>(at) == MINUS || load<u8>(at) == PLUS);
}

/** Whether the text is a decimal: a sign, digits with a point among or beside them, an exponent. */
function isDecimal(text: usize, end: usize): bool {
  if (isSign(text, end)) text++;
  let stop = digitsEnd(text, end);
  let digits = stop - text;
  if (stop < end && load<u8>(stop) == POINT) {
    text = stop + 1;
    stop = digitsEnd(text, end);
    digits += stop - text;
  }
  if (digits == 0 || stop == end) return digits != 0;
  if ((load<u8>(stop) | 32) != LETTER_E) return false;
  stop++;
  if (isSign(stop, end)) stop++;
  return stop < end && digitsEnd(stop, end) == end;
}

/** The exponent at `at`, behind its letter; cut at MAX_EXPONENT. */
function exponentAt(at: usize, end: usize): i64 {
  const negative = load<u8>(at) == MINUS;
  if (isSign(at, end)) at++;
  let value: i64 = 0;
  for (; at < end; at++) value = min(value * 10 + (load<u8>(at) - ZERO), MAX_EXPONENT);
  return negative ? -value : value;
}

/** Writes a decimal. Returns the length. */
function writeNumber(text: usize, end: usize, whole: bool, to: usize): u32 {
  const start = to;
  if (load<u8>(text) == MINUS) store<u8>(to++, MINUS);
  if (isSign(text, end)) text++;
  // The digits, one after the other; the value is 0.DIGITS times ten to the power of `point`.
  const digits = to;
  let point: i64 = 0;
  let seenPoint = false;
  for (; text < end; text++) {
    const byte = load<u8>(text);
    if (byte == POINT) seenPoint = true;
    else if (!isDigit(byte)) break;
    else {
      if (to == digits && byte == ZERO) {
        if (seenPoint) point--;
        continue;
      }
      store<u8>(to++, byte);
      if (!seenPoint) point++;
    }
  }
  if (text < end) point += exponentAt(text + 1, end);
  while (to > digits && load<u8>(to - 1) == ZERO) to--;
  if (whole && point >= ROUNDED_DIGITS && to > digits) {
    const rounded = roundLong(digits, <u32>(to - digits), point);
    if (rounded != 0) {
      to = digits + rounded;
      point = max(<i64>rounded, min(point, DOUBLE_DIGITS + 1));
    }
  }
  if (whole && point < <i64>(to - digits)) {
    const kept = point < 0 ? 0 : <usize>point;
    const up = point >= 0 && to > digits + kept && load<u8>(digits + kept) >= ZERO + 5;
    to = digits + kept;
    if (point < 0) point = 0;
    if (up) {
      let at = to;
      while (at > digits && load<u8>(at - 1) == NINE) at--;
      if (at == digits) {
        store<u8>(digits, ZERO + 1);
        to = digits + 1;
        point++;
      } else {
        store<u8>(at - 1, load<u8>(at - 1) + 1);
        to = at;
      }
    }
  }
  while (to > digits && load<u8>(to - 1) == ZERO) to--;
  if (to == digits) {
    // Zero has no sign and no exponent.
    store<u8>(start, ZERO);
    return 1;
  }
  store<u8>(to++, LETTER_E);
  return <u32>(writeInteger(point - <i64>(to - 1 - digits), to) - start);
}

/**
 * Rounds digits, of which `point` are the whole number, to what a double has. Numbers too long to be told apart become
 * one. Returns how many digits there are now; 0 if they are as they were.
 */
function roundLong(digits: usize, given: u32, point: i64): u32 {
  if (point > DOUBLE_DIGITS) {
    store<u8>(digits, ZERO + 1);
    return 1;
  }
  return roundToDouble(digits, min(given, <u32>point), <u32>point, given > <u32>point);
}

/** Writes an integer in decimal. Returns the address behind it. */
function writeInteger(value: i64, to: usize): usize {
  if (value < 0) {
    store<u8>(to++, MINUS);
    value = -value;
  }
  let unit: i64 = 1;
  while (value / unit >= 10) unit *= 10;
  for (; unit > 0; unit /= 10) store<u8>(to++, ZERO + <u8>((value / unit) % 10));
  return to;
}
