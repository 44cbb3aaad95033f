// Proof by counters that a generation runs. Every VM that takes a configuration counts it in
// `fim.configured.<generation modulo 16>`. Files that were read and objects that exist prove nothing.

/**
 * Number of the counters, which generations use in turn, as in the modules: one more than a handful, so that a late
 * worker is not mistaken for a new one.
 */
export const GENERATION_SLOTS = 16;
/**
 * VMs besides those of the workers: one that checks the code, and the main thread's. Measured with 1, 2 and 4 workers
 * on Envoy 1.40.
 */
const EXTRA_VMS = 2;

/** Number of the counter of a generation. */
export function slotOf(generation: number): number {
  return generation % GENERATION_SLOTS;
}

/** VMs that take a configuration in a proxy with `concurrency` workers and so many filters. */
export function vmsOf(concurrency: number, filters = 1): number {
  return (concurrency + EXTRA_VMS) * filters;
}

/** Counters of one proxy for one generation. */
export interface Counted {
  /** VMs that took it. */
  configured: number;
  /** Configurations that were refused, by module or proxy. */
  refused: number;
}

export type Progress = 'proven' | 'refused' | 'pending';

/**
 * State of a generation in a proxy, by what was counted since `before`. That all VMs took it proves it, whatever was
 * refused meanwhile: an earlier generation's refusal may be counted late.
 */
export function progressOf(vms: number, before: Counted, now: Counted): Progress {
  if (now.configured - before.configured >= vms) return 'proven';
  return now.refused > before.refused ? 'refused' : 'pending';
}
