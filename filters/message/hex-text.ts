// Converts packed digits and bytes to text, for BCD, track data and binary values.
const HEX_DIGITS: v128 = i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70);
const LOW_NIBBLES: u64 = 0x0f0f0f0f0f0f0f0f;
const SIXES: u64 = 0x0606060606060606;
const CARRIES: u64 = 0x1010101010101010;

/** Bytes that `writeHex` may read after its input and write after its output. */
export const HEX_SLACK_BYTES: u32 = 16;

/**
 * Writes two capital hexadecimal digits for each byte, eight bytes at a time. Not for secrets, since copies may stay in
 * memory.
 */
export function writeHex(from: usize, bytes: u32, to: usize): void {
  for (const end = from + bytes; from < end; from += 8, to += 16) {
    const low = v128.load64_zero(from);
    const pairs = i8x16.shuffle(
      i8x16.shr_u(low, 4),
      v128.and(low, i8x16.splat(15)),
      0,
      16,
      1,
      17,
      2,
      18,
      3,
      19,
      4,
      20,
      5,
      21,
      6,
      22,
      7,
      23,
    );
    v128.store(to, i8x16.swizzle(HEX_DIGITS, pairs));
  }
}

/** Value of a hexadecimal digit. 16 for any other byte. */
export function hexDigit(byte: u32): u32 {
  if (byte - 48 < 10) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter < 6 ? letter + 10 : 16;
}

/** Writes the bytes of an even number of hexadecimal digits. False if one is no digit. */
export function readHex(from: usize, digits: u32, to: usize): bool {
  for (const end = from + digits; from < end; from += 2, to++) {
    const high = hexDigit(load<u8>(from));
    const low = hexDigit(load<u8>(from, 1));
    if ((high | low) > 15) return false;
    store<u8>(to, (high << 4) | low);
  }
  return true;
}

/** Whether all nibbles of `bytes` bytes are decimal digits. */
export function areDigits(pointer: usize, bytes: u32): bool {
  let over: u64 = 0;
  for (; bytes >= 8; bytes -= 8, pointer += 8) {
    const word = load<u64>(pointer);
    over |= ((word & LOW_NIBBLES) + SIXES) | (((word >> 4) & LOW_NIBBLES) + SIXES);
  }
  for (; bytes != 0; bytes--, pointer++) {
    const byte = <u64>load<u8>(pointer);
    over |= ((byte & 15) + 6) | ((byte >> 4) + 6);
  }
  return (over & CARRIES) == 0;
}

/** Whether any byte is beyond ASCII. */
export function hasHighBytes(pointer: usize, length: u32): bool {
  let all: u64 = 0;
  for (; length >= 8; length -= 8, pointer += 8) all |= load<u64>(pointer);
  for (; length != 0; length--, pointer++) all |= load<u8>(pointer);
  return (all & 0x8080808080808080) != 0;
}

/**
 * Writes bytes as ISO/IEC 8859-1 characters in UTF-8. Returns the number of bytes written, at most two for each. A text
 * in GBK thus keeps its ISO 8583 length, which counts one character for each byte.
 */
export function writeLatin1(from: usize, length: u32, to: usize): u32 {
  const start = to;
  for (const end = from + length; from < end; from++) {
    const byte = <u32>load<u8>(from);
    if (byte < 0x80) store<u8>(to++, byte);
    else {
      store<u8>(to, 0xc0 | (byte >> 6));
      store<u8>(to, 0x80 | (byte & 63), 1);
      to += 2;
    }
  }
  return <u32>(to - start);
}
