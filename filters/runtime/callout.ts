// HTTP calls through a cluster of the proxy. A call belongs to a root context, so that it outlives the stream that
// caused it.
import { MAX_CALLOUT_ANSWER_BYTES, MAX_PENDING_CALLOUTS } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { BufferType, HeaderMap, Result, proxy_http_call, proxy_set_effective_context } from './abi';
import { readBuffer, readHeader, resultLength, resultPointer } from './host';
import { calloutFailed, calloutSent } from './stats';

/** Status of a call without response: refused, reset or timed out. */
export const NO_ANSWER: u32 = 0;

const TOKEN: usize = memory.data(4, 4);
const STATUS: Bytes = Bytes.from(':status');
const headers: Writer = new Writer(scratch);

/** Receives the response to one call. */
export abstract class CalloutHandler {
  /**
   * `status`: HTTP status or NO_ANSWER. The body is in scratch memory. There is no current stream: `rootId` is the
   * effective context.
   */
  abstract onAnswer(rootId: u32, status: u32, body: usize, bodyLength: u32): void;
  /** The root context of the call is gone, so no response will come. */
  abstract onLost(): void;
}

class Pending {
  token: u32 = 0;
  rootId: u32 = 0;
  handler: CalloutHandler | null = null;
}

const pending: StaticArray<Pending> = makePending();

function makePending(): StaticArray<Pending> {
  const slots = new StaticArray<Pending>(MAX_PENDING_CALLOUTS);
  for (let i = 0; i < slots.length; i++) slots[i] = new Pending();
  return slots;
}

const JSON_TYPE: Bytes = Bytes.from('application/json');

/** A header of a request, besides those of every request. */
export class CalloutHeader {
  value: usize = 0;
  valueLength: u32 = 0;

  /** `name`: lower case. */
  constructor(readonly name: Bytes) {}
}

const NO_HEADERS: StaticArray<CalloutHeader> = new StaticArray<CalloutHeader>(0);

/** A request through a cluster. Its texts need to live only until it is sent. */
export class CalloutRequest {
  cluster: Bytes = Bytes.EMPTY;
  authority: Bytes = Bytes.EMPTY;
  path: usize = 0;
  pathLength: u32 = 0;
  /** A document of `contentType` makes it a POST. 0: a GET. */
  body: usize = 0;
  bodyLength: u32 = 0;
  contentType: Bytes = JSON_TYPE;
  /** Further headers. */
  headers: StaticArray<CalloutHeader> = NO_HEADERS;
  timeoutMs: u32 = 0;
}

/**
 * Sends a GET or a POST. False if it could not be sent (unknown cluster, MAX_PENDING_CALLOUTS reached); the handler is
 * then not called. `streamId`: the context to return to, 0 if the caller is not a stream.
 */
export function sendCallout(rootId: u32, streamId: u32, request: CalloutRequest, handler: CalloutHandler): bool {
  let slot: Pending | null = null;
  for (let i = 0; i < pending.length && slot == null; i++) if (pending[i].handler == null) slot = pending[i];
  if (slot == null) return false;
  writeHeaders(request);
  if (headers.overflowed) return false;
  proxy_set_effective_context(rootId);
  const result = proxy_http_call(
    request.cluster.pointer,
    request.cluster.length,
    headers.pointer,
    headers.length,
    request.body,
    request.body == 0 ? 0 : request.bodyLength,
    0,
    0,
    request.timeoutMs,
    TOKEN,
  );
  if (streamId != 0) proxy_set_effective_context(streamId);
  if (result != Result.Ok) {
    calloutFailed.add(1);
    return false;
  }
  calloutSent.add(1);
  slot.token = load<u32>(TOKEN);
  slot.rootId = rootId;
  slot.handler = handler;
  return true;
}

// Header pairs in the host's layout: count, lengths, then each text terminated by NUL.
function writeHeaders(request: CalloutRequest): void {
  const authority = request.authority;
  const posts = request.body != 0;
  const further = request.headers;
  const count = <u32>((posts ? 4 : 3) + further.length);
  const lengths: u32 = 4 + 8 * count;
  headers.begin(512 + request.pathLength + authority.length);
  if (headers.reserve(lengths) == 0) return;
  const at = headers.pointer;
  store<u32>(at, count);
  store<u32>(at, 7, 4);
  store<u32>(at, posts ? 4 : 3, 8);
  store<u32>(at, 5, 12);
  store<u32>(at, request.pathLength, 16);
  store<u32>(at, 10, 20);
  store<u32>(at, authority.length, 24);
  if (posts) store<u64>(at, 12 | ((<u64>request.contentType.length) << 32), 28);
  let next = at + (posts ? 36 : 28);
  for (let i = 0; i < further.length; i++, next += 8) {
    store<u32>(next, unchecked(further[i]).name.length);
    store<u32>(next, unchecked(further[i]).valueLength, 4);
  }
  headers.advance(lengths);
  headers.ascii(posts ? ':method\0POST\0:path\0' : ':method\0GET\0:path\0');
  headers.bytes(request.path, request.pathLength);
  headers.ascii('\0:authority\0');
  headers.bytes(authority.pointer, authority.length);
  headers.ascii(posts ? '\0content-type\0' : '\0');
  if (posts) {
    headers.bytes(request.contentType.pointer, request.contentType.length);
    headers.byte(0);
  }
  for (let i = 0; i < further.length; i++) {
    const header = unchecked(further[i]);
    headers.bytes(header.name.pointer, header.name.length);
    headers.byte(0);
    headers.bytes(header.value, header.valueLength);
    headers.byte(0);
  }
}

/** Receives the host's response to a call. One with an unknown token is dropped. */
export function onCalloutAnswer(rootId: u32, token: u32, headerCount: u32, bodyLength: u32): void {
  for (let i = 0; i < pending.length; i++) {
    const slot = pending[i];
    const handler = slot.handler;
    if (handler == null || slot.token != token || slot.rootId != rootId) continue;
    slot.handler = null;
    let status = headerCount == 0 ? NO_ANSWER : readStatus();
    let body: usize = 0;
    if (status != NO_ANSWER && bodyLength > 0) {
      if (bodyLength <= MAX_CALLOUT_ANSWER_BYTES && readBuffer(BufferType.HttpCallResponseBody, bodyLength)) {
        body = resultPointer();
        bodyLength = resultLength();
      } else status = NO_ANSWER;
    }
    if (status == NO_ANSWER) calloutFailed.add(1);
    handler.onAnswer(rootId, status, body, body == 0 ? 0 : bodyLength);
    return;
  }
}

/** Tells the handlers of a root context's calls that no response will come. */
export function dropCallouts(rootId: u32): void {
  for (let i = 0; i < pending.length; i++) {
    const slot = pending[i];
    const handler = slot.handler;
    if (handler == null || slot.rootId != rootId) continue;
    slot.handler = null;
    handler.onLost();
  }
}

function readStatus(): u32 {
  if (!readHeader(HeaderMap.HttpCallResponseHeaders, STATUS.pointer, STATUS.length) || resultLength() != 3)
    return NO_ANSWER;
  let status: u32 = 0;
  for (let i: u32 = 0; i < 3; i++) {
    const digit = <u32>load<u8>(resultPointer() + i) - 48;
    if (digit > 9) return NO_ANSWER;
    status = status * 10 + digit;
  }
  return status;
}
