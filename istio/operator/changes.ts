// Turns a change of a watched object into work for the queue.
import { SETTLE_MS } from '../limits.ts';
import { isAffected } from './affected-stage.ts';
import type { BaselineStage } from './baseline-stage.ts';
import type { ClusterView } from './cluster-view.ts';
import type { FollowOptions } from './kept-objects.ts';
import type { KubeObject } from './kube/objects.ts';
import { sealedWorkloadOf, workloadOf } from './plan/applied.ts';
import { guestGateways } from './plan/coverage.ts';
import { hasGate, isSamePod, leadsSame } from './proxies.ts';
import type { WorkQueue } from './queue.ts';
import { keyFor } from './stage-key.ts';

/** Parts that changes act on. Its members may be set after `Changes` is made, but before objects are watched. */
export interface ChangeTargets {
  readonly view: ClusterView;
  readonly queue: WorkQueue;
  readonly baselines: BaselineStage;
  /** Has a namespace planned again. */
  plan(namespace: string): void;
  /** Has the statuses of a namespace's routes written again. */
  tellNamespace(namespace: string): void;
}

export class Changes {
  private readonly targets: ChangeTargets;
  private readonly rootNamespace: string;

  constructor(targets: ChangeTargets, rootNamespace: string) {
    this.targets = targets;
    this.rootNamespace = rootNamespace;
  }

  /** By the kinds that are watched. */
  get handlers(): FollowOptions['onChange'] {
    const { targets } = this;
    const plan = (_: string, before: KubeObject | undefined, after: KubeObject | undefined): void =>
      targets.plan((after ?? before)?.metadata.name ?? '');
    return {
      routes: (namespace, before, after) => this.routeChanged(namespace, before, after),
      objects: (namespace, before, after) => this.objectChanged(namespace, before, after),
      pods: (namespace, before, after) => this.podChanged(namespace, before, after),
      foreign: (namespace) => this.foreignChanged(namespace),
      namespaces: plan,
      revisions: plan,
      baselines: () => targets.queue.addAfter(keyFor('baselines'), SETTLE_MS),
      labels: (namespace, before, after) =>
        void (targets.baselines.known.all.size > 0 && plan(namespace, before, after)),
      attached: (namespace, before, after) => this.attachedChanged(namespace, before, after),
      istioGateways: (namespace, before, after) => this.istioGatewayChanged(namespace, before, after),
      others: (namespace) => void (targets.baselines.concerns(namespace) && targets.plan(namespace)),
    };
  }

  /** The operator itself makes changes of the status alone. */
  private routeChanged(namespace: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    const same =
      before !== undefined &&
      after !== undefined &&
      before.metadata.uid === after.metadata.uid &&
      before.metadata.generation === after.metadata.generation &&
      JSON.stringify(before.metadata.annotations) === JSON.stringify(after.metadata.annotations) &&
      before.metadata.deletionTimestamp === after.metadata.deletionTimestamp;
    if (!same) this.targets.plan(namespace);
    else this.targets.queue.addAfter(keyFor('status', namespace, after.metadata.name), SETTLE_MS);
  }

  private objectChanged(namespace: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    const { view, queue } = this.targets;
    const sealed = sealedWorkloadOf((after ?? before)?.metadata.name ?? '');
    // Planning does not depend on seals.
    if (sealed !== undefined && view.workload(namespace, sealed) !== undefined)
      return queue.addAfter(keyFor('seal', namespace, sealed), SETTLE_MS);
    const name = workloadOf(after?.metadata.name ?? '') ?? '';
    const runtime = view.knownRuntime(namespace, name);
    if (
      runtime?.lastApplied !== undefined &&
      after !== undefined &&
      Number(after.metadata.resourceVersion) >= Number(runtime.lastApplied.metadata.resourceVersion)
    )
      runtime.lastApplied = undefined;
    this.targets.plan(namespace);
  }

  /** EnvoyFilters of the root namespace act on every namespace. */
  private foreignChanged(namespace: string): void {
    const concerned = namespace === this.rootNamespace ? [...this.targets.view.namespaces.keys()] : [namespace];
    for (const name of concerned) this.targets.tellNamespace(name);
  }

  /** A Gateway adds servers to gateway pods of any namespace. */
  private istioGatewayChanged(namespace: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    const { view, baselines } = this.targets;
    if (baselines.concerns(namespace)) this.targets.plan(namespace);
    const changed = [before, after].flatMap((gateway) => gateway ?? []);
    for (const name of view.namespaces.keys())
      if (guestGateways(name, changed, view.facts(name)).length > 0) this.targets.tellNamespace(name);
  }

  /** Statuses that others write do not affect planning. Conditions about routes there are corrected. */
  private attachedChanged(namespace: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    const isPlanned = this.targets.baselines.concerns(namespace);
    const isSame =
      JSON.stringify([before?.spec, before?.metadata.labels]) === JSON.stringify([after?.spec, after?.metadata.labels]);
    if (isPlanned && !isSame) this.targets.plan(namespace);
    else if (isPlanned || (after !== undefined && isAffected(after)))
      this.targets.queue.addAfter(keyFor('affected', namespace), SETTLE_MS);
  }

  private podChanged(namespace: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    const { view, queue, baselines } = this.targets;
    if (after !== undefined && hasGate(after)) queue.addAfter(keyFor('gates', namespace), SETTLE_MS);
    const state = view.namespaces.get(namespace);
    if (after === undefined) view.claims.delete(before?.metadata.uid ?? '');
    if (!leadsSame(before, after)) this.targets.tellNamespace(namespace);
    if (isSamePod(before, after)) return;
    if (state === undefined) return baselines.concerns(namespace) ? this.targets.plan(namespace) : undefined;
    for (const name of state.grouping.workloads.keys()) queue.addAfter(keyFor('proxies', namespace, name), SETTLE_MS);
    // A pod that matches a new combination of selections needs a workload before its proxy starts.
    if (after !== undefined && !state.grouping.isSeen(after.metadata.labels ?? {}, view.facts(namespace)))
      this.targets.plan(namespace);
  }
}
