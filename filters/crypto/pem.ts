// PEM (RFC 7468): finds a block by its label and decodes it. Text around blocks is ignored, blocks with other labels are passed over.
// Inside a block: base64 in lines of any length, no headers (an old-style encrypted key has them and is refused).
import { decodeBase64 } from '../memory/base64';

const DASH: u8 = 0x2d;
const LINE_FEED: u8 = 0x0a;
const BEGIN: usize = memory.data<u8>([0x2d, 0x2d, 0x2d, 0x2d, 0x2d, 0x42, 0x45, 0x47, 0x49, 0x4e, 0x20]); // "-----BEGIN "
const END: usize = memory.data<u8>([0x2d, 0x2d, 0x2d, 0x2d, 0x2d, 0x45, 0x4e, 0x44, 0x20]); // "-----END "
const BEGIN_BYTES: u32 = 11;
const END_BYTES: u32 = 9;
const DASHES_BYTES: u32 = 5;

function startsWith(text: usize, end: usize, prefix: usize, bytes: u32): bool {
  return end - text >= <usize>bytes && memory.compare(text, prefix, bytes) == 0;
}

/** Whether `text` holds label and closing dashes. */
function hasLabel(text: usize, end: usize, label: usize, labelLength: u32): bool {
  return startsWith(text, end, label, labelLength) && startsWith(text + labelLength, end, BEGIN, DASHES_BYTES);
}

/** The character after the next line feed, or `end`. */
function nextLine(text: usize, end: usize): usize {
  while (text < end && load<u8>(text) != LINE_FEED) text++;
  return text < end ? text + 1 : end;
}

/** Copies the characters of a block that are not white space to `out` until a dash; returns how many. */
function gather(text: usize, end: usize, out: usize): u32 {
  let count: u32 = 0;
  for (; text < end; text++) {
    const character = load<u8>(text);
    if (character == DASH) break;
    if (character == 0x20 || (character >= 0x09 && character <= 0x0d)) continue;
    store<u8>(out + count, character);
    count++;
  }
  return count;
}

/** The closing line of the block that starts at `text`, or `end`. */
function closingLine(text: usize, end: usize): usize {
  while (text < end && load<u8>(text) != DASH) text++;
  return text;
}

/**
 * Decodes the first block with this label (ASCII) into `out`, which has room for `length` bytes. Returns the bytes written; -1 if there
 * is no such block, or it is malformed or empty.
 */
export function decodePem(text: usize, length: u32, label: usize, labelLength: u32, out: usize): i32 {
  const end = text + length;
  for (let line = text; line < end; line = nextLine(line, end)) {
    if (!startsWith(line, end, BEGIN, BEGIN_BYTES)) continue;
    if (!hasLabel(line + BEGIN_BYTES, end, label, labelLength)) continue;
    const body = nextLine(line, end);
    const closing = closingLine(body, end);
    if (!startsWith(closing, end, END, END_BYTES) || !hasLabel(closing + END_BYTES, end, label, labelLength)) return -1;
    const count = gather(body, closing, out);
    const decoded = decodeBase64(out, count, out);
    return decoded > 0 ? decoded : -1;
  }
  return -1;
}
