// Data object lists (EMV Book 3, section 5.4): the data that a card requests from a terminal.

/** Most bytes that one object of a list may request. */
const LARGEST_OBJECT_BYTES: u32 = 252;
/** Not a list. */
export const NO_OBJECT_LIST: i32 = -1;

/**
 * Length of the data that a list describes: the sum of its lengths. -1 if the bytes are not pairs of a tag (at most two
 * bytes) and a one-byte length. A terminal's data for CDOL1 (8C) must have this length.
 */
export function describedBytes(pointer: usize, length: u32): i32 {
  const end = pointer + length;
  let sum: u32 = 0;
  while (pointer < end) {
    const first = load<u8>(pointer++);
    if ((first & 0x1f) == 0x1f) {
      if (pointer >= end || load<u8>(pointer) >= 0x80) return NO_OBJECT_LIST;
      pointer++;
    }
    if (pointer >= end) return NO_OBJECT_LIST;
    const bytes = <u32>load<u8>(pointer++);
    if (bytes > LARGEST_OBJECT_BYTES) return NO_OBJECT_LIST;
    sum += bytes;
  }
  return sum;
}
