import { StreamHold } from '../runtime/stream-hold';
import { Claim } from './claim';
import { TAG_MASK } from './seed';

const NO_CLAIMS: StaticArray<Claim> = new StaticArray<Claim>(0);

/** A request with what it took, and its place among those that wait. */
export abstract class Waiter extends StreamHold {
  /** The request's claims on each limit; the first `count` were decided. */
  claims: StaticArray<Claim> = NO_CLAIMS;
  count: i32 = 0;
  waits: bool = false;
  /** Envoy's id of its stream. */
  streamId: u32 = 0;
  /** Time at which it may go on, clock units of bucket.ts. */
  dueTicks: u64 = 0;
  ahead: Waiter | null = null;
  behind: Waiter | null = null;

  /** Time from which every bucket has the tokens that it took. 0: they all have. */
  dueTime(): u64 {
    let due: u64 = 0;
    for (let i = 0; i < this.count; i++) {
      const claim = unchecked(this.claims[i]);
      if (isDelayed(claim)) due = max(due, claim.decision.until - claim.terms.rate.depth);
    }
    return due;
  }

  /** Takes over the time of a request that left from before it, which gets its own. */
  moveUp(left: Waiter): void {
    for (let i = 0; i < left.count; i++) {
      const freed = unchecked(left.claims[i]);
      if (!isDelayed(freed)) continue;
      for (let j = 0; j < this.count; j++) {
        const claim = unchecked(this.claims[j]);
        if (!isDelayed(claim) || !standsBehind(claim, freed)) continue;
        const until = claim.decision.until;
        claim.decision.until = freed.decision.until;
        freed.decision.until = until;
      }
    }
    this.dueTicks = this.dueTime();
  }
}

/** Whether the claim's tokens had yet to return when it took them. */
function isDelayed(claim: Claim): bool {
  return claim.taken && claim.decision.delay != 0 && !claim.limit.observe;
}

/** Whether two claims wait for as many tokens of one bucket under the same numbers, and `claim` has the later ones. */
function standsBehind(claim: Claim, other: Claim): bool {
  if (claim.cost != other.cost || claim.spare != other.spare || claim.decision.until <= other.decision.until)
    return false;
  const rate = claim.terms.rate;
  if (rate.interval != other.terms.rate.interval || rate.depth != other.terms.rate.depth) return false;
  return claim.spare ? ((claim.hash ^ other.hash) & TAG_MASK) == 0 : claim.hash == other.hash;
}
