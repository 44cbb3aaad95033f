import {
  KEY_ABSENT,
  KEY_EXPIRED,
  KEY_FETCH_DENIED,
  KEY_FETCH_FAILED,
  KEY_FETCH_PUT_OFF,
  KEY_FETCH_SUCCEEDED,
  KEY_REPLACED,
  KEY_ROTATED,
  KEY_UNREADABLE,
  KEY_WAIT_EXPIRED,
  KEY_WAIT_MS,
  keyUnavailableTotal,
} from '../metrics.gen';
import { Counter, Histogram } from '../runtime/metrics';
import { KeyState } from './key-state';

/** Understood responses of the KMS, and calls without one. */
export const fetchSucceeded: Counter = new Counter(KEY_FETCH_SUCCEEDED);
export const fetchFailed: Counter = new Counter(KEY_FETCH_FAILED);
/** Calls that the KMS refused for missing or insufficient credentials. */
export const fetchDenied: Counter = new Counter(KEY_FETCH_DENIED);
/** Keys or versions that the KMS does not have. */
export const keyAbsent: Counter = new Counter(KEY_ABSENT);
/** Keys or versions that had expired. */
export const keyExpired: Counter = new Counter(KEY_EXPIRED);
/** Responses of the KMS without a key. */
export const keyUnreadable: Counter = new Counter(KEY_UNREADABLE);
/** Newer versions that took over. */
export const keyRotated: Counter = new Counter(KEY_ROTATED);
/** Versions for which the KMS returned another key than before. */
export const keyReplaced: Counter = new Counter(KEY_REPLACED);
/** Key versions and data keys that were not requested, because too many before them did not exist. */
export const fetchPutOff: Counter = new Counter(KEY_FETCH_PUT_OFF);
/** Requests whose wait for a key ended at its bound. */
export const waitExpired: Counter = new Counter(KEY_WAIT_EXPIRED);
/** Time that requests waited for a key, milliseconds. */
export const waitMillis: Histogram = new Histogram(KEY_WAIT_MS);

/** Failed look-ups of a key's newest version, by reason. */
const unavailable: StaticArray<Counter> = new StaticArray<Counter>(7);

const REASONS: StaticArray<string> = ['outage', 'absent', 'denied', 'unreadable', 'expired', 'revoked', 'unfit'];
const UNFIT: i32 = 6;

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

/** Reason why a key is unavailable: one of the words, for the log and the label of counters. */
export function reasonOf(state: KeyState): string {
  return REASONS[placeOf(state)];
}

export function countUnavailable(state: KeyState): void {
  unavailable[placeOf(state)].add(1);
}

/** A key is there, and is not that of the certificate that it is for. */
export function countUnfit(): void {
  unavailable[UNFIT].add(1);
}

export function defineKeyStats(): void {
  for (let i = 0; i < unavailable.length; i++) {
    unavailable[i] = new Counter(keyUnavailableTotal(REASONS[i]));
    unavailable[i].define();
  }
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
