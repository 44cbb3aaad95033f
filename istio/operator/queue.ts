// Work queue by key. Each key is queued once and processed by one worker at a time. A failed key is retried later
// without holding up others. Namespaces take turns.
import { MAX_NAMESPACE_QUEUE_KEYS, MAX_QUEUE_KEYS, MAX_RETRY_MS, MIN_RETRY_MS, NAMESPACE_WORKERS } from '../limits.ts';
import { Ledger } from './fairness.ts';

/** Processes a key. A number asks to process it again after that many milliseconds. */
export type Work = (key: string) => Promise<number | undefined>;

export interface QueueOptions {
  workers: number;
  work: Work;
  /** Namespace of a key. Absent: all keys belong to one. */
  namespaceOf?: (key: string) => string;
  /** Ledger of the namespaces' processor time. Each key adds a millisecond. */
  ledger?: Ledger;
  onFailure?: (key: string, error: unknown, retryMs: number) => void;
  onDone?: (key: string, seconds: number, failed: boolean) => void;
  /** Override for tests; in [0, 1). */
  random?: () => number;
}

interface Later {
  timer: NodeJS.Timeout;
  at: number;
}

export class WorkQueue {
  private readonly options: QueueOptions;
  /** Keys by namespace, in order of arrival. */
  private readonly waiting = new Map<string, Set<string>>();
  private readonly running = new Set<string>();
  private readonly runningOf = new Map<string, number>();
  private readonly ledger: Ledger;
  private readonly again = new Set<string>();
  private readonly later = new Map<string, Later>();
  private readonly failures = new Map<string, number>();
  private idle: (() => void)[] = [];
  private open = true;
  private started = false;
  /** Keys dropped because the queue was full. */
  dropped = 0;

  constructor(options: QueueOptions) {
    this.options = options;
    this.ledger = options.ledger ?? new Ledger();
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return [...this.waiting.values()].reduce((sum, keys) => sum + keys.size, 0);
  }

  /** Keys whose last attempt failed. */
  get failing(): number {
    return this.failures.size;
  }

  /** Starts processing keys. */
  start(): void {
    this.started = true;
    this.fill();
  }

  /** Makes the key due now and cancels its pending delay. A key being processed runs again afterwards. */
  add(key: string): void {
    if (!this.open) return;
    this.cancel(key);
    if (this.running.has(key)) {
      this.again.add(key);
      return;
    }
    const namespace = this.namespaceOf(key);
    const own = this.waiting.get(namespace) ?? new Set();
    if (!own.has(key) && (own.size >= MAX_NAMESPACE_QUEUE_KEYS || this.depth >= MAX_QUEUE_KEYS)) {
      this.dropped++;
      return;
    }
    this.waiting.set(namespace, own.add(key));
    this.fill();
  }

  /** Makes the key due after a delay, unless it is due earlier. */
  addAfter(key: string, delayMs: number): void {
    if (!this.open || this.waiting.get(this.namespaceOf(key))?.has(key)) return;
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

  /** Accepts no further keys. Settles when the running ones are done. */
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

  private namespaceOf(key: string): string {
    return this.options.namespaceOf?.(key) ?? '';
  }

  private fill(): void {
    while (this.started && this.open && this.running.size < this.options.workers) {
      const key = this.next();
      if (key === undefined) return;
      this.running.add(key);
      void this.run(key);
    }
  }

  /** Oldest key of the namespace whose turn it is. A namespace with all its workers busy waits. */
  private next(): string | undefined {
    const most = this.options.namespaceOf === undefined ? Infinity : NAMESPACE_WORKERS;
    const namespace = this.ledger.next(
      [...this.waiting.keys()].filter((name) => (this.runningOf.get(name) ?? 0) < most),
    );
    if (namespace === undefined) return undefined;
    const own = this.waiting.get(namespace) ?? new Set<string>();
    const [key] = own;
    own.delete(key ?? '');
    if (own.size === 0) this.waiting.delete(namespace);
    this.ledger.serve(namespace);
    this.ledger.charge(namespace, 1);
    this.runningOf.set(namespace, (this.runningOf.get(namespace) ?? 0) + 1);
    return key;
  }

  private async run(key: string): Promise<void> {
    const began = performance.now();
    let failed = false;
    try {
      // Yields to the event loop between keys.
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
    const namespace = this.namespaceOf(key);
    const left = (this.runningOf.get(namespace) ?? 1) - 1;
    if (left > 0) this.runningOf.set(namespace, left);
    else this.runningOf.delete(namespace);
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
