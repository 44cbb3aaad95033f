// Who has had how much of the one thread: work is given to the namespace that has had least, so that none waits for
// another's backlog.

/** Computing of this thread so far, milliseconds: what the machine gave to others does not count. */
export function computed(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** What each namespace has used, in milliseconds of computing since it last had nothing to do. */
export class Ledger {
  private readonly spent = new Map<string, number>();
  /** What the namespace had used that was served last: one that comes anew begins there, and has nothing saved up. */
  private floor = 0;

  /** What counts for a namespace now. */
  of(namespace: string): number {
    return Math.max(this.spent.get(namespace) ?? 0, this.floor);
  }

  charge(namespace: string, milliseconds: number): void {
    this.spent.set(namespace, this.of(namespace) + milliseconds);
  }

  /** Runs what does not wait for anything; its time is the namespace's. */
  meter<T>(namespace: string, act: () => T): T {
    const began = computed();
    try {
      return act();
    } finally {
      this.charge(namespace, computed() - began);
    }
  }

  /** The namespace whose turn it is; undefined if there is none. */
  next(namespaces: Iterable<string>): string | undefined {
    let best: string | undefined;
    for (const namespace of namespaces) if (best === undefined || this.of(namespace) < this.of(best)) best = namespace;
    return best;
  }

  /** Notes that the namespace is being served. */
  serve(namespace: string): void {
    this.floor = this.of(namespace);
    for (const [name, spent] of this.spent) if (spent <= this.floor) this.spent.delete(name);
  }
}

/**
 * Lets long pieces of computing run one after another, with a turn of the event loop between any two, the namespace
 * first that has had least.
 */
export class FairGate {
  private readonly ledger: Ledger;
  private readonly waiting = new Map<string, (() => void)[]>();
  private busy = false;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** Runs what does not wait for anything; its time is the namespace's. */
  async run<T>(namespace: string, act: () => T): Promise<T> {
    if (this.busy) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const queue = this.waiting.get(namespace) ?? [];
      queue.push(resolve);
      this.waiting.set(namespace, queue);
      await promise;
    }
    this.busy = true;
    this.ledger.serve(namespace);
    try {
      return this.ledger.meter(namespace, act);
    } finally {
      setImmediate(() => this.pass());
    }
  }

  private pass(): void {
    const namespace = this.ledger.next(this.waiting.keys());
    if (namespace === undefined) {
      this.busy = false;
      return;
    }
    const queue = this.waiting.get(namespace) ?? [];
    const turn = queue.shift();
    if (queue.length === 0) this.waiting.delete(namespace);
    turn?.();
  }
}
