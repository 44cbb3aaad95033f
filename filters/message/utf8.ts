// UTF-8 validation, 16 bytes at a time: three nibble look-ups classify every pair of adjacent bytes (J. Keiser, D.
// Lemire, "Validating UTF-8 in less than one instruction per byte", 2021). As RFC 3629 requires, it refuses overlong
// forms, surrogates, values above U+10FFFF, and stray or missing continuations.

// Bits of the classification: errors of a pair of bytes.
const TOO_SHORT: u8 = 1;
const TOO_LONG: u8 = 2;
const OVERLONG_3: u8 = 4;
const TOO_LARGE: u8 = 8;
const SURROGATE: u8 = 16;
const OVERLONG_2: u8 = 32;
const TOO_LARGE_1000: u8 = 64;
const TWO_CONTINUATIONS: u8 = 128;
const CARRY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

const FIRST_HIGH: usize = memory.data<u8>(
  [
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000,
  ],
  16,
);
const FIRST_LOW: usize = memory.data<u8>(
  [
    CARRY | OVERLONG_3 | OVERLONG_2 | TOO_LARGE_1000,
    CARRY | OVERLONG_2,
    CARRY,
    CARRY,
    CARRY | TOO_LARGE,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
  ],
  16,
);
const SECOND_HIGH: usize = memory.data<u8>(
  [
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE_1000,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
  ],
  16,
);
/** A block whose last bytes exceed these values ends inside a character. */
const COMPLETE_MAXIMUM: usize = memory.data<u8>(
  [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0xef, 0xdf, 0xbf],
  16,
);
/** The last, partial block, padded with zeros. */
const TAIL: usize = memory.data(16, 16);

/** Errors (non-zero lanes) of `input`, given the 16 bytes before it. */
// @ts-ignore: decorator
@inline
function blockErrors(input: v128, previous: v128): v128 {
  const before1 = i8x16.shuffle(previous, input, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  const before2 = i8x16.shuffle(previous, input, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const before3 = i8x16.shuffle(previous, input, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
  const special = v128.and(
    v128.and(
      i8x16.swizzle(v128.load(FIRST_HIGH), i8x16.shr_u(before1, 4)),
      i8x16.swizzle(v128.load(FIRST_LOW), v128.and(before1, i8x16.splat(15))),
    ),
    i8x16.swizzle(v128.load(SECOND_HIGH), i8x16.shr_u(input, 4)),
  );
  const third = i8x16.sub_sat_u(before2, i8x16.splat(<i8>(0xe0 - 0x80)));
  const fourth = i8x16.sub_sat_u(before3, i8x16.splat(<i8>(0xf0 - 0x80)));
  return v128.xor(v128.and(v128.or(third, fourth), i8x16.splat(<i8>0x80)), special);
}

/** Whether all bytes are below 0x80. */
function isAscii(pointer: usize, end: usize): bool {
  while (pointer + 64 <= end) {
    const low = v128.or(v128.load(pointer), v128.load(pointer, 16));
    const high = v128.or(v128.load(pointer, 32), v128.load(pointer, 48));
    if (i8x16.bitmask(v128.or(low, high)) != 0) return false;
    pointer += 64;
  }
  while (pointer + 16 <= end) {
    if (i8x16.bitmask(v128.load(pointer)) != 0) return false;
    pointer += 16;
  }
  for (; pointer < end; pointer++) if (load<u8>(pointer) >= 0x80) return false;
  return true;
}

/** Address of the first byte that is not ASCII. `end` if all are. */
export function firstNonAscii(pointer: usize, end: usize): usize {
  if (isAscii(pointer, end)) return end;
  while (pointer < end && load<u8>(pointer) < 0x80) pointer++;
  return pointer;
}

/** Whether the bytes are well-formed UTF-8 (RFC 3629). Linear; about 0.1 ns a byte in ASCII. */
export function isUtf8(pointer: usize, length: u32): bool {
  const end = pointer + length;
  if (isAscii(pointer, end)) return true;
  let errors = i8x16.splat(0);
  let previous = i8x16.splat(0);
  while (pointer + 16 <= end) {
    const input = v128.load(pointer);
    errors = v128.or(errors, blockErrors(input, previous));
    previous = input;
    pointer += 16;
  }
  v128.store(TAIL, i8x16.splat(0));
  memory.copy(TAIL, pointer, end - pointer);
  const tail = v128.load(TAIL);
  errors = v128.or(errors, blockErrors(tail, previous));
  errors = v128.or(errors, i8x16.sub_sat_u(tail, v128.load(COMPLETE_MAXIMUM)));
  return !v128.any_true(errors);
}

/** Length of the well-formed character at `pointer`. 0 if there is none before `end`. */
export function utf8Length(pointer: usize, end: usize): u32 {
  const first = <u32>load<u8>(pointer);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length: u32 = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (pointer + length > end) return 0;
  const second = <u32>load<u8>(pointer, 1);
  const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i: u32 = 2; i < length; i++) if ((load<u8>(pointer + i) & 0xc0) != 0x80) return 0;
  return length;
}

/**
 * Offset of the first byte that is not part of well-formed UTF-8. `length` if all are. Slow and exact, for error
 * messages.
 */
export function firstInvalidUtf8(pointer: usize, length: u32): u32 {
  const end = pointer + length;
  let at = pointer;
  while (at < end) {
    const bytes = utf8Length(at, end);
    if (bytes == 0) break;
    at += bytes;
  }
  return <u32>(at - pointer);
}
