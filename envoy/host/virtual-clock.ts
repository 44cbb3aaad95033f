// A clock that moves only on request. Ticks, call-outs and their time-outs then happen in order and at once.

interface Timer {
  atMs: number;
  order: number;
  run: () => void;
}

/** Initial wall-clock time: 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000;
const NS_PER_MS = 1_000_000;

export class VirtualClock {
  private timers: Timer[] = [];
  private order = 0;
  private elapsedMs = 0;
  private wallOffsetMs = START_MS;

  /** Milliseconds since the clock was created. May have a fraction. */
  get nowMs(): number {
    return this.elapsedMs;
  }

  get monotonicNs(): bigint {
    return BigInt(Math.round(this.elapsedMs * NS_PER_MS)) + 1_000_000_000n;
  }

  get realtimeNs(): bigint {
    return BigInt(this.wallOffsetMs) * BigInt(NS_PER_MS) + BigInt(Math.round(this.elapsedMs * NS_PER_MS));
  }

  /** Moves the wall clock only, as NTP may. */
  stepRealtime(ms: number): void {
    this.wallOffsetMs += ms;
  }

  /** Runs `run` when the clock has advanced by `delayMs`. The returned function cancels it. */
  schedule(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.elapsedMs + delayMs, order: this.order++, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Advances by `ms` and runs what falls due, in order of time. */
  advance(ms: number): void {
    const end = this.elapsedMs + ms;
    for (let timer = this.next(end); timer !== undefined; timer = this.next(end)) {
      this.timers = this.timers.filter((other) => other !== timer);
      this.elapsedMs = Math.max(this.elapsedMs, timer.atMs);
      timer.run();
    }
    this.elapsedMs = end;
  }

  /** Milliseconds until the next timer. Undefined if there is none. */
  get untilNextMs(): number | undefined {
    const timer = this.next(Infinity);
    return timer === undefined ? undefined : Math.max(0, timer.atMs - this.elapsedMs);
  }

  private next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.atMs > endMs) continue;
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}
