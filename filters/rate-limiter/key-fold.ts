// Folds as readers do before they compare: white space around a text, decimal digits of any script, and underscores
// between digits.

/** First code points of the runs of ten decimal digits (Nd) of Unicode 17, ascending, without ASCII. */
const ZEROS: usize = memory.data<u32>([
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
  0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
  0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
  0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50,
  0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec,
  0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
]);
const ZEROS_COUNT: u32 = 76;

const UNDERSCORE: u8 = 95;
const ZERO: u32 = 48;
/** Most bytes of a character. */
const CHARACTER_BYTES: u32 = 4;

let pointBytes: usize = 0;

/** Code point at `at`, `pointBytes` bytes. A byte that begins no character stands for itself. */
function pointAt(at: usize, end: usize): u32 {
  const lead = <u32>load<u8>(at);
  pointBytes = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (pointBytes == 1 || at + pointBytes > end) {
    pointBytes = 1;
    return lead;
  }
  let point = lead & (0xff >> (<u32>pointBytes + 1));
  for (let i: usize = 1; i < pointBytes; i++) point = (point << 6) | ((<u32>load<u8>(at + i)) & 63);
  return point;
}

/** Whether a reader may take the character for white space, or for nothing, at the ends of a text. */
function isBlank(point: u32): bool {
  if (point <= 32) return true;
  if (point < 0x1680) return point - 0x7f <= 0x21 && (point == 0x7f || point == 0x85 || point == 0xa0);
  // U+2000 to U+200F (spaces, zero-width characters, marks of direction), U+2028 to U+202F, U+205F to U+2064
  if (point - 0x2000 <= 15 || point - 0x2028 <= 7 || point - 0x205f <= 5) return true;
  return point == 0x1680 || point == 0x180e || point == 0x3000 || point == 0xfeff;
}

/** Address behind the white space at the start of the text. */
export function skipBlanks(at: usize, end: usize): usize {
  while (at < end && isBlank(pointAt(at, end))) at += pointBytes;
  return at;
}

/** Address of the white space at the end of the text. */
export function trimBlanks(text: usize, end: usize): usize {
  while (end > text) {
    let start = end - 1;
    while (start > text && end - start < CHARACTER_BYTES && (load<u8>(start) & 0xc0) == 0x80) start--;
    if (!isBlank(pointAt(start, end)) || start + pointBytes != end) break;
    end = start;
  }
  return end;
}

/** The decimal digit that a code point is. A value above 9 for any other. */
function digitOf(point: u32): u32 {
  if (point < 0x660) return point - ZERO;
  let from: u32 = 0;
  let to = ZEROS_COUNT;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (load<u32>(ZEROS + ((<usize>middle) << 2)) <= point) from = middle + 1;
    else to = middle;
  }
  return point - load<u32>(ZEROS + ((<usize>(from - 1)) << 2));
}

/** Whether `foldDigits` would change the text. */
export function isFoldable(at: usize, end: usize): bool {
  for (; at < end; at++) if (load<u8>(at) >= 0x80 || load<u8>(at) == UNDERSCORE) return true;
  return false;
}

/**
 * Writes the text with ASCII digits, and without single underscores between digits. Returns the address behind it,
 * which is never longer than the text.
 */
export function foldDigits(at: usize, end: usize, to: usize): usize {
  let isBehindDigit = false;
  while (at < end) {
    const digit = digitOf(pointAt(at, end));
    const bytes = pointBytes;
    if (digit < 10) store<u8>(to++, <u8>(ZERO + digit));
    else if (!isBehindDigit || load<u8>(at) != UNDERSCORE || at + 1 >= end || digitOf(pointAt(at + 1, end)) >= 10) {
      memory.copy(to, at, bytes);
      to += bytes;
    }
    isBehindDigit = digit < 10;
    at += bytes;
  }
  return to;
}
