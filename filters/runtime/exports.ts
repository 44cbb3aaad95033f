// The guest side of proxy-wasm ABI 0.2.1 for HTTP filters: what Envoy calls. Every module re-exports this file.
// `proxy_on_log` and `proxy_on_done` are left out on purpose: the host then skips the calls. Scratch memory is given
// back when a call ends.
import { scratch } from '../memory/scratch';
import './abort';
import { DataStatus, HeadersStatus, TrailersStatus } from './abi';
import { opensTunnel } from './admission';
import { dropCallouts, onCalloutAnswer } from './callout';
import { CompiledRoute, Configuration } from './configuration';
import { ErrorId } from '../errors.gen';
import { dropForgedHeaders, dropForgedTrailers, dropTrailers } from './forged';
import { takeCollectionRequest } from './garbage';
import { coarseMillis, configureRoot, resumeTicks, roots, startVm, streams, tickRoot } from './module';
import { dropPiece, sendLate } from './late-reply';
import { beginHalf, exchange, growBody, letGo, passUnread, refuse } from './pipeline';
import { findRoute, identityError, isObserved } from './request-route';
import { isUpstreamResponse, noteMethod, askForWholeResponse } from './routing';
import { Direction } from './stage';
import { starvation } from './starvation';
import { countVerdict, routeMatched, routeUnmatched } from './stats';
import { cutExcess, passPiece, passTrailers } from './streaming';
import { Phase, Stream } from './stream';

/** Refuses what arrives when there is no stream to keep it in (MAX_LIVE_STREAMS). */
const overflow: Stream = new Stream();

export function proxy_abi_version_0_2_1(): void {}

/** Host-made values land in scratch memory: no free, no leak. 0 makes the host's call fail. */
export function proxy_on_memory_allocate(size: usize): usize {
  const pointer = scratch.allocate(size);
  if (pointer == 0) starvation.begin();
  return pointer;
}

export function proxy_on_context_create(contextId: u32, rootId: u32): void {
  if (rootId == 0) {
    roots.insert(contextId);
    return;
  }
  const stream = streams.insert(contextId);
  if (stream == null) return;
  stream.root = roots.find(rootId);
  stream.bornMs = coarseMillis();
}

export function proxy_on_vm_start(rootId: u32, size: u32): u32 {
  startVm();
  scratch.reset();
  return 1; // whether it may be used is answered with the configuration
}

export function proxy_on_configure(rootId: u32, size: u32): u32 {
  const root = roots.find(rootId);
  const ok = root != null && configureRoot(root, size);
  scratch.reset();
  __collect();
  return ok ? 1 : 0;
}

export function proxy_on_tick(rootId: u32): void {
  const root = roots.find(rootId);
  if (root != null) tickRoot(root);
  scratch.reset();
}

export function proxy_on_http_call_response(rootId: u32, token: u32, headers: u32, bodySize: u32, trailers: u32): void {
  onCalloutAnswer(rootId, token, headers, bodySize);
  scratch.reset();
  if (takeCollectionRequest()) __collect();
}

export function proxy_on_request_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  starvation.over();
  const stream = streams.find(contextId);
  let passed = false;
  if (stream == null) refuseOverflow(contextId);
  else passed = requestHeaders(stream, endOfStream != 0) && letGo(stream, Direction.Request);
  scratch.reset();
  return passed ? HeadersStatus.Continue : holdHeaders(contextId, Direction.Request);
}

/** Headers that wait are held; the body is collected meanwhile, or stays where it is if it will pass in pieces. */
function holdHeaders(contextId: u32, direction: Direction): HeadersStatus {
  const stream = streams.find(contextId);
  if (stream == null) return HeadersStatus.StopIteration;
  const half = stream.half(direction);
  return half.streamed && half.waiting ? HeadersStatus.StopAllIterationAndWatermark : HeadersStatus.StopIteration;
}

