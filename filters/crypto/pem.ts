// Reads PEM (RFC 7468) block by block. It ignores text around blocks: bag attributes, text dumps of certificates, blank
// lines, a byte order mark, white space before a line. A block is base64 in lines of any length without headers (an
// old-style encrypted key has them and is refused).
import { decodeBase64 } from '../memory/base64';

const DASH: u8 = 0x2d;
const LINE_FEED: u8 = 0x0a;
const BEGIN: usize = memory.data<u8>([0x2d, 0x2d, 0x2d, 0x2d, 0x2d, 0x42, 0x45, 0x47, 0x49, 0x4e, 0x20]); // "-----BEGIN "
const END: usize = memory.data<u8>([0x2d, 0x2d, 0x2d, 0x2d, 0x2d, 0x45, 0x4e, 0x44, 0x20]); // "-----END "
const BEGIN_BYTES: u32 = 11;
const END_BYTES: u32 = 9;
const DASHES_BYTES: u32 = 5;
const BYTE_ORDER_MARK: u32 = 0xbfbbef;

let cursor: usize = 0;
let limit: usize = 0;
let label: usize = 0;
let labelLength: u32 = 0;
let body: usize = 0;
let bodyEnd: usize = 0; // 0: the block is malformed

/** Whether a character is white space. */
export function isSpace(character: u8): bool {
  return character == 0x20 || (character >= 0x09 && character <= 0x0d);
}

function startsWith(text: usize, prefix: usize, bytes: u32): bool {
  return limit - text >= <usize>bytes && memory.compare(text, prefix, bytes) == 0;
}

/** First character of a line that is not white space. */
function skipSpace(text: usize): usize {
  while (text < limit && isSpace(load<u8>(text))) text++;
  return text;
}

/** Address after the next line feed, or the end. */
function nextLine(text: usize): usize {
  while (text < limit && load<u8>(text) != LINE_FEED) text++;
  return text < limit ? text + 1 : limit;
}

/** Address of the next dash, or the end. */
function nextDash(text: usize): usize {
  while (text < limit && load<u8>(text) != DASH) text++;
  return text;
}

/** Starts reading a text, which must not change until reading is done. */
export function pemOpen(text: usize, length: u32): void {
  cursor = text;
  limit = text + length;
  if (length > 3 && (load<u32>(text) & 0xffffff) == BYTE_ORDER_MARK) cursor += 3;
}

/** Finds the next block. False if there is none. */
export function pemNext(): bool {
  for (; cursor < limit; cursor = nextLine(cursor)) {
    const line = skipSpace(cursor);
    cursor = line;
    if (!startsWith(line, BEGIN, BEGIN_BYTES)) continue;
    label = line + BEGIN_BYTES;
    labelLength = <u32>(nextDash(label) - label);
    body = nextLine(label);
    cursor = nextDash(body);
    const closed =
      startsWith(label + labelLength, BEGIN, DASHES_BYTES) &&
      startsWith(cursor, END, END_BYTES) &&
      startsWith(cursor + END_BYTES, label, labelLength + DASHES_BYTES);
    bodyEnd = closed ? cursor : 0;
    if (closed) cursor += END_BYTES + labelLength + DASHES_BYTES;
    return true;
  }
  return false;
}

/** Whether a text has a block. */
export function hasPem(text: usize, length: u32): bool {
  pemOpen(text, length);
  return pemNext();
}

/** Whether the block's label ends with these words (ASCII). */
export function pemIs(words: usize, bytes: u32): bool {
  return labelLength >= bytes && memory.compare(label + labelLength - bytes, words, bytes) == 0;
}

/**
 * Decodes the block into `out`, which has room for the text. Returns the number of bytes, or -1 if it is malformed or
 * empty.
 */
export function pemDecode(out: usize): i32 {
  if (bodyEnd == 0) return -1;
  const count = withoutSpace(body, <u32>(bodyEnd - body), out);
  const decoded = decodeBase64(out, count, out);
  return decoded > 0 ? decoded : -1;
}

/** Copies all characters but white space. Returns their number. */
export function withoutSpace(text: usize, length: u32, out: usize): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const character = load<u8>(text + i);
    if (isSpace(character)) continue;
    store<u8>(out + count, character);
    count++;
  }
  return count;
}
