// Times of signing, as texts.
import { Ascii } from '../memory/ascii';
import { NO_TIME, parseTimestamp } from '../keys/timestamp';
import { Writer } from '../memory/writer';
import { SignatureTimeFormat } from './config.gen';

/** China Standard Time is ahead of UTC by this. */
const CHINA_MS: i64 = 8 * 3600 * 1000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/** A time of China with its offset: `YYYY-MM-DDThh:mm:ss+08:00`, as RFC 3339 has it. */
const RFC: usize = memory.data<u8>([
  48, 48, 48, 48, 45, 48, 48, 45, 48, 48, 84, 48, 48, 58, 48, 48, 58, 48, 48, 43, 48, 56, 58, 48, 48,
]);
const RFC_LENGTH: u32 = 25;
/** Places of its parts, and their digits: year, month, day, hour, minute, second. */
const PLACES: StaticArray<u32> = [0, 5, 8, 11, 14, 17];

/** The time that a text of the format gives, in milliseconds of Unix time; -1 for any other text. */
export function parseSigningTime(format: SignatureTimeFormat, text: usize, length: u32): i64 {
  if (format == SignatureTimeFormat.China) return parseChina(text, length);
  if (format == SignatureTimeFormat.ChinaCompact) return parseCompact(text, length);
  return parseUnix(text, length);
}

/** 10 digits (seconds) or 13 (milliseconds). */
function parseUnix(text: usize, length: u32): i64 {
  if (length != 10 && length != 13) return -1;
  let value: i64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(text + i) - 48;
    if (digit > 9) return -1;
    value = value * 10 + digit;
  }
  return length == 10 ? value * 1000 : value;
}

/** `2026-11-30 09:30:15`. */
function parseChina(text: usize, length: u32): i64 {
  if (length != 19 || load<u8>(text, 10) != Ascii.Space) return -1;
  memory.copy(RFC, text, 19);
  store<u8>(RFC, 84, 10);
  return ofChina();
}

/** `20261130093015`. */
function parseCompact(text: usize, length: u32): i64 {
  if (length != 14) return -1;
  memory.copy(RFC, text, 4);
  store<u8>(RFC, 45, 4);
  store<u8>(RFC, 45, 7);
  store<u8>(RFC, 84, 10);
  store<u8>(RFC, 58, 13);
  store<u8>(RFC, 58, 16);
  for (let i = 1; i < PLACES.length; i++) store<u16>(RFC + unchecked(PLACES[i]), load<u16>(text + 2 + 2 * i));
  return ofChina();
}

function ofChina(): i64 {
  const time = parseTimestamp(RFC, RFC_LENGTH);
  return time == NO_TIME || time < 0 ? -1 : time;
}

/** Writes a time, milliseconds of Unix time, in the format. */
export function writeSigningTime(format: SignatureTimeFormat, ms: i64, out: Writer): void {
  if (format == SignatureTimeFormat.UnixMillis) return out.decimal(ms);
  if (format == SignatureTimeFormat.UnixSeconds) return out.decimal(ms / 1000);
  const compact = format == SignatureTimeFormat.ChinaCompact;
  const local = ms + CHINA_MS;
  writeDate(local / DAY_MS, compact, out);
  if (!compact) out.byte(32);
  const second = <u32>((local % DAY_MS) / 1000);
  twoDigits(second / 3600, out);
  if (!compact) out.byte(58);
  twoDigits((second / 60) % 60, out);
  if (!compact) out.byte(58);
  twoDigits(second % 60, out);
}

/** The day so many days after 1970-01-01, in the Gregorian calendar, by years that begin in March. */
function writeDate(days: i64, compact: bool, out: Writer): void {
  const shifted = days + 719_468;
  const era = shifted / 146_097;
  const dayOfEra = <u32>(shifted % 146_097);
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const fromMarch = (5 * dayOfYear + 2) / 153;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = <u32>(era * 400) + yearOfEra + (month <= 2 ? 1 : 0);
  twoDigits(year / 100, out);
  twoDigits(year % 100, out);
  if (!compact) out.byte(45);
  twoDigits(month, out);
  if (!compact) out.byte(45);
  twoDigits(dayOfYear - (153 * fromMarch + 2) / 5 + 1, out);
}

function twoDigits(value: u32, out: Writer): void {
  out.byte(<u8>(48 + value / 10));
  out.byte(<u8>(48 + (value % 10)));
}
