// RFC 3339 date-times as Vault and OpenBao write them: `2027-01-01T00:00:00Z`, with any fraction of a second, or with
// an offset.
import { Ascii } from '../memory/ascii';

/** A text that is no date-time. */
export const NO_TIME: i64 = i64.MIN_VALUE;

const SHORTEST: u32 = 20;

/**
 * Milliseconds since 1970 of the date-time at `text`. NO_TIME if it is none. A leap second counts as the following
 * second.
 */
export function parseTimestamp(text: usize, length: u32): i64 {
  if (length < SHORTEST) return NO_TIME;
  const year = digits(text, 4);
  const month = digits(text + 5, 2);
  const day = digits(text + 8, 2);
  const hour = digits(text + 11, 2);
  const minute = digits(text + 14, 2);
  const second = digits(text + 17, 2);
  if ((year | month | day | hour | minute | second) < 0) return NO_TIME;
  const letter = load<u8>(text + 10) | 32;
  if (
    load<u8>(text + 4) != Ascii.Minus ||
    load<u8>(text + 7) != Ascii.Minus ||
    letter != Ascii.LowerT ||
    load<u8>(text + 13) != Ascii.Colon ||
    load<u8>(text + 16) != Ascii.Colon
  )
    return NO_TIME;
  if (month < 1 || month > 12 || day < 1 || day > daysOf(year, month) || hour > 23 || minute > 59 || second > 60)
    return NO_TIME;
  let at: u32 = 19;
  let millis: i64 = 0;
  if (load<u8>(text + at) == Ascii.Point) {
    let weight: i64 = 100;
    const first = ++at;
    for (; at < length && isDigit(load<u8>(text + at)); at++, weight /= 10)
      millis += <i64>(load<u8>(text + at) - 48) * weight;
    if (at == first) return NO_TIME;
  }
  const offset = zone(text + at, length - at);
  if (offset == NO_TIME) return NO_TIME;
  return (((daysBefore(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis - offset * 60_000;
}

/** Minutes east of UTC. */
function zone(text: usize, length: u32): i64 {
  if (length == 1) return (load<u8>(text) | 32) == Ascii.LowerZ ? 0 : NO_TIME;
  if (length != 6 || load<u8>(text + 3) != Ascii.Colon) return NO_TIME;
  const sign = load<u8>(text);
  const hours = digits(text + 1, 2);
  const minutes = digits(text + 4, 2);
  if ((sign != 43 && sign != 45) || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NO_TIME;
  return sign == 45 ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

function isDigit(byte: u8): bool {
  return <u32>byte - 48 < 10;
}

/** A number of exactly `count` digits. -1 for other characters. */
function digits(text: usize, count: u32): i64 {
  let value: i64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const byte = load<u8>(text + i);
    if (!isDigit(byte)) return -1;
    value = value * 10 + (byte - 48);
  }
  return value;
}

function daysOf(year: i64, month: i64): i64 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/**
 * Days from 1970-01-01 to a day of the Gregorian calendar, years from 0. Years are counted from March, so that the leap
 * day is the last of its year.
 */
function daysBefore(year: i64, month: i64, day: i64): i64 {
  const y = month > 2 ? year : year - 1;
  const era = (y >= 0 ? y : y - 399) / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468;
}
