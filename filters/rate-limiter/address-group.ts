// The group of addresses that share a bucket: the first bits of an IPv4 or IPv6 address.
import { scratch } from '../memory/scratch';
import { addressKey } from '../runtime/client-address';

const COLON: u8 = 58;
const DOT: u8 = 46;
const OPEN: u8 = 91;
const CLOSE: u8 = 93;
const UPPER_A: u8 = 65;
const UPPER_F: u8 = 70;
const LOWER: u8 = 32;

/**
 * Writes the group of an address, with or without brackets, to `to`: nine bytes, the number of bits and the bits. 0: it is
 * no address. An IPv4 address that is written as IPv6 is the same client. A port does not count: some proxies add the
 * client's to their entry, and it is another one for each connection.
 */
export function addressGroup(address: usize, length: u32, ipv4Prefix: u32, ipv6Prefix: u32, to: usize): u32 {
  if (length > 2 && load<u8>(address) == OPEN) {
    address++;
    length = lengthBefore(CLOSE, address, length - 1);
  }
  let colon: u32 = 0;
  let isV4 = false;
  let isV6 = false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(address + i);
    isV4 = isV4 || byte == DOT;
    if (byte != COLON) continue;
    if (isV4) {
      length = i;
      break;
    }
    isV6 = true;
    colon = i + 1;
  }
  if (isV4 && isV6) {
    address += colon;
    length -= colon;
    isV6 = false;
  }
  if (length == 0 || length > 64 || isV4 == isV6) return 0;
  const text = scratch.allocate(length + 4);
  if (text == 0) return 0;
  let end = text;
  if (isV6) store<u8>(end++, OPEN);
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(address + i);
    store<u8>(end++, byte >= UPPER_A && byte <= UPPER_F ? byte | LOWER : byte);
  }
  if (isV6) store<u8>(end++, CLOSE);
  store<u8>(end++, COLON);
  store<u8>(end++, 48);
  const key = addressKey(text, <u32>(end - text));
  if (key == 0) return 0;
  const prefix = isV6 ? ipv6Prefix : ipv4Prefix;
  const bits = isV6 ? key >> (64 - prefix) : (key & 0xffffffff) >> (32 - prefix);
  store<u8>(to, <u8>(isV6 ? 64 + prefix : prefix));
  store<u64>(to, bits, 1);
  return 9;
}

/** Length of the text before the first `mark`, or of all of it. */
function lengthBefore(mark: u8, text: usize, length: u32): u32 {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(text + i) == mark) return i;
  return length;
}
