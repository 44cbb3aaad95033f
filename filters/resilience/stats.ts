import {
  BREAKER_CLOSED,
  BREAKER_DEGRADED,
  BREAKER_DIVERTED,
  BREAKER_FAILED,
  BREAKER_OPENED,
  BREAKER_PROBES,
  BREAKER_REFUSED,
  BREAKER_SNAPSHOT_KEPT,
  BREAKER_SNAPSHOT_SERVED,
  BUDGET_OVER,
  DEADLINE_OVER,
  QUEUE_AGED,
  QUEUE_REFUSED,
  QUEUE_WAITED,
} from '../metrics.gen';
import { Counter } from '../runtime/metrics';

/** Turns of breakers to Degraded, to Open and back to Normal from half-open. */
export const breakerDegraded: Counter = new Counter(BREAKER_DEGRADED);
export const breakerOpened: Counter = new Counter(BREAKER_OPENED);
export const breakerClosed: Counter = new Counter(BREAKER_CLOSED);
/** Requests refused by an open breaker, those that went to backups instead, and those sent to try. */
export const breakerRefused: Counter = new Counter(BREAKER_REFUSED);
export const breakerDiverted: Counter = new Counter(BREAKER_DIVERTED);
/** Answers that were kept, and requests that got one. */
export const snapshotKept: Counter = new Counter(BREAKER_SNAPSHOT_KEPT);
export const snapshotServed: Counter = new Counter(BREAKER_SNAPSHOT_SERVED);
export const breakerProbes: Counter = new Counter(BREAKER_PROBES);
/** Requests sent without a breaker, since its state could not be read or written. */
export const breakerFailed: Counter = new Counter(BREAKER_FAILED);
/** Requests refused because their time was over before they were sent. */
export const deadlineOver: Counter = new Counter(DEADLINE_OVER);
/** Requests that waited to be sent, those that found no room, and those that waited too long. */
export const queueWaited: Counter = new Counter(QUEUE_WAITED);
export const queueRefused: Counter = new Counter(QUEUE_REFUSED);
export const queueAged: Counter = new Counter(QUEUE_AGED);
/** Requests of which a stage took too long. */
export const budgetOver: Counter = new Counter(BUDGET_OVER);

export function defineResilienceStats(): void {
  breakerDegraded.define();
  breakerOpened.define();
  breakerClosed.define();
  breakerRefused.define();
  breakerDiverted.define();
  snapshotKept.define();
  snapshotServed.define();
  breakerProbes.define();
  breakerFailed.define();
  deadlineOver.define();
  queueWaited.define();
  queueRefused.define();
  queueAged.define();
  budgetOver.define();
}
