// Module with the two filters of a listener that speaks national TLS: the network filter, which has the handshake and the
// records, and the HTTP filter, which answers made-up requests and says who the client is. Both must run in one machine:
// same code, same vm_id.
import '../runtime/abort';
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import {
  DataStatus,
  HeaderMap,
  HeadersStatus,
  NetworkStatus,
  StreamType,
  TrailersStatus,
  proxy_close_stream,
} from '../runtime/abi';
import { dropCallouts, onCalloutAnswer } from '../runtime/callout';
import { takeCollectionRequest } from '../runtime/garbage';
import { HeaderSnapshot } from '../runtime/headers';
import { monotonicMillis, readProperty, resultLength, resultPointer } from '../runtime/host';
import { flushCounters } from '../runtime/metrics';
import { AUTHORITY, PATH } from '../runtime/names';
import { Reply } from '../runtime/reply';
import { dropClaims, Elsewhere, passUpstream, standingElsewhere, tellScheme, tellUpstream } from './identity';
import {
  addRoot,
  beginStream,
  configure,
  connectionById,
  connectionByNumber,
  connectionOf,
  openByNumber,
  onProgress,
  openConnection,
  removeContext,
  removeRoot,
  rootOf,
  startMachine,
  takePoke,
  tickListener,
} from './listener';
import { answerStream, isMadeUpElsewhere, isPoke } from './poke';
import { policyInForce } from './policy';
import { requestsRefused } from './stats';

const CONNECTION_NUMBER: Bytes = Bytes.from('connection\0id');
const headers: HeaderSnapshot = new HeaderSnapshot();
const trailers: HeaderSnapshot = new HeaderSnapshot();
const reply: Reply = new Reply();
/** Root contexts of contexts that have not said yet what they are. */
const rootOfContext: Map<u32, u32> = new Map<u32, u32>();

export function proxy_abi_version_0_2_1(): void {}

/** Values from the host land in scratch memory, which needs no free. 0 makes the host's call fail. */
export function proxy_on_memory_allocate(size: usize): usize {
  return scratch.allocate(size);
}

export function proxy_on_context_create(contextId: u32, rootId: u32): void {
  if (rootId == 0) addRoot(contextId);
  else rootOfContext.set(contextId, rootId);
}

export function proxy_on_vm_start(rootId: u32, size: u32): u32 {
  startMachine();
  scratch.reset();
  return 1;
}

export function proxy_on_configure(rootId: u32, size: u32): u32 {
  const root = rootOf(rootId);
  const taken = root != null && configure(root, size);
  flushCounters();
  scratch.reset();
  __collect();
  return taken ? 1 : 0;
}

export function proxy_on_tick(rootId: u32): void {
  const root = rootOf(rootId);
  if (root != null) tickListener(root);
  flushCounters();
  scratch.reset();
}

export function proxy_on_http_call_response(
  rootId: u32,
  token: u32,
  count: u32,
  bodySize: u32,
  trailerCount: u32,
): void {
  onCalloutAnswer(rootId, token, count, bodySize);
  scratch.reset();
  if (takeCollectionRequest()) __collect();
}

export function proxy_on_new_connection(contextId: u32): u32 {
  const rootId = rootOfContext.has(contextId) ? rootOfContext.get(contextId) : 0;
  openConnection(contextId, rootOf(rootId), connectionNumber());
  scratch.reset();
  return NetworkStatus.Continue;
}

/** Envoy's number of the connection of the current context; 0: unknown. */
function connectionNumber(): u64 {
  if (!readProperty(CONNECTION_NUMBER.pointer, CONNECTION_NUMBER.length) || resultLength() != 8) return 0;
  return load<u64>(resultPointer());
}

export function proxy_on_downstream_data(contextId: u32, length: u32, endOfStream: u32): u32 {
  const connection = connectionById(contextId);
  let status: u32 = NetworkStatus.StopIteration;
  if (connection == null) proxy_close_stream(StreamType.Downstream);
  else {
    status = connection.onClient(length, endOfStream != 0, monotonicMillis());
    onProgress(connection);
  }
  scratch.reset();
  return status;
}

