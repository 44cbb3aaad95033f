import { SharedValue } from '../runtime/shared-data';
import { Decision } from './decision';
import { Limit, Terms } from './limit';

/** A request's claim on one limit, and its result. Reused from request to request. */
export class Claim {
  limit!: Limit;
  /** The limit's own terms, or those of a named key. */
  terms!: Terms;
  /** Hash of limit and key. */
  hash: u64 = 0;
  /** Tokens. */
  cost: u64 = 1;
  readonly decision: Decision = new Decision();
  /** The line or cell with the bucket, as read. */
  readonly value: SharedValue = new SharedValue();
  /** Digest that names the key for all Envoys, in scratch memory; 0: the limit is this one's alone. */
  fleetKey: usize = 0;
  /** The bucket within it, in scratch memory. */
  bucket: usize = 0;
  /** The line is full, and the key shares the limit's spare bucket. */
  spare: bool = false;
  /** The part or lease in which it was let in: where it is given back. */
  stamp: u64 = 0;
  /** The tokens are from those that the worker took ahead. */
  leased: bool = false;
  /** Its tokens are taken. */
  taken: bool = false;

  begin(limit: Limit, hash: u64, cost: u64): void {
    this.limit = limit;
    this.terms = limit.termsOf(hash);
    this.hash = hash;
    this.cost = cost;
    this.taken = false;
    this.fleetKey = 0;
    this.spare = false;
    this.leased = false;
    // One that is not asked, because an earlier limit refused, says nothing of the request before.
    const decision = this.decision;
    decision.allowed = false;
    decision.never = false;
    decision.remaining = 0;
    decision.waits = 0;
    decision.delay = 0;
  }
}
