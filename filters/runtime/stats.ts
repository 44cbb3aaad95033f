import {
  BODY_CUT,
  BODY_REPLACED,
  BODY_STREAMED,
  CALLOUT_FAILED,
  CALLOUT_SENT,
  CONFIGURED,
  CONFIG_ACCEPTED,
  CONFIG_LOST,
  CONFIG_REFUSED,
  EXTRACT_DONE,
  EXTRACT_REFUSED,
  HELD_GIVEN_BYTES,
  HELD_TAKEN_BYTES,
  REPLY_FAILED,
  REPLY_LATE,
  ROUTE_MATCHED,
  ROUTE_UNMATCHED,
  SEAL_FAILED,
  STREAM_DRAINED,
  TRAILERS_DROPPED,
  observedTotal,
  refusedTotal,
} from '../metrics.gen';
import { Counter } from './metrics';
import { ERROR_COUNT, ErrorId, errorCode, errorCodeLength } from '../errors.gen';

/** Configurations accepted and refused, once per VM and attempt. */
export const configAccepted: Counter = new Counter(CONFIG_ACCEPTED);
export const configRefused: Counter = new Counter(CONFIG_REFUSED);
/**
 * Configurations that a VM had to apply because another VM of the process had, and could not use. All their traffic is
 * refused with FIM-RT-0001.
 */
export const configLost: Counter = new Counter(CONFIG_LOST);
/** Streams ended because their configuration was replaced too long ago, or too many times since. */
export const streamDrained: Counter = new Counter(STREAM_DRAINED);
/** Requests without a route, which pass unchanged. */
export const routeUnmatched: Counter = new Counter(ROUTE_UNMATCHED);
/** Requests with a route. */
export const routeMatched: Counter = new Counter(ROUTE_MATCHED);
/** Messages whose body a stage replaced. */
export const bodyReplaced: Counter = new Counter(BODY_REPLACED);
/** Streamed bodies, and those that were refused after pieces had passed. */
export const bodyStreamed: Counter = new Counter(BODY_STREAMED);
export const bodyCut: Counter = new Counter(BODY_CUT);
/** Values set as filter state, and those that were not: empty, too long, or no plain text. */
export const extracted: Counter = new Counter(EXTRACT_DONE);
export const extractRefused: Counter = new Counter(EXTRACT_REFUSED);
/** Refusals whose reply the host did not accept. The stream is held, and nothing passed. */
export const replyFailed: Counter = new Counter(REPLY_FAILED);
/** Replies to refused requests that were sent at the end of the request, so that the connection stays open. */
export const replyLate: Counter = new Counter(REPLY_LATE);
/**
 * Bytes of bodies that the proxy began to buffer for a verdict, and bytes that it released. The difference is buffered
 * now.
 */
export const heldTaken: Counter = new Counter(HELD_TAKEN_BYTES);
export const heldGiven: Counter = new Counter(HELD_GIVEN_BYTES);
/** Trailers removed from messages whose body a stage hides. */
export const trailersDropped: Counter = new Counter(TRAILERS_DROPPED);
/**
 * Requests that passed without their stamp because the host did not accept it. A seal behind the module refuses them.
 */
export const sealFailed: Counter = new Counter(SEAL_FAILED);
/** Call-outs sent, and those that failed or timed out. */
export const calloutSent: Counter = new Counter(CALLOUT_SENT);
export const calloutFailed: Counter = new Counter(CALLOUT_FAILED);

/** Number of counters of accepted configurations. Generations use their fixed names in turn. */
const GENERATION_SLOTS: i32 = 16;

const generations: StaticArray<Counter> = new StaticArray<Counter>(GENERATION_SLOTS);
const refused: StaticArray<Counter | null> = new StaticArray<Counter | null>(<i32>ERROR_COUNT);
const observed: StaticArray<Counter | null> = new StaticArray<Counter | null>(<i32>ERROR_COUNT);

/** Defines the runtime's metrics, once per VM. */
export function defineRuntimeStats(): void {
  configAccepted.define();
  configRefused.define();
  configLost.define();
  streamDrained.define();
  routeUnmatched.define();
  routeMatched.define();
  bodyReplaced.define();
  bodyStreamed.define();
  bodyCut.define();
  extracted.define();
  extractRefused.define();
  replyFailed.define();
  replyLate.define();
  heldTaken.define();
  heldGiven.define();
  trailersDropped.define();
  sealFailed.define();
  calloutSent.define();
  calloutFailed.define();
  for (let i = 0; i < GENERATION_SLOTS; i++) {
    const counter = new Counter(CONFIGURED + i.toString());
    // Defined at once and not on first use. Envoy drops a counter with its last VM, and a controller measures
    // differences.
    counter.define();
    generations[i] = counter;
  }
  for (let i = 1; i < <i32>ERROR_COUNT; i++) {
    const code = String.UTF8.decodeUnsafe(errorCode(<ErrorId>i), errorCodeLength(<ErrorId>i));
    refused[i] = new Counter(refusedTotal(code));
    observed[i] = new Counter(observedTotal(code));
  }
}

/** Counts a VM that accepted a configuration. A controller derives from it how many workers have it. */
export function countConfigured(generation: i64): void {
  const counter = generations[<i32>(generation & (GENERATION_SLOTS - 1))];
  counter.add(1);
}

/** Counts a refusal, or one that `Observe` ignored, by its code. */
export function countVerdict(error: ErrorId, enforced: bool): void {
  if (<i32>error <= 0 || <i32>error >= <i32>ERROR_COUNT) return;
  const counter = enforced ? refused[error] : observed[error];
  if (counter == null) return;
  counter.define();
  counter.add(1);
}
