// Made-up requests. A network filter makes the proxy write by one of them: it goes to the connection manager in the place
// of the client's bytes, the module's HTTP filter answers it, and the network filter replaces the answer.
import { randomBytes } from '../crypto/random';
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { encodeHex } from '../memory/hex';
import { Writer } from '../memory/writer';
import { Result, proxy_send_local_response, proxy_set_effective_context, proxy_set_property } from '../runtime/abi';
import { readProperty, resultLength, resultPointer } from '../runtime/host';
import { Reply } from '../runtime/reply';
import { Refusal } from './framing';

/** In Envoy's response code details. */
const DETAILS: Bytes = Bytes.from('FIM-TLCP');
/** Of the client's own request that its connection did not outlive: that one is logged. */
const ENDED: Bytes = Bytes.from('FIM-TLCP-ENDED');
/** Filter state of a connection, `wasm.` before it: `1` while its request is made up, which access logs leave out. */
const MADE_UP: Bytes = Bytes.from('fim.tlcp.made_up');
const YES: Bytes = Bytes.from('1');
const NO: Bytes = Bytes.from('0');
const ONE: u8 = 49;
const OK: u32 = 200;
/** Envoy closes an HTTP/1.1 connection after this status. */
const BAD_REQUEST: u32 = 400;
const TOO_LONG: u32 = 431;
const MISDIRECTED: u32 = 421;
const GRPC_STATUS_NONE: u32 = u32.MAX_VALUE;

const SECRET_BYTES: u32 = 16;
const AUTHORITY_BYTES: u32 = 32;
const SECRET: usize = memory.data(16, 16);
const AUTHORITY: usize = memory.data(32, 16);
const TOKEN_BYTES: u32 = 8;
const TOKEN: usize = memory.data(8, 8);
const TOKEN_HEX: usize = memory.data(16, 8);

const reply: Reply = new Reply();

/**
 * Stands behind a request where more of the client has come: empty lines, which every reader of requests passes over. The
 * proxy leaves them in the buffer until it takes the next request, and so calls the filter again.
 */
export const MARK_BYTES: u32 = 16;
export const MARK: usize = memory.data<u8>([13, 10, 13, 10, 13, 10, 13, 10, 13, 10, 13, 10, 13, 10, 13, 10]);

/** Bytes of MARK at the front of the proxy's buffer: it took it, or did not. */
export function markedBytes(data: usize, length: u32): u32 {
  return length >= MARK_BYTES && memory.compare(data, MARK, MARK_BYTES) == 0 ? MARK_BYTES : 0;
}

/** Draws the authority of this machine's requests, which no client knows. False: the host has no randomness. */
export function drawAuthority(): bool {
  if (!randomBytes(SECRET, SECRET_BYTES)) return false;
  encodeHex(SECRET, SECRET_BYTES, AUTHORITY);
  return true;
}

/** Draws what a connection knows its next request by. 0: the host has no randomness. */
export function drawToken(): u64 {
  return randomBytes(TOKEN, TOKEN_BYTES) ? load<u64>(TOKEN) : 0;
}

/** Writes a request, whose path is its token. */
export function writePoke(to: Writer, token: u64): void {
  store<u64>(TOKEN, token);
  encodeHex(TOKEN, TOKEN_BYTES, TOKEN_HEX);
  to.ascii('GET /');
  to.bytes(TOKEN_HEX, 2 * TOKEN_BYTES);
  to.ascii(' HTTP/1.1\r\nhost: ');
  to.bytes(AUTHORITY, AUTHORITY_BYTES);
  to.ascii('\r\n\r\n');
}

/** Whether a request with this authority is made up. */
export function isPoke(authority: usize, length: u32): bool {
  return length == AUTHORITY_BYTES && memory.compare(authority, AUTHORITY, AUTHORITY_BYTES) == 0;
}

/** Whether a path holds this token, and nothing else. Its time does not depend on the path's bytes. */
export function isPathOf(path: usize, length: u32, token: u64): bool {
  if (token == 0 || length != 1 + 2 * TOKEN_BYTES) return false;
  store<u64>(TOKEN, token);
  encodeHex(TOKEN, TOKEN_BYTES, TOKEN_HEX);
  return ((load<u64>(path, 1) ^ load<u64>(TOKEN_HEX)) | (load<u64>(path, 9) ^ load<u64>(TOKEN_HEX, 8))) == 0;
}

/** Tells access logs of the current connection whose its next request is, however that ends. */
export function tellMaker(isMadeUp: bool): void {
  const value = isMadeUp ? YES : NO;
  proxy_set_property(MADE_UP.pointer, MADE_UP.length, value.pointer, value.length);
}

/** Whether the current request is made up by another machine of this module, which replaces whatever the answer is. */
export function isMadeUpElsewhere(): bool {
  return readProperty(MADE_UP.pointer, MADE_UP.length) && resultLength() == 1 && load<u8>(resultPointer()) == ONE;
}

/**
 * Answers a made-up request by its stream, which is the host's current one afterwards. `closes`: the proxy closes the
 * connection when the answer is written. False, and nothing is sent, if the stream is gone or the host
 * refuses.
 */
export function answerStream(streamId: u32, closes: bool): bool {
  return answerWith(DETAILS, streamId, closes ? BAD_REQUEST : OK);
}

/** The same for the client's own request, whose connection ends. */
export function endStream(streamId: u32): bool {
  return answerWith(ENDED, streamId, BAD_REQUEST);
}

function answerWith(details: Bytes, streamId: u32, status: u32): bool {
  // With another current context the answer would be that context's.
  if (proxy_set_effective_context(streamId) != Result.Ok) return false;
  return proxy_send_local_response(status, details.pointer, details.length, 0, 0, 0, 0, GRPC_STATUS_NONE) == Result.Ok;
}

/** Writes the whole answer to a request that never gets to the proxy's parser. */
export function writeRefusal(to: Writer, refusal: Refusal): void {
  let error = ErrorId.FIM_RT_0028;
  let status = BAD_REQUEST;
  let line = '400 Bad Request';
  if (refusal == Refusal.TooLong) {
    error = ErrorId.FIM_RT_0025;
    status = TOO_LONG;
    line = '431 Request Header Fields Too Large';
  } else if (refusal == Refusal.Outdated) {
    error = ErrorId.FIM_RT_0056;
    status = MISDIRECTED;
    line = '421 Misdirected Request';
  }
  reply.begin(error);
  reply.compose(Bytes.EMPTY, status);
  const body = reply.composed;
  to.begin(512 + body.length);
  to.ascii('HTTP/1.1 ');
  to.ascii(line);
  to.ascii('\r\ncontent-type: application/problem+json\r\nconnection: close\r\ncontent-length: ');
  to.decimal(body.length);
  to.ascii('\r\n\r\n');
  to.bytes(body.pointer, body.length);
}
