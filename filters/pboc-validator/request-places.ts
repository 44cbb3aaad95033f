// Query parameters and headers of the current request.
import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { hexDigit } from '../message/hex-text';
import { isUtf8 } from '../message/utf8';
import { Exchange } from '../runtime/exchange';
import { PATH } from '../runtime/names';
import { PbocPlace } from './config.gen';
import { Found, Places } from './places';

export class RequestPlaces extends Places {
  private exchange: Exchange | null = null;

  /** Switches to the request of the exchange. */
  bind(exchange: Exchange): RequestPlaces {
    this.exchange = exchange;
    return this;
  }

  find(place: PbocPlace, name: Bytes): Found {
    const exchange = this.exchange;
    if (exchange == null) return Found.Absent;
    if (place == PbocPlace.Header) {
      if (!exchange.header(name.pointer, name.length)) return Found.Absent;
      this.valuePointer = exchange.valuePointer;
      this.valueLength = exchange.valueLength;
      return exchange.hasTwice(name.pointer, name.length) ? Found.Twice : Found.Once;
    }
    if (!exchange.header(PATH.pointer, PATH.length)) return Found.Absent;
    let at = exchange.valuePointer;
    const end = at + exchange.valueLength;
    while (at < end && load<u8>(at) != Ascii.Question) at++;
    return at < end ? this.findParameter(at + 1, end, name) : Found.Absent;
  }

  /**
   * Looks up a parameter in a query: `name=value` joined by `&`, percent-encoded, `+` for a blank (WHATWG URL, 5.1).
   */
  private findParameter(at: usize, end: usize, name: Bytes): Found {
    let found = Found.Absent;
    while (at < end) {
      let stop = at;
      while (stop < end && load<u8>(stop) != Ascii.Ampersand) stop++;
      let equals = at;
      while (equals < stop && load<u8>(equals) != Ascii.Equals) equals++;
      if (isNamed(at, equals, name)) {
        if (found != Found.Absent) return Found.Twice;
        found = this.decodeValue(equals < stop ? equals + 1 : stop, stop);
      }
      at = stop + 1;
    }
    return found;
  }

  private decodeValue(from: usize, end: usize): Found {
    const to = scratch.allocate(end - from + 1);
    if (to == 0) return Found.Malformed;
    const length = decode(from, end, to);
    if (length < 0 || !isUtf8(to, length)) return Found.Malformed;
    this.valuePointer = to;
    this.valueLength = length;
    return Found.Once;
  }
}

/** Decoded byte at `at`. 256 for a malformed escape. An escape is three bytes, anything else one. */
function decodedByte(at: usize, end: usize): u32 {
  const byte = <u32>load<u8>(at);
  if (byte == Ascii.Plus) return 32;
  if (byte != Ascii.Percent) return byte;
  if (at + 2 >= end) return 256;
  const high = hexDigit(load<u8>(at, 1));
  const low = hexDigit(load<u8>(at, 2));
  return high < 16 && low < 16 ? (high << 4) | low : 256;
}

/** Decodes into `to`, which has room. Returns the number of bytes, or -1 for a malformed escape. */
function decode(at: usize, end: usize, to: usize): i32 {
  let length = 0;
  while (at < end) {
    const byte = decodedByte(at, end);
    if (byte == 256) return -1;
    store<u8>(to + length++, <u8>byte);
    at += load<u8>(at) == Ascii.Percent ? 3 : 1;
  }
  return length;
}

function isNamed(at: usize, end: usize, name: Bytes): bool {
  let length: u32 = 0;
  while (at < end) {
    if (length == name.length || decodedByte(at, end) != <u32>load<u8>(name.pointer + length)) return false;
    length++;
    at += load<u8>(at) == Ascii.Percent ? 3 : 1;
  }
  return length == name.length;
}
