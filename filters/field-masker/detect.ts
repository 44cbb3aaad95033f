// Finds numbers with a check digit in a text: resident identity numbers (GB 11643) and bank card numbers. Linear,
// without allocation.
import { isGb11643, isLuhn } from '../message/checks';
import { isDecimalPart } from './decimal-comma';
import { Separator, asciiDigit, behindSeparator, digitBytes, endOfDigits, nextDigit, separatorAt } from './digits';

/** Kind of number that was found. */
export const enum Found {
  Nothing = 0,
  IdCard = 1,
  BankCard = 2,
  UnionPay = 3,
}

const ID_LENGTH: u32 = 18;
const CARD_MIN_LENGTH: u32 = 13;
const CARD_MAX_LENGTH: u32 = 19;
const POINT: u32 = 46;
const UNDERSCORE: u32 = 95;
/** Most digits of groups that are read together. */
const MAX_DIGITS: u32 = 24;
/** Digits of a group in a printed card number, of the first group where the rest follows as one, and of that rest. */
const GROUP: u32 = 4;
const HEAD: u32 = 6;
const REST_MIN: u32 = 10;
const REST_MAX: u32 = 13;
const GROUPS: u32 = 5;
const THREE: u8 = 51;
/** First digits of UnionPay's numbers, as a little-endian load reads them: 62, and 81 with 00 to 71 behind it. */
const UNIONPAY_62: u16 = 0x3236;
const UNIONPAY_81: u16 = 0x3138;
const UNIONPAY_81_LAST: u32 = 71;
const UNIONPAY_MIN_LENGTH: u32 = 16;

function isDigit(byte: u32): bool {
  return byte - 48 < 10;
}

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
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

/** Kinds of numbers to find, as bits. */
export const enum Kinds {
  None = 0,
  IdCard = 1,
  BankCard = 2,
  /** UnionPay's numbers, whatever their last digit is. */
  UnionPay = 4,
}

/** Iterates over the numbers in a text. */
export class Detector {
  /** Position of the last number found. */
  pointer: usize = 0;
  length: u32 = 0;
  /** Its digits in ASCII, without separators. */
  private readonly compact: StaticArray<u8> = new StaticArray<u8>(<i32>(MAX_DIGITS + 1));
  private count: u32 = 0;

  /**
   * First number in [`from`, `end`). `begin`: start of the text. No ASCII letter, underscore or further digit may touch
   * a number, and it may not be part of a decimal number: digits after its point, or those before a point that non-zero
   * digits follow, or a text that is one number with a decimal comma. A card number may be written in the groups in
   * which cards are printed, with one kind of separator.
   */
  next(begin: usize, from: usize, end: usize, kinds: u32): Found {
    let at = from;
    while (true) {
      at = nextDigit(at, end);
      if (at >= end) return Found.Nothing;
      const stop = endOfDigits(at, end);
      if (beginsNumber(begin, at)) {
        const found = this.judge(begin, at, stop, end, kinds);
        if (found != Found.Nothing) return found;
      }
      at = stop;
    }
  }

  /** Kind of the number that the run of digits [`at`, `stop`) is or begins. */
  private judge(begin: usize, at: usize, stop: usize, end: usize, kinds: u32): Found {
    this.pointer = at;
    this.length = <u32>(stop - at);
    this.count = 0;
    const length = this.take(at, stop);
    if (length == 0) return Found.Nothing;
    if (length == GROUP || length == HEAD) return this.grouped(at, stop, end, length, kinds);
    if (length < CARD_MIN_LENGTH || isDecimalPart(begin, at, stop, end)) return Found.Nothing;
    const compact = changetype<usize>(this.compact);
    if ((kinds & Kinds.IdCard) != 0 && this.isIdCard(stop, end, length)) return Found.IdCard;
    return endsNumber(stop, end) ? cardOf(compact, length, kinds) : Found.Nothing;
  }

  /** Adds the digits of [`at`, `stop`). Their number; 0 if they are too many. */
  private take(at: usize, stop: usize): u32 {
    let count = this.count;
    while (at < stop) {
      const bytes = digitBytes(at, stop);
      if (count >= MAX_DIGITS) return 0;
      unchecked((this.compact[count++] = asciiDigit(at, bytes)));
      at += bytes;
    }
    const taken = count - this.count;
    this.count = count;
    return taken;
  }

  /** Whether the run that ends at `stop` is an identity number, by itself or with the letter behind it. */
  private isIdCard(stop: usize, end: usize, length: u32): bool {
    const compact = changetype<usize>(this.compact);
    if (length == ID_LENGTH) return endsNumber(stop, end) && isGb11643(compact, length);
    if (length != ID_LENGTH - 1 || stop >= end || !isLetter(load<u8>(stop)) || !endsNumber(stop + 1, end)) return false;
    store<u8>(compact + length, load<u8>(stop));
    if (!isGb11643(compact, ID_LENGTH)) return false;
    this.length++;
    return true;
  }

  /**
   * Kind of the card number in groups that begins at `at`: groups of four digits with a last one of one to four, four,
   * six and four or five (a number that begins with 3), or six and the rest (a number of UnionPay). The longest counts.
   */
  private grouped(at: usize, stop: usize, end: usize, first: u32, kinds: u32): Found {
    const separator = separatorAt(stop, end);
    if (separator == Separator.None) return Found.Nothing;
    const compact = changetype<usize>(this.compact);
    let found = Found.Nothing;
    let last = first;
    for (let group: u32 = 1; group < GROUPS; group++) {
      if (separatorAt(stop, end) != separator) break;
      const next = behindSeparator();
      stop = endOfDigits(next, end);
      const size = this.take(next, stop);
      if (size == 0) break;
      if (first == HEAD && separator == Separator.Dot) break;
      if (!isPrinted(compact, first, last, size, group)) break;
      last = size;
      const card = endsNumber(stop, end) ? cardOf(compact, this.count, kinds) : Found.Nothing;
      if (card == Found.Nothing) continue;
      found = card;
      this.length = <u32>(stop - at);
    }
    return found;
  }
}

/** Whether group number `group` of `size` digits may follow, where numbers are printed so. */
function isPrinted(digits: usize, first: u32, last: u32, size: u32, group: u32): bool {
  if (first == HEAD) return group == 1 && size >= REST_MIN && size <= REST_MAX && isUnionPay(digits);
  if (group == 1 && size == HEAD) return load<u8>(digits) == THREE;
  if (last == HEAD) return size == GROUP || size == GROUP + 1;
  return last == GROUP && size <= GROUP;
}

/** Whether digits begin like a number of UnionPay: 62, 8100 to 8171. */
function isUnionPay(digits: usize): bool {
  const first = load<u16>(digits);
  if (first == UNIONPAY_62) return true;
  if (first != UNIONPAY_81) return false;
  const next = (<u32>load<u8>(digits, 2) - 48) * 10 + <u32>load<u8>(digits, 3) - 48;
  return next <= UNIONPAY_81_LAST;
}

/** Kind of card number that `length` digits are. */
function cardOf(digits: usize, length: u32, kinds: u32): Found {
  if ((kinds & Kinds.BankCard) != 0 && isBankCard(digits, length)) return Found.BankCard;
  const isOther =
    (kinds & Kinds.UnionPay) != 0 && length >= UNIONPAY_MIN_LENGTH && length <= CARD_MAX_LENGTH && isUnionPay(digits);
  return isOther ? Found.UnionPay : Found.Nothing;
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
  let other = at + 1;
  while (other < end && load<u8>(other) == 48) other++;
  return digitBytes(other, end) == 0;
}
