// Tokens that a worker has taken ahead from a large bucket for the next requests with the same key, so that these need no
// look at the shared data. They are in the bucket as taken, and come back to it like others, from the oldest on: a token
// of a lease counts only as long as the bucket still lacks it. So nobody is ever let in beside another; what a worker
// holds and does not use is let in later, by whoever comes.
import { Claim } from './claim';

/** Keys for which a worker holds tokens taken ahead, a power of two. Others are decided in the shared data each time. */
const LEASES: i32 = 64;
/** Part of a bucket that a worker takes ahead at once: one in so many tokens, of smaller buckets none. */
const SHARE: u64 = 2048;
/** Part of a bucket, one in so many, that nobody takes ahead: the last tokens go one by one. */
const RESERVE: u64 = 8;
/** Part of the time in which a bucket refills, one in so many, for which tokens taken ahead keep their place. */
const KEPT: u64 = 16;

class Lease {
  hash: u64 = 0;
  /** Of the bucket's rate: under other terms, as of an edit or a second policy, the tokens are none. */
  interval: u64 = 0;
  capacity: u64 = 0;
  /** The bucket's time as this worker left it, clock units: the last token comes back then. */
  until: u64 = 0;
  /** Tokens. */
  left: u64 = 0;
  /** Time from which another key may have the place, clock units: what is then forgotten is little beside what has come back. */
  kept: u64 = 0;
  /** Key that asked last. */
  asked: u64 = 0;

  isOf(claim: Claim): bool {
    const rate = claim.terms.rate;
    return this.hash == claim.hash && this.interval == rate.interval && this.capacity == rate.capacity;
  }
}

const leases: StaticArray<Lease> = new StaticArray<Lease>(LEASES);
for (let i = 0; i < LEASES; i++) leases[i] = new Lease();

// @ts-ignore: decorator
@inline
function leaseOf(claim: Claim): Lease {
  return unchecked(leases[(<i32>(claim.hash >> 32)) & (LEASES - 1)]);
}

/** Tokens of a lease that the bucket still lacks. */
// @ts-ignore: decorator
@inline
function countOf(lease: Lease, claim: Claim, now: u64): u64 {
  return lease.until > now ? min(lease.left, (lease.until - now) / claim.terms.rate.interval) : 0;
}

/** Whether the worker holds tokens for the claim; it is then let in. */
export function findLeased(claim: Claim, now: u64): bool {
  const lease = leaseOf(claim);
  if (!lease.isOf(claim)) return false;
  const count = countOf(lease, claim, now);
  lease.left = count;
  if (count < claim.cost) return false;
  claim.leased = true;
  claim.decision.allowed = true;
  claim.decision.until = lease.until;
  return true;
}

/** Takes the claim's tokens from those that the worker holds. */
export function takeLeased(claim: Claim): void {
  leaseOf(claim).left -= claim.cost;
}

/** Gives them back. */
export function giveLeased(claim: Claim): void {
  const lease = leaseOf(claim);
  if (lease.isOf(claim)) lease.left += claim.cost;
}

/**
 * Time in which the tokens come back that may be taken ahead with the claim, clock units; 0: none. Only a key that asks
 * twice in a row has some. Little of the bucket is taken so, and nothing of one that is nearly empty.
 */
export function aheadOf(claim: Claim, now: u64): u64 {
  const lease = leaseOf(claim);
  const hash = claim.hash;
  const again = lease.asked == hash;
  lease.asked = hash;
  if (!again) return 0;
  if (lease.left != 0 && lease.until > now && (lease.hash == hash || lease.kept > now)) return 0;
  const rate = claim.terms.rate;
  const ahead = (rate.capacity / SHARE) * rate.interval;
  return claim.decision.until + ahead <= now + rate.depth - rate.depth / RESERVE ? ahead : 0;
}

/** The tokens were taken, and the bucket's time is now `claim.decision.until`. */
export function openLease(claim: Claim, ahead: u64, now: u64): void {
  const lease = leaseOf(claim);
  const rate = claim.terms.rate;
  lease.hash = claim.hash;
  lease.interval = rate.interval;
  lease.capacity = rate.capacity;
  lease.until = claim.decision.until;
  lease.left = ahead / rate.interval;
  lease.kept = now + rate.depth / KEPT;
}
