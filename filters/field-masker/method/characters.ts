// Characters as people count them: a code point with the marks that combine with it. Positions in values are in these.

/** Continuation bytes are -128 to -65 as signed numbers. */
const FIRST_NON_CONTINUATION: i8 = -64;
/** First byte of the first combining mark, U+0300. */
const FIRST_MARK_LEAD: u8 = 0xcc;

/** Address after the character at `at`, which is before `end`. */
export function nextCharacter(at: usize, end: usize): usize {
  at = nextPoint(at, end);
  while (at < end && load<u8>(at) >= FIRST_MARK_LEAD && isMark(at, end)) at = nextPoint(at, end);
  return at;
}

function nextPoint(at: usize, end: usize): usize {
  at++;
  while (at < end && load<i8>(at) < FIRST_NON_CONTINUATION) at++;
  return at;
}

/** Number of characters. */
export function characters(pointer: usize, end: usize): u32 {
  let count: u32 = 0;
  while (pointer < end) {
    pointer = nextCharacter(pointer, end);
    count++;
  }
  return count;
}

/** Address after the first `count` characters. `end` if there are fewer. */
export function skipCharacters(pointer: usize, end: usize, count: u32): usize {
  for (; count > 0 && pointer < end; count--) pointer = nextCharacter(pointer, end);
  return pointer;
}

/** The code point at `at`, of well-formed UTF-8. */
export function pointAt(at: usize, end: usize): u32 {
  const first = <u32>load<u8>(at);
  if (first < 0x80) return first;
  if (first < 0xe0) return at + 1 < end ? ((first & 31) << 6) | rest(at + 1) : first;
  if (first < 0xf0) return at + 2 < end ? ((first & 15) << 12) | (rest(at + 1) << 6) | rest(at + 2) : first;
  return at + 3 < end ? ((first & 7) << 18) | (rest(at + 1) << 12) | (rest(at + 2) << 6) | rest(at + 3) : first;
}

function rest(at: usize): u32 {
  return (<u32>load<u8>(at)) & 63;
}

/** Whether a combining mark, a variation selector, a tone of an emoji or a joiner stands there. */
function isMark(at: usize, end: usize): bool {
  const point = pointAt(at, end);
  if (point - 0x300 < 0x70) return true;
  if (point - 0x1ab0 < 0x50 || point - 0x1dc0 < 0x40 || point - 0x20d0 < 0x30) return true;
  if (point == 0x200d || point - 0xfe00 < 16 || point - 0xfe20 < 16 || point - 0x3099 < 2) return true;
  return point - 0x1f3fb < 5 || point - 0xe0100 < 240;
}
