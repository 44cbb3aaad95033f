// Pods that ask for it are not ready before their policy is in force: the operator sets the condition of their
// readiness gate.
import type { ClusterView } from './cluster-view.ts';
import type { KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { PODS } from './kube/resources.ts';
import { allProxiesOf, ENFORCED_GATE, gateOf, hasGate } from './proxies.ts';

/** Another than for objects: what it applies is one condition of a pod's status. */
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

  /** Brings the gates of all pods of a namespace to what is known. */
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
   * Undefined while it is not known: what was said before stays. A ready pod is not taken from service for an edit that
   * it has not heard of yet.
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
      // Without members and without a filter that stands there is nothing to wait for.
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
