// Requests in flight. Whoever is let in is counted until his stream ends. A worker that ends without a word leaves its
// counts behind, so a count holds for a lease and is then forgotten: counts of the running lease and of the one before.
import { TICKS_PER_MILLI } from './bucket';
import { Decision } from './decision';

/** Limit of requests in flight. */
export class InFlightLimit {
  /** Length of a lease, clock units. */
  readonly lease: u64;

  constructor(
    readonly requests: u64,
    leaseMs: u64,
  ) {
    this.lease = leaseMs * TICKS_PER_MILLI;
  }
}

/**
 * Counts as of `now`: those of the running lease in the low half, of the one before in the high half. `until`, `counts`:
 * what is stored. After an edit of the lease all counts are taken for new.
 */
function countsAt(limit: InFlightLimit, until: u64, counts: u64, now: u64): u64 {
  if (until <= now || counts == 0) return 0;
  const end = (now / limit.lease + 2) * limit.lease;
  if (until == end) return counts;
  if (until + limit.lease == end) return counts << 32;
  return min((counts >> 32) + (counts & u32.MAX_VALUE), u32.MAX_VALUE);
}

/** Lets a request in if fewer than the limit are. The counts to store are the result. */
export function decideInFlight(decision: Decision, limit: InFlightLimit, until: u64, counts: u64, now: u64): u64 {
  counts = countsAt(limit, until, counts, now);
  const held = (counts >> 32) + (counts & u32.MAX_VALUE);
  decision.never = limit.requests == 0;
  decision.allowed = held < limit.requests;
  if (decision.allowed) counts++;
  decision.until = (now / limit.lease + 2) * limit.lease;
  decision.remaining = decision.allowed ? limit.requests - held - 1 : 0;
  decision.waits = decision.allowed || decision.never ? 0 : 1;
  decision.returns = 1;
  return counts;
}

/**
 * Counts without one that was let in during `lease` (number since the clock's zero). Where nothing is left, `until` is 0.
 */
export function releaseInFlight(decision: Decision, limit: InFlightLimit, until: u64, counts: u64, lease: u64): u64 {
  const running = until / limit.lease - 2;
  const low = counts & u32.MAX_VALUE;
  const high = counts >> 32;
  if (lease == running && low > 0) counts--;
  else if (lease + 1 == running && high > 0) counts -= (<u64>1) << 32;
  else if (until % limit.lease != 0 && low > 0) counts--; // the lease was edited meanwhile
  decision.until = counts == 0 ? 0 : until;
  return counts;
}
