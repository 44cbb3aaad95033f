// Times of certificates (RFC 5280, 4.1.2.5): UTCTime up to 2049, GeneralizedTime from then on, both with seconds and in
// UTC. GeneralizedTime before 2050 occurs in the field and says the same: it is read too.
import { derLength, derPeek, derTake } from '../crypto/der';

const DER_UTC_TIME: u32 = 0x17;
const DER_GENERALIZED_TIME: u32 = 0x18;
const UTC_TIME_BYTES: u32 = 13;
const GENERALIZED_TIME_BYTES: u32 = 15;
const DAY_SECONDS: i64 = 86_400;
const LETTER_Z: u8 = 0x5a;

/** Result of `derTakeTime` without a time. */
export const NO_TIME: i64 = i64.MIN_VALUE;

/** Two digits, or 255. */
function twoDigits(text: usize): u32 {
  const tens = <u32>load<u8>(text) - 0x30;
  const ones = <u32>load<u8>(text, 1) - 0x30;
  return tens > 9 || ones > 9 ? 255 : tens * 10 + ones;
}

/** Days of a date since 1970-01-01 (proleptic Gregorian calendar; years from 0 on). */
function daysOf(year: i32, month: i32, day: i32): i64 {
  const y = month <= 2 ? year - 1 : year; // years begin in March, so that leap days end them
  const era = (y >= 0 ? y : y - 399) / 400;
  const ofEra = y - era * 400;
  const ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return <i64>era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468;
}

function daysInMonth(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Reads a time: seconds since 1970-01-01, or `NO_TIME`. */
export function derTakeTime(): i64 {
  const tag = derPeek();
  if (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME) return NO_TIME;
  let text = derTake(tag);
  if (text == 0 || derLength != (tag == DER_UTC_TIME ? UTC_TIME_BYTES : GENERALIZED_TIME_BYTES)) return NO_TIME;
  let year: u32 = 0;
  if (tag == DER_UTC_TIME) {
    year = twoDigits(text);
    if (year > 99) return NO_TIME;
    year += year < 50 ? 2000 : 1900;
  } else {
    const century = twoDigits(text);
    const ofCentury = twoDigits(text + 2);
    if (century > 99 || ofCentury > 99) return NO_TIME;
    year = century * 100 + ofCentury;
    text += 2;
  }
  const month = twoDigits(text + 2);
  const day = twoDigits(text + 4);
  const hour = twoDigits(text + 6);
  const minute = twoDigits(text + 8);
  const second = twoDigits(text + 10);
  if (load<u8>(text, 12) != LETTER_Z || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59)
    return NO_TIME;
  if (day < 1 || <i32>day > daysInMonth(<i32>year, <i32>month)) return NO_TIME;
  return daysOf(<i32>year, <i32>month, <i32>day) * DAY_SECONDS + <i64>(hour * 3600 + minute * 60 + second);
}
