import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StoreFailure } from './store.ts';

/** Seconds; the questions are answered in a millisecond or two. */
const BUCKETS = [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1];

/** Outcome of a question. A store that does not answer is its reason. */
export type Outcome = 'admitted' | 'refused' | 'unknown' | 'crowded' | StoreFailure['reason'];

/** Metrics of one service. None holds the name of a key. */
export class LimitMetrics {
  readonly registry = new Registry();
  readonly questions = new Counter({
    name: 'fim_limits_questions_total',
    help: 'Questions of proxies, by what became of them.',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });
  readonly seconds = new Histogram({
    name: 'fim_limits_answer_seconds',
    help: 'Time to answer a question.',
    buckets: BUCKETS,
    registers: [this.registry],
  });
  readonly storeUp = new Gauge({
    name: 'fim_limits_store_up',
    help: '1 while the store answers.',
    registers: [this.registry],
  });

  count(outcome: Outcome): void {
    this.questions.inc({ outcome });
  }
}
