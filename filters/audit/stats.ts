import {
  AUDIT_ACKNOWLEDGED,
  AUDIT_BLOCKED,
  AUDIT_CALLS_FAILED,
  AUDIT_CALLS_SENT,
  AUDIT_DENIED,
  AUDIT_LOST,
  AUDIT_REFUSED,
  AUDIT_WAITING,
  AUDIT_WITHHELD,
  AUDIT_WRITTEN,
} from '../metrics.gen';
import { Counter, Gauge } from '../runtime/metrics';

/** Records written into the outbox, and those that a collector has. */
export const auditWritten: Counter = new Counter(AUDIT_WRITTEN);
export const auditAcknowledged: Counter = new Counter(AUDIT_ACKNOWLEDGED);
/** Records that found no room, and those that the collector can never take. */
export const auditLost: Counter = new Counter(AUDIT_LOST);
export const auditRefused: Counter = new Counter(AUDIT_REFUSED);
/** Requests refused for want of room, and those that waited for it. */
export const auditDenied: Counter = new Counter(AUDIT_DENIED);
export const auditBlocked: Counter = new Counter(AUDIT_BLOCKED);
/** Answers refused because their records did not become durable in time. */
export const auditWithheld: Counter = new Counter(AUDIT_WITHHELD);
/** Batches sent, and those that were not acknowledged. */
export const auditCallsSent: Counter = new Counter(AUDIT_CALLS_SENT);
export const auditCallsFailed: Counter = new Counter(AUDIT_CALLS_FAILED);
/** Records that wait. */
export const auditWaiting: Gauge = new Gauge(AUDIT_WAITING);

export function defineAuditStats(): void {
  auditWritten.define();
  auditAcknowledged.define();
  auditLost.define();
  auditRefused.define();
  auditDenied.define();
  auditBlocked.define();
  auditWithheld.define();
  auditCallsSent.define();
  auditCallsFailed.define();
  auditWaiting.define();
}
