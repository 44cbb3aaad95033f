// State that the operator's stages share: the informers' copies of the cluster, and the results of planning.
import type { BaselineResource, RouteIssue, TlsReference } from '../../envoy/route/index.ts';
import type { Informer } from './kube/informer.ts';
import type { KeyTrouble } from './key-evidence.ts';
import type { KubeObject } from './kube/objects.ts';
import type { Needs } from './plan/applied.ts';
import type { AuditMemory } from './plan/audited.ts';
import type { Build } from './plan/build.ts';
import { objectName, type WorkloadRelease } from './plan/envoy-filter.ts';
import type { Reading } from './plan/evidence.ts';
import { NO_FORMS, type Forms } from './plan/forms.ts';
import type { TargetFacts } from './plan/selection.ts';
import type { WorkloadState } from './plan/route-facts.ts';
import type { Place } from './plan/targets.ts';
import type { Proof } from './proof.ts';
import type { Grouping, RouteHead, Workload } from './plan/workloads.ts';

export interface Informers {
  routes: Informer;
  profiles: Informer;
  envoyFilters: Informer;
  gateways: Informer;
  istioGateways: Informer;
  httpRoutes: Informer;
  services: Informer;
  pods: Informer;
  /** EnvoyFilters that the operator does not own, reduced by `trimForeign`. */
  foreign: Informer;
  /** WasmPlugins, reduced by `trimPlugin`. */
  plugins: Informer;
  /** Namespaces, for the label that asks for a standing filter. */
  namespaces: Informer;
  /** Namespaces that name the revision that looks after them. */
  revisions: Informer;
  baselines: Informer;
  /** All namespaces, reduced to their labels. */
  labels: Informer;
}

/** Label of a namespace: which of several operators looks after it. */
export const REVISION_LABEL = 'fim.financial/rev';

/** Object of one route, with the verdict on it. */
export interface CheckedRoute {
  object: KubeObject;
  /** Part of the route that decides its workloads. Undefined if the route has mistakes. */
  head: RouteHead | undefined;
  errors: RouteIssue[];
  /** Text that changes with everything that the verdict depends on. */
  identity: string;
  /** Ids of the keys that the route names. */
  keyIds: string[];
  /** Keys among them that it names itself, and no baseline for it. */
  ownKeyIds: string[];
  /** Services that it needs besides that of keys. */
  needs: Needs;
  /** Names of the baselines of which it has sections. */
  baselines: string[];
  /** Keys among `ownKeyIds` that the route's namespace may not use. */
  denied: readonly string[];
  /** Places of certificates that it names. */
  certificates: readonly TlsReference[];
  /** Its targets; of a route that names none, nothing. */
  places: readonly Place[];
}

/** Result of the last planning of one namespace. */
export interface NamespaceState {
  checked: Map<string, CheckedRoute>;
  /** Routes that cannot be served in their current form, by key. Their last served form stays in force. */
  unservable: Map<string, KubeObject>;
  grouping: Grouping;
  /** Routes beyond the namespace's budgets: the exhausted budget, by the route's key. */
  over: Map<string, string>;
  /** Routes accepted with a nearly exhausted budget: the name of that budget, by the route's key. */
  near: Map<string, string>;
  /** Used part of each budget, by its name. */
  used: Record<string, number>;
  /** Usable profiles, by name. */
  profiles: ReadonlyMap<string, KubeObject>;
  /** Baselines that reach the namespace. */
  baselines: readonly BaselineResource[];
  /** Reason why the namespace must not hold routes. Undefined if it may. */
  forbidden: string | undefined;
  /** Text that changes with everything that a route's status directly depends on, by the route's key. */
  fingerprints: Map<string, string>;
}

