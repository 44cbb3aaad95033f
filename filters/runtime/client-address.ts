// The address of a client as a number: what it may hold is counted under it.

const DOT: u8 = 46;
const COLON: u8 = 58;
const OPEN: u8 = 91;
const CLOSE: u8 = 93;
/** Above any IPv4 address; as the first half of an IPv6 address it is one of a group, which sends nothing. */
const IPV4: u64 = 0xffffffff00000000;
/** Stands for the first half of `::1` and the like. */
const ALL_ZERO: u64 = 1;
const GROUPS_OF_NETWORK: u32 = 4;

/**
 * Key of an address as the host writes it, `192.0.2.1:80` or `[2001:db8::1]:80`: the whole of an IPv4 address, the first
 * 64 bits of an IPv6 address, within which one client has as many as he likes. 0: it is neither.
 */
export function addressKey(pointer: usize, length: u32): u64 {
  if (length == 0) return 0;
  return load<u8>(pointer) == OPEN ? networkOf(pointer + 1, length - 1) : hostOf(pointer, length);
}

function hostOf(pointer: usize, length: u32): u64 {
  let address: u32 = 0;
  let part: u32 = 0;
  let digits: u32 = 0;
  let dots: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const c = load<u8>(pointer + i);
    if (c == COLON && dots == 3 && digits > 0) return IPV4 | ((<u64>address) << 8) | part;
    if (c == DOT) {
      if (digits == 0 || ++dots > 3) return 0;
      address = (address << 8) | part;
      part = 0;
      digits = 0;
      continue;
    }
    part = part * 10 + (c - 48);
    if (c < 48 || c > 57 || part > 255 || ++digits > 3) return 0;
  }
  return 0;
}

/** The host leaves out one run of zeros: what stands behind it counts from the end. */
function networkOf(pointer: usize, length: u32): u64 {
  let front: u64 = 0;
  let fronts: u32 = 0;
  let behind: u64 = 0;
  let behindCarried: u64 = 0;
  let skipped = false;
  let group: u64 = 0;
  let digits: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const c = load<u8>(pointer + i);
    const value = hexValue(c);
    if (value < 16) {
      if (++digits > 4) return 0;
      group = (group << 4) | value;
      continue;
    }
    if (c == DOT) return ALL_ZERO; // an IPv4 address behind zeros
    if (digits > 0 && skipped) {
      behindCarried = (behindCarried << 16) | (behind >> 48);
      behind = (behind << 16) | group;
    } else if (digits > 0 && fronts < GROUPS_OF_NETWORK) {
      front = (front << 16) | group;
      fronts++;
    }
    if (c != COLON) break;
    skipped = skipped || (i > 0 && digits == 0);
    group = 0;
    digits = 0;
  }
  const network = fronts == 0 ? behindCarried : (front << (16 * (GROUPS_OF_NETWORK - fronts))) | behindCarried;
  return network == 0 ? ALL_ZERO : network;
}

function hexValue(c: u8): u32 {
  if (c >= 48 && c <= 57) return c - 48;
  return c >= 97 && c <= 102 ? c - 87 : 16;
}
