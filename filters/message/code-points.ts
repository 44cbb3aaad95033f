// Counts Unicode code points in well-formed UTF-8. Lengths of financial fields and positions in masked values are in
// code points.

/** Continuation bytes are -128 to -65 as signed numbers. */
const FIRST_NON_CONTINUATION: i8 = -64;

/** Number of code points. Processes 16 bytes at a time. */
export function codePoints(pointer: usize, length: u32): u32 {
  let count: u32 = 0;
  const end = pointer + length;
  for (; pointer + 16 <= end; pointer += 16) {
    count += 16 - <u32>popcnt(i8x16.bitmask(i8x16.lt_s(v128.load(pointer), i8x16.splat(FIRST_NON_CONTINUATION))));
  }
  for (; pointer < end; pointer++) if (load<i8>(pointer) >= FIRST_NON_CONTINUATION) count++;
  return count;
}

/** Address after the first `count` code points. `end` if there are fewer. */
export function skipCodePoints(pointer: usize, end: usize, count: u32): usize {
  for (; pointer < end; pointer++) {
    if (load<i8>(pointer) < FIRST_NON_CONTINUATION) continue;
    if (count == 0) break;
    count--;
  }
  return pointer;
}
