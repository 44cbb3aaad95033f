// Dates and times in the formats of financial messages, and comparable instants. No function fails or allocates.
import { Ascii } from '../memory/ascii';
import { leadingDigits } from './formats';

/** Invalid day or instant. */
export const NO_TIME: i64 = i64.MIN_VALUE;
/** Offset assumed for a time without offset from UTC, seconds: China Standard Time. */
const CHINA_OFFSET_SECONDS: i64 = 8 * 3600;
const DAY_SECONDS: i64 = 86400;
/** Nanoseconds of the last instant read by `readInstant`. */
export let instantNanoseconds: u32 = 0;

/** Value of `count` (at most 9) bytes that are digits. */
function digits(pointer: usize, count: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < count; i++) value = value * 10 + (<u32>load<u8>(pointer + i) - 48);
  return value;
}

function daysOf(month: u32, year: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

function isDay(month: u32, day: u32, year: u32): bool {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(month, year);
}

/** Days from 1970-01-01 to a day of the Gregorian calendar. */
function dayNumber(year: u32, month: u32, day: u32): i64 {
  const y: i64 = month > 2 ? year : <i64>year - 1;
  const m: i64 = month > 2 ? month - 3 : month + 9;
  return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/** Second of the day. -1 if the six digits are no time. */
function clock(hour: usize, minute: usize, second: usize): i32 {
  const h = digits(hour, 2);
  const m = digits(minute, 2);
  const s = digits(second, 2);
  return h < 24 && m < 60 && s < 60 ? <i32>(h * 3600 + m * 60 + s) : -1;
}

/** Day number of YYYYMMDD in the Gregorian calendar, from year 1. NO_TIME for other text. */
function compactDay(pointer: usize): i64 {
  if (leadingDigits(pointer, 8) != 8) return NO_TIME;
  const year = digits(pointer, 4);
  const month = digits(pointer + 4, 2);
  const day = digits(pointer + 6, 2);
  return year > 0 && isDay(month, day, year) ? dayNumber(year, month, day) : NO_TIME;
}

/** Day number of YYYY-MM-DD. NO_TIME for other text. The ten bytes must be available. */
function dashedDay(pointer: usize): i64 {
  if (leadingDigits(pointer, 4) != 4 || load<u8>(pointer, 4) != Ascii.Minus || leadingDigits(pointer + 5, 2) != 2)
    return NO_TIME;
  if (load<u8>(pointer, 7) != Ascii.Minus || leadingDigits(pointer + 8, 2) != 2) return NO_TIME;
  const year = digits(pointer, 4);
  const month = digits(pointer + 5, 2);
  const day = digits(pointer + 8, 2);
  return year > 0 && isDay(month, day, year) ? dayNumber(year, month, day) : NO_TIME;
}

/**
 * Days since 1970-01-01 of YYYYMMDD, or of YYYY-MM-DD with an optional offset (xs:date), which does not change the day.
 * NO_TIME for other text.
 */
export function readDay(pointer: usize, length: u32): i64 {
  if (length == 8) return compactDay(pointer);
  return length >= 10 && offsetOf(pointer + 10, length - 10) != NO_TIME ? dashedDay(pointer) : NO_TIME;
}

/**
 * Seconds since 1970-01-01T00:00:00Z of YYYYMMDDhhmmss or of ISO 8601 `YYYY-MM-DDThh:mm:ss`. The latter may have a
 * fraction (of which nine digits count, stored in `instantNanoseconds`), `Z` or `+hh:mm`, and 24:00:00 as the end of
 * the day (xs:dateTime). Without an offset it is China Standard Time. A date alone means its midnight. NO_TIME for
 * other text.
 */
export function readInstant(pointer: usize, length: u32): i64 {
  instantNanoseconds = 0;
  if (length == 8 || (length >= 10 && length != 14 && (length == 10 || load<u8>(pointer, 10) != Ascii.UpperT))) {
    const day = readDay(pointer, length);
    const offset = length > 10 ? offsetOf(pointer + 10, length - 10) : CHINA_OFFSET_SECONDS;
    return day == NO_TIME ? NO_TIME : day * DAY_SECONDS - offset;
  }
  if (length == 14) {
    const day = compactDay(pointer);
    const second =
      day == NO_TIME || leadingDigits(pointer + 8, 6) != 6 ? -1 : clock(pointer + 8, pointer + 10, pointer + 12);
    return second < 0 ? NO_TIME : day * DAY_SECONDS + second - CHINA_OFFSET_SECONDS;
  }
  if (length < 19) return NO_TIME;
  const day = dashedDay(pointer);
  if (day == NO_TIME || load<u8>(pointer, 10) != Ascii.UpperT) return NO_TIME;
  const second = clockOf(pointer + 11);
  if (second < 0) return NO_TIME;
  let at: u32 = 19;
  if (at < length && load<u8>(pointer + at) == Ascii.Point) {
    const count = leadingDigits(pointer + at + 1, length - at - 1);
    if (count < 1) return NO_TIME;
    let nanoseconds = digits(pointer + at + 1, min<u32>(count, 9));
    for (let i = count; i < 9; i++) nanoseconds *= 10;
    if (second == DAY_SECONDS && nanoseconds != 0) return NO_TIME;
    instantNanoseconds = nanoseconds;
    at += 1 + count;
  }
  const offset = offsetOf(pointer + at, length - at);
  return offset == NO_TIME ? NO_TIME : day * DAY_SECONDS + second - offset;
}

/** Second of the day of hh:mm:ss, eight bytes. 86400 for 24:00:00, -1 if they are no time. */
function clockOf(pointer: usize): i32 {
  if (load<u8>(pointer, 2) != Ascii.Colon || load<u8>(pointer, 5) != Ascii.Colon) return -1;
  if (leadingDigits(pointer, 2) != 2 || leadingDigits(pointer + 3, 2) != 2 || leadingDigits(pointer + 6, 2) != 2)
    return -1;
  if (digits(pointer, 2) == 24 && digits(pointer + 3, 2) == 0 && digits(pointer + 6, 2) == 0) return <i32>DAY_SECONDS;
  return clock(pointer, pointer + 3, pointer + 6);
}

/** Offset from UTC, seconds: none (China), `Z`, or a sign and hh:mm up to 14:00. NO_TIME for other text. */
function offsetOf(pointer: usize, length: u32): i64 {
  if (length == 0) return CHINA_OFFSET_SECONDS;
  const sign = load<u8>(pointer);
  if (length == 1) return sign == 90 ? 0 : NO_TIME;
  if (length != 6 || (sign != 43 && sign != 45) || load<u8>(pointer, 3) != Ascii.Colon) return NO_TIME;
  if (leadingDigits(pointer + 1, 2) != 2 || leadingDigits(pointer + 4, 2) != 2) return NO_TIME;
  const minutes = digits(pointer + 1, 2) * 60 + digits(pointer + 4, 2);
  if (digits(pointer + 4, 2) > 59 || minutes > 840) return NO_TIME;
  return sign == 43 ? <i64>minutes * 60 : -(<i64>minutes * 60);
}

/** YYYYMMDD in the Gregorian calendar, from year 1. */
export function isDate(pointer: usize, length: u32): bool {
  return length == 8 && compactDay(pointer) != NO_TIME;
}

/** hhmmss, 000000 to 235959. */
export function isTime(pointer: usize, length: u32): bool {
  return length == 6 && leadingDigits(pointer, 6) == 6 && clock(pointer, pointer + 2, pointer + 4) >= 0;
}

/** YYYYMMDDhhmmss. */
export function isDateTime(pointer: usize, length: u32): bool {
  return length == 14 && isDate(pointer, 8) && isTime(pointer + 8, 6);
}

/** MMDD (ISO 8583 DE 13). The year is unknown, so 29 February passes. */
export function isMonthDay(pointer: usize, length: u32): bool {
  return length == 4 && leadingDigits(pointer, 4) == 4 && isDay(digits(pointer, 2), digits(pointer + 2, 2), 2000);
}

/** YYMM (ISO 8583 DE 14). */
export function isYearMonth(pointer: usize, length: u32): bool {
  return length == 4 && leadingDigits(pointer, 4) == 4 && digits(pointer + 2, 2) - 1 < 12;
}

/** MMDDhhmmss (ISO 8583 DE 7). The year is unknown, so 29 February passes. */
export function isMonthDayTime(pointer: usize, length: u32): bool {
  return length == 10 && isMonthDay(pointer, 4) && isTime(pointer + 4, 6);
}

/** YYMMDD (EMV tag 9A), in the years 2000 to 2099. */
export function isShortDate(pointer: usize, length: u32): bool {
  return (
    length == 6 &&
    leadingDigits(pointer, 6) == 6 &&
    isDay(digits(pointer + 2, 2), digits(pointer + 4, 2), 2000 + digits(pointer, 2))
  );
}

/** YYYY-MM-DD with an optional offset (ISODate of ISO 20022: xs:date). */
export function isIsoDate(pointer: usize, length: u32): bool {
  return length >= 10 && readDay(pointer, length) != NO_TIME;
}

/** `YYYY-MM-DDThh:mm:ss` with an optional fraction and an optional offset (ISODateTime of ISO 20022: xs:dateTime). */
export function isIsoDateTime(pointer: usize, length: u32): bool {
  return length >= 19 && readInstant(pointer, length) != NO_TIME;
}
