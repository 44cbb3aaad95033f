import { MAX_MEMORY_KEYS } from '../limits.ts';
import { PARTS, UNITS } from './question.ts';
import type { Question, Terms } from './question.ts';
import type { Decision, Store } from './store.ts';
import { StoreFailure } from './store.ts';

/** Buckets looked at for each new one, to forget those that say nothing any more. */
const SWEPT_AT_ONCE = 8;

interface Bucket {
  /** Time at which it would be full again; of a window, at which it says nothing any more. */
  until: number;
  /** Requests that each part has let in. Only of a window. */
  parts?: Map<number, number>;
}

interface Trial extends Decision {
  write: () => void;
}

/** The counts in this process: for one service without Redis, and for tests. They are gone with it. */
export class MemoryStore implements Store {
  healthy = true;
  private readonly buckets = new Map<string, Bucket>();
  private readonly now: () => number;
  private sweep = this.buckets.entries();

  /** `now`: a clock in UNITS of a microsecond, which does not go back. */
  constructor(now: () => number = () => Math.floor(performance.now() * 1000 * UNITS)) {
    this.now = now;
  }

  get size(): number {
    return this.buckets.size;
  }

  async take(questions: readonly Question[]): Promise<Decision[]> {
    const now = this.now();
    const trials = questions.map((question) =>
      question.terms.algorithm === 'TokenBucket'
        ? this.tryBucket(question, question.terms, now)
        : this.tryWindow(question, question.terms, now),
    );
    if (trials.every(({ allowed }) => allowed)) for (const { write } of trials) write();
    return trials.map(({ write: _, ...decision }) => decision);
  }

  async close(): Promise<void> {}

  private tryBucket(
    { bucket, cost }: Question,
    { interval, capacity }: Extract<Terms, { algorithm: 'TokenBucket' }>,
    now: number,
  ): Trial {
    const full = Math.min(Math.max(this.find(bucket, now)?.until ?? 0, now), now + capacity);
    const after = full + cost * interval;
    const allowed = interval > 0 && after <= now + capacity;
    const level = allowed ? after : full;
    const remaining = interval > 0 ? Math.floor((now + capacity - level) / interval) : 0;
    const waits = !allowed && interval > 0 && cost * interval <= capacity;
    return {
      allowed,
      remaining,
      waitUs: waits ? micros(after - now - capacity) : 0,
      moreUs: interval > 0 && level > now ? micros(level - (now + capacity - (remaining + 1) * interval)) : 0,
      write: () => void this.buckets.set(bucket, { until: after }),
    };
  }

  private tryWindow(
    { bucket, cost }: Question,
    { part, requests }: Extract<Terms, { algorithm: 'SlidingWindow' }>,
    now: number,
  ): Trial {
    const current = Math.floor(now / part);
    const parts = new Map(
      [...(this.find(bucket, now)?.parts ?? [])].filter(([at]) => at >= current - PARTS && at <= current),
    );
    const used = parts.values().reduce((sum, count) => sum + count, 0);
    const allowed = used + cost <= requests;
    let freed = 0;
    let waitUs = 0;
    let moreUs = 0;
    for (let at = current - PARTS; at <= current; at++) {
      freed += parts.get(at) ?? 0;
      const ends = micros((at + PARTS + 1) * part - now);
      if (freed > 0 && moreUs === 0) moreUs = ends;
      if (!allowed && cost <= requests && waitUs === 0 && freed >= used + cost - requests) waitUs = ends;
    }
    if (allowed && moreUs === 0) moreUs = micros((PARTS + 1) * part);
    return {
      allowed,
      remaining: Math.max(requests - used - (allowed ? cost : 0), 0),
      waitUs,
      moreUs,
      write: () => {
        parts.set(current, (parts.get(current) ?? 0) + cost);
        this.buckets.set(bucket, { until: now + (PARTS + 2) * part, parts });
      },
    };
  }

  /** The bucket, if it says something. Room for it is made, or the store is full. */
  private find(name: string, now: number): Bucket | undefined {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) this.forget(now);
    return bucket === undefined || bucket.until <= now ? undefined : bucket;
  }

  private forget(now: number): void {
    for (let looked = 0; looked < SWEPT_AT_ONCE; looked++) {
      const next = this.sweep.next();
      if (next.done) this.sweep = this.buckets.entries();
      else if (next.value[1].until <= now) this.buckets.delete(next.value[0]);
    }
    if (this.buckets.size >= MAX_MEMORY_KEYS) throw new StoreFailure('full');
  }
}

function micros(units: number): number {
  return Math.ceil(units / UNITS);
}
