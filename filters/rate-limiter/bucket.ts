// Generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling form): a token bucket that refills in
// proportion to elapsed time. Its state is one number, the theoretical arrival time of the next request. Nothing jumps
// at the end of a period.
import { Decision } from './decision';

/** Clock units of the algorithms per nanosecond. Fractions of a nanosecond keep fast rates exact. */
export const TICKS_PER_NANO: u64 = 16;

/** Clock units per millisecond. */
export const TICKS_PER_MILLI: u64 = 1_000_000 * TICKS_PER_NANO;

/**
 * Bound of `depth`, clock units: half the range, which leaves room for 18 years of uptime. A bucket that takes longer
 * to refill is made smaller.
 */
const MAX_DEPTH: u64 = u64.MAX_VALUE / 2;

/** Rate and size of a bucket, in clock units. */
export class BucketRate {
  /** Time in which one token returns. Rounded up, so that no rounding admits more than the rate. */
  readonly interval: u64;
  /** Time in which the whole bucket refills. */
  readonly depth: u64;
  /** Tokens of a full bucket. */
  readonly capacity: u64;
  /** For how long at most a request may wait for tokens that have yet to return. 0: nothing waits. */
  readonly room: u64;

  /**
   * `requests`: tokens that return in `periodMs`; 0: none ever. `burst`: capacity of the bucket. At most `queue` requests
   * wait, each at most `waitMs`.
   */
  constructor(
    readonly requests: u64,
    readonly periodMs: u64,
    readonly burst: u64,
    waitMs: u64 = 0,
    queue: u64 = 0,
  ) {
    const divisor = max(requests, 1);
    this.interval = max((periodMs * TICKS_PER_MILLI + divisor - 1) / divisor, 1);
    this.capacity = requests == 0 ? 0 : min(burst, MAX_DEPTH / this.interval);
    this.depth = this.interval * this.capacity;
    const wait = waitMs * TICKS_PER_MILLI;
    this.room = queue != 0 && this.interval < wait / queue ? this.interval * queue : wait;
  }
}

/**
 * Takes `cost` tokens if so many are there, or will be before the request has waited too long: those that wait stand in
 * the bucket as what it lacks, in the order in which they came, whichever worker they came to. `arrival`: stored time (0: a
 * full bucket). Times in clock units. A bucket never lacks more than those have that wait, so that the debt of a slower
 * rate does not outlast an edit of the limit.
 */
export function decideBucket(decision: Decision, rate: BucketRate, arrival: u64, now: u64, cost: u64): void {
  const most = rate.depth + rate.room;
  arrival = min(arrival, now + most);
  const fits = cost <= rate.capacity;
  const start = max(arrival, now);
  const next = fits ? start + rate.interval * cost : start;
  const used = next - now;
  const allowed = fits && used <= most;
  decision.allowed = allowed;
  decision.until = allowed ? next : arrival;
  decision.waits = allowed || !fits ? 0 : used - most;
  decision.delay = allowed && used > rate.depth ? used - rate.depth : 0;
  decision.never = !fits;
  const held = (allowed ? next : start) - now;
  const left = held >= rate.depth ? 0 : rate.depth - held;
  decision.remaining = left / rate.interval;
  decision.returns = held > rate.depth ? held - rate.depth + rate.interval : rate.interval - (left % rate.interval);
}

/** Stored time after `cost` tokens came back, clock units. */
export function refundBucket(rate: BucketRate, arrival: u64, cost: u64): u64 {
  const back = rate.interval * min(cost, rate.capacity);
  return arrival > back ? arrival - back : 0;
}

/**
 * Stored time after `cost` tokens were taken from a request that is already in: the bucket is at most empty, or as it is
 * for those that wait.
 */
export function chargeBucket(rate: BucketRate, arrival: u64, now: u64, cost: u64): u64 {
  arrival = min(arrival, now + rate.depth + rate.room);
  return min(max(arrival, now) + rate.interval * min(cost, rate.capacity), max(now + rate.depth, arrival));
}
