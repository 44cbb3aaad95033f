// The generic cell rate algorithm (ITU-T I.371, annex A; here in its virtual scheduling form): a token bucket that
// refills in proportion to elapsed time and needs one number, the theoretical arrival time of the next request. Nothing
// jumps at the end of a period.

/** Clock units of the algorithm per nanosecond: fractions of a nanosecond keep fast rates exact. */
export const TICKS_PER_NANO: u64 = 16;
const NANOS_PER_MILLI: u64 = 1_000_000;
/**
 * Bound of `depth`, clock units: half the range, which leaves the clock room for 18 years of uptime. A bucket that
 * takes longer to refill is made smaller.
 */
const MAX_DEPTH: u64 = u64.MAX_VALUE / 2;

/** The limit of one route, in clock units. */
export class BucketRate {
  /** Time for one token to come back. */
  readonly interval: u64;
  /** Time for the whole bucket to come back. */
  readonly depth: u64;

  /** `requests` come back in `periodMs`; the bucket holds `burst`. */
  constructor(
    readonly requests: u64,
    readonly periodMs: u64,
    readonly burst: u64,
  ) {
    this.interval = max((periodMs * NANOS_PER_MILLI * TICKS_PER_NANO) / requests, 1);
    this.depth = this.interval * min(burst, MAX_DEPTH / this.interval);
  }
}

/** The outcome of one decision. */
export class Decision {
  allowed: bool = false;
  /** Theoretical arrival time to keep, clock units. */
  arrival: u64 = 0;
  /** Whole tokens left. */
  remaining: u64 = 0;
  /** Until the next token, clock units; 0 if one is there. */
  waits: u64 = 0;
  /** Until one more than `remaining` is there, clock units; at least 1. */
  returns: u64 = 0;

  /**
   * Takes a token if there is one. `arrival`: what was kept (0: a full bucket). Times in clock units. A bucket is never
   * emptier than empty: what a slower rate left behind before the limit was edited does not outlast the edit.
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
