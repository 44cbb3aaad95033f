// Deletes a filter that no route needs any more. It has left new listeners already, and goes once the proxies have
// drained the old ones.
import { DRAIN_PROBE_MS, MAX_RETIRE_MS, RETIRE_SETTLE_MS } from '../limits.ts';
import type { ClusterView } from './cluster-view.ts';
import type { KubeApi } from './kube/api.ts';
import { ENVOY_FILTERS } from './kube/resources.ts';
import { appliedOf } from './plan/applied.ts';
import { proxiesOf, type ProbeGate, type ProbeResult, type Proxy } from './proxies.ts';

export interface RetireStageParts {
  view: ClusterView;
  api: KubeApi;
  gate: ProbeGate;
  probe: (proxy: Proxy) => Promise<ProbeResult>;
  defaultPort: number;
  onRetired: (namespace: string, name: string) => void;
}

export class RetireStage {
  private readonly parts: RetireStageParts;

  constructor(parts: RetireStageParts) {
    this.parts = parts;
  }

  /** Returns the time until the next look, milliseconds. Undefined if no filter is leaving. */
  async reconcile(namespace: string, name: string): Promise<number | undefined> {
    const { view, api, onRetired } = this.parts;
    const object = view.object(namespace, name);
    const applied = object === undefined ? undefined : appliedOf(object);
    if (object === undefined || applied?.retiredAt === undefined) return undefined;
    const age = Date.now() - applied.retiredAt;
    if (age < RETIRE_SETTLE_MS) return RETIRE_SETTLE_MS - age;
    if (age < MAX_RETIRE_MS && !(await this.areDrained(namespace, name, applied.selection))) return DRAIN_PROBE_MS;
    // A route may have come back meanwhile.
    if (view.object(namespace, name) !== object) return DRAIN_PROBE_MS;
    await api.delete(ENVOY_FILTERS, object);
    onRetired(namespace, name);
    return undefined;
  }

  private async areDrained(
    namespace: string,
    name: string,
    selection: ReturnType<typeof appliedOf>['selection'],
  ): Promise<boolean> {
    const { view, gate, probe, defaultPort } = this.parts;
    if (selection === undefined) return true;
    const workload = { namespace, name, selection, routes: [], wider: [], narrower: [], standing: false };
    const proxies = proxiesOf(workload, view.informers.pods.in(namespace).values(), view.facts(namespace), defaultPort);
    const results = await Promise.all(proxies.map((proxy) => gate.run(() => probe(proxy))));
    return results.every(
      (result) => 'reading' in result && result.reading.draining === 0 && result.reading.warming === 0,
    );
  }
}
