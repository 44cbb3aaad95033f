// Times as records have them: RFC 3339 in UTC with nanoseconds. The second is written once for all records of it.
const SECOND_NANOS: u64 = 1_000_000_000;
const DAY_SECONDS: u64 = 86_400;
/** `2026-11-30T09:05:00.123456789Z` */
export const OP_TIME_BYTES: u32 = 30;

const TEXT: usize = memory.data(32, 8);
let writtenSecond: u64 = u64.MAX_VALUE;

/** Address of the text of a time, OP_TIME_BYTES long, valid until the next call. `nanos`: since 1970. */
export function opTime(nanos: u64): usize {
  const second = nanos / SECOND_NANOS;
  if (second != writtenSecond) {
    writtenSecond = second;
    writeSecond(second);
  }
  writeDigits(TEXT + 20, <u32>(nanos % SECOND_NANOS), 9);
  return TEXT;
}

function writeSecond(second: u64): void {
  const ofDay = <u32>(second % DAY_SECONDS);
  writeDate(<u32>(second / DAY_SECONDS));
  store<u8>(TEXT, 84, 10); // T
  writeDigits(TEXT + 11, ofDay / 3600, 2);
  store<u8>(TEXT, 58, 13);
  writeDigits(TEXT + 14, (ofDay / 60) % 60, 2);
  store<u8>(TEXT, 58, 16);
  writeDigits(TEXT + 17, ofDay % 60, 2);
  store<u8>(TEXT, 46, 19);
  store<u8>(TEXT, 90, 29); // Z
}

/** Days since 1970 as a date: years that begin in March, so that the leap day is their last. */
function writeDate(days: u32): void {
  const shifted = days + 719_468;
  const era = shifted / 146_097;
  const ofEra = shifted % 146_097;
  const yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365;
  const ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const march = (5 * ofYear + 2) / 153;
  const month = march < 10 ? march + 3 : march - 9;
  writeDigits(TEXT, yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 4);
  store<u8>(TEXT, 45, 4);
  writeDigits(TEXT + 5, month, 2);
  store<u8>(TEXT, 45, 7);
  writeDigits(TEXT + 8, ofYear - (153 * march + 2) / 5 + 1, 2);
}

function writeDigits(at: usize, value: u32, digits: u32): void {
  for (let i: i32 = <i32>digits - 1; i >= 0; i--) {
    store<u8>(at + i, <u8>(48 + (value % 10)));
    value /= 10;
  }
}
