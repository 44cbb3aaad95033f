import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { Worker } from 'node:worker_threads';

export interface LoadOptions {
  url: string;
  /** JSON, sent by POST. */
  body: string;
  connections: number;
  /** Rest of each connection between two requests, milliseconds; none unless told. */
  pauseMs?: number;
}

export interface LoadReport {
  requests: number;
  /** Results other than 200, with their counts. */
  failures: Record<string, number>;
  p50Ms: number;
  p99Ms: number;
  slowestMs: number;
}

/** Traffic that goes on until it is stopped. */
export class Load {
  private readonly worker: Worker;
  private report: Promise<LoadReport> | undefined;

  constructor(options: LoadOptions) {
    this.worker = new Worker(new URL('./load-worker.ts', import.meta.url), { workerData: options });
  }

  /** Ends the traffic after the requests in hand. */
  stop(): Promise<LoadReport> {
    this.report ??= once(this.worker, 'message').then(([report]) => report as LoadReport);
    this.worker.postMessage('stop');
    return this.report;
  }
}

/** Smallest, median, 90th percentile and largest of some times, as text in milliseconds. */
export function distribution(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return `min ${at(0)} ms, median ${at(0.5)} ms, p90 ${at(0.9)} ms, max ${at(1)} ms of ${sorted.length}`;
}

/** Whether other processes use the processors, so that wall-clock times mean nothing. */
export function isBusy(): boolean {
  return (loadavg()[0] ?? 0) > 2 * availableParallelism();
}

/** The time that half of them do not exceed. */
export function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

export function describeLoad(report: LoadReport): string {
  return `${report.requests} requests, p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms, slowest ${report.slowestMs.toFixed(0)} ms`;
}
