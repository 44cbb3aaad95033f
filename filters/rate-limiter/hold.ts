// State of a request that the stage keeps until its stream ends: what it took, to be told in the answer and to be given
// back.
import { Bytes } from '../memory/bytes';
import { monotonicNanos } from '../runtime/host';
import { isReplyOf } from '../runtime/routing';
import { TICKS_PER_NANO } from './bucket';
import { Claim } from './claim';
import { RateLimitAlgorithm } from './config.gen';
import { Limit } from './limit';
import { limitRefunded } from './stats';
import { giveBack } from './table';
import { Waiter } from './waiter';
import { waitingLine } from './waiting-line';

/** Verdict of a service on the limits of all Envoys. */
enum FleetAnswer {
  Admitted,
  Refused,
  Missing,
}

// Details of the replies of Envoy's rate-limit filter.
const REFUSED: Bytes = Bytes.from('request_rate_limited');
const MISSING: Bytes = Bytes.from('rate_limiter_error');

export class Hold extends Waiter {
  private fleet: FleetAnswer = FleetAnswer.Admitted;
  /** Next free one of the pool. */
  next: Hold | null = null;

  /** Room for `count` claims. A hold grows with the policies that it serves, and stays so large. */
  fit(count: i32): void {
    this.count = 0;
    this.fleet = FleetAnswer.Admitted;
    const old = this.claims;
    if (old.length >= count) return;
    const claims = new StaticArray<Claim>(count);
    for (let i = 0; i < count; i++) claims[i] = i < old.length ? old[i] : new Claim();
    this.claims = claims;
  }

  /** Envoy's rate-limit filter stands behind this one. Another reply is none of the limits. */
  onProxyReply(): void {
    if (isReplyOf(REFUSED)) this.fleet = FleetAnswer.Refused;
    else if (isReplyOf(MISSING)) this.fleet = FleetAnswer.Missing;
  }

  /**
   * Requests in flight come back, what a limit refunds if the request was not served, and the place of one that still
   * waited.
   */
  end(unserved: bool): void {
    const left = this.waits;
    if (left) waitingLine.leave(this);
    let now: u64 = 0;
    for (let i = 0; i < this.count; i++) {
      const claim = unchecked(this.claims[i]);
      if (!claim.taken) continue;
      const limit = claim.limit;
      if (limit.fleet != null) this.countFleet(limit);
      const refunded = unserved && limit.refund;
      const gaveUp = left && claim.decision.delay != 0;
      if (gaveUp) limit.counters.left.add(1);
      if (limit.algorithm != RateLimitAlgorithm.Concurrency && !refunded && !gaveUp) continue;
      if (refunded) limitRefunded.add(1);
      if (now == 0) now = monotonicNanos() * TICKS_PER_NANO;
      giveBack(claim, now);
    }
    giveHold(this);
  }

  /** The service does not say which of a request's limits refused: they count together. */
  private countFleet(limit: Limit): void {
    const counters = limit.counters;
    if (this.fleet == FleetAnswer.Admitted) counters.admitted.add(1);
    else if (this.fleet == FleetAnswer.Refused) counters.refused.add(1);
    else counters.unanswered.add(1);
  }
}

let free: Hold | null = null;

/** A hold for `count` claims. */
export function takeHold(count: i32): Hold {
  let hold = free;
  if (hold == null) hold = new Hold();
  else free = hold.next;
  hold.next = null;
  hold.fit(count);
  return hold;
}

export function giveHold(hold: Hold): void {
  hold.count = 0;
  hold.next = free;
  free = hold;
}
