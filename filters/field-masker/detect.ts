// Finds numbers with a check digit in a text: citizen identity numbers (GB 11643) and bank cards. Linear, without
// allocation.
import { isGb11643, isLuhn } from '../message/checks';

/** What was found. */
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
/** Digits of a group of a card number as it is printed. */
const GROUP: u32 = 4;

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
}

/** The first digit at or after `pointer`; `end` if there is none. */
function nextDigit(pointer: usize, end: usize): usize {
  while (pointer + 16 <= end) {
    const digits = i8x16.bitmask(i8x16.lt_u(i8x16.sub(v128.load(pointer), i8x16.splat(48)), i8x16.splat(10)));
    if (digits != 0) return pointer + ctz(digits);
    pointer += 16;
  }
  while (pointer < end && !isDigit(load<u8>(pointer))) pointer++;
  return pointer;
}

/** The first byte at or after `pointer` that is no digit. */
function endOfDigits(pointer: usize, end: usize): usize {
  while (pointer < end && isDigit(load<u8>(pointer))) pointer++;
  return pointer;
}

/**
 * Whether card numbers begin like this (ISO/IEC 7812-1, first digits): 2 only as 22 to 27, so that numbers which begin
 * with a date of this century are none; 0, 1 (times in milliseconds, other industries) and 7 are none.
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

/** Walks a text from find to find. */
export class Detector {
  /** Of the last find. */
  pointer: usize = 0;
  length: u32 = 0;
  /** Character between its groups; 0 if it is not written in groups. */
  separator: u8 = 0;
  private readonly compact: StaticArray<u8> = new StaticArray<u8>(CARD_MAX_LENGTH);

  /**
   * The first find in [`from`, `end`); `begin` is where the text begins. A number is one that no ASCII letter, no
   * underscore and no further digit touches, and that is no part of a decimal number: digits behind its point, or those
   * before a point that others than zeros follow. A card may be written in groups of four, parted by one kind of
   * separator, space or hyphen.
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

  /** What the run of digits [`at`, `stop`) is, or begins. */
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
   * Whether a card in groups begins at `at`: groups of four digits, the last of one to four. Of several ends the
   * farthest counts.
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

/** Whether a digit at `at` may begin a number: it is neither inside a longer word nor behind a decimal point. */
function beginsNumber(begin: usize, at: usize): bool {
  if (at == begin) return true;
  const before = <u32>load<u8>(at - 1);
  if (before != POINT) return !isLetter(before) && before != UNDERSCORE;
  // A point behind a word (`No.`), a bracket or another point is a mark of the text; `0.5`, `-.5` and ` .5` are decimal
  // numbers.
  if (at - 1 == begin) return false;
  const first = <u32>load<u8>(at - 2);
  return !isDigit(first) && first != 43 && first != 45 && first > 32;
}

/**
 * Whether a number may end before `at`: no letter, digit or underscore goes on, and no decimals but zeros, as floating
 * point writes whole numbers.
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
