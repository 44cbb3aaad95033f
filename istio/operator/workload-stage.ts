// Stage 2: a workload → its configuration, examined by the module itself → its object in the cluster.
import { canonicalHash, type KmsConfig, type PluginConfig, type RouteResource } from '../../envoy/route/index.ts';
import type { ClusterView, WorkloadRuntime } from './cluster-view.ts';
import { emptyState } from './cluster-view.ts';
import { ApiError, type KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { pack, specHashOf } from './kube/packed.ts';
import { ENVOY_FILTERS } from './kube/resources.ts';
import { wholeObject } from './kube/whole.ts';
import type { FairGate } from './fairness.ts';
import type { ModuleSource, ServableModule } from './module-source.ts';
import {
  appliedOf,
  firstGeneration,
  KMS_OBJECT,
  MANAGED_BY_LABEL,
  MANAGER,
  workloadOf,
  type Applied,
} from './plan/applied.ts';
import { build, type Build } from './plan/build.ts';
import {
  isAsWanted,
  kmsObject,
  retiredObject,
  waypointChains,
  workloadObject,
  type KmsAccess,
  type Release,
} from './plan/envoy-filter.ts';
import { GENERATION_SLOTS } from './plan/evidence.ts';
import { SERVICE_TERM } from './plan/selection.ts';
import type { Workload } from './plan/workloads.ts';
import { dropChanged } from './proof.ts';
import type { RouteChecker } from './route-checker.ts';

export const FIELD_MANAGER = 'fim-operator';

export interface WorkloadStageParts {
  view: ClusterView;
  api: KubeApi;
  checker: RouteChecker;
  gate: FairGate;
  modules: ModuleSource;
  /** How the modules deal with the key service. */
  kms: KmsConfig;
  /** Makes the cluster of the key service; undefined: it is there already, or there is none. */
  kmsAccess: KmsAccess | undefined;
  version: string;
  /** Of the cluster's Services: `cluster.local`. */
  clusterDomain: string;
  /** Reads the proxies that have no usable reading, before a generation is applied. */
  readBaselines: (workload: Workload, runtime: WorkloadRuntime, generation: number) => Promise<void>;
  onApplied: (namespace: string, name: string, generation: number) => void;
  removeSeal: (namespace: string, name: string) => Promise<void>;
}

function versionOf({ metadata: { uid, resourceVersion } }: KubeObject): string {
  return `${uid} ${resourceVersion}`;
}

/** What became of a workload. */
export interface WorkloadOutcome {
  /** Keys of routes whose status may be another. */
  routes: string[];
  /** Ask the proxies. */
  ask: boolean;
  /** The workload's filter is on its way out. */
  retiring?: boolean;
}

function signatureOf(
  states: ReadonlyMap<string, string>,
  unservable: readonly string[],
  module: ServableModule,
  kms: KmsConfig,
): string {
  return JSON.stringify([[...states], unservable, module.reference.sha256, kms]);
}

/** The release to be in force: the one there is, if nothing differs, else the next. */
function releaseOf(
  made: Build,
  applied: Applied | undefined,
  runtime: WorkloadRuntime,
  module: ServableModule,
  version: string,
): Release {
  const { config, hash } = made;
  if (config === undefined) throw new Error('a build without a configuration');
  const common = { config, hash, module: module.reference, version };
  const current = runtime.release;
  const same =
    !runtime.bump &&
    applied?.retiredAt === undefined &&
    applied?.isWhole === true &&
    applied.hash === hash &&
    applied.moduleSha256 === module.reference.sha256;
  if (same) return { ...common, generation: applied.generation, appliedAt: applied.appliedAt };
  const last = Math.max(applied?.generation ?? 0, current?.generation ?? 0);
  return { ...common, generation: last === 0 ? firstGeneration(Date.now()) : last + 1, appliedAt: Date.now() };
}

/** All of an object but the configuration: with another Envoy makes new listeners. */
function shapeOf({ spec }: KubeObject): string {
  const patches = ((spec?.configPatches ?? []) as { applyTo?: string }[]).filter(
    ({ applyTo }) => applyTo !== 'EXTENSION_CONFIG',
  );
  return canonicalHash({ ...spec, configPatches: patches });
}

function remember(runtime: WorkloadRuntime, { generation, appliedAt }: Release): void {
  if (runtime.history.at(-1)?.generation === generation) return;
  runtime.history.push({ generation, since: appliedAt });
  runtime.history = runtime.history.filter((entry) => entry.generation > generation - GENERATION_SLOTS);
}

export class WorkloadStage {
  private readonly parts: WorkloadStageParts;

  constructor(parts: WorkloadStageParts) {
    this.parts = parts;
  }

  /** Brings the object of a workload to what the routes say; throws what the API server says against it. */
  async reconcile(namespace: string, name: string): Promise<WorkloadOutcome> {
    const { view, modules } = this.parts;
    const workload = view.workload(namespace, name);
    const kept = view.object(namespace, name);
    if (workload === undefined) return this.remove(namespace, name, kept);
    const module = modules.current;
    // Without a module that proxies can have, nothing changes; the routes say why.
    if (module === undefined) return { routes: workload.routes.map((route) => route.key), ask: false };
    const runtime = view.runtime(namespace, name);
    const states = new Map(
      workload.routes.map(({ key }) => [key, view.namespaces.get(namespace)?.checked.get(key)?.identity ?? '']),
    );
    const settled = this.settledState(workload, states, module);
    if (
      settled !== undefined &&
      !runtime.bump &&
      kept !== undefined &&
      runtime.settled?.version === versionOf(kept) &&
      runtime.settled.state === settled
    )
      return { routes: [], ask: false };
    const object = kept === undefined ? undefined : await wholeObject(this.parts.api, ENVOY_FILTERS, kept);
    const applied = object === undefined ? undefined : appliedOf(object);
    const known = new Set(
      runtime.build === undefined ? [] : [...runtime.build.members, ...runtime.build.refused.keys()],
    );
    const outcome = (ask: boolean): WorkloadOutcome => ({
      routes: [
        ...new Set([
          ...known,
          ...workload.routes.map((route) => route.key),
          ...(runtime.build?.members ?? []),
          ...(runtime.build?.refused.keys() ?? []),
        ]),
      ],
      ask,
    });
    runtime.handsOff = applied?.fromLaterVersion
      ? `FIM-OP-0010: the configuration of ${name} was made by a later version of the operator, which this one does not know: it is left alone.`
      : undefined;
    if (runtime.handsOff !== undefined) return outcome(false);

    const rebuilt = await this.build(workload, states, runtime, applied, module);
    if (runtime.build?.frozen) return outcome(rebuilt);
    if (runtime.build?.members.size === 0 && !workload.standing) {
      const removed = await this.remove(namespace, name, object);
      return { ...outcome(false), retiring: removed.retiring ?? false };
    }
    const changed = await this.bringIntoForce(workload, states, runtime, object, applied, module);
    const now = view.object(namespace, name);
    runtime.settled =
      now === undefined || settled === undefined ? undefined : { version: versionOf(now), state: settled };
    return rebuilt || changed ? outcome(true) : { routes: [], ask: false };
  }

  /**
   * All that a workload's object depends on, as one text: an object that was as wanted in this state is so still. Every
   * change of a namespace looks at all its workloads, of which it concerns few. Undefined where more than routes and
   * module count.
   */
  private settledState(
    { namespace, selection, wider }: Workload,
    states: ReadonlyMap<string, string>,
    module: ServableModule,
  ): string | undefined {
    const unservable = this.parts.view.namespaces.get(namespace)?.unservable.size ?? 0;
    if (selection.lattice === 'waypoint' || unservable > 0) return undefined;
    return JSON.stringify([[...states], wider, module.reference.sha256]);
  }

  /** Builds what has changed since, or is needed again; true if it has changed. */
  private async build(
    workload: Workload,
    states: ReadonlyMap<string, string>,
    runtime: WorkloadRuntime,
    applied: Applied | undefined,
    module: ServableModule,
  ): Promise<boolean> {
    const { view, gate, kms } = this.parts;
    const state = view.namespaces.get(workload.namespace);
    const unservable = new Map([...(state?.unservable ?? [])].filter(([key]) => applied?.routes.has(key)));
    const signature = signatureOf(states, [...unservable.keys()].sort(), module, kms);
    const isSame = runtime.build !== undefined && runtime.signature === signature;
    if (isSame && runtime.build?.config !== undefined) return false;
    const objects = new Map([...(state?.checked ?? [])].map(([key, { object }]) => [key, object]));
    runtime.build = await gate.run(workload.namespace, () =>
      build({ routes: this.read(workload), unservable, objects, applied, examine: module.examine, kms }),
    );
    runtime.signature = signature;
    return !isSame;
  }

  /** The routes themselves. */
  private read({ namespace, routes }: Workload): RouteResource[] {
    const state = this.parts.view.namespaces.get(namespace);
    return routes.map(({ key }) => {
      const checked = state?.checked.get(key);
      if (state === undefined || checked === undefined) throw new Error(`${key} is gone by now`);
      return this.parts.checker.load(key, checked, state.profiles);
    });
  }

  /** Applies the object if it is not as wanted; true if it was not. */
  private async bringIntoForce(
    workload: Workload,
    states: ReadonlyMap<string, string>,
    runtime: WorkloadRuntime,
    object: KubeObject | undefined,
    applied: Applied | undefined,
    module: ServableModule,
  ): Promise<boolean> {
    const made = runtime.build;
    if (made === undefined) return false;
    const make = (): { release: Release; wanted: KubeObject } => {
      const release = releaseOf(made, applied, runtime, module, this.parts.version);
      return { release, wanted: workloadObject(workload, release, this.chains(workload)) };
    };
    let { release, wanted } = make();
    // Somebody changed the object, or another form of it is wanted: what proxies have counted so far proves nothing of
    // it.
    const isDrift =
      object !== undefined &&
      release.generation === applied?.generation &&
      ![specHashOf(wanted), runtime.answered].includes(specHashOf(object));
    if (isDrift) {
      runtime.bump = true;
      ({ release, wanted } = make());
    }
    // An edit of a route leaves the others as they were proven; nothing else does.
    if (isDrift || applied?.isWhole !== true || applied.moduleSha256 !== module.reference.sha256)
      runtime.proven = undefined;
    const isNew = runtime.release?.generation !== release.generation;
    runtime.shape = shapeOf(wanted);
    if (isAsWanted(wanted, object)) {
      this.adopt(workload, runtime, release, states);
      return isNew;
    }
    if (isNew && release.generation !== applied?.generation)
      await this.parts.readBaselines(workload, runtime, release.generation);
    try {
      const answer = await this.apply(wanted);
      runtime.lastApplied = pack(answer);
      runtime.answered = specHashOf(answer);
      runtime.isFresh = object === undefined;
      runtime.applyError = undefined;
    } catch (error) {
      runtime.applyError =
        error instanceof ApiError ? `the API server refuses the object: ${error.message}` : String(error);
      runtime.state = { ...runtime.state, applyError: runtime.applyError };
      throw error;
    }
    this.adopt(workload, runtime, release, states);
    this.parts.onApplied(workload.namespace, workload.name, release.generation);
    return true;
  }

  private adopt(
    workload: Workload,
    runtime: WorkloadRuntime,
    release: Release,
    states: ReadonlyMap<string, string>,
  ): void {
    if (runtime.release?.generation !== release.generation || runtime.release.hash !== release.hash) {
      const isRenewed =
        runtime.release?.hash === release.hash && runtime.release.module.sha256 === release.module.sha256;
      if (!isRenewed) runtime.renewal.wanting = new Map();
      runtime.state = {
        ...emptyState(runtime.state.name),
        hash: release.hash,
        generation: release.generation,
        proxies: runtime.state.proxies,
        unasked: runtime.state.proxies,
        // To be given the same again is no answer yet.
        refusals: isRenewed && runtime.renewal.wanting.size > 0 ? runtime.state.refusals : [],
      };
    }
    runtime.state = { ...runtime.state, applyError: undefined };
    runtime.applyError = undefined;
    // The configuration is in the object: it is not held twice.
    runtime.release = this.withoutConfig(workload, release);
    if (runtime.build !== undefined) runtime.build = { ...runtime.build, config: undefined };
    runtime.builtFrom = states;
    dropChanged(runtime, states);
    runtime.bump = false;
    remember(runtime, release);
  }

  private withoutConfig({ namespace, name }: Workload, { config: _, ...rest }: Release): Release {
    const { view } = this.parts;
    const inForce = (): PluginConfig => {
      const object = view.object(namespace, name);
      const config = object === undefined ? undefined : appliedOf(object).config;
      if (config === undefined) throw new Error(`the configuration of ${name} is not at hand`);
      return config;
    };
    return Object.defineProperty(rest, 'config', { enumerable: false, get: inForce }) as Release;
  }

  /** Applies an object of ours as a whole. */
  async apply(wanted: KubeObject): Promise<KubeObject> {
    const { api } = this.parts;
    const answer = await api.apply(ENVOY_FILTERS, wanted, FIELD_MANAGER);
    if (isAsWanted(wanted, answer)) return answer;
    // Someone else owns a member that applying leaves alone.
    return api.replaceMember(ENVOY_FILTERS, wanted, 'spec', wanted.spec, FIELD_MANAGER);
  }

  /** For a waypoint's Service, the names of its filter chains. */
  chains({ namespace, selection }: Workload): string[] | undefined {
    const name = selection.lattice === 'waypoint' ? selection.terms[SERVICE_TERM] : undefined;
    const service = name === undefined ? undefined : this.parts.view.facts(namespace).services.get(name);
    return service === undefined ? undefined : waypointChains(service, this.parts.clusterDomain);
  }

  /**
   * First the seal, then the filter out of new listeners; its configuration goes when the old ones are gone
   * (`RetireStage`).
   */
  private async remove(namespace: string, name: string, object: KubeObject | undefined): Promise<WorkloadOutcome> {
    const { view, api } = this.parts;
    const runtime = view.knownRuntime(namespace, name);
    const routes = [...(runtime?.build?.members ?? []), ...(runtime?.build?.refused.keys() ?? [])];
    const found = runtime?.lastApplied ?? object;
    await this.parts.removeSeal(namespace, name);
    let retiring = false;
    if (found !== undefined && isOurs(found)) {
      const applied = appliedOf(found);
      retiring = !applied.fromLaterVersion;
      if (retiring && applied.retiredAt === undefined)
        await api.apply(
          ENVOY_FILTERS,
          retiredObject(await wholeObject(api, ENVOY_FILTERS, found), applied.generation + 1, new Date()),
          FIELD_MANAGER,
        );
    }
    if (view.workload(namespace, name) === undefined) view.forget(namespace, name);
    else if (runtime !== undefined)
      Object.assign(runtime, {
        release: undefined,
        lastApplied: undefined,
        baselines: new Map(),
        firstLooks: new Map(),
        renewal: { count: 0, at: -Infinity, wanting: new Map() },
        readings: new Map(),
        confirmed: new Map(),
        drained: new Map(),
        state: emptyState(name),
      });
    return { routes, ask: false, retiring };
  }

  /**
   * Makes the cluster of the key service known to the proxies of a namespace that has routes with keys, and removes it
   * where none has, not even in a configuration that is in force.
   */
  async reconcileKms(namespace: string): Promise<void> {
    const { view, api, kmsAccess, version } = this.parts;
    const found = view.informers.envoyFilters.get(`${namespace}/${KMS_OBJECT}`);
    const isUsed =
      [...(view.namespaces.get(namespace)?.checked.values() ?? [])].some((route) => route.keyIds.length > 0) ||
      [...view.informers.envoyFilters.in(namespace).values()].some(
        (object) =>
          workloadOf(object.metadata.name) !== undefined && [...appliedOf(object).routes.values()].flat(2).length > 0,
      );
    if (kmsAccess === undefined || !isUsed) {
      if (found !== undefined && isOurs(found)) await api.delete(ENVOY_FILTERS, found);
      return;
    }
    const wanted = kmsObject(namespace, kmsAccess, version);
    if (!isAsWanted(wanted, found)) await this.apply(wanted);
  }
}

function isOurs(object: KubeObject): boolean {
  return object.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER;
}
