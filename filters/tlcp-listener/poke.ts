// Made-up requests. A network filter makes the proxy write by one of them: it goes to the connection manager in the place
// of the client's bytes, the module's HTTP filter answers it, and the network filter replaces the answer.
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';
import { encodeHex } from '../memory/hex';
import { Writer } from '../memory/writer';
import { Result, proxy_send_local_response, proxy_set_effective_context } from '../runtime/abi';

/** In Envoy's response code details: such answers are left out of access logs by it. */
const DETAILS: Bytes = Bytes.from('FIM-TLCP');
const OK: u32 = 200;
/** Envoy closes an HTTP/1.1 connection after this status. */
const BAD_REQUEST: u32 = 400;
const GRPC_STATUS_NONE: u32 = u32.MAX_VALUE;
const MAX_ID_DIGITS: u32 = 10;

const SECRET_BYTES: u32 = 16;
const AUTHORITY_BYTES: u32 = 32;
const SECRET: usize = memory.data(16, 16);
const AUTHORITY: usize = memory.data(32, 16);

/** Draws the authority of this machine's requests, which no client knows. False: the host has no randomness. */
export function drawAuthority(): bool {
  if (!randomBytes(SECRET, SECRET_BYTES)) return false;
  encodeHex(SECRET, SECRET_BYTES, AUTHORITY);
  return true;
}

/** Writes a request for a connection, whose id is its path. */
export function writePoke(to: Writer, connectionId: u32): void {
  to.ascii('GET /');
  to.decimal(connectionId);
  to.ascii(' HTTP/1.1\r\nhost: ');
  to.bytes(AUTHORITY, AUTHORITY_BYTES);
  to.ascii('\r\n\r\n');
}

/** Whether a request with this authority is made up. */
export function isPoke(authority: usize, length: u32): bool {
  return length == AUTHORITY_BYTES && memory.compare(authority, AUTHORITY, AUTHORITY_BYTES) == 0;
}

/** The connection that a path names; 0: none. */
export function connectionOf(path: usize, length: u32): u32 {
  if (length < 2 || length > MAX_ID_DIGITS + 1) return 0;
  let id: u32 = 0;
  for (let i: u32 = 1; i < length; i++) id = id * 10 + (<u32>load<u8>(path + i) - 48);
  return id;
}

/**
 * Answers a request by its stream, which is the host's current one afterwards. `closes`: the proxy closes the connection
 * when the answer is written. False if the host refuses.
 */
export function answerStream(streamId: u32, closes: bool): bool {
  proxy_set_effective_context(streamId);
  const status = closes ? BAD_REQUEST : OK;
  return proxy_send_local_response(status, DETAILS.pointer, DETAILS.length, 0, 0, 0, 0, GRPC_STATUS_NONE) == Result.Ok;
}
