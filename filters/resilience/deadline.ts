// How much time a request has, as its headers say it. Pure.

/** Digits of a time in a header; more are no time. */
const MAX_TIME_DIGITS: u32 = 10;
const DIGIT_ZERO: u32 = 48;

/** Milliseconds of `x-fim-deadline`; negative: it is none. */
export function readMillis(pointer: usize, length: u32): i64 {
  if (length == 0 || length > MAX_TIME_DIGITS) return -1;
  let total: i64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(pointer + i) - DIGIT_ZERO;
    if (digit > 9) return -1;
    total = total * 10 + digit;
  }
  return total;
}

/** Whole milliseconds of `grpc-timeout`: digits and a unit of H, M, S, m, u, n; negative: it is none. */
export function readGrpcTimeout(pointer: usize, length: u32): i64 {
  if (length < 2) return -1;
  const count = readMillis(pointer, length - 1);
  if (count < 0) return -1;
  switch (load<u8>(pointer + length - 1)) {
    case 72: // H
      return count * 3_600_000;
    case 77: // M
      return count * 60_000;
    case 83: // S
      return count * 1000;
    case 109: // m
      return count;
    case 117: // u
      return count / 1000;
    case 110: // n
      return count / 1_000_000;
    default:
      return -1;
  }
}
