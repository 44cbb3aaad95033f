// Processor time of the processes that this one has started and seen end, and their own. The kernel adds it up when a
// process is waited for.
import { readFileSync } from 'node:fs';

/** Time of one tick of Linux's process accounts, milliseconds. */
const TICK_MS = 10;

/** Processor time of all ended processes of this one, milliseconds. Null without Linux's /proc. */
export function endedProcessesMs(): number | null {
  try {
    // The name before `)` may hold spaces. After it: state, then field 4 of proc(5) on. 16 and 17 are cutime and cstime.
    const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1)!.split(' ');
    return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
  } catch {
    return null;
  }
}

/** Time that several ended processes took, one after the other: each look tells what was added since the last. */
export class ProcessorMeter {
  private seenMs = endedProcessesMs() ?? 0;

  /** Milliseconds since the last look, or since this meter was made. */
  sinceLastMs(): number {
    const nowMs = endedProcessesMs() ?? 0;
    const sinceMs = nowMs - this.seenMs;
    this.seenMs = nowMs;
    return sinceMs;
  }
}

/** The meter of this process. What ends takes a look at once, so that the next counts for itself. */
export const ENDED_CHILDREN = new ProcessorMeter();

/** Cost of one file or check. */
export interface Cost {
  name: string;
  processorMs: number;
}

const COSTLIEST_SHOWN = 12;

/** Lines that name the costliest of `costs`, and their sum. Empty where nothing was measured. */
export function costLines(costs: readonly Cost[]): string[] {
  const totalMs = costs.reduce((sum, { processorMs }) => sum + processorMs, 0);
  if (totalMs === 0) return [];
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const costliest = costs.toSorted((a, b) => b.processorMs - a.processorMs).slice(0, COSTLIEST_SHOWN);
  return [
    `\nProcessor time: ${seconds(totalMs)}. The costliest:`,
    ...costliest.map(({ name, processorMs }) => `  ${seconds(processorMs).padStart(8)}  ${name}`),
  ];
}
