import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Anchors } from './anchors.ts';
import type { AuditLog } from './audit-log.ts';

/** Seconds; most of the time is the disk's. */
const BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5];

/** Metrics of one collector. No label holds a value of a record. */
export class CollectorMetrics {
  readonly registry = new Registry();
  readonly batches = new Counter({
    name: 'fim_audit_batches_total',
    help: 'Batches by the code of what became of them; `taken` is none.',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });
  readonly records = new Counter({
    name: 'fim_audit_records_total',
    help: 'Records by what became of them: taken, or known already.',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });
  readonly seconds = new Histogram({
    name: 'fim_audit_durable_seconds',
    help: 'Time from a whole batch to its acknowledgement.',
    buckets: BUCKETS,
    registers: [this.registry],
  });

  /** Adds what the log tells of itself. */
  watch(log: AuditLog, anchors: Anchors): void {
    const gauge = (name: string, help: string, value: () => number): void => {
      const collect = function (this: Gauge): void {
        this.set(value());
      };
      this.registry.registerMetric(new Gauge({ name, help, registers: [], collect }));
    };
    gauge('fim_audit_log_records', 'Records of the log that are durable.', () => log.status.size);
    gauge('fim_audit_checkpoint_records', 'Records that the last checkpoint covers.', () => log.status.checkpointed);
    if (anchors.witnessed !== undefined)
      gauge('fim_audit_witnessed_records', 'Records that the witness has signed for.', () => anchors.witnessed ?? 0);
    gauge('fim_audit_sources', 'Sources that the log tells apart.', () => log.status.sources);
    gauge('fim_audit_writable', '1 while records can be written.', () => (log.status.writable ? 1 : 0));
    gauge('fim_audit_waiting_bytes', 'Bytes of records that wait for the disk.', () => log.waitingBytes);
  }
}
