// What the operator knows of the cluster, and what it has worked out: the state that the stages share.
import type { RouteIssue } from '../../envoy/route/index.ts';
import type { Informer } from './kube/informer.ts';
import type { KeyTrouble } from './key-evidence.ts';
import type { KubeObject } from './kube/objects.ts';
import type { Build } from './plan/build.ts';
import { objectName, type Release } from './plan/envoy-filter.ts';
import type { Reading } from './plan/evidence.ts';
import type { TargetFacts } from './plan/selection.ts';
import type { WorkloadState } from './plan/status.ts';
import type { Proof } from './proof.ts';
import type { Grouping, RouteHead, Workload } from './plan/workloads.ts';

export interface Informers {
  routes: Informer;
  profiles: Informer;
  envoyFilters: Informer;
  gateways: Informer;
  istioGateways: Informer;
  services: Informer;
  pods: Informer;
  /** EnvoyFilters of others, as `trimForeign` leaves them. */
  foreign: Informer;
  /** Those that ask for a standing filter. */
  namespaces: Informer;
}

/** One route's object with the verdict on it. */
export interface CheckedRoute {
  object: KubeObject;
  /** What places it; undefined if it has mistakes. */
  head: RouteHead | undefined;
  errors: RouteIssue[];
  /** One text for all that the verdict depends on. */
  identity: string;
  /** Keys that it names. */
  keyIds: string[];
  /** Those of them that its namespace may not use. */
  denied: readonly string[];
}

/** One namespace as it was last planned. */
export interface NamespaceState {
  checked: Map<string, CheckedRoute>;
  /** Routes that cannot be served as they are: what is in force of them stays. */
  unservable: Map<string, KubeObject>;
  grouping: Grouping;
  /** Routes that the namespace's budgets do not reach, by key: which is spent. */
  over: Map<string, string>;
  /** Routes at which a budget is nearly spent, by key: which. */
  near: Map<string, string>;
  /** Part of each budget that is used, by its name. */
  used: Record<string, number>;
  /** Profiles that may be used, by name. */
  profiles: ReadonlyMap<string, KubeObject>;
  /** Why routes must not stand here. */
  forbidden: string | undefined;
  /** One text for all that a route's status depends on directly, by key. */
  fingerprints: Map<string, string>;
}

/** One workload as it was last worked on. */
export interface WorkloadRuntime {
  /** Of all that the build depends on. */
  signature: string;
  build: Build | undefined;
  release: Release | undefined;
  /** Of which state of each route, by key, the release was built: its `identity`. */
  builtFrom: ReadonlyMap<string, string>;
  /** As the API server answered, until the informer has caught up. */
  lastApplied: KubeObject | undefined;
  /** SHA-256 of the spec that the API server last gave back. */
  answered: string;
  /** The object that was last found as wanted, and in which state of what it depends on; undefined: none was. */
  settled: { version: string; state: string } | undefined;
  applyError: string | undefined;
  handsOff: string | undefined;
  /** No proxy had the filter before the release. */
  isFresh: boolean;
  /** The next release gets a new generation whatever it holds: nothing else can prove what runs. */
  bump: boolean;
  /** When that was last because counters could not tell. */
  bumpedAt: number;
  /** Generations and since when they were known, oldest first. */
  history: { generation: number; since: number }[];
  /** The last reading of each pod, by uid, and the generation that was current then. */
  readings: Map<string, { reading: Reading; generation: number }>;
  /** The generation that each pod was asked for once more after its counters were complete, by uid. */
  confirmed: Map<string, number>;
  /** What was last proven of all proxies; undefined: nothing was. */
  proven: Proof | undefined;
  /** What each pod's proxy lacks of keys, by uid. */
  keyTrouble: Map<string, KeyTrouble>;
  /** Readings from before the current generation, by uid. */
  baselines: Map<string, Reading>;
  /** The first readings under the current generation, by uid. */
  firstLooks: Map<string, Reading>;
  /** Pods that run the generation for all connections, by uid. */
  inForce: Set<string>;
  renewal: Renewal;
  /** Of all in the object but the configuration: what makes new listeners. */
  shape: string;
  /** The shape whose predecessors' listeners each pod was last found to have drained, by uid. */
  drained: Map<string, string>;
  /** When the seal was put in or found, milliseconds since 1970; undefined: there is none. */
  sealedAt: number | undefined;
  /** Versions of the workload's object and of the seal for which the seal was last found as wanted. */
  sealSettled: string;
  /** It was put in by this process: its counters began at 0. */
  sealFresh: boolean;
  /** What each pod's seals have counted, by uid. */
  seals: Map<string, SealCount>;
  state: WorkloadState;
}

/** Configurations that were given anew for want of the module. */
export interface Renewal {
  /** In a row. */
  count: number;
  /** When the last was given, by the process's clock. */
  at: number;
  /** Why the proxies that it is meant for did not get the module, by the pod's uid; those that got it are gone. */
  wanting: Map<string, string>;
}

/** What the seals of one pod have counted. */
export interface SealCount {
  /** Some have been seen. */
  shown: boolean;
  /** Requests that FIM had not seen. */
  unseen: number;
  /** When more of them were last found, milliseconds since 1970. */
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

export class ClusterView {
  readonly informers: Informers;
  readonly namespaces = new Map<string, NamespaceState>();
  /** What the API server says against the object of the key service, by namespace. */
  readonly kmsErrors = new Map<string, string>();
  private readonly runtimes = new Map<string, WorkloadRuntime>();

  constructor(informers: Informers) {
    this.informers = informers;
  }

  facts(namespace: string): TargetFacts {
    const { gateways, istioGateways, services, pods } = this.informers;
    return {
      gateways: gateways.in(namespace),
      istioGateways: istioGateways.in(namespace),
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
        history: [],
        readings: new Map(),
        confirmed: new Map(),
        baselines: new Map(),
        firstLooks: new Map(),
        proven: undefined,
        keyTrouble: new Map(),
        inForce: new Set(),
        renewal: { count: 0, at: -Infinity, wanting: new Map() },
        shape: '',
        drained: new Map(),
        sealedAt: undefined,
        sealSettled: '',
        sealFresh: false,
        seals: new Map(),
        state: emptyState(name),
      };
      this.runtimes.set(key, runtime);
    }
    return runtime;
  }

  /** The runtime if there is one. */
  knownRuntime(namespace: string, name: string): WorkloadRuntime | undefined {
    return this.runtimes.get(`${namespace}/${name}`);
  }

  forget(namespace: string, name: string): void {
    this.runtimes.delete(`${namespace}/${name}`);
  }

  /** Whether all workloads of a namespace have been built once. */
  isBuilt(namespace: string): boolean {
    return [...(this.namespaces.get(namespace)?.grouping.workloads.keys() ?? [])].every((name) => {
      const runtime = this.knownRuntime(namespace, name);
      return runtime?.build !== undefined || runtime?.handsOff !== undefined;
    });
  }

  /** The workload's object, as new as it is known. */
  object(namespace: string, name: string): KubeObject | undefined {
    return (
      this.knownRuntime(namespace, name)?.lastApplied ??
      this.informers.envoyFilters.get(`${namespace}/${objectName(name)}`)
    );
  }

  /** Names of the workloads in whose configuration the route stands, in whatever form. */
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
