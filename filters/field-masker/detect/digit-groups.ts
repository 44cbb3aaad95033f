// Digits as people and printers write them: groups with one kind of separator between them.
import { Ascii } from '../../memory/ascii';
import {
  digitOf,
  hexOf,
  isDash,
  isLatin,
  isPoint,
  isSpace,
  narrow,
  unitAt,
  unitBefore,
  unitEnd,
  unitStart,
} from './units';

/** Separator of two groups. */
export const enum Between {
  Nothing = 0,
  /** One or two spaces of any width. */
  Space = 1,
  /** A hyphen or dash of any width, also with one space on each side. */
  Dash = 2,
  Dot = 3,
  /** A plus: a space of a form. */
  Plus = 4,
  /** One line break, with an indentation of at most MAX_INDENT. */
  Line = 5,
  /** The bracket behind an area code. */
  Bracket = 6,
}

/** Digits and groups that are read together. A longer number is none of those that are looked for. */
export const MAX_DIGITS: u32 = 32;
export const GROUPS_READ: u32 = 8;
const MAX_INDENT: u32 = 16;

let separatorEnd: usize = 0;

/** Reads what stands between two groups at `at`. `separatorEnd` is then behind it. */
function betweenAt(at: usize, end: usize): Between {
  let point = unitAt(at, end);
  if (digitOf(point) < 10 || at >= end) return Between.Nothing;
  separatorEnd = unitEnd();
  if (point == Ascii.Point) return Between.Dot;
  if (point == Ascii.Plus) return Between.Plus;
  if (isDash(point)) return Between.Dash;
  if (point == Ascii.CloseParenthesis || point == 0xff09) return bracketAt(end);
  if (point == Ascii.LineFeed || point == Ascii.CarriageReturn) return lineAt(at, end);
  if (!isSpace(point) || point == Ascii.Tab) return Between.Nothing;
  const first = separatorEnd;
  point = unitAt(first, end);
  if (isDash(point)) {
    const dash = unitEnd();
    separatorEnd = isSpace(unitAt(dash, end)) ? unitEnd() : dash;
    return Between.Dash;
  }
  if (isSpace(point)) separatorEnd = unitEnd();
  point = unitAt(separatorEnd, end);
  return point == Ascii.LineFeed || point == Ascii.CarriageReturn ? lineAt(separatorEnd, end) : Between.Space;
}

function bracketAt(end: usize): Between {
  const point = unitAt(separatorEnd, end);
  if (isSpace(point) || isDash(point)) separatorEnd = unitEnd();
  return Between.Bracket;
}

function lineAt(at: usize, end: usize): Between {
  if (unitAt(at, end) == Ascii.CarriageReturn) at = unitEnd();
  if (unitAt(at, end) == Ascii.LineFeed) at = unitEnd();
  for (let i: u32 = 0; i < MAX_INDENT && isSpace(unitAt(at, end)); i++) at = unitEnd();
  separatorEnd = at;
  return Between.Line;
}

/** Whether a letter, digit or underscore stands there, which would make a number part of a word. */
export function isWordPart(point: u32): bool {
  return point == Ascii.Underscore || digitOf(point) < 10 || isLatin(point);
}

/** The groups of digits at one place of a text. Reused for each. */
export class DigitGroups {
  /** Digits in ASCII, and the address of each and behind each. */
  readonly digits: StaticArray<u8> = new StaticArray<u8>(<i32>MAX_DIGITS + 1);
  readonly starts: StaticArray<usize> = new StaticArray<usize>(<i32>MAX_DIGITS + 1);
  readonly ends: StaticArray<usize> = new StaticArray<usize>(<i32>MAX_DIGITS + 1);
  /** By group: digits up to its end, and what stands behind it before the next one. */
  readonly upTo: StaticArray<u32> = new StaticArray<u32>(<i32>GROUPS_READ);
  readonly between: StaticArray<u8> = new StaticArray<u8>(<i32>GROUPS_READ);
  groups: u32 = 0;
  count: u32 = 0;
  /** The character before the first digit, and the one before that. */
  left: u32 = 0;
  leftOfLeft: u32 = 0;
  begin: usize = 0;
  end: usize = 0;

  /** Address of the digits in ASCII. */
  get text(): usize {
    return changetype<usize>(this.digits);
  }

  /** Digits of group number `group`. */
  size(group: u32): u32 {
    return unchecked(this.upTo[group]) - (group == 0 ? 0 : unchecked(this.upTo[group - 1]));
  }

  /** Digit number `index` as a number. */
  digit(index: u32): u32 {
    return <u32>unchecked(this.digits[index]) - 48;
  }

