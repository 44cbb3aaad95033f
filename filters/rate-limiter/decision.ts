/** Result of one decision of one limit. Times in the clock units of bucket.ts. */
export class Decision {
  allowed: bool = false;
  /** Refused, and no waiting helps: the limit is 0, or the request costs more than the limit ever has. */
  never: bool = false;
  /** Time from which the stored state says nothing any more. To be stored. */
  until: u64 = 0;
  /** Whole tokens left. */
  remaining: u64 = 0;
  /** Time until the request would be let in. 0 if it is, or never will be. */
  waits: u64 = 0;
  /** Let in, but only after so long. */
  delay: u64 = 0;
  /** Time until there is one more than `remaining`; at least 1. */
  returns: u64 = 0;
}
