// Fair use of the one thread. The namespace that has used least is served next, so that none waits for another's
// backlog.

/** Processor time of this thread so far, milliseconds. Time in which the machine ran something else does not count. */
export function computed(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Processor time of each namespace since it was last idle, milliseconds. */
export class Ledger {
  private readonly spent = new Map<string, number>();
  /**
   * Time used by the namespace that was served last. A namespace that was idle starts here and cannot save up an
   * advantage.
   */
  private floor = 0;
  private readonly clock: () => number;

  /** `clock` tells the time that this thread has computed, milliseconds. */
  constructor(clock: () => number = computed) {
    this.clock = clock;
  }

  /** Time that counts for a namespace now. */
  of(namespace: string): number {
    return Math.max(this.spent.get(namespace) ?? 0, this.floor);
  }

  charge(namespace: string, milliseconds: number): void {
    this.spent.set(namespace, this.of(namespace) + milliseconds);
  }

  /** Runs a synchronous function and charges its time to the namespace. */
  meter<T>(namespace: string, act: () => T): T {
    const began = this.clock();
    try {
      return act();
    } finally {
      this.charge(namespace, this.clock() - began);
    }
  }

  /** Namespace whose turn it is. Undefined if there is none. */
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
 * Runs long computations one after another, with a turn of the event loop between any two. The namespace that has used
 * least goes first.
 */
export class FairGate {
  private readonly ledger: Ledger;
  private readonly waiting = new Map<string, (() => void)[]>();
  private busy = false;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** Runs a synchronous function when the namespace's turn comes, and charges its time to the namespace. */
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
