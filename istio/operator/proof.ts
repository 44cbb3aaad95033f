// Proof of a route stays valid while its form and its proxies stay the same. Changes of other routes in the same
// configuration do not invalidate it.
import type { WorkloadRuntime } from './cluster-view.ts';
import { heirsOf, type Forms } from './plan/forms.ts';
import type { WorkloadState } from './plan/route-facts.ts';

/** Tolerated difference between two readings of a process's start time, milliseconds. */
const START_ERROR_MS = 15_000;

/** A state of a workload that all its proxies have proven. */
export interface Proof {
  state: WorkloadState;
  /** Proven form of each route, by key: its hash. Routes that have changed since are removed. */
  forms: Map<string, string>;
  /** Start times of the processes that proved it, by the pod's uid. */
  processes: Map<string, number>;
}

function processesOf({ readings }: WorkloadRuntime): Map<string, number> {
  return new Map([...readings].map(([uid, { reading }]) => [uid, reading.startedAt]));
}

/** Records the workload's state if all proxies have proven it. */
export function noteProof(runtime: WorkloadRuntime): void {
  const { state, forms } = runtime;
  if (state.proxies === 0 || state.programmed < state.proxies || state.refusals.length > 0) return;
  runtime.proven = {
    state,
    forms: new Map([...forms].map(([key, { hash }]) => [key, hash])),
    processes: processesOf(runtime),
  };
}

/**
 * Records the forms that are being rolled out. Routes whose form changed lose their proof, even if the former one comes
 * back. So do routes that may receive requests which another route had before.
 */
export function noteForms(runtime: WorkloadRuntime, forms: Forms): void {
  const heirs = heirsOf(runtime.forms, forms);
  for (const [key, hash] of runtime.proven?.forms ?? [])
    if (forms.get(key)?.hash !== hash || heirs.has(key)) runtime.proven?.forms.delete(key);
  runtime.forms = forms;
}

/** Proven state that still holds for a route. Undefined if the current state counts. */
export function standingProof(runtime: WorkloadRuntime, key: string): WorkloadState | undefined {
  const { proven, forms, state, readings } = runtime;
  const hash = forms.get(key)?.hash;
  if (
    proven === undefined ||
    hash === undefined ||
    proven.forms.get(key) !== hash ||
    state.unreachable > 0 ||
    state.applyError !== undefined ||
    state.proxies !== proven.state.proxies
  )
    return undefined;
  const isSame = [...readings].every(
    ([uid, { reading }]) => Math.abs((proven.processes.get(uid) ?? -Infinity) - reading.startedAt) < START_ERROR_MS,
  );
  // Key problems are current and not part of the proof.
  return isSame ? { ...proven.state, keyTroubles: state.keyTroubles } : undefined;
}
