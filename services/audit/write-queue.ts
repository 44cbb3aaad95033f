// Lines that wait for the disk: written in order, many at once, durable before anybody is told.
import type { Frontier } from './merkle.ts';
import type { Segment } from './log-folder.ts';

/** Lines of one segment that follow each other. */
interface Run {
  segment: Segment;
  /** Whether the segment begins with this run. */
  begins: boolean;
  lines: Buffer[];
  bytes: number;
  /** The tree after the run, and the time of its last line. */
  frontier: Frontier;
  lastMs: number;
}

interface Waiter {
  size: number;
  done: () => void;
  failed: (error: Error) => void;
}

const LINE_END = Buffer.from('\n');

/** The part of the queue that is taken at once. */
export type TakenRun = Readonly<Run>;

export class WriteQueue {
  private runs: Run[] = [];
  private waiters: Waiter[] = [];
  private waiting = 0;

  /** Bytes that wait. */
  get bytes(): number {
    return this.waiting;
  }

  get isEmpty(): boolean {
    return this.runs.length === 0;
  }

  add(segment: Segment, begins: boolean, line: Buffer, frontier: Frontier, lastMs: number): void {
    let run = this.runs.at(-1);
    if (run === undefined || run.segment !== segment || begins) {
      run = { segment, begins, lines: [], bytes: 0, frontier, lastMs };
      this.runs.push(run);
    }
    run.lines.push(line, LINE_END);
    run.bytes += line.length + LINE_END.length;
    run.lastMs = lastMs;
    this.waiting += line.length + LINE_END.length;
  }

  /** Notes the tree after the last line. */
  seal(frontier: Frontier): void {
    const run = this.runs.at(-1);
    if (run !== undefined) run.frontier = frontier.copy();
  }

  /** Takes everything that waits. */
  take(): TakenRun[] {
    const taken = this.runs;
    this.runs = [];
    this.waiting = 0;
    return taken;
  }

  /** Settles when `size` records are durable. */
  wait(size: number): Promise<void> {
    return new Promise((done, failed) => this.waiters.push({ size, done, failed }));
  }

  /** Tells those who wait for no more than `size` records. */
  tell(size: number): void {
    const waiters = this.waiters;
    this.waiters = waiters.filter((waiter) => waiter.size > size);
    for (const waiter of waiters) if (waiter.size <= size) waiter.done();
  }

  /** Drops what waits and tells everybody why. */
  fail(error: Error): void {
    const waiters = this.waiters;
    this.runs = [];
    this.waiters = [];
    this.waiting = 0;
    for (const { failed } of waiters) failed(error);
  }
}