  /** `length` digits from `index` on as a number. */
  value(index: u32, length: u32): u32 {
    let value: u32 = 0;
    for (let i = index; i < index + length; i++) value = value * 10 + this.digit(i);
    return value;
  }

  /** Reads the groups at the digit at `at`. False if the first group is too long to be looked at. */
  read(begin: usize, at: usize, end: usize): bool {
    this.begin = begin;
    this.end = end;
    this.left = unitBefore(begin, at);
    this.leftOfLeft = unitBefore(begin, unitStart());
    this.groups = 0;
    this.count = 0;
    while (true) {
      at = this.group(at, end);
      if (at == 0) return this.groups > 0;
      const between = this.groups < GROUPS_READ ? betweenAt(at, end) : Between.Nothing;
      const follows = between != Between.Nothing && digitOf(unitAt(separatorEnd, end)) < 10;
      unchecked((this.between[this.groups - 1] = follows ? <u8>between : <u8>Between.Nothing));
      if (!follows) return true;
      at = separatorEnd;
    }
  }

  /** Adds the digits at `at`. Address behind them; 0 if they are too many. */
  private group(at: usize, end: usize): usize {
    let count = this.count;
    while (at < end) {
      const byte = <u32>load<u8>(at);
      let digit = byte - 48;
      let behind = at + 1;
      if (digit >= 10) {
        digit = digitOf(unitAt(at, end));
        if (digit >= 10) break;
        behind = unitEnd();
      }
      // A number that goes on is none of those in front of it either, if it belongs to them.
      if (count >= MAX_DIGITS) return 0;
      unchecked((this.digits[count] = <u8>(digit + 48)));
      unchecked((this.starts[count] = at));
      unchecked((this.ends[count] = behind));
      at = behind;
      count++;
    }
    this.count = count;
    unchecked((this.upTo[this.groups++] = count));
    return at;
  }

  /** Address behind digit number `index`. */
  endOf(index: u32): usize {
    return unchecked(this.ends[index]);
  }

  startOf(index: u32): usize {
    return unchecked(this.starts[index]);
  }

  /**
   * Whether a dash or dot with a digit, or a letter of a hexadecimal number, stands before: a part of something longer.
   */
  get followsDash(): bool {
    return (isDash(this.left) || isPoint(this.left)) && hexOf(narrow(this.leftOfLeft)) < 16;
  }

  /**
   * Whether a number of groups may end with group `last`: it is not one piece of a longer chain with dashes or dots.
   */
  endsChain(last: u32): bool {
    if (last == 0) return true;
    const kind = unchecked(this.between[last - 1]);
    if (kind != Between.Dash && kind != Between.Dot) return true;
    if (unchecked(this.between[last]) != Between.Nothing) return unchecked(this.between[last]) != kind;
    const next = unitAt(unchecked(this.ends[unchecked(this.upTo[last]) - 1]), this.end);
    return !isDash(next) || hexOf(narrow(unitAt(unitEnd(), this.end))) > 15;
  }

  /** Whether the groups 0 to `last` have one separator between them; one line break may stand for it. */
  isEven(last: u32): bool {
    let kind: u32 = Between.Nothing;
    let lines: u32 = 0;
    for (let i: u32 = 0; i < last; i++) {
      const next = <u32>unchecked(this.between[i]);
      if (next == Between.Line) lines++;
      else if (kind == Between.Nothing) kind = next;
      else if (next != kind) return false;
    }
    return lines <= 1;
  }

  /** Whether no word touches the first digit and no decimal point stands before it. */
  get beginsNumber(): bool {
    const left = this.left;
    if (isWordPart(left)) return false;
    if (!isPoint(left)) return true;
    // A point after a word (`No.`), a bracket or another point is punctuation. `0.5`, `-.5` and ` .5` are decimals.
    const other = this.leftOfLeft;
    return (
      digitOf(other) > 9 &&
      other != Ascii.Plus &&
      other != Ascii.Minus &&
      other > 32 &&
      other != 0xfffd &&
      other != Ascii.Quote
    );
  }

  /** Whether a number may end before `at`: no word touches it, and no decimals follow but zeros. */
  endsNumber(at: usize): bool {
    const next = unitAt(at, this.end);
    if (at >= this.end) return true;
    if (!isPoint(next)) return !isWordPart(next);
    let other = unitEnd();
    while (other < this.end && digitOf(unitAt(other, this.end)) == 0) other = unitEnd();
    return digitOf(unitAt(other, this.end)) > 9;
  }
}