export function proxy_on_upstream_data(contextId: u32, length: u32, endOfStream: u32): u32 {
  const connection = connectionById(contextId);
  let status: u32 = NetworkStatus.StopIteration;
  if (connection != null) {
    status = connection.onAnswer(length, monotonicMillis());
    onProgress(connection);
  }
  scratch.reset();
  return status;
}

export function proxy_on_request_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  const status = onRequest(contextId);
  scratch.reset();
  return status;
}

function onRequest(contextId: u32): HeadersStatus {
  const rootId = rootOfContext.has(contextId) ? rootOfContext.get(contextId) : 0;
  const root = rootOf(rootId);
  if (!headers.fetch(HeaderMap.RequestHeaders)) return refuse(ErrorId.FIM_RT_0033);
  if (headers.find(AUTHORITY.pointer, AUTHORITY.length) && isPoke(headers.valuePointer, headers.valueLength)) {
    const number = connectionNumber();
    const isTaken =
      headers.find(PATH.pointer, PATH.length) && takePoke(contextId, number, headers.valuePointer, headers.valueLength);
    if (!isTaken) answerStream(contextId, true);
    return HeadersStatus.StopIteration;
  }
  const number = connectionNumber();
  const connection = openByNumber(number);
  // A swap of the module leaves its connections with the machine before, whose network filter goes on.
  const isOthers = connection == null && connectionByNumber(number) == null;
  if (isOthers && isMadeUpElsewhere()) {
    answerStream(contextId, false);
    return HeadersStatus.StopIteration;
  }
  const policy = policyInForce();
  const there = isOthers ? standingElsewhere(policy == null ? null : policy.terms) : Elsewhere.None;
  if (there == Elsewhere.Outdated) return refuse(ErrorId.FIM_RT_0056);
  const isOpenThere = there == Elsewhere.Open;
  if (connection == null && !isOpenThere && (root == null || root.requiresTlcp)) return refuse(ErrorId.FIM_RT_0033);
  dropClaims(headers, HeaderMap.RequestHeaders);
  if (connection != null) {
    beginStream(contextId, connection);
    tellUpstream(connection.identity);
    tellScheme();
  } else if (isOpenThere) {
    passUpstream();
    tellScheme();
  }
  return HeadersStatus.Continue;
}

function refuse(error: ErrorId): HeadersStatus {
  requestsRefused.add(1);
  reply.begin(error);
  reply.compose(Bytes.EMPTY, 0);
  reply.send();
  return HeadersStatus.StopIteration;
}

export function proxy_on_request_trailers(contextId: u32, count: u32): u32 {
  if (trailers.fetch(HeaderMap.RequestTrailers)) dropClaims(trailers, HeaderMap.RequestTrailers);
  scratch.reset();
  return TrailersStatus.Continue;
}

export function proxy_on_response_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  const connection = connectionOf(contextId);
  if (connection != null) connection.answerEnd.onHead(endOfStream != 0);
  return HeadersStatus.Continue;
}

export function proxy_on_response_body(contextId: u32, length: u32, endOfStream: u32): u32 {
  const connection = endOfStream != 0 ? connectionOf(contextId) : null;
  if (connection != null) connection.answerEnd.onLast();
  return DataStatus.Continue;
}

export function proxy_on_response_trailers(contextId: u32, count: u32): u32 {
  const connection = connectionOf(contextId);
  if (connection != null) connection.answerEnd.onLast();
  return TrailersStatus.Continue;
}

export function proxy_on_delete(contextId: u32): void {
  rootOfContext.delete(contextId);
  if (removeRoot(contextId)) {
    dropCallouts(contextId);
    flushCounters();
    scratch.reset();
    __collect();
    return;
  }
  const collects = removeContext(contextId);
  scratch.reset();
  if (collects) __collect();
}
