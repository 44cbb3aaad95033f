// Strict DER reader (ITU-T X.690): one encoding for each value. It refuses indefinite and non-minimal lengths, tags of
// several bytes, negative or padded integers, bit strings with unused bits, and trailing bytes. One reader keeps its
// state in globals, so that reading creates no object. It never reads outside the input, never traps, and loops only
// over checked lengths.

/** Tags in use. */
export const DER_INTEGER: u32 = 0x02;
export const DER_BIT_STRING: u32 = 0x03;
export const DER_OCTET_STRING: u32 = 0x04;
export const DER_NULL: u32 = 0x05;
export const DER_OID: u32 = 0x06;
export const DER_SEQUENCE: u32 = 0x30;
/** [1], primitive. */
export const DER_IMPLICIT_1: u32 = 0x81;
/** [0] and [1], constructed. */
export const DER_CONTEXT_0: u32 = 0xa0;
export const DER_CONTEXT_1: u32 = 0xa1;

let cursor: usize = 0;
let limit: usize = 0; // end of the innermost open element

/** Length of the last element found by `derTake` or `derTakeBits`, bytes. */
export let derLength: u32 = 0;

/** Starts reading `length` bytes at `input`, which must not change until reading is done. */
export function derOpen(input: usize, length: u32): void {
  cursor = input;
  limit = input + length;
  derLength = 0;
}

/** Tag of the next element. 0 at the end of the open one. */
export function derPeek(): u32 {
  return cursor < limit ? <u32>load<u8>(cursor) : 0;
}

/** Whether the open element (or the input) has been read completely. */
export function derAtEnd(): bool {
  return cursor == limit;
}

/** Reads a length of one to four bytes into `derLength`. False if it is not minimal or exceeds the open element. */
function takeLength(): bool {
  if (cursor >= limit) return false;
  const first: u32 = load<u8>(cursor);
  cursor++;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count == 0 || count > 3 || <usize>count > limit - cursor) return false;
    length = 0;
    for (let i: u32 = 0; i < count; i++) length = (length << 8) | (<u32>load<u8>(cursor + i));
    cursor += count;
    if (length < 0x80 || length >> ((count - 1) << 3) == 0) return false;
  }
  if (<usize>length > limit - cursor) return false;
  derLength = length;
  return true;
}

/**
 * Takes the next element: returns the address of its content and sets `derLength`. 0 if its tag differs or it is
 * malformed.
 */
export function derTake(tag: u32): usize {
  if (derPeek() != tag || tag == 0) return 0;
  cursor++;
  if (!takeLength()) return 0;
  const content = cursor;
  cursor += derLength;
  return content;
}

/**
 * Opens the next element, so that reading continues inside it. Returns the argument for `derLeave`. 0 if its tag
 * differs or it is malformed.
 */
export function derEnter(tag: u32): usize {
  const content = derTake(tag);
  if (content == 0) return 0;
  const outer = limit;
  cursor = content;
  limit = content + derLength;
  return outer;
}

/** Closes an element. False if it was not read completely. */
export function derLeave(outer: usize): bool {
  const complete = cursor == limit;
  limit = outer;
  return complete;
}

/** Whether the next element is the integer `value`, 0 to 127. */
export function derTakeSmall(value: u8): bool {
  const content = derTake(DER_INTEGER);
  return content != 0 && derLength == 1 && load<u8>(content) == value;
}

/** Reads an integer from 0 to 2^256 - 1 and writes it to `out` as 32 big-endian bytes. */
export function derTakeNumber(out: usize): bool {
  let content = derTake(DER_INTEGER);
  let length = derLength;
  if (content == 0 || length == 0) return false;
  const first = load<u8>(content);
  if (first >= 0x80) return false;
  if (first == 0 && length > 1) {
    content++;
    length--;
    if (load<u8>(content) < 0x80) return false;
  }
  if (length > 32) return false;
  memory.fill(out, 0, 32 - length);
  memory.copy(out + 32 - length, content, length);
  return true;
}

/** Skips the remaining elements of the open one. False if one is malformed. */
export function derSkipRest(): bool {
  while (!derAtEnd()) if ((derPeek() & 0x1f) == 0x1f || derTake(derPeek()) == 0) return false;
  return true;
}

/** Steps over what is left in the open element without looking at it. */
export function derDropRest(): void {
  cursor = limit;
}

/** Address of what is read next. */
export function derHere(): usize {
  return cursor;
}

/** Like `derTake`, for a bit string of whole bytes, which may have another tag. */
export function derTakeBits(tag: u32 = DER_BIT_STRING): usize {
  const content = derTake(tag);
  if (content == 0 || derLength == 0 || load<u8>(content) != 0) return 0;
  derLength--;
  return content + 1;
}

/** Whether the next element is the object identifier with these `length` bytes of content. */
export function derTakeOid(content: usize, length: u32): bool {
  const found = derTake(DER_OID);
  return found != 0 && derLength == length && memory.compare(found, content, length) == 0;
}

/** Writes tag and length. Returns the address after them. `length` is below 2^24. */
export function derPutHeader(out: usize, tag: u32, length: u32): usize {
  store<u8>(out, <u8>tag);
  if (length < 0x80) {
    store<u8>(out, <u8>length, 1);
    return out + 2;
  }
  const count: u32 = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  store<u8>(out, <u8>(0x80 | count), 1);
  for (let i: u32 = 0; i < count; i++) store<u8>(out + 2 + i, <u8>(length >> ((count - 1 - i) << 3)));
  return out + 2 + count;
}

/** Length of a header for `length` bytes of content. */
export function derHeaderBytes(length: u32): u32 {
  return length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : 5;
}

/** Number of leading bytes (0 to 31) of a 32-byte number that its integer omits. */
function leadingZeros(number: usize): u32 {
  let zeros: u32 = 0;
  while (zeros < 31 && load<u8>(number + zeros) == 0) zeros++;
  return zeros;
}

/** Number of bytes that `derPutNumber` writes: 3 to 35. */
export function derNumberBytes(number: usize): u32 {
  const zeros = leadingZeros(number);
  return 34 - zeros + ((<u32>load<u8>(number + zeros)) >> 7);
}

/**
 * Writes 32 big-endian bytes as an integer. Returns the address after it. For public numbers, because the length
 * depends on them.
 */
export function derPutNumber(out: usize, number: usize): usize {
  const zeros = leadingZeros(number);
  const padding: u32 = (<u32>load<u8>(number + zeros)) >> 7;
  out = derPutHeader(out, DER_INTEGER, 32 - zeros + padding);
  if (padding != 0) store<u8>(out, 0);
  memory.copy(out + padding, number + zeros, 32 - zeros);
  return out + padding + 32 - zeros;
}
