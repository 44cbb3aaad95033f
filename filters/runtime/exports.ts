// The guest side of proxy-wasm ABI 0.2.1 for HTTP filters: what Envoy calls. Every module re-exports this file.
// `proxy_on_done` is left out on purpose, `proxy_on_log` is in end-of-stream.ts, and what comes of answers behind their
// headers in answer-body.ts: the host skips calls that a module does not have. Scratch memory is given back when a call ends.
import { scratch } from '../memory/scratch';
import './abort';
import { runAfterCall } from './after-call';
import { HeadersStatus } from './abi';
import { dropCallouts, onCalloutAnswer } from './callout';
import { Direction } from './direction';
import { takeCollectionRequest } from './garbage';
import {
  countVariant,
  endHold,
  keepsBodyBack,
  onBody,
  onRequestHeaders,
  onResponseHeaders,
  onTrailers,
  tellOutcomes,
} from './messages';
import { flushCounters } from './metrics';
import { coarseMillis, configureRoot, forgetRoot, resumeTicks, roots, startVm, streams, tickRoot } from './module';
import { Progress } from './progress';
import { starvation } from './starvation';
import { dataStatus, trailersStatus } from './statuses';

export function proxy_abi_version_0_2_1(): void {}

/** Values from the host land in scratch memory, which needs no free. 0 makes the host's call fail. */
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
  const root = roots.find(rootId);
  stream.root = root;
  if (root != null) stream.client.addressLimitBytes = root.heldPerAddressBytes;
  stream.bornMs = coarseMillis();
}

export function proxy_on_vm_start(rootId: u32, size: u32): u32 {
  startVm();
  scratch.reset();
  return 1; // the configuration callback tells whether it may be used
}

export function proxy_on_configure(rootId: u32, size: u32): u32 {
  const root = roots.find(rootId);
  const ok = root != null && configureRoot(root, size);
  flushCounters();
  scratch.reset();
  __collect();
  return ok ? 1 : 0;
}

export function proxy_on_tick(rootId: u32): void {
  const root = roots.find(rootId);
  if (root != null) tickRoot(root);
  runAfterCall();
  flushCounters();
  scratch.reset();
}

export function proxy_on_http_call_response(rootId: u32, token: u32, headers: u32, bodySize: u32, trailers: u32): void {
  onCalloutAnswer(rootId, token, headers, bodySize);
  runAfterCall();
  scratch.reset();
  if (takeCollectionRequest()) __collect();
}

export function proxy_on_request_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  const status = headersStatus(contextId, Direction.Request, onRequestHeaders(contextId, endOfStream != 0));
  runAfterCall();
  return status;
}

export function proxy_on_request_body(contextId: u32, held: u32, endOfStream: u32): u32 {
  const status = dataStatus(onBody(contextId, Direction.Request, held, endOfStream != 0));
  runAfterCall();
  return status;
}

export function proxy_on_request_trailers(contextId: u32, count: u32): u32 {
  const status = trailersStatus(onTrailers(contextId, Direction.Request));
  runAfterCall();
  return status;
}

export function proxy_on_response_headers(contextId: u32, count: u32, endOfStream: u32): u32 {
  const status = headersStatus(contextId, Direction.Response, onResponseHeaders(contextId, endOfStream != 0));
  runAfterCall();
  return status;
}

/** Status of held headers. The body is collected meanwhile, or stays where it is if it will be streamed. */
function headersStatus(contextId: u32, direction: Direction, progress: Progress): HeadersStatus {
  scratch.reset();
  if (progress == Progress.Goes) return HeadersStatus.Continue;
  return progress == Progress.Stays && keepsBodyBack(contextId, direction)
    ? HeadersStatus.StopAllIterationAndWatermark
    : HeadersStatus.StopIteration;
}

export function proxy_on_delete(contextId: u32): void {
  if (roots.remove(contextId)) {
    forgetRoot(contextId);
    dropCallouts(contextId);
    flushCounters();
    resumeTicks(contextId);
    scratch.reset();
    __collect();
    return;
  }
  const stream = streams.find(contextId);
  if (stream != null) {
    tellOutcomes(stream);
    countVariant(stream);
    endHold(stream);
    scratch.reset();
  }
  streams.remove(contextId);
  runAfterCall();
}
