// The group of addresses that share a bucket: the first bits of an IPv4 or IPv6 address.
import { scratch } from '../memory/scratch';
import { addressKey } from '../runtime/client-address';

const COLON: u8 = 58;
const DOT: u8 = 46;
const OPEN: u8 = 91;

/**
 * Writes the group of an address without port, with or without brackets, to `to`: nine bytes, the number of bits and the
 * bits. 0: it is no address. An IPv4 address that is written as IPv6 is the same client.
 */
export function addressGroup(address: usize, length: u32, ipv4Prefix: u32, ipv6Prefix: u32, to: usize): u32 {
  if (length > 2 && load<u8>(address) == OPEN) {
    address++;
    length -= 2;
  }
  let colon: u32 = 0;
  let isV4 = false;
  let isV6 = false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(address + i);
    isV4 = isV4 || byte == DOT;
    if (byte != COLON) continue;
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
  memory.copy(end, address, length);
  end += length;
  if (isV6) store<u8>(end++, 93);
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
