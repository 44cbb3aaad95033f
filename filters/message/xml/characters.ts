// Characters that XML allows (XML 1.0, 2.2): all of Unicode except controls below U+0020 other than tab, line feed and
// carriage return, and except U+FFFE and U+FFFF. UTF-8 has no surrogates.
import { Ascii } from '../../memory/ascii';

/** U+FFFE is EF BF BE, U+FFFF is EF BF BF. */
const NONCHARACTER: u8 = 0xef;

/**
 * Address of the first character that XML does not allow. `end` if there is none. The text is well-formed UTF-8, and 15
 * bytes after it may be read.
 */
export function firstForbidden(p: usize, end: usize): usize {
  const space = i8x16.splat(32);
  const lead = i8x16.splat(<i8>NONCHARACTER);
  while (p < end) {
    const bytes = v128.load(p);
    let odd = i8x16.bitmask(v128.or(i8x16.lt_u(bytes, space), i8x16.eq(bytes, lead)));
    while (odd != 0) {
      const at = p + ctz(odd);
      if (at >= end) return end;
      if (isForbidden(at)) return at;
      odd &= odd - 1;
    }
    p += 16;
  }
  return end;
}

function isForbidden(at: usize): bool {
  const byte = load<u8>(at);
  if (byte == NONCHARACTER) return load<u8>(at, 1) == 0xbf && load<u8>(at, 2) >= 0xbe;
  return byte != Ascii.LineFeed && byte != Ascii.CarriageReturn && byte != Ascii.Tab;
}
