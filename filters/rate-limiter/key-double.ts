// Whole numbers beyond 2^53 as readers in floating point have them: rounded to 53 bits, ties to even. The digits are
// computed in 128 bits.

/** Digits of the longest whole number that is told apart from others. */
export const DOUBLE_DIGITS: i64 = 38;
/** Digits of the shortest whole number that a double may round. */
export const ROUNDED_DIGITS: i64 = 16;

const ZERO: u8 = 48;
const MANTISSA_BITS: u32 = 53;
const LOW_HALF: u64 = 0xffffffff;

let high: u64 = 0;
let low: u64 = 0;

/**
 * Rounds the whole number of `count` digits (at most DOUBLE_DIGITS) that begins with the `given` digits at `digits` and
 * goes on with zeros; `more`: a fraction other than zero follows. Writes `count` or `count` + 1 digits, and returns their
 * number. 0, and nothing written, if a double has the number exactly.
 */
export function roundToDouble(digits: usize, given: u32, count: u32, more: bool): u32 {
  high = 0;
  low = 0;
  for (let i: u32 = 0; i < count; i++) timesTen(i < given ? <u64>(load<u8>(digits + i) - ZERO) : 0);
  const bits = <u32>(high != 0 ? 128 - clz(high) : 64 - clz(low));
  if (bits <= MANTISSA_BITS) return 0;
  round(bits - MANTISSA_BITS, more);
  return writeDigits(digits);
}

/** The number times ten and a digit. */
function timesTen(digit: u64): void {
  const lower = (low & LOW_HALF) * 10 + digit;
  const upper = (low >> 32) * 10 + (lower >> 32);
  low = (upper << 32) | (lower & LOW_HALF);
  high = high * 10 + (upper >> 32);
}

/** Rounds the last `shift` bits (1 to 74) away. */
function round(shift: u32, more: bool): void {
  const isWide = shift > 64;
  const maskHigh: u64 = isWide ? ((<u64>1) << (shift - 64)) - 1 : 0;
  const maskLow: u64 = shift >= 64 ? u64.MAX_VALUE : ((<u64>1) << shift) - 1;
  const halfHigh: u64 = isWide ? (<u64>1) << (shift - 65) : 0;
  const halfLow: u64 = isWide ? 0 : (<u64>1) << (shift - 1);
  const restHigh = high & maskHigh;
  const restLow = low & maskLow;
  high -= restHigh;
  low -= restLow;
  const isTie = restHigh == halfHigh && restLow == halfLow && !more;
  const isBelow = restHigh < halfHigh || (restHigh == halfHigh && restLow < halfLow);
  const isOdd = shift >= 64 ? ((high >> (shift - 64)) & 1) != 0 : ((low >> shift) & 1) != 0;
  if (isBelow || (isTie && !isOdd)) return;
  if (shift >= 64) high += (<u64>1) << (shift - 64);
  else {
    const before = low;
    low += (<u64>1) << shift;
    if (low < before) high++;
  }
}

/** Writes the number in decimal. Returns the number of digits. */
function writeDigits(to: usize): u32 {
  let count: u32 = 0;
  while ((high | low) != 0) store<u8>(to + count++, ZERO + divideByTen());
  for (let i: u32 = 0, j = count - 1; i < j; i++, j--) {
    const digit = load<u8>(to + i);
    store<u8>(to + i, load<u8>(to + j));
    store<u8>(to + j, digit);
  }
  return count;
}

/** Divides the number. Returns the remainder. */
function divideByTen(): u8 {
  let rest = high % 10;
  high /= 10;
  const upper = (rest << 32) | (low >> 32);
  rest = upper % 10;
  const lower = (rest << 32) | (low & LOW_HALF);
  low = ((upper / 10) << 32) | (lower / 10);
  return <u8>(lower % 10);
}
