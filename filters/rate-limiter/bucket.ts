// Generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling form): a token bucket that refills in
// proportion to elapsed time. Its state is one number, the theoretical arrival time of the next request. Nothing jumps
// at the end of a period.

/** Clock units of the algorithm per nanosecond. Fractions of a nanosecond keep fast rates exact. */
export const TICKS_PER_NANO: u64 = 16;
const NANOS_PER_MILLI: u64 = 1_000_000;
/**
 * Bound of `depth`, clock units: half the range, which leaves room for 18 years of uptime. A bucket that takes longer
 * to refill is made smaller.
 */
const MAX_DEPTH: u64 = u64.MAX_VALUE / 2;

/** Limit of one route, in clock units. */
export class BucketRate {
  /** Time in which one token returns. */
  readonly interval: u64;
  /** Time in which the whole bucket refills. */
  readonly depth: u64;

  /** `requests`: tokens that return in `periodMs`. `burst`: capacity of the bucket. */
  constructor(
    readonly requests: u64,
    readonly periodMs: u64,
    readonly burst: u64,
  ) {
    this.interval = max((periodMs * NANOS_PER_MILLI * TICKS_PER_NANO) / requests, 1);
    this.depth = this.interval * min(burst, MAX_DEPTH / this.interval);
  }
}

/** Result of one decision. */
export class Decision {
  allowed: bool = false;
  /** Theoretical arrival time to store, clock units. */
  arrival: u64 = 0;
  /** Whole tokens left. */
  remaining: u64 = 0;
  /** Time until the next token, clock units. 0 if one is available. */
  waits: u64 = 0;
  /** Time until there is one more than `remaining`, clock units; at least 1. */
  returns: u64 = 0;

  /**
   * Takes a token if one is available. `arrival`: stored time (0: a full bucket). Times in clock units. A bucket is
   * never more than empty, so that the debt of a slower rate does not outlast an edit of the limit.
   */
  decide(rate: BucketRate, arrival: u64, now: u64): void {
    arrival = min(arrival, now + rate.depth);
    const next = max(arrival, now) + rate.interval;
    const used = next - now;
    this.allowed = used <= rate.depth;
    this.arrival = this.allowed ? next : arrival;
    this.waits = this.allowed ? 0 : used - rate.depth;
    const held = this.allowed ? used : arrival - now;
    const left = held >= rate.depth ? 0 : rate.depth - held;
    this.remaining = left / rate.interval;
    this.returns = rate.interval - (left % rate.interval);
  }
}
