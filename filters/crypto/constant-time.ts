// Operations for all code that handles secrets: comparison without early exit, and wiping.

/** Whether two ranges are equal. Reads all bytes; the time depends on the length only. */
export function equalConstantTime(a: usize, b: usize, length: u32): bool {
  let difference: u32 = 0;
  for (let i: u32 = 0; i < length; i++) difference |= load<u8>(a + i) ^ load<u8>(b + i);
  return difference == 0;
}

/** Overwrites secrets with zeros. Stores to linear memory are observable by the host, so no optimiser may drop them. */
export function wipe(pointer: usize, length: u32): void {
  const whole = length & ~15;
  clear(pointer, whole);
  for (let i = whole; i < length; i++) store<u8>(pointer + i, 0);
}

/** `wipe` for a multiple of 16 bytes. Inlined, because calling `memory.fill` costs more than filling a short range. */
// @ts-ignore: decorator
@inline
export function clear(pointer: usize, length: u32): void {
  const zero = i64x2.splat(0);
  for (const end = pointer + length; pointer < end; pointer += 16) v128.store(pointer, zero);
}

/** 0xffffffff if the values are equal, else 0. */
// @ts-ignore: decorator
@inline
export function maskIfEqual(a: u32, b: u32): u32 {
  const difference = a ^ b;
  return ((difference | (0 - difference)) >> 31) - 1;
}

/** 0xffffffff if a < b, else 0; both below 2^31. */
// @ts-ignore: decorator
@inline
export function maskIfLess(a: u32, b: u32): u32 {
  return <u32>((<i32>(a - b)) >> 31);
}
