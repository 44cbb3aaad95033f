// Exact decimal numbers of bounded size: fixed point, in limbs of nine digits. No floating point, and no allocation for
// a message.
import { Ascii } from '../memory/ascii';

const LIMB_DIGITS: i32 = 9;
const LIMB_BASE: u32 = 1_000_000_000;
/** Limbs after the point, and limbs in all. The topmost has room for carries. */
const FRACTION_LIMBS: i32 = 2;
const LIMBS: i32 = 7;
/** Digits that a number may have after and before the point (leading and trailing zeros do not count). */
const FRACTION_DIGITS: i32 = LIMB_DIGITS * FRACTION_LIMBS;
const WHOLE_DIGITS: i32 = LIMB_DIGITS * (LIMBS - FRACTION_LIMBS - 1);
/** Larger exponents are refused unread. */
const MAX_EXPONENT: i32 = 9999;

const POWERS: usize = memory.data<u32>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000]);

/** A number of up to 36 digits before and 18 after the point. */
export class Decimal {
  private negative: bool = false;
  private readonly limbs: StaticArray<u32> = new StaticArray<u32>(LIMBS);

  /** Sets the number to zero. */
  clear(): void {
    this.negative = false;
    for (let i = 0; i < LIMBS; i++) unchecked((this.limbs[i] = 0));
  }

  /**
   * Reads a number: an optional sign, digits with an optional point before, among or after them (xs:decimal), an
   * optional exponent as in JSON. False if the text is no number or has too many digits.
   */
  read(pointer: usize, length: u32): bool {
    this.clear();
    const end = pointer + length;
    let at = pointer;
    const negative = at < end && load<u8>(at) == Ascii.Minus;
    if (isSign(at, end)) at++;
    const whole = digitsAt(at, end);
    const first = at;
    at += whole;
    let fraction: usize = 0;
    let decimals: u32 = 0;
    if (at < end && load<u8>(at) == Ascii.Point) {
      fraction = ++at;
      decimals = digitsAt(at, end);
      at += decimals;
    }
    if (whole + decimals == 0) return false;
    let exponent: i32 = 0;
    if (at < end) {
      exponent = readExponent(at, end);
      if (exponent > MAX_EXPONENT) return false;
    }
    if (!this.put(first, whole, <i32>min(whole, <u32>i32.MAX_VALUE / 2) - 1 + exponent)) return false;
    if (decimals != 0 && !this.put(fraction, decimals, exponent - 1)) return false;
    this.negative = negative && !this.isZero;
    return true;
  }

  /** Adds digits whose first one has the weight ten to the power of `power`. False if a non-zero digit has no place. */
  private put(digits: usize, count: u32, power: i32): bool {
    for (let i: u32 = 0; i < count; i++) {
      const digit = <u32>load<u8>(digits + i) - 48;
      if (digit == 0) continue;
      const place = power - <i32>i + FRACTION_DIGITS;
      if (place < 0 || place >= WHOLE_DIGITS + FRACTION_DIGITS) return false;
      const limb = place / LIMB_DIGITS;
      unchecked((this.limbs[limb] += digit * load<u32>(POWERS + ((<usize>(place % LIMB_DIGITS)) << 2))));
    }
    return true;
  }

  private get isZero(): bool {
    for (let i = 0; i < LIMBS; i++) if (unchecked(this.limbs[i]) != 0) return false;
    return true;
  }

  private compareSize(other: Decimal): i32 {
    for (let i = LIMBS - 1; i >= 0; i--) {
      const own = unchecked(this.limbs[i]);
      const its = unchecked(other.limbs[i]);
      if (own != its) return own < its ? -1 : 1;
    }
    return 0;
  }

  /** -1, 0 or 1: this number is less than, equal to, or greater than the other. */
  compare(other: Decimal): i32 {
    if (this.negative != other.negative) return this.negative ? -1 : 1;
    const size = this.compareSize(other);
    return this.negative ? -size : size;
  }

  /** Adds the other. Ten million additions of read numbers cannot overflow. */
  add(other: Decimal): void {
    if (this.negative == other.negative) {
      let carry: u32 = 0;
      for (let i = 0; i < LIMBS; i++) {
        const sum = unchecked(this.limbs[i]) + unchecked(other.limbs[i]) + carry;
        carry = sum >= LIMB_BASE ? 1 : 0;
        unchecked((this.limbs[i] = carry != 0 ? sum - LIMB_BASE : sum));
      }
      return;
    }
    const larger = this.compareSize(other) >= 0;
    let borrow: u32 = 0;
    for (let i = 0; i < LIMBS; i++) {
      const from = larger ? unchecked(this.limbs[i]) : unchecked(other.limbs[i]);
      const take = (larger ? unchecked(other.limbs[i]) : unchecked(this.limbs[i])) + borrow;
      borrow = from < take ? 1 : 0;
      unchecked((this.limbs[i] = borrow != 0 ? from + LIMB_BASE - take : from - take));
    }
    if (!larger) this.negative = other.negative;
    if (this.isZero) this.negative = false;
  }
}

function isSign(at: usize, end: usize): bool {
  return at < end && (load<u8>(at) == Ascii.Minus || load<u8>(at) == Ascii.Plus);
}

function digitsAt(at: usize, end: usize): u32 {
  const start = at;
  while (at < end && <u32>load<u8>(at) - 48 < 10) at++;
  return <u32>(at - start);
}

/** The exponent from its letter to the end. Larger than MAX_EXPONENT if it is malformed or too large. */
function readExponent(at: usize, end: usize): i32 {
  if ((load<u8>(at) | 32) != Ascii.LowerE) return MAX_EXPONENT + 1;
  at++;
  const minus = at < end && load<u8>(at) == Ascii.Minus;
  if (isSign(at, end)) at++;
  const count = digitsAt(at, end);
  if (count == 0 || at + count != end) return MAX_EXPONENT + 1;
  let value: i32 = 0;
  for (; at < end; at++) {
    value = value * 10 + (<i32>load<u8>(at) - 48);
    if (value > MAX_EXPONENT) return MAX_EXPONENT + 1;
  }
  return minus ? -value : value;
}

/**
 * Number of decimals of the text's number (in the grammar of `read`): digits after its point, less its exponent.
 * Trailing zeros count.
 */
export function writtenDecimals(pointer: usize, length: u32): u32 {
  const end = pointer + length;
  let decimals: u32 = 0;
  for (let at = pointer; at < end; at++) {
    const byte = <u32>load<u8>(at);
    if (byte == Ascii.Point) decimals = digitsAt(at + 1, end);
    else if ((byte | 32) == Ascii.LowerE) return <u32>max(0, <i32>decimals - readExponent(at, end));
  }
  return decimals;
}

/** Whether the text is a decimal number of any size, in the grammar of `read`. */
export function isDecimalText(pointer: usize, length: u32): bool {
  const end = pointer + length;
  let at = isSign(pointer, end) ? pointer + 1 : pointer;
  let count = digitsAt(at, end);
  at += count;
  if (at < end && load<u8>(at) == Ascii.Point) {
    const decimals = digitsAt(++at, end);
    count += decimals;
    at += decimals;
  }
  if (count == 0 || at == end) return count != 0;
  if ((load<u8>(at) | 32) != Ascii.LowerE) return false;
  at++;
  if (isSign(at, end)) at++;
  const exponent = digitsAt(at, end);
  return exponent != 0 && at + exponent == end;
}
