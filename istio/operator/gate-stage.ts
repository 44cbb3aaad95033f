// Sets the condition of the readiness gate. A pod that asks for it becomes ready only when its policy is in force.
import type { ClusterView } from './cluster-view.ts';
import type { KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { PODS } from './kube/resources.ts';
import { allProxiesOf, ENFORCED_GATE, gateOf, hasGate } from './proxies.ts';

/** A manager of its own, since it applies one condition of a pod's status and no object. */
const FIELD_MANAGER = 'fim-operator-gate';

export interface GateStageParts {
  view: ClusterView;
  api: KubeApi;
  defaultPort: number;
}

export class GateStage {
  private readonly parts: GateStageParts;

  constructor(parts: GateStageParts) {
    this.parts = parts;
  }

  /** Sets the gates of all pods of a namespace to the current state. */
  async reconcile(namespace: string): Promise<undefined> {
    const pods = [...this.parts.view.informers.pods.in(namespace).values()].filter(
      (pod) => hasGate(pod) && !pod.metadata.deletionTimestamp,
    );
    for (const pod of pods) {
      const verdict = this.verdict(namespace, pod);
      if (verdict !== undefined && verdict.status !== gateOf(pod)) await this.set(pod, verdict);
    }
  }

  /**
   * State of a pod's gate. Undefined while it is unknown, and the condition then stays. A ready pod keeps its readiness
   * while it has not yet received an edit.
   */
  private verdict(namespace: string, pod: KubeObject): { status: string; reason: string } | undefined {
    const { view, defaultPort } = this.parts;
    const state = view.namespaces.get(namespace);
    const workloads = [...(state?.grouping.workloads.values() ?? [])].filter(
      (workload) => allProxiesOf(workload, [pod], view.facts(namespace), defaultPort).length > 0,
    );
    if (workloads.length === 0) return { status: 'True', reason: 'NoRoute' };
    const isInForce = workloads.every(({ name }) => {
      const runtime = view.knownRuntime(namespace, name);
      // Without routes and without a standing filter there is nothing to wait for.
      return (
        runtime?.inForce.has(pod.metadata.uid ?? '') || (runtime?.build !== undefined && runtime.release === undefined)
      );
    });
    if (isInForce) return { status: 'True', reason: 'Enforced' };
    return gateOf(pod) === undefined ? { status: 'False', reason: 'Pending' } : undefined;
  }

  private async set(
    { metadata: { name, namespace, uid } }: KubeObject,
    { status, reason }: { status: string; reason: string },
  ): Promise<void> {
    const condition = {
      type: ENFORCED_GATE,
      status,
      reason,
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    await this.parts.api.applyStatus(
      PODS,
      { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid }, status: { conditions: [condition] } },
      FIELD_MANAGER,
    );
  }
}
