// Whether a certificate is for a host (RFC 6125, RFC 5280 4.2.1.6): by its alternative names; where it has none of
// either kind by its commonName, as many certificates of national authorities have no alternative names.
import { MAX_SERVER_NAME_BYTES } from '../limits';
import { derAtEnd, derLength, derOpen, derPeek, derTake } from '../crypto/der';
import { Certificate } from './certificate';

const DER_DNS_NAME: u32 = 0x82;
const DER_IP_ADDRESS: u32 = 0x87;
const DOT: u8 = 0x2e;
const COLON: u8 = 0x3a;
const STAR: u8 = 0x2a;

const ADDRESS: usize = memory.data(16, 16);

function lower(character: u8): u8 {
  return character >= 0x41 && character <= 0x5a ? character | 0x20 : character;
}

function equalText(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (lower(load<u8>(a + i)) != lower(load<u8>(b + i))) return false;
  return true;
}

/** Length of the first label. */
function labelLength(text: usize, length: u32): u32 {
  let i: u32 = 0;
  while (i < length && load<u8>(text + i) != DOT) i++;
  return i;
}

/** Whether a pattern names a host; `*` stands for one whole label, the first, with two more behind it. */
function matchesDns(pattern: usize, length: u32, host: usize, hostLength: u32): bool {
  if (length == hostLength) {
    if (equalText(pattern, host, length)) return true;
  }
  if (length < 4 || load<u8>(pattern) != STAR || load<u8>(pattern, 1) != DOT) return false;
  if (labelLength(pattern + 2, length - 2) == length - 2) return false; // *.com
  const label = labelLength(host, hostLength);
  const rest = length - 1;
  return label > 0 && hostLength - label == rest && equalText(pattern + 1, host + label, rest);
}

/** Reads a dotted IPv4 address to ADDRESS. */
function readIpv4(text: usize, length: u32, to: usize): bool {
  let parts: u32 = 0;
  let value: u32 = 0;
  let digits: u32 = 0;
  for (let i: u32 = 0; i <= length; i++) {
    const character: u8 = i < length ? load<u8>(text + i) : DOT;
    if (character == DOT) {
      if (digits == 0 || value > 255 || parts > 3) return false;
      store<u8>(to + parts, <u8>value);
      parts++;
      value = 0;
      digits = 0;
    } else {
      const digit = <u32>character - 0x30;
      if (digit > 9 || digits == 3 || (digits > 0 && value == 0)) return false;
      value = value * 10 + digit;
      digits++;
    }
  }
  return parts == 4;
}

/** Value of a hexadecimal digit, or 255. */
function hexDigit(character: u8): u32 {
  const digit = <u32>character - 0x30;
  if (digit <= 9) return digit;
  const letter = <u32>lower(character) - 0x61;
  return letter < 6 ? letter + 10 : 255;
}

/** Reads an IPv6 address (RFC 4291, 2.2) to ADDRESS. */
function readIpv6(text: usize, length: u32): bool {
  let at: u32 = 0;
  let bytes: u32 = 0;
  let gap: i32 = -1;
  if (length >= 2 && load<u8>(text) == COLON) {
    if (load<u8>(text, 1) != COLON) return false;
    gap = 0;
    at = 2;
  }
  while (at < length) {
    let value: u32 = 0;
    let digits: u32 = 0;
    const start = at;
    for (; at < length && hexDigit(load<u8>(text + at)) != 255; at++, digits++)
      value = (value << 4) | hexDigit(load<u8>(text + at));
    if (at < length && load<u8>(text + at) == DOT) {
      if (bytes > 12 || !readIpv4(text + start, length - start, ADDRESS + bytes)) return false;
      bytes += 4;
      break;
    }
    if (digits == 0 || digits > 4 || bytes > 14) return false;
    store<u16>(ADDRESS + bytes, bswap<u16>(<u16>value));
    bytes += 2;
    if (at == length) break;
    if (load<u8>(text + at++) != COLON || at == length) return false;
    if (load<u8>(text + at) == COLON) {
      if (gap >= 0) return false;
      gap = <i32>bytes;
      at++;
    }
  }
  if (gap < 0) return bytes == 16;
  if (bytes > 14) return false;
  const behind = bytes - <u32>gap;
  memory.copy(ADDRESS + 16 - behind, ADDRESS + gap, behind);
  memory.fill(ADDRESS + gap, 0, 16 - bytes);
  return true;
}

/** Bytes of the address that a text is, at ADDRESS: 4 or 16; 0: it is none. */
function readAddress(text: usize, length: u32): u32 {
  if (readIpv4(text, length, ADDRESS)) return 4;
  for (let i: u32 = 0; i < length; i++) if (load<u8>(text + i) == COLON) return readIpv6(text, length) ? 16 : 0;
  return 0;
}

/** Whether a text is an IP address, which SNI does not carry (RFC 6066, 3). */
export function isAddress(text: usize, length: u32): bool {
  return readAddress(text, length) != 0;
}

/** Whether the certificate is for `host`: a DNS name in ASCII, or an IP address as text. */
export function isForHost(certificate: Certificate, host: usize, length: u32): bool {
  if (length == 0 || length > MAX_SERVER_NAME_BYTES) return false;
  if (load<u8>(host + length - 1) == DOT) length--; // the root's label
  const address = readAddress(host, length);
  const extensions = certificate.extensions;
  let named = false;
  if (extensions.names != 0) {
    derOpen(extensions.names, extensions.namesLength);
    while (!derAtEnd()) {
      const tag = derPeek();
      const name = derTake(tag);
      if (name == 0) return false;
      if (tag == DER_DNS_NAME) {
        named = true;
        if (address == 0 && matchesDns(name, derLength, host, length)) return true;
      } else if (tag == DER_IP_ADDRESS) {
        named = true;
        if (address != 0 && derLength == address && memory.compare(name, ADDRESS, address) == 0) return true;
      }
    }
  }
  if (named || certificate.commonName == 0) return false;
  if (address == 0) return matchesDns(certificate.commonName, certificate.commonNameLength, host, length);
  return certificate.commonNameLength == length && equalText(certificate.commonName, host, length);
}