function refuseOverflow(contextId: u32): bool {
  overflow.clear();
  overflow.contextId = contextId;
  overflow.untabled = true;
  return refuseAll(overflow, ErrorId.FIM_RT_0007);
}

function requestHeaders(stream: Stream, endOfStream: bool): bool {
  stream.request.ended = endOfStream;
  const root = stream.root;
  if (root == null) return refuseAll(stream, ErrorId.FIM_RT_0001);
  const configuration = roots.policyOf(root);
  if (configuration == null) return refuseAll(stream, ErrorId.FIM_RT_0001);
  return routeRequest(stream, configuration, endOfStream);
}

function refuseAll(stream: Stream, error: ErrorId): bool {
  exchange.bind(stream, Direction.Request);
  refuse(stream, Direction.Request, error);
  return false;
}

function routeRequest(stream: Stream, configuration: Configuration, endOfStream: bool): bool {
  exchange.bind(stream, Direction.Request);
  if (!exchange.fetchHeaders()) return refuseAll(stream, ErrorId.FIM_RT_0008);
  if (!dropForgedHeaders(exchange, configuration.stripHeaders)) return refuseAll(stream, ErrorId.FIM_RT_0008);
  const at = findRoute(configuration, exchange);
  if (identityError() != 0) return turnUnclearAway(stream, configuration);
  if (at < 0) {
    routeUnmatched.add(1);
    return true;
  }
  routeMatched.add(1);
  const route = unchecked(configuration.routes[at]);
  stream.route = route;
  noteMethod(stream, exchange);
  if ((route.request.needsBody || route.response.needsBody) && opensTunnel(exchange))
    return turnTunnelAway(stream, route);
  const passed = beginHalf(stream, route, Direction.Request, endOfStream);
  if (stream.request.phase != Phase.Refused) askForWholeResponse(route, exchange);
  return passed;
}

/**
 * A request that servers would not all read alike is refused; where only `Observe` rules, it is counted and passes
 * unseen.
 */
function turnUnclearAway(stream: Stream, configuration: Configuration): bool {
  if (!isObserved(configuration)) return refuseAll(stream, identityError());
  countVerdict(identityError(), false);
  return true;
}

/**
 * A tunnel on a route that must see bodies is refused; where only `Observe` rules, it is counted and both directions
 * pass unseen.
 */
function turnTunnelAway(stream: Stream, route: CompiledRoute): bool {
  if (!route.onlyObserves) return refuseAll(stream, ErrorId.FIM_RT_0004);
  countVerdict(ErrorId.FIM_RT_0004, false);
  passUnread(route, Direction.Request);
  stream.route = null;
  return true;
}

export function proxy_on_request_body(contextId: u32, held: u32, endOfStream: u32): u32 {
  return onBody(contextId, Direction.Request, held, endOfStream != 0);
}

export function proxy_on_request_trailers(contextId: u32, count: u32): u32 {
  cleanTrailers(contextId);
  const status = onTrailers(contextId, Direction.Request);
  scratch.reset();
  return status;
}

function cleanTrailers(contextId: u32): void {
  const stream = streams.find(contextId);
  if (stream == null) return;
  const root = stream.root;
  if (root == null) return;
  dropForgedTrailers(root.stripHeaders);
}

export function proxy_on_response_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  starvation.over();
  const stream = streams.find(contextId);
  // A stream that found no place in the table was refused: what comes is that refusal.
  const passed = stream == null || (responseHeaders(stream, endOfStream != 0) && letGo(stream, Direction.Response));
  scratch.reset();
  return passed ? HeadersStatus.Continue : holdHeaders(contextId, Direction.Response);
}

function responseHeaders(stream: Stream, endOfStream: bool): bool {
  if (stream.replied) return true;
  const route = stream.route;
  if (route == null || route.response.steps.length == 0) return true;
  exchange.bind(stream, Direction.Response);
  if (!isUpstreamResponse()) {
    stream.response.phase = Phase.Passed;
    return true;
  }
  if (!exchange.fetchHeaders()) {
    refuse(stream, Direction.Response, ErrorId.FIM_RT_0008);
    return false;
  }
  return beginHalf(stream, route, Direction.Response, endOfStream);
}

