// The collector's answer. It is trusted no more than that a wrong answer costs a repetition.
import { Bytes } from '../memory/bytes';
import { HeaderMap } from '../runtime/abi';
import { readHeader, resultLength, resultPointer } from '../runtime/host';
import { LONGEST_RETRY_AFTER_MS } from './pace';
import { ACKNOWLEDGED } from './record.gen';

const RETRY_AFTER: Bytes = Bytes.from('retry-after');

const QUOTE: u8 = 34;
const COLON: u8 = 58;
const BLANK: u8 = 32;
/** Digits that fit a number of a record. */
const MAX_DIGITS: u32 = 16;

/** The number in `{"acknowledged": N}`. 0: there is none. */
export function readAcknowledged(pointer: usize, length: u32): u64 {
  const name = ACKNOWLEDGED;
  const bytes = <u32>name.length;
  if (length < bytes + 4) return 0;
  for (let i: u32 = 0; i + bytes + 3 < length; i++) {
    if (load<u8>(pointer + i) != QUOTE || load<u8>(pointer + i + bytes + 1) != QUOTE) continue;
    let same = true;
    for (let j: u32 = 0; j < bytes && same; j++) same = <i32>load<u8>(pointer + i + 1 + j) == name.charCodeAt(<i32>j);
    if (!same) continue;
    let at = i + bytes + 2;
    while (at < length && (load<u8>(pointer + at) == BLANK || load<u8>(pointer + at) == COLON)) at++;
    return readDigits(pointer + at, length - at);
  }
  return 0;
}

/** Whole seconds of a `retry-after`. 0: it is a date, or no number. */
function readSeconds(pointer: usize, length: u32): u64 {
  return readDigits(pointer, length);
}

/** Pause that the collector asks for, bounded, milliseconds. 0: none. */
export function retryAfterMs(): u64 {
  if (!readHeader(HeaderMap.HttpCallResponseHeaders, RETRY_AFTER.pointer, RETRY_AFTER.length)) return 0;
  return min(readSeconds(resultPointer(), resultLength()) * 1000, LONGEST_RETRY_AFTER_MS);
}

function readDigits(pointer: usize, length: u32): u64 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < min(length, MAX_DIGITS); i++) {
    const digit = <u32>load<u8>(pointer + i) - 48;
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}
