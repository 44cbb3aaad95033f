// Proof of a route stays valid while its form and its proxies stay the same. Changes of other routes in the same
// configuration do not invalidate it.
import type { WorkloadRuntime } from './cluster-view.ts';
import type { WorkloadState } from './plan/route-facts.ts';

/** Tolerated difference between two readings of a process's start time, milliseconds. */
const START_ERROR_MS = 15_000;

/** A state of a workload that all its proxies have proven. */
export interface Proof {
  state: WorkloadState;
  /** Proven `identity` of each route, by key. Routes that have changed since are removed. */
  forms: Map<string, string>;
  /** Start times of the processes that proved it, by the pod's uid. */
  processes: ReadonlyMap<string, number>;
}

function processesOf({ readings }: WorkloadRuntime): Map<string, number> {
  return new Map([...readings].map(([uid, { reading }]) => [uid, reading.startedAt]));
}

/** Records the workload's state if all proxies have proven it. */
export function noteProof(runtime: WorkloadRuntime): void {
  const { state, builtFrom } = runtime;
  if (state.proxies === 0 || state.programmed < state.proxies || state.refusals.length > 0) return;
  runtime.proven = { state, forms: new Map(builtFrom), processes: processesOf(runtime) };
}

/** Drops the proof of routes whose new form is being rolled out, even if the former one comes back. */
export function dropChanged(runtime: WorkloadRuntime, states: ReadonlyMap<string, string>): void {
  for (const [key, identity] of runtime.proven?.forms ?? [])
    if (states.get(key) !== identity) runtime.proven?.forms.delete(key);
}

/** Proven state that still holds for a route. Undefined if the current state counts. */
export function standingProof(runtime: WorkloadRuntime, key: string, identity: string): WorkloadState | undefined {
  const { proven, state, readings } = runtime;
  if (
    proven === undefined ||
    proven.forms.get(key) !== identity ||
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
