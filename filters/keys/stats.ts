import { Counter, Histogram } from '../runtime/metrics';

/** Answers of the KMS that were understood, and calls that brought none. */
export const fetchSucceeded: Counter = new Counter('fim.key.fetch_succeeded');
export const fetchFailed: Counter = new Counter('fim.key.fetch_failed');
/** Of those, calls that the KMS refused: no credentials, or not these. */
export const fetchDenied: Counter = new Counter('fim.key.fetch_denied');
/** Keys or versions that the KMS does not have. */
export const keyAbsent: Counter = new Counter('fim.key.absent');
/** Keys or versions whose time was over. */
export const keyExpired: Counter = new Counter('fim.key.expired');
/** Answers of the KMS that hold no key. */
export const keyUnreadable: Counter = new Counter('fim.key.unreadable');
/** Newer versions that took over. */
export const keyRotated: Counter = new Counter('fim.key.rotated');
/** Versions for which the KMS gave another key than before. */
export const keyReplaced: Counter = new Counter('fim.key.replaced');
/** Requests whose wait for a key ended by its bound. */
export const waitExpired: Counter = new Counter('fim.key.wait_expired');
/** How long requests waited for a key, milliseconds. */
export const waitMillis: Histogram = new Histogram('fim.key.wait_ms');

export function defineKeyStats(): void {
  fetchSucceeded.define();
  fetchFailed.define();
  fetchDenied.define();
  keyAbsent.define();
  keyExpired.define();
  keyUnreadable.define();
  keyRotated.define();
  keyReplaced.define();
  waitExpired.define();
  waitMillis.define();
}
