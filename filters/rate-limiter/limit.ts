// One compiled limit: its algorithm on a bucket in memory. A bucket is a hash, the time from which it says nothing any
// more, and the algorithm's own state.
import { Bytes } from '../memory/bytes';
import { BucketRate, chargeBucket, decideBucket, refundBucket } from './bucket';
import { RateLimitAlgorithm } from './config.gen';
import { Cost } from './cost';
import { Decision } from './decision';
import { FleetSlot } from './fleet-slot';
import { InFlightLimit, decideInFlight, releaseInFlight } from './in-flight';
import { KeyPart } from './key-part';
import { tagOf } from './seed';
import { LimitCounters, countersOf } from './stats';
import { WINDOW_BYTES, WindowLimit, chargeWindow, decideWindow, refundWindow } from './window';

const UNTIL: usize = 8;
const STATE: usize = 16;

/** Bytes of a bucket, and of one of a sliding window. */
export const BUCKET_BYTES: u32 = 24;
export const WIDE_BUCKET_BYTES: u32 = 16 + WINDOW_BYTES;

/** How requests wait that a token bucket has no token for yet. */
export class Shape {
  constructor(
    /** Longest wait, milliseconds; 0: nothing waits. */
    readonly waitMs: u64,
    /** Most requests that wait. */
    readonly queue: u64,
    /** Whether what finds no room is left without an answer. */
    readonly drops: bool,
  ) {}
}

export const NO_SHAPE: Shape = new Shape(0, 0, false);

/** Amount that a limit lets in: its own terms, or those of a named key. */
export class Terms {
  readonly rate: BucketRate;
  readonly window: WindowLimit;
  readonly inFlight: InFlightLimit;

  /** `fleet`: the numbers that all Envoys share, as the service reads them; empty: it is this one's alone. */
  constructor(
    readonly requests: u64,
    readonly periodMs: u64,
    burst: u64,
    shape: Shape = NO_SHAPE,
    readonly fleet: Bytes = Bytes.EMPTY,
  ) {
    this.rate = new BucketRate(requests, periodMs, burst, shape.waitMs, shape.queue);
    this.window = new WindowLimit(requests, periodMs);
    this.inFlight = new InFlightLimit(requests, periodMs);
  }
}

/** Terms of a named key. */
export class Override {
  constructor(
    readonly hash: u64,
    readonly terms: Terms,
  ) {}
}

export class Limit {
  /** The two bytes of its name that each bucket bears. */
  readonly tag: u64;
  readonly counters: LimitCounters;
  /** Terms of named keys. */
  overrides: StaticArray<Override> = new StaticArray<Override>(0);
  cost: Cost | null = null;
  observe: bool = false;
  refund: bool = false;
  shape: Shape = NO_SHAPE;
  /** Tokens of large buckets are taken ahead. */
  ahead: bool = false;
  /** How all Envoys are asked for what this one's ceiling lets in; null: they are not. */
  fleet: FleetSlot | null = null;

  /** `id`: name of its buckets in the table. `parts`: of its key, those of its parents first. */
  constructor(
    readonly name: Bytes,
    readonly id: Bytes,
    readonly algorithm: RateLimitAlgorithm,
    readonly terms: Terms,
    readonly parts: StaticArray<KeyPart>,
  ) {
    this.tag = tagOf(id);
    this.counters = countersOf(name);
  }

  /** Its key or its cost is in the body. */
  get readsBody(): bool {
    const cost = this.cost;
    let readsBody = cost != null && cost.readsBody;
    const parts = this.parts;
    for (let i = 0; i < parts.length; i++) readsBody = readsBody || parts[i].field != null;
    return readsBody;
  }

  /** Whether its buckets are those of a sliding window. */
  get wide(): bool {
    return this.algorithm == RateLimitAlgorithm.SlidingWindow;
  }

  get bucketBytes(): u32 {
    return this.wide ? WIDE_BUCKET_BYTES : BUCKET_BYTES;
  }

  /** Whether what it lets in is to be remembered until the stream ends. */
  get holds(): bool {
    return (
      this.refund ||
      this.algorithm == RateLimitAlgorithm.Concurrency ||
      this.chargesAnswer ||
      this.shapes ||
      this.fleet != null
    );
  }

  /** Whether requests may wait for it. */
  get shapes(): bool {
    return this.shape.waitMs != 0;
  }

  /** Whether its tokens may be taken ahead: nobody is told what is left, and nothing comes back or is added later. */
  get leases(): bool {
    return this.algorithm == RateLimitAlgorithm.TokenBucket && !this.holds;
  }

  get chargesAnswer(): bool {
    const cost = this.cost;
    return cost != null && cost.inAnswer;
  }

  termsOf(hash: u64): Terms {
    const overrides = this.overrides;
    for (let i = 0; i < overrides.length; i++) {
      if (unchecked(overrides[i]).hash == hash) return unchecked(overrides[i]).terms;
    }
    return this.terms;
  }

  /**
   * Decides on the bucket and changes it in place. True: the change is to be kept although the request is refused,
   * since the terms were edited.
   */
  decide(decision: Decision, terms: Terms, bucket: usize, now: u64, cost: u64): bool {
    const until = load<u64>(bucket, UNTIL);
    let edited = false;
    if (this.algorithm == RateLimitAlgorithm.TokenBucket) {
      decideBucket(decision, terms.rate, until, now, cost);
      edited = decision.until != until;
    } else if (this.algorithm == RateLimitAlgorithm.SlidingWindow) {
      const part = load<u64>(bucket, STATE + 8);
      decideWindow(decision, terms.window, bucket + STATE, now, cost);
      edited = part != 0 && part != terms.window.part;
    } else {
      store<u64>(bucket, decideInFlight(decision, terms.inFlight, until, load<u64>(bucket, STATE), now), STATE);
    }
    store<u64>(bucket, decision.until, UNTIL);
    return edited;
  }

  /** The part or lease that is running: where tokens taken now are given back. */
  stampAt(terms: Terms, now: u64): u64 {
    if (this.algorithm == RateLimitAlgorithm.SlidingWindow) return now / terms.window.part;
    return this.algorithm == RateLimitAlgorithm.Concurrency ? now / terms.inFlight.lease : 0;
  }

  /** Gives `cost` back that was taken at `stamp`. */
  giveBack(decision: Decision, terms: Terms, bucket: usize, stamp: u64, cost: u64): void {
    const until = load<u64>(bucket, UNTIL);
    if (this.algorithm == RateLimitAlgorithm.TokenBucket) decision.until = refundBucket(terms.rate, until, cost);
    else if (this.algorithm == RateLimitAlgorithm.SlidingWindow) {
      refundWindow(bucket + STATE, stamp, cost);
      decision.until = until;
    } else {
      const counts = load<u64>(bucket, STATE);
      store<u64>(bucket, releaseInFlight(decision, terms.inFlight, until, counts, stamp), STATE);
    }
    store<u64>(bucket, decision.until, UNTIL);
  }

  /** Takes `cost` more for a request that is in. A limit of requests in flight has no such cost. */
  charge(terms: Terms, bucket: usize, now: u64, cost: u64): void {
    const until = this.wide
      ? chargeWindow(terms.window, bucket + STATE, now, cost)
      : chargeBucket(terms.rate, load<u64>(bucket, UNTIL), now, cost);
    store<u64>(bucket, until, UNTIL);
  }
}
