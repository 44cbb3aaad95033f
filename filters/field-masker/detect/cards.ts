// Bank cards and resident identity numbers in groups of digits.
import { ID_LENGTH, MAX_CARD_DIGITS, MIN_CARD_DIGITS, isDate, isGb11643, isLuhn } from '../../message/checks';
import { isDecimalPart } from '../decimal-comma';
import { Ascii } from '../../memory/ascii';
import { Between, DigitGroups } from './digit-groups';
import { Find, Why, bitOf } from './find';
import { Finding } from './finding';
import { isIssued, isUnionPay } from './issuers';
import { isPrefecture } from './regions';
import { narrow, unitAt, unitEnd } from './units';

const OLD_ID_LENGTH: u32 = 15;
const UNIONPAY_MIN_LENGTH: u32 = 16;
const ID_GROUPS: u32 = 6;
/** Digits of a group in a printed card number, of the first group where the rest follows as one, and of that rest. */
const FOUR: u32 = 4;
const SIX: u32 = 6;
const REST_MIN: u32 = 10;
const REST_MAX: u32 = 13;
/** Fewest digits before and behind a line break in a card number without other separators. */
const LINE_PART: u32 = 4;
/** Characters that are looked at on each side for a number with a decimal comma. */
const MAX_DECIMAL: u32 = 64;

/** Kind of card that the first `length` digits are. */
function cardOf(groups: DigitGroups, length: u32, set: u32): Find {
  if (length < MIN_CARD_DIGITS || length > MAX_CARD_DIGITS) return Find.Nothing;
  const first = groups.value(0, 4);
  if ((set & bitOf(Find.BankCard)) != 0 && isIssued(first, length) && isLuhn(groups.text, length)) return Find.BankCard;
  const isOther = (set & bitOf(Find.UnionPayCard)) != 0 && length >= UNIONPAY_MIN_LENGTH && isUnionPay(first);
  return isOther ? Find.UnionPayCard : Find.Nothing;
}

function whyOf(kind: Find): u32 {
  return kind == Find.BankCard ? Why.Check | Why.Issuer : Why.Issuer;
}

/** Finds a card number that begins with the first group: the longest one. */
export function findCard(groups: DigitGroups, set: u32, finding: Finding): bool {
  const first = unchecked(groups.upTo[0]);
  const start = groups.startOf(0);
  let found = false;
  if (first >= MIN_CARD_DIGITS && groups.endsNumber(groups.endOf(first - 1))) {
    const kind = cardOf(groups, first, set);
    if (kind != Find.Nothing && !isDecimal(groups, first))
      return finding.set(kind, start, groups.endOf(first - 1), whyOf(kind));
  }
  for (let last: u32 = 1; last < groups.groups; last++) {
    if (!isPrinted(groups, last)) break;
    const count = unchecked(groups.upTo[last]);
    if (count < MIN_CARD_DIGITS || !groups.endsChain(last)) continue;
    const end = groups.endOf(count - 1);
    if (!groups.endsNumber(end)) continue;
    const kind = cardOf(groups, count, set);
    if (kind != Find.Nothing) found = finding.set(kind, start, end, whyOf(kind) | Why.Grouped);
  }
  return found;
}

/**
 * Whether group number `last` may follow, where numbers are printed so: fours with a last group of one to four; four, six
 * and four or five (a number that begins with 3); six and the rest (UnionPay); two parts with a line break between them.
 */
function isPrinted(groups: DigitGroups, last: u32): bool {
  if (!groups.isEven(last) || groups.followsDash) return false;
  const kind = <u32>unchecked(groups.between[0]);
  if (kind == Between.Bracket) return false;
  const first = groups.size(0);
  const size = groups.size(last);
  if (
    last == 1 &&
    kind == Between.Line &&
    first >= LINE_PART &&
    size >= LINE_PART &&
    first + size >= UNIONPAY_MIN_LENGTH
  )
    return true;
  if (first == SIX) {
    const fits = last == 1 && size >= REST_MIN && size <= REST_MAX && kind != Between.Dot;
    return fits && isUnionPay(groups.value(0, 4));
  }
  if (first != FOUR) return false;
  const before = groups.size(last - 1);
  if (last == 1 && size == SIX) return groups.digit(0) == 3;
  if (before == SIX) return last == 2 && (size == FOUR || size == FOUR + 1);
  return before == FOUR && size <= FOUR;
}

