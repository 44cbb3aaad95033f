import { Counter, Histogram } from '../runtime/metrics';
import { KeyState } from './key-state';

/** Understood responses of the KMS, and calls without one. */
export const fetchSucceeded: Counter = new Counter('fim.key.fetch_succeeded');
export const fetchFailed: Counter = new Counter('fim.key.fetch_failed');
/** Calls that the KMS refused for missing or insufficient credentials. */
export const fetchDenied: Counter = new Counter('fim.key.fetch_denied');
/** Keys or versions that the KMS does not have. */
export const keyAbsent: Counter = new Counter('fim.key.absent');
/** Keys or versions that had expired. */
export const keyExpired: Counter = new Counter('fim.key.expired');
/** Responses of the KMS without a key. */
export const keyUnreadable: Counter = new Counter('fim.key.unreadable');
/** Newer versions that took over. */
export const keyRotated: Counter = new Counter('fim.key.rotated');
/** Versions for which the KMS returned another key than before. */
export const keyReplaced: Counter = new Counter('fim.key.replaced');
/** Key versions and data keys that were not requested, because too many before them did not exist. */
export const fetchPutOff: Counter = new Counter('fim.key.fetch_put_off');
/** Requests whose wait for a key ended at its bound. */
export const waitExpired: Counter = new Counter('fim.key.wait_expired');
/** Time that requests waited for a key, milliseconds. */
export const waitMillis: Histogram = new Histogram('fim.key.wait_ms');

/** Failed look-ups of a key's newest version, by reason: `fim.key.unavailable.<reason>`. */
const unavailable: StaticArray<Counter> = [
  new Counter('fim.key.unavailable.outage'),
  new Counter('fim.key.unavailable.absent'),
  new Counter('fim.key.unavailable.denied'),
  new Counter('fim.key.unavailable.unreadable'),
  new Counter('fim.key.unavailable.expired'),
  new Counter('fim.key.unavailable.revoked'),
];

const REASONS: StaticArray<string> = ['outage', 'absent', 'denied', 'unreadable', 'expired', 'revoked'];

function placeOf(state: KeyState): i32 {
  switch (state) {
    case KeyState.Missing:
      return 1;
    case KeyState.Denied:
      return 2;
    case KeyState.Unreadable:
      return 3;
    case KeyState.Expired:
      return 4;
    case KeyState.Revoked:
      return 5;
    default:
      return 0;
  }
}

/** Reason why a key is unavailable: one of six words, for the log and the names of counters. */
export function reasonOf(state: KeyState): string {
  return REASONS[placeOf(state)];
}

export function countUnavailable(state: KeyState): void {
  unavailable[placeOf(state)].add(1);
}

export function defineKeyStats(): void {
  for (let i = 0; i < unavailable.length; i++) unavailable[i].define();
  fetchSucceeded.define();
  fetchFailed.define();
  fetchDenied.define();
  keyAbsent.define();
  keyExpired.define();
  keyUnreadable.define();
  keyRotated.define();
  keyReplaced.define();
  fetchPutOff.define();
  waitExpired.define();
  waitMillis.define();
}
