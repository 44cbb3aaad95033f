// Sliding window of sixteen parts. It counts the requests of the last period in parts of a fifteenth of it, and the
// part that the period's beginning falls into counts as a whole. So no period, wherever it begins, admits more than the
// limit; and what is admitted may be admitted a fifteenth of the period too late.
import { TICKS_PER_MILLI } from './bucket';
import { Decision } from './decision';

/** Parts that are kept, a power of two. */
const PARTS: u64 = 16;
const PARTS_MASK: u64 = PARTS - 1;

/** Bytes of a window's state: number of its newest part, length of a part, counts by number modulo PARTS. */
export const WINDOW_BYTES: u32 = 16 + <u32>PARTS * 4;

const COUNTS: u32 = 16;

/** Limit of a sliding window. */
export class WindowLimit {
  /** Length of a part, clock units: a fifteenth of the period, rounded up. */
  readonly part: u64;

  constructor(
    readonly requests: u64,
    periodMs: u64,
  ) {
    this.part = (periodMs * TICKS_PER_MILLI + PARTS - 2) / (PARTS - 1);
  }
}

// @ts-ignore: decorator
@inline
function countAt(state: usize, part: u64): usize {
  return state + COUNTS + <usize>((part & PARTS_MASK) << 2);
}

/** Moves the window on to `now`. After an edit of the period all that still counts is taken for new. */
function advance(limit: WindowLimit, state: usize, now: u64): u64 {
  const part = now / limit.part;
  const newest = load<u64>(state);
  const oldPart = load<u64>(state, 8);
  if (oldPart != limit.part) {
    const carried = oldPart == 0 ? 0 : countsSince(state, newest, now / oldPart);
    memory.fill(state, 0, WINDOW_BYTES);
    store<u32>(countAt(state, part), <u32>min(carried, u32.MAX_VALUE));
    store<u64>(state, part);
    store<u64>(state, limit.part, 8);
    return part;
  }
  if (part > newest) {
    const steps = min(part - newest, PARTS);
    for (let i: u64 = 0; i < steps; i++) store<u32>(countAt(state, part - i), 0);
    store<u64>(state, part);
  }
  return max(part, newest);
}

/** Requests that a window whose newest part is `newest` still counts in the part `now`. */
function countsSince(state: usize, newest: u64, now: u64): u64 {
  let sum: u64 = 0;
  for (let i: u64 = 0; i < PARTS; i++) if (newest - i + PARTS > now) sum += load<u32>(countAt(state, newest - i));
  return sum;
}

/** Takes `cost` if the window has room. `state`: WINDOW_BYTES, changed in place also where the answer is no. */
export function decideWindow(decision: Decision, limit: WindowLimit, state: usize, now: u64, cost: u64): void {
  const part = advance(limit, state, now);
  const sum = countsSince(state, part, part);
  decision.never = cost > limit.requests;
  decision.allowed = !decision.never && sum + cost <= limit.requests;
  if (decision.allowed) {
    const at = countAt(state, part);
    store<u32>(at, load<u32>(at) + <u32>cost);
  }
  const used = decision.allowed ? sum + cost : sum;
  decision.remaining = used >= limit.requests ? 0 : limit.requests - used;
  decision.until = used == 0 ? 0 : (part + PARTS) * limit.part;
  const over = decision.allowed || decision.never ? 0 : sum + cost - limit.requests;
  decision.waits = over == 0 ? 0 : freed(limit, state, part, over) - now;
  decision.returns = max(freed(limit, state, part, used + 1 > limit.requests ? used + 1 - limit.requests : 1) - now, 1);
}

/** Time at which `wanted` of what the window counts are gone. */
function freed(limit: WindowLimit, state: usize, part: u64, wanted: u64): u64 {
  let sum: u64 = 0;
  for (let i = PARTS; i > 0; i--) {
    sum += load<u32>(countAt(state, part + 1 - i));
    if (sum >= wanted) return (part + 1 - i + PARTS) * limit.part;
  }
  return (part + 1) * limit.part;
}

/** Gives `cost` back to the part `part`, in which it was taken, if it is still counted. */
export function refundWindow(state: usize, part: u64, cost: u64): void {
  const newest = load<u64>(state);
  if (part > newest || newest - part >= PARTS) return;
  const at = countAt(state, part);
  const count = load<u32>(at);
  store<u32>(at, count > <u32>cost ? count - <u32>cost : 0);
}

/** Counts `cost` more of a request that is already in, up to the limit. */
export function chargeWindow(limit: WindowLimit, state: usize, now: u64, cost: u64): u64 {
  const part = advance(limit, state, now);
  const sum = countsSince(state, part, part);
  const room = limit.requests > sum ? limit.requests - sum : 0;
  const at = countAt(state, part);
  store<u32>(at, load<u32>(at) + <u32>min(cost, room));
  return (part + PARTS) * limit.part;
}
