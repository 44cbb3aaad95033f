// Licence plates of vehicles (GA 36): a division in Han, a letter, five characters, or six for new-energy vehicles.
import { Ascii } from '../../memory/ascii';
import { isWordPart } from './digit-groups';
import { Find, Why } from './find';
import { Finding } from './finding';
import { isHan, isSpace, narrow, unitAt, unitBefore, unitEnd, unitStart } from './units';

/** 京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼, sorted. */
const DIVISIONS: usize = memory.data<u16>([
  0x4e91, 0x4eac, 0x5180, 0x5409, 0x5b81, 0x5ddd, 0x65b0, 0x664b, 0x6842, 0x6caa, 0x6d25, 0x6d59, 0x6e1d, 0x6e58,
  0x743c, 0x7518, 0x7696, 0x7ca4, 0x82cf, 0x8499, 0x85cf, 0x8c6b, 0x8d35, 0x8d63, 0x8fbd, 0x9102, 0x95fd, 0x9655,
  0x9752, 0x9c81, 0x9ed1,
]);
const DIVISION_COUNT: u32 = 31;
/** 学警港澳挂试超领使: what the last place may be. */
const LAST_PLACES: usize = memory.data<u16>([0x5b66, 0x8b66, 0x6e2f, 0x6fb3, 0x6302, 0x8bd5, 0x8d85, 0x9886, 0x4f7f]);
const LAST_COUNT: u32 = 9;
const PLACES: u32 = 5;
const MIN_DIGITS: u32 = 3;

/** Whether a character is a division of China, as plates abbreviate it. */
export function isDivision(point: u32): bool {
  for (let i: u32 = 0; i < DIVISION_COUNT; i++) if (<u32>load<u16>(DIVISIONS + ((<usize>i) << 1)) == point) return true;
  return false;
}

function isLast(point: u32): bool {
  for (let i: u32 = 0; i < LAST_COUNT; i++) if (<u32>load<u16>(LAST_PLACES + ((<usize>i) << 1)) == point) return true;
  return false;
}

/** Finds a plate whose letter behind the division stands at `at`. */
export function findPlate(begin: usize, at: usize, end: usize, finding: Finding): bool {
  const letter = narrow(unitAt(at, end)) & 0xdf;
  if (letter - 65 >= 26 || letter == Ascii.UpperI) return false;
  let to = unitEnd();
  if (!isDivision(unitBefore(begin, at))) return false;
  const start = unitStart();
  const mark = unitAt(to, end);
  // A point in the middle of the line, as on the plate, a space or a hyphen may follow.
  if (mark == 0xb7 || mark == 0x2022 || mark == 0x30fb || mark == Ascii.Point || mark == Ascii.Minus || isSpace(mark))
    to = unitEnd();
  let digits: u32 = 0;
  let places: u32 = 0;
  let energy = false;
  while (places <= PLACES && to < end) {
    const point = narrow(unitAt(to, end));
    const upper = point - Ascii.LowerA < 26 ? point - 32 : point;
    if (point - Ascii.Zero < 10) digits++;
    else if (upper - 65 >= 26 || upper == Ascii.UpperI || upper == Ascii.UpperO) {
      if (places == PLACES - 1 && isHan(point) && isLast(point)) {
        to = unitEnd();
        places++;
      }
      break;
    } else if ((places == 0 || places == PLACES) && upper <= 75) energy = true;
    places++;
    to = unitEnd();
  }
  if (places != PLACES && !(places == PLACES + 1 && energy)) return false;
  if (digits < MIN_DIGITS || (to < end && isWordPart(unitAt(to, end)))) return false;
  return finding.set(Find.LicencePlate, start, to, Why.Region | Why.Form);
}
