// Mobile and fixed telephone numbers in groups of digits: China's, also with the country's prefix, and those of Hong Kong,
// Macao and Taiwan with theirs.
import { Ascii } from '../../memory/ascii';
import { Between, DigitGroups } from './digit-groups';
import { Find, Why, bitOf } from './find';
import { Finding } from './finding';
import { isDash } from './units';

const MOBILE_LENGTH: u32 = 11;
/** Digits of an extension at most. */
const MAX_EXTENSION: u32 = 6;
/** Groups of a telephone number: prefix, area, two of the number, extension. */
const PHONE_GROUPS: u32 = 5;
const WIDE_PLUS: u32 = 0xff0b;

/** Whether mobile numbers begin with 1 and these two digits: the blocks that are assigned as of 2025. */
function isMobileBlock(block: u32): bool {
  const tens = block / 10;
  const ones = block % 10;
  if (tens == 3 || tens == 5 || tens == 8) return block != 54;
  if (tens == 4) return ones >= 4;
  if (tens == 6) return ones == 2 || ones >= 5;
  if (tens == 7) return ones != 9;
  return tens == 9;
}

/** Digits of a prefix of China in front of a number of `length` digits: 86, 0086, 0. */
function prefixOf(groups: DigitGroups, length: u32): u32 {
  if (groups.count >= length + 2 && groups.value(0, 2) == 86) return 2;
  if (groups.count >= length + 4 && groups.value(0, 4) == 86) return 4;
  return 0;
}

/** The group that ends with digit number `count`. -1 if none does. */
function groupUpTo(groups: DigitGroups, count: u32): i32 {
  for (let i: u32 = 0; i < groups.groups && i < PHONE_GROUPS; i++) {
    const upTo = unchecked(groups.upTo[i]);
    if (upTo == count) return i;
    if (upTo > count) return -1;
  }
  return -1;
}

/** Whether the groups between two numbers of digits are those in which mobile numbers are written. */
function isMobileGrouping(groups: DigitGroups, from: u32, last: u32): bool {
  let mask: u32 = 0;
  for (let i: u32 = 0; i < last; i++) {
    const upTo = unchecked(groups.upTo[i]);
    if (upTo > from) mask |= (<u32>1) << (upTo - from);
  }
  // none; 3; 7; 3-4-4; 4-4-3; 3-3-5; 5-3-3 and 5-6 are rare
  return mask == 0 || mask == 0x8 || mask == 0x80 || mask == 0x88 || mask == 0x110 || mask == 0x48;
}

/** Finds a mobile number that begins with the first group. */
export function findMobile(groups: DigitGroups, finding: Finding): bool {
  const prefix = prefixOf(groups, MOBILE_LENGTH);
  if (mobileFrom(groups, prefix, finding)) return true;
  const isOwn = prefix == 0 && groups.count >= MOBILE_LENGTH + 1 && groups.digit(0) == 0 && !isDash(groups.left);
  return isOwn && unchecked(groups.upTo[0]) == MOBILE_LENGTH + 1 && mobileFrom(groups, 1, finding);
}

function mobileFrom(groups: DigitGroups, from: u32, finding: Finding): bool {
  if (groups.count < from + MOBILE_LENGTH || groups.digit(from) != 1 || !isMobileBlock(groups.value(from + 1, 2)))
    return false;
  const found = groupUpTo(groups, from + MOBILE_LENGTH);
  if (found < 0) return false;
  const last = <u32>found;
  if (!isMobileGrouping(groups, from, last)) return false;
  const end = groups.endOf(from + MOBILE_LENGTH - 1);
  if (last > 0 && (groups.followsDash || !groups.endsChain(last))) return false;
  if (!groups.endsNumber(end)) return false;
  return finding.set(Find.Phone, groups.startOf(from), end, last == 0 ? Why.Form : Why.Form | Why.Grouped);
}

/** Digits of the area code that begins at digit `from`, without its zero: 2 or 3; 0 if there is none. */
function areaLength(groups: DigitGroups, from: u32): u32 {
  if (from + 3 > groups.count) return 0;
  const first = groups.digit(from);
  if (first == 1) return groups.digit(from + 1) == 0 ? 2 : 0;
  if (first == 2) return groups.digit(from + 1) == 6 ? 0 : 2;
  return first >= 3 ? 3 : 0;
}

/**
 * Finds a fixed telephone number that begins with the first group: with its area code, which something parts from the
 * number, unless `labelled`.
 */
export function findFixed(groups: DigitGroups, labelled: bool, finding: Finding): bool {
  let from: u32 = 0;
  if (groups.digit(0) == 0 && !(groups.count > 3 && groups.value(0, 4) == 86)) from = 1;
  else {
    from = prefixOf(groups, 9);
    if (from == 0) return labelled && localFrom(groups, 0, finding);
    if (groups.count > from && groups.digit(from) == 0) from++;
  }
  const area = areaLength(groups, from);
  if (area == 0) return false;
  const parted = groupUpTo(groups, from + area);
  if (parted < 0 && !labelled && groups.left != Ascii.Plus && groups.left != WIDE_PLUS) return false;
  if (parted >= 0 && unchecked(groups.between[parted]) == Between.Dot) return false;
  return localFrom(groups, from + area, finding);
}

/** Finds the number behind the area code: 7 or 8 digits, in one or two groups, and an extension. */
function localFrom(groups: DigitGroups, from: u32, finding: Finding): bool {
  if (groups.count < from + 7) return false;
  const first = groups.digit(from);
  if (first < 2 || first > 8 || groups.followsDash) return false;
  for (let length: u32 = 8; length >= 7; length--) {
    // Numbers behind 010 and 02x have 8 digits.
    if (groups.count < from + length) continue;
    const found = groupUpTo(groups, from + length);
    if (found < 0) continue;
    let last = <u32>found;
    const parts = groupUpTo(groups, from + length - 4) >= 0 ? 1 : 0;
    const open = groupUpTo(groups, from);
    if (<i32>last - max(open, -1) - 1 > parts) continue;
    if (
      last + 1 < groups.groups &&
      unchecked(groups.between[last]) == Between.Dash &&
      groups.size(last + 1) <= MAX_EXTENSION
    )
      last++;
    const end = groups.endOf(unchecked(groups.upTo[last]) - 1);
    if (!groups.endsNumber(end)) continue;
    if (unchecked(groups.between[last]) == Between.Dash || unchecked(groups.between[last]) == Between.Dot) continue;
    if (!groups.endsChain(last)) continue;
    return finding.set(Find.FixedPhone, groups.startOf(0), end, Why.Form);
  }
  return false;
}

/** Finds a number of Hong Kong, Macao (8 digits) or Taiwan (8 or 9) behind its country's prefix and a plus. */
export function findAbroad(groups: DigitGroups, set: u32, finding: Finding): bool {
  if ((groups.left != Ascii.Plus && groups.left != WIDE_PLUS) || groups.count < 11) return false;
  const country = groups.value(0, 3);
  if (country != 852 && country != 853 && country != 886) return false;
  for (let count: u32 = country == 886 ? 12 : 11; count >= 11; count--) {
    const last = groupUpTo(groups, count);
    if (last < 0 || !groups.endsNumber(groups.endOf(count - 1))) continue;
    const first = groups.digit(3);
    const isMobile = country == 886 ? first == 9 : first >= 5 && (country == 852 ? first != 8 : first == 6);
    const kind = isMobile ? Find.Phone : Find.FixedPhone;
    return (set & bitOf(kind)) != 0 && finding.set(kind, groups.startOf(0), groups.endOf(count - 1), Why.Form);
  }
  return false;
}
