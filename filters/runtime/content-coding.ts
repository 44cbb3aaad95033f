// Compressed bodies: their coding by the headers, and their decompression. A body is buffered as sent and decompressed
// once complete, before any stage sees it. Thus neither a stage nor the upstream can mistake a part for the whole.
import { Ascii } from '../memory/ascii';
import { Coding, OpenedBody } from '../message/compression/body';
import { Bytes, equalIgnoreCase } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { ErrorId } from '../errors.gen';
import { Exchange } from './exchange';
import { CONTENT_ENCODING, IDENTITY } from './names';

const GZIP: Bytes = Bytes.from('gzip');
const X_GZIP: Bytes = Bytes.from('x-gzip');
const DEFLATE: Bytes = Bytes.from('deflate');

/** Supported codings, as an `accept-encoding` (RFC 9110, 12.5.3). */
export const OPENED_CODINGS: Bytes = Bytes.from('gzip, deflate');

const opened: OpenedBody = new OpenedBody();

/** Coding of the current direction's body, by all its content-encodings. Other: several, or an unknown one. */
export function codingOf(exchange: Exchange): Coding {
  let coding = Coding.Identity;
  if (!exchange.firstHeader(CONTENT_ENCODING.pointer, CONTENT_ENCODING.length)) return coding;
  do {
    let at = exchange.valuePointer;
    const end = at + exchange.valueLength;
    while (at < end) {
      let stop = at;
      while (stop < end && load<u8>(stop) != Ascii.Comma) stop++;
      const one = codingNamed(at, stop);
      if (one != Coding.Identity) coding = coding == Coding.Identity ? one : Coding.Other;
      at = stop + 1;
    }
  } while (exchange.nextHeader(CONTENT_ENCODING.pointer, CONTENT_ENCODING.length));
  return coding;
}

/** Coding of one name. Identity for an empty one. */
function codingNamed(from: usize, end: usize): Coding {
  while (from < end && isSpace(load<u8>(from))) from++;
  while (end > from && isSpace(load<u8>(end - 1))) end--;
  const length = <u32>(end - from);
  if (length == 0 || isNamed(IDENTITY, from, length)) return Coding.Identity;
  if (isNamed(GZIP, from, length) || isNamed(X_GZIP, from, length)) return Coding.Gzip;
  return isNamed(DEFLATE, from, length) ? Coding.Deflate : Coding.Other;
}

function isSpace(byte: u8): bool {
  return byte == Ascii.Space || byte == Ascii.Tab;
}

function isNamed(name: Bytes, from: usize, length: u32): bool {
  return name.length == length && equalIgnoreCase(name.pointer, from, length);
}

/**
 * Replaces the compressed body in `exchange.message` by its content, at most `maxBytes` bytes. After an error nothing
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