/** State of one workload after its last reconciliation. */
export interface WorkloadRuntime {
  /** Text that changes with everything that the build depends on. */
  signature: string;
  build: Build | undefined;
  release: WorkloadRelease | undefined;
  /** `identity` of each route when the release was built, by the route's key. */
  builtFrom: ReadonlyMap<string, string>;
  /** Form of each route in the release. */
  forms: Forms;
  /** Object as the API server returned it. Kept until the informer has caught up. */
  lastApplied: KubeObject | undefined;
  /** SHA-256 of the spec that the API server last returned. */
  answered: string;
  /** Version of the last object that was found as wanted, and the state of its inputs then. Undefined if none was. */
  settled: { version: string; state: string } | undefined;
  applyError: string | undefined;
  handsOff: string | undefined;
  /** Whether no proxy had the filter before the release. */
  isFresh: boolean;
  /**
   * Whether the next release gets a new generation even if its content is the same. Only a new generation can then
   * prove what runs.
   */
  bump: boolean;
  /** Time of the last new generation that was made because counters could not tell. */
  bumpedAt: number;
  /** Pods whose counters could not tell then, by uid. */
  bumpedFor: Set<string>;
  /** Generations, oldest first, each with the time at which it became known. */
  history: { generation: number; since: number }[];
  /** Last reading of each pod and the generation that was current then, by uid. */
  readings: Map<string, { reading: Reading; generation: number }>;
  /** Generation for which each pod was probed once more after its counters were complete, by uid. */
  confirmed: Map<string, number>;
  /** State that was last proven for all proxies. Undefined if none was. */
  proven: Proof | undefined;
  /** Key problems that each pod's proxy reports, by uid. */
  keyTrouble: Map<string, KeyTrouble>;
  /** Memory of each proxy's audit records, by the pod's uid. */
  records: Map<string, AuditMemory>;
  /** Readings from before the current generation, by the pod's uid. */
  baselines: Map<string, Reading>;
  /** First readings under the current generation, by the pod's uid. */
  firstLooks: Map<string, Reading>;
  /** Pods that ran another workload's configuration before, by uid. Only what they count from now on counts here. */
  moved: Set<string>;
  /** Narrower workloads that owned some of its pods when the proxies were last probed, as one text. */
  leftTo: string;
  /** Pods that run the generation on all connections, by uid. */
  inForce: Set<string>;
  renewal: Renewal;
  /** All of the object but the configuration. Envoy makes new listeners when it changes. */
  shape: string;
  /** Shape whose previous listeners each pod was last found to have drained, by uid. */
  drained: Map<string, string>;
  /** Time at which the seal was added or found, milliseconds since 1970. Undefined if there is none. */
  sealedAt: number | undefined;
  /** Versions of the workload's object and of the seal at which the seal was last found as wanted. */
  sealSettled: string;
  /** Whether this process added the seal, so that its counters began at 0. */
  sealFresh: boolean;
  /** Seal counters of each pod, by uid. */
  seals: Map<string, SealCount>;
  state: WorkloadState;
}

/** State of sending a configuration again because agents failed to fetch the module. */
export interface Renewal {
  /** Consecutive renewals. */
  count: number;
  /** Time of the last renewal, by the process's monotonic clock. */
  at: number;
  /**
   * Reason why each proxy that the renewal is for did not get the module, by the pod's uid. Proxies that got it are
   * removed.
   */
  wanting: Map<string, string>;
}

/** Seal counters of one pod. */
export interface SealCount {
  /** Whether the seal has shown in the counters. */
  shown: boolean;
  /** Requests that reached the seal without passing FIM. */
  unseen: number;
  /** Time at which `unseen` last grew, milliseconds since 1970. */
  grewAt: number;
}

export function emptyState(name: string): WorkloadState {
  return {
    name,
    hash: '',
    generation: 0,
    counted: false,
    proxies: 0,
    programmed: 0,
    workers: 0,
    unreachable: 0,
    unasked: 0,
    refusals: [],
    draining: 0,
    lagging: [],
    idle: [],
    unsealed: [],
    unseen: [],
  };
}

type Proofs =
  | 'state'
  | 'forms'
  | 'readings'
  | 'confirmed'
  | 'baselines'
  | 'firstLooks'
  | 'moved'
  | 'leftTo'
  | 'proven'
  | 'renewal'
  | 'drained';

/** State of a workload's proxies before anything is known. */
export function nothingProven(name: string): Pick<WorkloadRuntime, Proofs> {
  return {
    state: emptyState(name),
    forms: NO_FORMS,
    readings: new Map(),
    confirmed: new Map(),
    baselines: new Map(),
    firstLooks: new Map(),
    moved: new Set(),
    leftTo: '',
    proven: undefined,
    renewal: { count: 0, at: -Infinity, wanting: new Map() },
    drained: new Map(),
  };
}

