// Compressed bodies: what the headers say of them, and how they are opened. A body is held as it was sent and opened
// once it is whole, before any stage sees it; so no stage, and nobody behind the proxy, can take a part for the whole.
import { Coding, OpenedBody } from '../message/compression/body';
import { Bytes, equalIgnoreCase } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { ErrorId } from '../errors.gen';
import { Exchange } from './exchange';
import { CONTENT_ENCODING, IDENTITY } from './names';

const GZIP: Bytes = Bytes.from('gzip');
const X_GZIP: Bytes = Bytes.from('x-gzip');
const DEFLATE: Bytes = Bytes.from('deflate');

/** The codings that are opened, as an `accept-encoding` (RFC 9110, 12.5.3). */
export const OPENED_CODINGS: Bytes = Bytes.from('gzip, deflate');

const opened: OpenedBody = new OpenedBody();

/**
 * How the body of the current direction is coded, by all its content-encodings together; Other: by several, or one that
 * is not known.
 */
export function codingOf(exchange: Exchange): Coding {
  let coding = Coding.Identity;
  if (!exchange.firstHeader(CONTENT_ENCODING.pointer, CONTENT_ENCODING.length)) return coding;
  do {
    let at = exchange.valuePointer;
    const end = at + exchange.valueLength;
    while (at < end) {
      let stop = at;
      while (stop < end && load<u8>(stop) != 44) stop++;
      const one = codingNamed(at, stop);
      if (one != Coding.Identity) coding = coding == Coding.Identity ? one : Coding.Other;
      at = stop + 1;
    }
  } while (exchange.nextHeader(CONTENT_ENCODING.pointer, CONTENT_ENCODING.length));
  return coding;
}

/** The coding of one name; Identity for none. */
function codingNamed(from: usize, end: usize): Coding {
  while (from < end && isSpace(load<u8>(from))) from++;
  while (end > from && isSpace(load<u8>(end - 1))) end--;
  const length = <u32>(end - from);
  if (length == 0 || isNamed(IDENTITY, from, length)) return Coding.Identity;
  if (isNamed(GZIP, from, length) || isNamed(X_GZIP, from, length)) return Coding.Gzip;
  return isNamed(DEFLATE, from, length) ? Coding.Deflate : Coding.Other;
}

function isSpace(byte: u8): bool {
  return byte == 32 || byte == 9;
}

function isNamed(name: Bytes, from: usize, length: u32): bool {
  return name.length == length && equalIgnoreCase(name.pointer, from, length);
}

/**
 * Puts what the compressed body in `exchange.message` holds, at most `maxBytes` bytes, in its place. An error: nothing
 * has changed.
 */
export function openMessage(exchange: Exchange, coding: Coding, maxBytes: u32): ErrorId {
  const message = exchange.message;
  const error = opened.open(coding, message.pointer, message.length, maxBytes, scratch);
  if (error != ErrorId.None) return error;
  message.replace(opened.pointer, opened.length);
  exchange.removeHeader(CONTENT_ENCODING.pointer, CONTENT_ENCODING.length);
  return ErrorId.None;
}
