import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';

const SCHEME: Bytes = Bytes.from('kms://');

/**
 * Whether a key id is `kms://` and a path of letters, digits, `.`, `_`, `-` in parts separated by single `/`. No part
 * may be `.` or `..`.
 */
export function isKeyId(id: Bytes): bool {
  const length = id.length;
  if (length <= SCHEME.length || !SCHEME.equals(id.pointer, SCHEME.length)) return false;
  let part: u32 = 0;
  let dots: u32 = 0;
  for (let i = SCHEME.length; i <= length; i++) {
    const byte = i < length ? load<u8>(id.pointer + i) : 47;
    if (byte == Ascii.Slash) {
      if (part == 0 || (dots == part && part <= 2)) return false;
      part = 0;
      dots = 0;
      continue;
    }
    const isLetter = (byte | 32) - 97 < 26;
    if (!isLetter && byte - 48 > 9 && byte != Ascii.Point && byte != Ascii.Underscore && byte != Ascii.Minus)
      return false;
    part++;
    if (byte == Ascii.Point) dots++;
  }
  return true;
}
