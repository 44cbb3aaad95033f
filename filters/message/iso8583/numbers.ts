// Numbers of a message's frame: lengths, message type, header lengths.
import { ASCII_OF_EBCDIC } from './ebcdic';
import { IsoEncoding } from './spec';

/** Not a number. */
export const NO_NUMBER: i32 = -1;

/** Encoded length of a number with `digits` decimal digits, bytes. */
// @ts-ignore: decorator
@inline
export function numberBytes(encoding: IsoEncoding, digits: u32): u32 {
  return encoding == IsoEncoding.Bcd || encoding == IsoEncoding.Binary ? (digits + 1) >> 1 : digits;
}

/** A number of at most four `digits`. -1 if it is invalid. Binary and BCD take as many bytes as the digits need. */
export function readNumber(encoding: IsoEncoding, pointer: usize, digits: u32): i32 {
  let value = 0;
  if (encoding == IsoEncoding.Binary)
    return digits > 2 ? ((<i32>load<u8>(pointer)) << 8) | load<u8>(pointer, 1) : load<u8>(pointer);
  const bytes = numberBytes(encoding, digits);
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (encoding == IsoEncoding.Bcd) {
      if (byte > 0x99 || (byte & 15) > 9) return NO_NUMBER;
      value = value * 100 + (byte >> 4) * 10 + (byte & 15);
    } else {
      const digit = <u32>(encoding == IsoEncoding.Ebcdic ? load<u8>(ASCII_OF_EBCDIC + byte) : <u8>byte) - 48;
      if (digit > 9) return NO_NUMBER;
      value = value * 10 + digit;
    }
  }
  return value;
}
