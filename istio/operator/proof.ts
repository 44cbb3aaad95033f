// What has been proven of a route stays proven while its own form and its proxies stay the same, whatever becomes of
// other routes in the same configuration.
import type { WorkloadRuntime } from './cluster-view.ts';
import type { WorkloadState } from './plan/status.ts';

/** Difference between two words of a process on when it began that says nothing, milliseconds. */
const START_ERROR_MS = 15_000;

/** A state of a workload that all its proxies have proven. */
export interface Proof {
  state: WorkloadState;
  /** Which state of each route was proven, by key; those that have changed since are gone. */
  forms: Map<string, string>;
  /** The processes that proved it: when they began, by the pod's uid. */
  processes: ReadonlyMap<string, number>;
}

function processesOf({ readings }: WorkloadRuntime): Map<string, number> {
  return new Map([...readings].map(([uid, { reading }]) => [uid, reading.startedAt]));
}

/** Notes what the proxies have proven, if all have. */
export function noteProof(runtime: WorkloadRuntime): void {
  const { state, builtFrom } = runtime;
  if (state.proxies === 0 || state.programmed < state.proxies || state.refusals.length > 0) return;
  runtime.proven = { state, forms: new Map(builtFrom), processes: processesOf(runtime) };
}

/** Routes of which another state is now on its way are not proven any more, even if the former comes back. */
export function dropChanged(runtime: WorkloadRuntime, states: ReadonlyMap<string, string>): void {
  for (const [key, identity] of runtime.proven?.forms ?? [])
    if (states.get(key) !== identity) runtime.proven?.forms.delete(key);
}

/** The proven state that still counts for a route; undefined: what is known of the present configuration counts. */
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
  // What proxies say of keys is of now, not of the proof.
  return isSame ? { ...proven.state, keyTroubles: state.keyTroubles } : undefined;
}
