// The text that a signature over the whole message covers. Lines end with a line feed, but for the last:
//   request                          response
//   FIM1-REQUEST                     FIM1-RESPONSE
//   method                           status
//   canonical path, without query (README.md)
//   query, as sent, without "?"
//   timestamp                        timestamp
//   nonce                            nonce
//   name:value of each header that the route names, in its order, the name in lower case; nothing after the colon if it
//   is absent; `host` is the
//   request's authority
//   SM3 of the body in hexadecimal, lower case
import { HASH_BYTES } from '../crypto/hash';
import { Sm3 } from '../crypto/sm3';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Exchange } from '../runtime/exchange';
import { AUTHORITY, METHOD, PATH } from '../runtime/names';
import { Direction } from '../runtime/direction';

const STATUS: Bytes = Bytes.from(':status');
/** What HTTP/1 calls `:authority`, the name that the host knows. */
const HOST: Bytes = Bytes.from('host');
const LINE_FEED: u8 = 10;
const QUESTION_MARK: u8 = 63;
const COLON: u8 = 58;
const FIRST_BYTES: usize = 1024;

const text: Writer = new Writer(scratch);
const sm3: Sm3 = new Sm3();
const DIGEST: usize = memory.data(32, 16);

/** The last text that `writeCanonical` made. */
export function canonicalPointer(): usize {
  return text.pointer;
}

export function canonicalLength(): u32 {
  return text.length;
}

function line(exchange: Exchange, name: Bytes): void {
  if (exchange.header(name.pointer, name.length)) text.bytes(exchange.valuePointer, exchange.valueLength);
  text.byte(LINE_FEED);
}

/** Path and query, each on its line. */
function pathLines(exchange: Exchange): void {
  const found = exchange.header(PATH.pointer, PATH.length);
  const from = exchange.valuePointer;
  const length = found ? exchange.valueLength : 0;
  let path: u32 = 0;
  while (path < length && load<u8>(from + path) != QUESTION_MARK) path++;
  text.bytes(from, path);
  text.byte(LINE_FEED);
  if (path < length) text.bytes(from + path + 1, length - path - 1);
  text.byte(LINE_FEED);
}

/** Writes the text of the message at hand. False: no memory. */
export function writeCanonical(
  exchange: Exchange,
  headers: StaticArray<Bytes>,
  timestamp: usize,
  timestampLength: u32,
  nonce: usize,
  nonceLength: u32,
  body: usize,
  bodyLength: u32,
): bool {
  text.begin(FIRST_BYTES);
  if (exchange.direction == Direction.Request) {
    text.ascii('FIM1-REQUEST\n');
    line(exchange, METHOD);
    pathLines(exchange);
  } else {
    text.ascii('FIM1-RESPONSE\n');
    line(exchange, STATUS);
  }
  text.bytes(timestamp, timestampLength);
  text.byte(LINE_FEED);
  text.bytes(nonce, nonceLength);
  text.byte(LINE_FEED);
  for (let i = 0; i < headers.length; i++) {
    const name = unchecked(headers[i]);
    text.bytes(name.pointer, name.length);
    text.byte(COLON);
    line(exchange, HOST.equals(name.pointer, name.length) ? AUTHORITY : name);
  }
  sm3.hash(body, bodyLength, DIGEST);
  text.hex(DIGEST, HASH_BYTES);
  return !text.overflowed;
}
