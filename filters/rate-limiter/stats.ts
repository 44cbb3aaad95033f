import {
  LIMIT_ALLOWED,
  LIMIT_BUCKET_SPILLED,
  LIMIT_EXCEEDED,
  LIMIT_FAILED,
  LIMIT_REFUNDED,
  LIMIT_SWAP_LOST,
  limitRequestsTotal,
} from '../metrics.gen';
import { MAX_LIMIT_COUNTERS } from '../limits';
import { Bytes } from '../memory/bytes';
import { Counter } from '../runtime/metrics';

/** Requests that every limit let in, and requests that one refused. */
export const limitAllowed: Counter = new Counter(LIMIT_ALLOWED);
export const limitExceeded: Counter = new Counter(LIMIT_EXCEEDED);
/** Requests that could not be decided. */
export const limitFailed: Counter = new Counter(LIMIT_FAILED);
/** Tokens given back because a later stage refused the request, or no upstream had it. */
export const limitRefunded: Counter = new Counter(LIMIT_REFUNDED);
/** Decisions on the spare bucket of a limit, because more keys are active than a line holds. */
export const bucketSpilled: Counter = new Counter(LIMIT_BUCKET_SPILLED);
/** Writes that lost against another worker's and were repeated. */
export const swapLost: Counter = new Counter(LIMIT_SWAP_LOST);

/** Counters of one limit. Limits of one name count together. */
export class LimitCounters {
  readonly admitted: Counter;
  readonly refused: Counter;
  /** It would have refused, and only observes. */
  readonly observed: Counter;
  /** It is all Envoys' limit, its service did not answer, and it refuses then. */
  readonly unanswered: Counter;
  /** It was let in, and waited for that. */
  readonly waited: Counter;
  /** Its client left while it waited. */
  readonly left: Counter;

  constructor(readonly name: Bytes) {
    const limit = String.UTF8.decodeUnsafe(name.pointer, name.length);
    this.admitted = new Counter(limitRequestsTotal(limit, 'admitted'));
    this.refused = new Counter(limitRequestsTotal(limit, 'refused'));
    this.observed = new Counter(limitRequestsTotal(limit, 'observed'));
    this.waited = new Counter(limitRequestsTotal(limit, 'waited'));
    this.left = new Counter(limitRequestsTotal(limit, 'left'));
    this.unanswered = new Counter(limitRequestsTotal(limit, 'unanswered'));
    this.waited.define();
    this.left.define();
    this.admitted.define();
    this.refused.define();
    this.observed.define();
    this.unanswered.define();
  }
}

const OTHERS: Bytes = Bytes.from('others');
const named: LimitCounters[] = [];

/** The counters of a limit's name. The host never forgets a counter: names beyond MAX_LIMIT_COUNTERS are `others`. */
export function countersOf(name: Bytes): LimitCounters {
  const wanted = named.length < MAX_LIMIT_COUNTERS ? name : OTHERS;
  for (let i = 0; i < named.length; i++) if (named[i].name.equals(name.pointer, name.length)) return named[i];
  for (let i = 0; i < named.length; i++) if (named[i].name.equals(wanted.pointer, wanted.length)) return named[i];
  const counters = new LimitCounters(wanted);
  named.push(counters);
  return counters;
}

export function defineLimitStats(): void {
  limitAllowed.define();
  limitExceeded.define();
  limitFailed.define();
  limitRefunded.define();
  bucketSpilled.define();
  swapLost.define();
}
