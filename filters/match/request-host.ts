// The host of a request (RFC 9110, 7.2; RFC 3986, 3.2.2): one name or address, with or without port.
import { Ascii } from '../memory/ascii';
import { MAX_HOST_BYTES } from '../limits';
import { lowerAscii } from '../memory/bytes';

/** Host that was read last: lower case, without port and without the dot of a fully qualified name. */
export const HOST: usize = memory.data(<i32>MAX_HOST_BYTES + 3, 16);

/** Result of `readHost` for a text that is not one valid host. */
export const NO_HOST: i32 = -1;

const DOT: u32 = 46;
const COLON: u32 = 58;
const MAX_PORT: u32 = 65535;
const MAX_PORT_DIGITS: u32 = 5;

/**
 * Reads a host to HOST and returns its length, or NO_HOST. Names are letters, digits, `-` and `_` between single dots,
 * with an optional final dot. IPv6 addresses are in brackets. A port is 1 to 65535. Servers read anything else (lists,
 * user names, escapes, nothing) in different ways.
 */
export function readHost(host: usize, length: u32): i32 {
  if (length == 0) return NO_HOST;
  const end = load<u8>(host) == Ascii.OpenBracket ? readAddress(host, length) : readName(host, length);
  if (end == 0 || !isPort(host + end, length - end)) return NO_HOST;
  return <i32>(load<u8>(host + end - 1) == DOT ? end - 1 : end);
}

/** Length of the name. 0 if it is none. */
function readName(host: usize, length: u32): u32 {
  let label: u32 = 0;
  let at: u32 = 0;
  for (; at < length; at++) {
    const byte = lowerAscii(load<u8>(host + at));
    if (byte == COLON) break;
    const inLabel = byte - 97 < 26 || byte - 48 < 10 || byte == Ascii.Minus || byte == Ascii.Underscore;
    if (at > MAX_HOST_BYTES || (inLabel ? false : byte != DOT || label == 0)) return 0;
    label = inLabel ? label + 1 : 0;
    store<u8>(HOST + at, <u8>byte);
  }
  return at <= MAX_HOST_BYTES || load<u8>(HOST + at - 1) == DOT ? at : 0;
}

/** Length of an address in brackets. 0 if it is none. */
function readAddress(host: usize, length: u32): u32 {
  let colons: u32 = 0;
  for (let at: u32 = 0; at < length && at <= MAX_HOST_BYTES; at++) {
    const byte = lowerAscii(load<u8>(host + at));
    store<u8>(HOST + at, <u8>byte);
    if (byte == Ascii.CloseBracket) return colons > 1 ? at + 1 : 0;
    if (byte == COLON) colons++;
    else if (at != 0 && byte - 97 >= 6 && byte - 48 >= 10 && byte != DOT) return 0;
  }
  return 0;
}

/** Whether the text is empty or `:` and a port. */
function isPort(text: usize, length: u32): bool {
  if (length == 0) return true;
  if (length < 2 || length > MAX_PORT_DIGITS + 1 || load<u8>(text) != COLON) return false;
  let port: u32 = 0;
  for (let at: u32 = 1; at < length; at++) {
    const digit = <u32>load<u8>(text + at) - 48;
    if (digit >= 10) return false;
    port = port * 10 + digit;
  }
  return port != 0 && port <= MAX_PORT;
}