export class ClusterView {
  readonly informers: Informers;
  readonly namespaces = new Map<string, NamespaceState>();
  /** API server errors about objects of the platform's services, by `namespace/name`. */
  readonly serviceErrors = new Map<string, string>();
  /** The workload that each pod was last counted to, by its uid. */
  readonly claims = new Map<string, string>();
  private readonly runtimes = new Map<string, WorkloadRuntime>();

  /** Empty: that of namespaces without one. */
  private readonly revision: string;

  constructor(informers: Informers, revision = '') {
    this.informers = informers;
    this.revision = revision;
  }

  /** Reason why the view is incomplete. Undefined if it is complete. */
  notReady(): string | undefined {
    const names = (is: (informer: Informer) => boolean): string =>
      (Object.entries(this.informers) as [string, Informer][])
        .filter(([, informer]) => is(informer))
        .map(([name]) => name)
        .join(', ');
    const missing = names((informer) => !informer.synced);
    if (missing !== '') return `not listed yet: ${missing}`;
    const stale = names((informer) => informer.stale);
    return stale === '' ? undefined : `out of date: ${stale}`;
  }

  /** Whether the namespace is this operator's to look after, and not another revision's. */
  isOwn(namespace: string): boolean {
    const labels = this.informers.revisions.get(namespace)?.metadata.labels;
    return (labels?.[REVISION_LABEL] ?? '') === this.revision;
  }

  /** Forgets a namespace that another operator looks after. */
  letGo(namespace: string): void {
    this.namespaces.delete(namespace);
    for (const known of [this.serviceErrors, this.runtimes])
      for (const key of known.keys()) if (key.startsWith(`${namespace}/`)) known.delete(key);
  }

  facts(namespace: string): TargetFacts {
    const { gateways, istioGateways, httpRoutes, services, pods } = this.informers;
    return {
      gateways: gateways.in(namespace),
      istioGateways: istioGateways.in(namespace),
      httpRoutes: httpRoutes.in(namespace),
      services: services.in(namespace),
      pods: pods.in(namespace),
    };
  }

  workload(namespace: string, name: string): Workload | undefined {
    return this.namespaces.get(namespace)?.grouping.workloads.get(name);
  }

  runtime(namespace: string, name: string): WorkloadRuntime {
    const key = `${namespace}/${name}`;
    let runtime = this.runtimes.get(key);
    if (runtime === undefined) {
      runtime = {
        signature: '',
        build: undefined,
        release: undefined,
        builtFrom: new Map(),
        lastApplied: undefined,
        answered: '',
        settled: undefined,
        applyError: undefined,
        handsOff: undefined,
        isFresh: false,
        bump: false,
        bumpedAt: -Infinity,
        bumpedFor: new Set(),
        history: [],
        keyTrouble: new Map(),
        records: new Map(),
        inForce: new Set(),
        shape: '',
        sealedAt: undefined,
        sealSettled: '',
        sealFresh: false,
        seals: new Map(),
        ...nothingProven(name),
      };
      this.runtimes.set(key, runtime);
    }
    return runtime;
  }

  /** State of a workload, if it has been reconciled before. */
  knownRuntime(namespace: string, name: string): WorkloadRuntime | undefined {
    return this.runtimes.get(`${namespace}/${name}`);
  }

  forget(namespace: string, name: string): void {
    this.runtimes.delete(`${namespace}/${name}`);
  }

  /** Whether every workload of a namespace has been built at least once. */
  isBuilt(namespace: string): boolean {
    return [...(this.namespaces.get(namespace)?.grouping.workloads.keys() ?? [])].every((name) => {
      const runtime = this.knownRuntime(namespace, name);
      return runtime?.build !== undefined || runtime?.handsOff !== undefined;
    });
  }

  /** Newest known object of the workload. */
  object(namespace: string, name: string): KubeObject | undefined {
    return (
      this.knownRuntime(namespace, name)?.lastApplied ??
      this.informers.envoyFilters.get(`${namespace}/${objectName(name)}`)
    );
  }

  /** Names of the workloads whose configuration contains the route in any form. */
  workloadsOfRoute(namespace: string, key: string): string[] {
    const state = this.namespaces.get(namespace);
    if (state === undefined) return [];
    const names = new Set(state.grouping.workloadsOf.get(key) ?? []);
    if (state.unservable.has(key)) {
      for (const name of state.grouping.workloads.keys())
        if (this.knownRuntime(namespace, name)?.build?.held.has(key)) names.add(name);
    }
    return [...names].sort();
  }
}
