// Text that can break no line, cell or terminal.
import { isUtf8 } from '../message/utf8';

const QUESTION: u8 = 63;
const BLANK: u8 = 32;
const DELETE: u8 = 127;

/**
 * Copies text with `?` in the place of each byte of what terminals and editors obey: control characters (C0, DEL, C1),
 * line and paragraph separators, marks of direction, and of bytes above 127 if the text is no UTF-8.
 */
export function copyPlain(to: usize, from: usize, length: u32): void {
  const text = isUtf8(from, length);
  for (let i: u32 = 0; i < length;) {
    const byte = load<u8>(from + i);
    const hostile = byte < 128 ? (byte < BLANK || byte == DELETE ? 1 : 0) : text ? obeyed(from + i) : 1;
    if (hostile == 0) {
      store<u8>(to + i, byte);
      i++;
    } else for (const end = i + hostile; i < end; i++) store<u8>(to + i, QUESTION);
  }
}

/** Bytes of the character, if it is one that is obeyed, else 0. It is well-formed and no ASCII. */
function obeyed(at: usize): u32 {
  const first = load<u8>(at);
  if (first == 0xc2) return load<u8>(at, 1) < 0xa0 ? 2 : 0;
  if (first == 0xd8) return load<u8>(at, 1) == 0x9c ? 2 : 0; // ALM
  if (first == 0xef) return load<u8>(at, 1) == 0xbb && load<u8>(at, 2) == 0xbf ? 3 : 0;
  if (first != 0xe2) return 0;
  const last = load<u8>(at, 2);
  if (load<u8>(at, 1) == 0x80) return last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae) ? 3 : 0;
  return load<u8>(at, 1) == 0x81 && last >= 0xa6 && last <= 0xa9 ? 3 : 0;
}
