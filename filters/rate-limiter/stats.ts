import { Counter } from '../runtime/metrics';

/** Requests that found a token, and requests that did not. */
export const limitAllowed: Counter = new Counter('fim.limit.allowed');
export const limitExceeded: Counter = new Counter('fim.limit.exceeded');
/** Requests that could not be decided. */
export const limitFailed: Counter = new Counter('fim.limit.failed');
/** Buckets in use that made room for another key: more keys are active than the table holds. */
export const bucketEvicted: Counter = new Counter('fim.limit.bucket_evicted');
/** Writes that lost against another worker's and were repeated. */
export const swapLost: Counter = new Counter('fim.limit.swap_lost');

export function defineLimitStats(): void {
  limitAllowed.define();
  limitExceeded.define();
  limitFailed.define();
  bucketEvicted.define();
  swapLost.define();
}
