// Stage of the native seal behind a workload's filter. With a new filter the seal comes at once: a listener has both or
// neither, and takes no traffic before the filter has its configuration. With a filter in use it comes once all proxies
// run a module that stamps requests. It is removed before the filter.
import type { ClusterView } from './cluster-view.ts';
import type { KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { ENVOY_FILTERS } from './kube/resources.ts';
import { wholeObject } from './kube/whole.ts';
import { appliedOf, MANAGED_BY_LABEL, MANAGER, SEAL_PREFIX } from './plan/applied.ts';
import type { OtherPorts } from './plan/coverage.ts';
import { isAsWanted } from './plan/envoy-filter.ts';
import { sealObject } from './plan/seal.ts';
import { sealScope } from './plan/seal-scope.ts';
import type { Workload } from './plan/workloads.ts';

/**
 * `routes`: requests that routes may concern. `listener`: every request of listeners with the filter. `off`: no seal.
 */
export const SEAL_MODES = ['routes', 'listener', 'off'] as const;
export type SealMode = (typeof SEAL_MODES)[number];

export interface SealStageParts {
  view: ClusterView;
  api: KubeApi;
  mode: SealMode;
  otherPorts: OtherPorts;
  version: string;
  /** Whether the module with this SHA-256 stamps the requests that it lets pass. */
  stamps: (sha256: string) => boolean;
  apply: (wanted: KubeObject) => Promise<KubeObject>;
  chains: (workload: Workload) => string[] | undefined;
  onApplied: (namespace: string, name: string) => void;
}

export class SealStage {
  private readonly parts: SealStageParts;

  constructor(parts: SealStageParts) {
    this.parts = parts;
  }

  /** Reconciles the seal of a workload. True if it has just been added. */
  async reconcile(namespace: string, name: string): Promise<boolean> {
    const { view, api, mode, otherPorts, version, apply, chains, onApplied } = this.parts;
    const workload = view.workload(namespace, name);
    const runtime = view.knownRuntime(namespace, name);
    const found = this.found(namespace, name);
    if (mode === 'off') {
      await this.remove(namespace, name);
      return false;
    }
    // Without a release it is unknown what proxies run, so the seal stays as it is.
    if (workload === undefined || runtime?.release === undefined) return false;
    const { release, state } = runtime;
    const { selection } = workload;
    const object = view.object(namespace, name);
    // Every change of a namespace reconciles all its workloads. The object holds everything that the scope depends on.
    const versions = [object, found].map((one) => `${one?.metadata.uid} ${one?.metadata.resourceVersion}`).join();
    if (found !== undefined && selection.lattice !== 'waypoint' && runtime.sealSettled === versions) return false;
    const routes =
      object === undefined ? undefined : appliedOf(await wholeObject(api, ENVOY_FILTERS, object)).config?.routes;
    // Someone changed the object by hand. It must be repaired first.
    if (routes === undefined) return false;
    const isInForce = state.counted && state.generation === release.generation && state.programmed === state.proxies;
    if (found === undefined && !((isInForce || runtime.isFresh) && this.parts.stamps(release.module.sha256)))
      return false;
    const wanted = sealObject(workload, mode === 'listener' ? 'all' : sealScope(routes), version, {
      chains: chains(workload),
      refusesOthers: otherPorts === 'refuse',
    });
    if (found !== undefined) runtime.sealedAt ??= Date.now();
    if (isAsWanted(wanted, found)) {
      runtime.sealSettled = versions;
      return false;
    }
    await apply(wanted);
    runtime.sealedAt ??= Date.now();
    runtime.sealFresh ||= found === undefined;
    onApplied(namespace, name);
    return found === undefined;
  }

  /** Removes the seal. The filter that it depends on goes later. */
  async remove(namespace: string, name: string): Promise<void> {
    const found = this.found(namespace, name);
    if (found !== undefined) await this.parts.api.delete(ENVOY_FILTERS, found);
    const runtime = this.parts.view.knownRuntime(namespace, name);
    if (runtime !== undefined) Object.assign(runtime, { sealedAt: undefined, sealFresh: false, seals: new Map() });
  }

  private found(namespace: string, name: string): KubeObject | undefined {
    const found = this.parts.view.informers.envoyFilters.get(`${namespace}/${SEAL_PREFIX}${name}`);
    return found?.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER ? found : undefined;
  }
}
