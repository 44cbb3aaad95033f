import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';

const MAX_VERSION_DIGITS: u32 = 9;

/** Version that a `kid` (`keyId#version`, decimal, without leading zeros) of this key names. 0 for any other text. */
export function versionOf(keyId: Bytes, kid: usize, length: u32): u32 {
  const digits = length - keyId.length - 1;
  if (length < keyId.length + 2 || digits > MAX_VERSION_DIGITS) return 0;
  if (!keyId.equals(kid, keyId.length) || load<u8>(kid + keyId.length) != Ascii.Hash) return 0;
  const from = kid + keyId.length + 1;
  if (load<u8>(from) == Ascii.Zero) return 0;
  let version: u32 = 0;
  for (let i: u32 = 0; i < digits; i++) {
    const digit = <u32>load<u8>(from + i) - 48;
    if (digit > 9) return 0;
    version = version * 10 + digit;
  }
  return version;
}
