// Names of persons and postal addresses, which are only looked for next to a label.
import { Ascii } from '../../memory/ascii';
import { Find, Why } from './find';
import { Finding } from './finding';
import { digitOf, isHan, isLatin, isSpace, narrow, unitAt, unitEnd } from './units';

const MAX_NAME_HAN: u32 = 4;
/** Characters of a name with a point in the middle (买买提·艾力), and in letters. */
const MAX_NAME: u32 = 40;
const NAME_WORDS: u32 = 5;
const ADDRESS_LENGTH: u32 = 120;
/** Characters behind a comma in which the colon of a next label may stand. */
const MAX_NEXT_LABEL: u32 = 10;
const MAX_GAP: u32 = 8;

/** Marks of an address: 省市区县镇乡村路街道巷弄号楼室栋幢座单元层院里园州旗盟屯组. */
const MARKS: usize = memory.data<u16>([
  0x7701, 0x5e02, 0x533a, 0x53bf, 0x9547, 0x4e61, 0x6751, 0x8def, 0x8857, 0x9053, 0x5df7, 0x5f04, 0x53f7, 0x697c,
  0x5ba4, 0x680b, 0x5e62, 0x5ea7, 0x5355, 0x5143, 0x5c42, 0x9662, 0x91cc, 0x56ed, 0x5dde, 0x65d7, 0x76df, 0x5c6f,
  0x7ec4,
]);
const MARK_COUNT: u32 = 29;

/** Last characters of companies' and offices' names, which are no persons: 司行部厂店局院校社团会所处站. */
const OFFICES: usize = memory.data<u16>([
  0x53f8, 0x884c, 0x5382, 0x5e97, 0x5c40, 0x9662, 0x6821, 0x56e2, 0x6240, 0x5904, 0x90e8,
]);
const OFFICE_COUNT: u32 = 11;

function isOneOf(table: usize, count: u32, point: u32): bool {
  for (let i: u32 = 0; i < count; i++) if (<u32>load<u16>(table + ((<usize>i) << 1)) == point) return true;
  return false;
}

function isMiddlePoint(point: u32): bool {
  return point == 0xb7 || point == 0x2022 || point == 0x30fb || point == 0x2027;
}

/** Address of the value behind the separator that ends at `at`: behind quotes and spaces. */
export function valueAt(at: usize, end: usize): usize {
  for (let i: u32 = 0; i < MAX_GAP; i++) {
    const point = unitAt(at, end);
    if (
      !isSpace(point) &&
      point != Ascii.Quote &&
      point != Ascii.Apostrophe &&
      point != Ascii.Colon &&
      point != 0x201c &&
      point != 0xff1a &&
      point != Ascii.Backslash
    )
      break;
    at = unitEnd();
  }
  return at;
}

/** Finds the name of a person at `at`. */
export function findName(at: usize, end: usize, finding: Finding): bool {
  if (isHan(unitAt(at, end))) return hanName(at, end, finding);
  return latinName(at, end, finding);
}

function hanName(at: usize, end: usize, finding: Finding): bool {
  let to = at;
  let count: u32 = 0;
  let points: u32 = 0;
  let last: u32 = 0;
  while (to < end && count < MAX_NAME) {
    const point = unitAt(to, end);
    if (isMiddlePoint(point)) points++;
    else if (!isHan(point)) break;
    else last = point;
    count++;
    to = unitEnd();
  }
  if (count < 2 || (points == 0 && count > MAX_NAME_HAN) || isMiddlePoint(last)) return false;
  if (points == 0 && count > 2 && isOneOf(OFFICES, OFFICE_COUNT, last)) return false;
  return finding.set(Find.Name, at, to, Why.Label);
}

/** Two to five words that begin with a capital. */
function latinName(at: usize, end: usize, finding: Finding): bool {
  let to = at;
  let stop = at;
  let words: u32 = 0;
  let letters: u32 = 0;
  for (let i: u32 = 0; i < MAX_NAME && to < end; i++) {
    const point = narrow(unitAt(to, end));
    const behind = unitEnd();
    if (isLatin(point) || (point >= 0xc0 && point < 0x250)) {
      if (letters == 0) {
        if (point - Ascii.LowerA < 26) break;
        if (++words > NAME_WORDS) return false;
      }
      letters++;
      stop = behind;
    } else if (point == Ascii.Space || (point == Ascii.Comma && letters > 0) || (point == Ascii.Plus && letters > 0))
      letters = 0;
    else if (point != Ascii.Minus && point != Ascii.Apostrophe && point != Ascii.Point) {
      if (digitOf(point) < 10 || point == Ascii.Underscore || point == Ascii.OpenParenthesis) return false;
      break;
    }
    to = behind;
  }
  return words >= 2 && finding.set(Find.Name, at, stop, Why.Label);
}

/** Whether an address ends with this character. */
function endsAddress(point: u32): bool {
  if (
    point == Ascii.Quote ||
    point == Ascii.Less ||
    point == Ascii.Semicolon ||
    point == Ascii.Bar ||
    point == Ascii.Ampersand
  )
    return true;
  return point == 0xff1b || point == 0x3002 || point == 0x201d || (point < 32 && point != Ascii.Tab);
}

/** Whether the text at `at` begins with a next label: a colon or an equals sign comes soon. */
function isNextLabel(at: usize, end: usize): bool {
  for (let i: u32 = 0; i < MAX_NEXT_LABEL && at < end; i++) {
    const point = unitAt(at, end);
    if (point == Ascii.Colon || point == 0xff1a || point == Ascii.Equals) return true;
    if (digitOf(point) < 10 || endsAddress(point)) return false;
    at = unitEnd();
  }
  return false;
}

/** Finds the postal address at `at`: Han with marks of an address, or a number and words. */
export function findAddress(at: usize, end: usize, finding: Finding): bool {
  let to = at;
  let stop = at;
  let marks: u32 = 0;
  let digits: u32 = 0;
  let words: u32 = 0;
  let inWord = false;
  for (let i: u32 = 0; i < ADDRESS_LENGTH && to < end; i++) {
    const point = unitAt(to, end);
    const behind = unitEnd();
    if (endsAddress(point)) break;
    const parts = point == Ascii.Comma || point == 0xff0c || isSpace(point) || point == Ascii.Plus;
    if (parts && isNextLabel(behind, end)) break;
    if (isHan(point) && isOneOf(MARKS, MARK_COUNT, point)) marks++;
    if (digitOf(point) < 10) digits++;
    if (isLatin(point)) {
      if (!inWord) words++;
      inWord = true;
    } else inWord = false;
    if (!parts) stop = behind;
    to = behind;
  }
  if (marks < 2 && (digits == 0 || words < 2)) return false;
  return finding.set(Find.Address, at, stop, Why.Label);
}