export function proxy_on_response_body(contextId: u32, held: u32, endOfStream: u32): u32 {
  return onBody(contextId, Direction.Response, held, endOfStream != 0);
}

export function proxy_on_response_trailers(contextId: u32, count: u32): u32 {
  const status = onTrailers(contextId, Direction.Response);
  scratch.reset();
  return status;
}

function onBody(contextId: u32, direction: Direction, held: u32, endOfStream: bool): u32 {
  const stream = streams.find(contextId);
  if (stream == null) return direction == Direction.Request ? DataStatus.StopIterationNoBuffer : DataStatus.Continue;
  starvation.over();
  const half = stream.half(direction);
  const phase = half.phase;
  if (phase == Phase.Refused) return DataStatus.StopIterationNoBuffer;
  if (phase == Phase.Draining) return dropPiece(stream, held, endOfStream);
  const route = stream.route;
  if (half.isExcess(held)) {
    exchange.bind(stream, direction);
    const status = cutExcess(stream, direction);
    scratch.reset();
    return status;
  }
  if (route == null || phase == Phase.Passed || phase == Phase.Idle)
    return mayPass(stream, direction) ? DataStatus.Continue : DataStatus.StopIterationNoBuffer;
  exchange.bind(stream, direction);
  if (phase == Phase.Streaming) {
    let status = passPiece(stream, route, direction, held, endOfStream);
    if (status == DataStatus.Continue && !letGo(stream, direction)) status = DataStatus.StopIterationNoBuffer;
    scratch.reset();
    return status;
  }
  const passed = growBody(stream, route, direction, held, endOfStream) && letGo(stream, direction);
  scratch.reset();
  if (passed) return DataStatus.Continue;
  return half.phase == Phase.Refused || half.phase == Phase.Draining
    ? DataStatus.StopIterationNoBuffer
    : DataStatus.StopIterationAndBuffer;
}

/**
 * Whether what no stage is at work on goes on: of a request, only if it was let go; of a response, only if its headers
 * were seen where stages see to them.
 */
function mayPass(stream: Stream, direction: Direction): bool {
  if (direction == Direction.Request) return stream.sealed;
  if (stream.replied || stream.response.phase != Phase.Idle) return true;
  const route = stream.route;
  return route == null || route.response.steps.length == 0;
}

// With trailers no body callback says that the body has ended: this one does.
function onTrailers(contextId: u32, direction: Direction): u32 {
  const stream = streams.find(contextId);
  if (stream == null) return direction == Direction.Request ? TrailersStatus.StopIteration : TrailersStatus.Continue;
  starvation.over();
  const half = stream.half(direction);
  const route = stream.route;
  if (half.phase == Phase.Refused) return TrailersStatus.StopIteration;
  if (half.phase == Phase.Draining) {
    sendLate(stream);
    return TrailersStatus.StopIteration;
  }
  if (route != null && route.plan(direction).hides && !stream.replied) dropTrailers(direction);
  if (route == null || half.phase == Phase.Passed || half.phase == Phase.Idle || half.ended) {
    return mayPass(stream, direction) ? TrailersStatus.Continue : TrailersStatus.StopIteration;
  }
  exchange.bind(stream, direction);
  if (half.phase == Phase.Streaming) {
    const status = passTrailers(stream, route, direction);
    if (status == TrailersStatus.Continue && !letGo(stream, direction)) return TrailersStatus.StopIteration;
    return status;
  }
  return growBody(stream, route, direction, half.bodyLength, true) && letGo(stream, direction)
    ? TrailersStatus.Continue
    : TrailersStatus.StopIteration;
}

export function proxy_on_delete(contextId: u32): void {
  if (roots.remove(contextId)) {
    dropCallouts(contextId);
    resumeTicks();
    scratch.reset();
    __collect();
    return;
  }
  streams.remove(contextId);
}
