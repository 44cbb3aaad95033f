// What is to be done, by key: each key once, one at a time, and one that fails comes again later without holding up the others.
import { MAX_QUEUE_KEYS, MAX_RETRY_MS, MIN_RETRY_MS } from '../limits.ts';

/** Does what a key stands for. A number: do it again after that many milliseconds. */
export type Work = (key: string) => Promise<number | undefined>;

export interface QueueOptions {
  workers: number;
  work: Work;
  onFailure?: (key: string, error: unknown, retryMs: number) => void;
  onDone?: (key: string, seconds: number, failed: boolean) => void;
  /** For tests; in [0, 1). */
  random?: () => number;
}

interface Later {
  timer: NodeJS.Timeout;
  at: number;
}

export class WorkQueue {
  private readonly options: QueueOptions;
  /** In order of arrival. */
  private readonly waiting = new Set<string>();
  private readonly running = new Set<string>();
  private readonly again = new Set<string>();
  private readonly later = new Map<string, Later>();
  private readonly failures = new Map<string, number>();
  private idle: (() => void)[] = [];
  private open = true;
  private started = false;
  /** Keys that found no room. */
  dropped = 0;

  constructor(options: QueueOptions) {
    this.options = options;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.waiting.size;
  }

  /** Keys that failed at their last try. */
  get failing(): number {
    return this.failures.size;
  }

  /** Keys are taken up from now on. */
  start(): void {
    this.started = true;
    this.fill();
  }

  /** The key is due now: whatever it waited for is off. A key in hand is done again afterwards. */
  add(key: string): void {
    if (!this.open) return;
    this.cancel(key);
    if (this.running.has(key)) {
      this.again.add(key);
      return;
    }
    if (!this.waiting.has(key) && this.waiting.size >= MAX_QUEUE_KEYS) {
      this.dropped++;
      return;
    }
    this.waiting.add(key);
    this.fill();
  }

  /** The key is due after a time, unless it is due sooner anyway. */
  addAfter(key: string, delayMs: number): void {
    if (!this.open || this.waiting.has(key)) return;
    const at = performance.now() + delayMs;
    const before = this.later.get(key);
    if (before !== undefined && before.at <= at) return;
    this.cancel(key);
    if (this.later.size >= MAX_QUEUE_KEYS) {
      this.dropped++;
      return;
    }
    const timer = setTimeout(() => {
      this.later.delete(key);
      this.add(key);
    }, delayMs);
    this.later.set(key, { timer, at });
  }

  /** Nothing new is taken up; settles when the keys in hand are done. */
  async stop(): Promise<void> {
    this.open = false;
    for (const { timer } of this.later.values()) clearTimeout(timer);
    this.later.clear();
    this.waiting.clear();
    this.again.clear();
    if (this.running.size > 0) await new Promise<void>((done) => this.idle.push(done));
  }

  private cancel(key: string): void {
    clearTimeout(this.later.get(key)?.timer);
    this.later.delete(key);
  }

  private fill(): void {
    while (this.started && this.open && this.running.size < this.options.workers && this.waiting.size > 0) {
      const [key = ''] = this.waiting;
      this.waiting.delete(key);
      this.running.add(key);
      void this.run(key);
    }
  }

  private async run(key: string): Promise<void> {
    const began = performance.now();
    let failed = false;
    try {
      // A turn of the event loop between keys: the others get theirs.
      await new Promise((resume) => setImmediate(resume));
      const again = await this.options.work(key);
      this.failures.delete(key);
      if (again !== undefined) this.addAfter(key, again);
    } catch (error) {
      failed = true;
      this.retry(key, error);
    }
    this.options.onDone?.(key, (performance.now() - began) / 1000, failed);
    this.running.delete(key);
    if (this.again.delete(key) && this.open) this.add(key);
    this.fill();
    if (this.running.size === 0) for (const done of this.idle.splice(0)) done();
  }

  private retry(key: string, error: unknown): void {
    const count = this.failures.get(key) ?? 0;
    this.failures.set(key, count + 1);
    const { random = Math.random } = this.options;
    const delay = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** Math.min(count, 16)) * (0.75 + random() / 2);
    this.options.onFailure?.(key, error, delay);
    this.addAfter(key, delay);
  }
}
