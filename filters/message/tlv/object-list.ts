// Data object lists (EMV Book 3, section 5.4): what a card asks a terminal for.

/** Most bytes that one object of a list may ask for. */
const LARGEST_OBJECT_BYTES: u32 = 252;
/** No list. */
export const NO_OBJECT_LIST: i32 = -1;

/**
 * Bytes of the data that a list describes: the sum of its lengths; -1 if the bytes are not pairs of a tag (two bytes at
 * most) and one byte of length. What a terminal sends for CDOL1 (8C) must have as many bytes.
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