/** Whether the first group is a part of a text that is one number with a decimal comma. */
function isDecimal(groups: DigitGroups, count: u32): bool {
  const at = groups.startOf(0);
  const stop = groups.endOf(count - 1);
  if (groups.left != Ascii.Comma && !(stop < groups.end && load<u8>(stop) == Ascii.Comma)) return false;
  let from = at;
  while (from > groups.begin && at - from < MAX_DECIMAL && !isEdge(load<u8>(from - 1))) from--;
  let to = stop;
  while (to < groups.end && to - stop < MAX_DECIMAL && !isEdge(load<u8>(to))) to++;
  // In a list of numbers a bracket, a colon or a brace stands on one side.
  if (from > groups.begin && load<u8>(from - 1) == Ascii.OpenBracket) return false;
  return isDecimalPart(from, at, stop, to);
}

function isEdge(byte: u32): bool {
  return (
    byte == Ascii.Quote ||
    byte == Ascii.Less ||
    byte == Ascii.Greater ||
    byte == Ascii.Equals ||
    byte == Ascii.OpenBracket
  );
}

/** Finds a resident identity number of 18 characters that begins with the first group. */
export function findIdCard(groups: DigitGroups, finding: Finding): bool {
  const start = groups.startOf(0);
  for (let last: u32 = 0; last < groups.groups && last < ID_GROUPS; last++) {
    const count = unchecked(groups.upTo[last]);
    if (count > ID_LENGTH) return false;
    if (last > 0 && !isIdGroup(groups, last)) return false;
    if (count < ID_LENGTH - 1 || !groups.endsChain(last)) continue;
    const grouped = last == 0 ? 0 : Why.Grouped;
    const end = groups.endOf(count - 1);
    const why = Why.Check | Why.Region | Why.Date | grouped;
    if (count == ID_LENGTH && groups.endsNumber(end) && isGb11643(groups.text, count) && !isDecimal(groups, count))
      return finding.set(Find.IdCard, start, end, why);
    if (count == ID_LENGTH - 1) {
      const letter = unitAt(end, groups.end);
      const behind = unitEnd();
      if (end >= groups.end || (narrow(letter) | 32) != Ascii.LowerX || !groups.endsNumber(behind)) continue;
      store<u8>(groups.text + count, 88);
      if (isGb11643(groups.text, ID_LENGTH)) return finding.set(Find.IdCard, start, behind, why);
    }
  }
  return false;
}

/** Whether a group of an identity number may follow: they are even, and the first is the division or a part of it. */
function isIdGroup(groups: DigitGroups, last: u32): bool {
  const kind = <u32>unchecked(groups.between[0]);
  if (kind == Between.Dot || kind == Between.Bracket || !groups.isEven(last)) return false;
  return (
    !groups.followsDash &&
    (kind == Between.Line || groups.size(0) == SIX || groups.size(0) == 3 || groups.size(0) == FOUR)
  );
}

/** Finds an identity number of 15 digits. It has no check character: what may be a card is looked at first. */
export function findOldId(groups: DigitGroups, finding: Finding): bool {
  if (unchecked(groups.upTo[0]) != OLD_ID_LENGTH) return false;
  const end = groups.endOf(OLD_ID_LENGTH - 1);
  if (!groups.endsNumber(end) || !isOldId(groups) || isDecimal(groups, OLD_ID_LENGTH)) return false;
  return finding.set(Find.IdCard, groups.startOf(0), end, Why.Region | Why.Date);
}

/** Whether 15 digits are an identity number as it was issued until 1999: division, birth date in this form, number. */
function isOldId(groups: DigitGroups): bool {
  if (!isPrefecture(groups.value(0, 2), groups.value(2, 2)) || groups.value(4, 2) == 0 || groups.value(12, 3) == 0)
    return false;
  return isDate(1900 + groups.value(6, 2), groups.value(8, 2), groups.value(10, 2));
}
