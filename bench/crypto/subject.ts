// Something that is measured: this library in one of its builds, or a peer.
import { createHash } from 'node:crypto';

export interface Subject {
  name: string;
  /** Whether it has the operation. */
  offers(operation: string): boolean;
  /** SHA-256 of its output, to be compared before it is timed. */
  digest(operation: string, size: number): Promise<string | undefined>;
  /** Operations a second: the best of slices that take `milliseconds` in all. */
  rate(operation: string, size: number, milliseconds: number): Promise<number>;
  close(): void;
}

/** One operation of a subject in this process: `run` once, and what it gave. */
export interface Runner {
  run: () => unknown;
  output?: () => Uint8Array;
}

/** Shortest slice that is timed, milliseconds. */
const SLICE = 1;

/**
 * A subject in this process from functions that prepare an operation for a size; a name that is missing is not offered.
 */
export function localSubject(name: string, prepare: Record<string, (size: number) => Runner>): Subject {
  const prepared = new Map<string, Runner>();
  const runner = (operation: string, size: number) => {
    const key = `${operation} ${size}`;
    if (!prepared.has(key)) prepared.set(key, prepare[operation](size));
    return prepared.get(key)!;
  };
  return {
    name,
    offers: (operation) => operation in prepare,
    digest: async (operation, size) => {
      const { run, output } = runner(operation, size);
      run();
      return output && createHash('sha256').update(output()).digest('hex');
    },
    rate: async (operation, size, milliseconds) => bestRate(prepare[operation](size).run, milliseconds),
    close: () => {},
  };
}

function bestRate(run: () => unknown, milliseconds: number): number {
  let count = 1;
  while (time(run, count) < SLICE) count *= 2;
  let best = 0;
  for (const end = performance.now() + milliseconds; performance.now() < end;)
    best = Math.max(best, (count / time(run, count)) * 1000);
  return best;
}

function time(run: () => unknown, count: number): number {
  const start = performance.now();
  for (let i = 0; i < count; i++) run();
  return performance.now() - start;
}
