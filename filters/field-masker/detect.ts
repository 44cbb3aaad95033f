// Finds numbers with a check digit in a text: resident identity numbers (GB 11643) and bank card numbers. Linear,
// without allocation.
import { isGb11643, isLuhn } from '../message/checks';

/** Kind of number that was found. */
export const enum Found {
  Nothing = 0,
  IdCard = 1,
  BankCard = 2,
}

const ID_LENGTH: u32 = 18;
const CARD_MIN_LENGTH: u32 = 13;
const CARD_MAX_LENGTH: u32 = 19;
const POINT: u32 = 46;
const UNDERSCORE: u32 = 95;
/** Digits of a group in a printed card number. */
const GROUP: u32 = 4;

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
}

/** First digit at or after `pointer`. `end` if there is none. */
function nextDigit(pointer: usize, end: usize): usize {
  while (pointer + 16 <= end) {
    const digits = i8x16.bitmask(i8x16.lt_u(i8x16.sub(v128.load(pointer), i8x16.splat(48)), i8x16.splat(10)));
    if (digits != 0) return pointer + ctz(digits);
    pointer += 16;
  }
  while (pointer < end && !isDigit(load<u8>(pointer))) pointer++;
  return pointer;
}

/** First byte at or after `pointer` that is no digit. */
function endOfDigits(pointer: usize, end: usize): usize {
  while (pointer < end && isDigit(load<u8>(pointer))) pointer++;
  return pointer;
}

/**
 * Whether a card number may begin with these digits (ISO/IEC 7812-1). 2 only as 22 to 27, which excludes numbers that
 * begin with a date of this century. 0, 1 (times in milliseconds, other industries) and 7 are excluded.
 */
function beginsLikeCard(pointer: usize): bool {
  const first = <u32>load<u8>(pointer) - 48;
  if (first == 2) return <u32>load<u8>(pointer, 1) - 50 < 6;
  return first >= 3 && first != 7;
}

/** Whether `length` digits are a bank card number. */
export function isBankCard(pointer: usize, length: u32): bool {
  return length >= CARD_MIN_LENGTH && length <= CARD_MAX_LENGTH && beginsLikeCard(pointer) && isLuhn(pointer, length);
}

/** Iterates over the numbers in a text. */
export class Detector {
  /** Position of the last number found. */
  pointer: usize = 0;
  length: u32 = 0;
  /** Separator of its groups. 0 if it is not written in groups. */
  separator: u8 = 0;
  private readonly compact: StaticArray<u8> = new StaticArray<u8>(CARD_MAX_LENGTH);

  /**
   * First number in [`from`, `end`). `begin`: start of the text. No ASCII letter, underscore or further digit may touch
   * a number, and it may not be part of a decimal number: digits after its point, or those before a point that non-zero
   * digits follow. A card number may be written in groups of four with one kind of separator, space or hyphen.
   */
  next(begin: usize, from: usize, end: usize, idCard: bool, bankCard: bool): Found {
    let at = from;
    while (true) {
      at = nextDigit(at, end);
      if (at >= end) return Found.Nothing;
      const stop = endOfDigits(at, end);
      if (beginsNumber(begin, at)) {
        const found = this.judge(at, stop, end, idCard, bankCard);
        if (found != Found.Nothing) return found;
      }
      at = stop;
    }
  }

  /** Kind of the number that the run of digits [`at`, `stop`) is or begins. */
  private judge(at: usize, stop: usize, end: usize, idCard: bool, bankCard: bool): Found {
    const length = <u32>(stop - at);
    const touched = !endsNumber(stop, end);
    this.pointer = at;
    this.separator = 0;
    this.length = length;
    if (length == GROUP) return bankCard && this.grouped(at, end) ? Found.BankCard : Found.Nothing;
    if (length == ID_LENGTH - 1 && idCard && stop < end && isLetter(load<u8>(stop)) && endsNumber(stop + 1, end)) {
      this.length = ID_LENGTH;
      if (isGb11643(at, ID_LENGTH)) return Found.IdCard;
      this.length = length;
    }
    if (touched) return Found.Nothing;
    if (length == ID_LENGTH && idCard && isGb11643(at, length)) return Found.IdCard;
    return bankCard && isBankCard(at, length) ? Found.BankCard : Found.Nothing;
  }

  /**
   * Whether a grouped card number begins at `at`: groups of four digits, the last one of one to four. The longest match
   * counts.
   */
  private grouped(at: usize, end: usize): bool {
    const compact = changetype<usize>(this.compact);
    const separator = at + GROUP < end ? load<u8>(at + GROUP) : 0;
    if (separator != 32 && separator != 45) return false;
    let count: u32 = 0;
    let farthest: usize = 0;
    for (let group = at; ;) {
      const stop = endOfDigits(group, min(end, group + GROUP + 1));
      const size = <u32>(stop - group);
      if (size == 0 || size > GROUP || count + size > CARD_MAX_LENGTH) break;
      memory.copy(compact + count, group, size);
      count += size;
      if (endsNumber(stop, end) && isBankCard(compact, count)) farthest = stop;
      if (size < GROUP || stop >= end || load<u8>(stop) != separator) break;
      group = stop + 1;
    }
    if (farthest == 0) return false;
    this.length = <u32>(farthest - at);
    this.separator = separator;
    return true;
  }
}

/** Whether a number may begin with the digit at `at`: it is neither inside a longer word nor after a decimal point. */
function beginsNumber(begin: usize, at: usize): bool {
  if (at == begin) return true;
  const before = <u32>load<u8>(at - 1);
  if (before != POINT) return !isLetter(before) && before != UNDERSCORE;
  // A point after a word (`No.`), a bracket or another point is punctuation. `0.5`, `-.5` and ` .5` are decimal
  // numbers.
  if (at - 1 == begin) return false;
  const first = <u32>load<u8>(at - 2);
  return !isDigit(first) && first != 43 && first != 45 && first > 32;
}

/**
 * Whether a number may end before `at`: no letter, digit or underscore follows, and no decimals but zeros, as in whole
 * numbers of floating point.
 */
function endsNumber(at: usize, end: usize): bool {
  if (at >= end) return true;
  const next = <u32>load<u8>(at);
  if (next != POINT) return !isDigit(next) && !isLetter(next) && next != UNDERSCORE;
  const decimals = at + 1;
  const stop = endOfDigits(decimals, end);
  let other = decimals;
  while (other < stop && load<u8>(other) == 48) other++;
  return other == stop;
}
