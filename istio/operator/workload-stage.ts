// Stage 2: builds a workload's configuration, has the module examine it, and applies its object.
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import { GENERATION_SLOTS, isSameRelease } from '../../envoy/release/index.ts';
import {
  canonicalHash,
  type KmsConfig,
  type PluginConfig,
  type ReadTls,
  type RouteResource,
} from '../../envoy/route/index.ts';
import type { CertificateDirectory } from './certificate-directory.ts';
import type { ClusterView, WorkloadRuntime } from './cluster-view.ts';
import { emptyState, nothingProven } from './cluster-view.ts';
import { ApiError, type KubeApi } from './kube/api.ts';
import type { KubeObject } from './kube/objects.ts';
import { pack, specHashOf } from './kube/packed.ts';
import { ENVOY_FILTERS } from './kube/resources.ts';
import { wholeObject } from './kube/whole.ts';
import type { FairGate } from './fairness.ts';
import type { ModuleSource, ServableModule } from './module-source.ts';
import type { TlcpSource } from './tlcp-source.ts';
import { appliedOf, firstGeneration, MANAGED_BY_LABEL, MANAGER, type Applied } from './plan/applied.ts';
import { build, type Build } from './plan/build.ts';
import {
  isAsWanted,
  retiredObject,
  waypointChains,
  workloadObject,
  type WorkloadRelease,
} from './plan/envoy-filter.ts';
import { NO_FORMS } from './plan/forms.ts';
import { tlcpExtensions, tlcpHash, tlcpIdentity, tlcpInForce, tlcpPlace, type TlcpInput } from './plan/national-tls.ts';
import { SERVICE_TERM } from './plan/selection.ts';
import type { Workload } from './plan/workloads.ts';
import { noteForms } from './proof.ts';
import type { RouteChecker } from './route-checker.ts';

export const FIELD_MANAGER = 'fim-operator';

export interface WorkloadStageParts {
  view: ClusterView;
  api: KubeApi;
  checker: RouteChecker;
  gate: FairGate;
  modules: ModuleSource;
  tlcp: Pick<TlcpSource, 'supply'>;
  certificates: CertificateDirectory;
  /** Settings of the key service for the modules. */
  kms: KmsConfig;
  /** Whether there is a collector of audit records. */
  collects: boolean;
  /** Whether a service counts global limits. */
  countsGlobally: boolean;
  version: string;
  /** DNS domain of the cluster's Services, such as `cluster.local`. */
  clusterDomain: string;
  /** Time for a whole request to arrive, milliseconds. 0: no limit. */
  requestTimeoutMs: number;
  /** SPIFFE ids of proxies that sidecars believe who the client is. */
  believedPeers: readonly string[];
  /** Reads the proxies without a usable reading before a generation is applied. */
  readBaselines: (workload: Workload, runtime: WorkloadRuntime, generation: number) => Promise<void>;
  onApplied: (namespace: string, name: string, generation: number) => void;
  removeSeal: (namespace: string, name: string) => Promise<void>;
}

function versionOf({ metadata: { uid, resourceVersion } }: KubeObject): string {
  return `${uid} ${resourceVersion}`;
}

/** Follow-up work after a workload was reconciled. */
export interface WorkloadOutcome {
  /** Keys of routes whose status may have changed. */
  routes: string[];
  /** Whether to probe the proxies. */
  ask: boolean;
  /** Whether the workload's filter is being removed. */
  retiring?: boolean;
}

function signatureOf(
  states: ReadonlyMap<string, string>,
  unservable: readonly string[],
  module: ServableModule,
  others: readonly unknown[],
): string {
  return JSON.stringify([[...states], unservable, module.reference.sha256, ...others]);
}

/** Wanted release: the current one if nothing differs, else the next. */
function releaseOf(
  made: Build,
  applied: Applied | undefined,
  runtime: WorkloadRuntime,
  module: ServableModule,
  version: string,
): WorkloadRelease {
  const { config, hash, tlcp } = made;
  if (config === undefined) throw new Error('a build without a configuration');
  const common = { config, hash, module: module.reference, version, ...(tlcp === undefined ? {} : { tlcp }) };
  const current = runtime.release;
  const same =
    !runtime.bump &&
    applied?.retiredAt === undefined &&
    applied?.isWhole === true &&
    // Generations never go back, whoever wrote an earlier one into the object.
    applied.isNumbered &&
    applied.generation >= (current?.generation ?? 0) &&
    applied.tlcpHash === (tlcp && tlcpHash(tlcp)) &&
    isSameRelease({ hash: applied.hash, module: { sha256: applied.moduleSha256 } }, common);
  if (same) return { ...common, generation: applied.generation, appliedAt: applied.appliedAt };
  const last = Math.max(applied?.generation ?? 0, current?.generation ?? 0);
  return { ...common, generation: last === 0 ? firstGeneration(Date.now()) : last + 1, appliedAt: Date.now() };
}

/** All of an object but the configuration. Envoy makes new listeners when it changes. */
function shapeOf({ spec }: KubeObject): string {
  const patches = ((spec?.configPatches ?? []) as { applyTo?: string }[]).filter(
    ({ applyTo }) => applyTo !== 'EXTENSION_CONFIG',
  );
  return canonicalHash({ ...spec, configPatches: patches });
}

function remember(runtime: WorkloadRuntime, { generation, appliedAt }: WorkloadRelease): void {
  if (runtime.history.at(-1)?.generation === generation) return;
  runtime.history.push({ generation, since: appliedAt });
  runtime.history = runtime.history.filter((entry) => entry.generation > generation - GENERATION_SLOTS);
}

export class WorkloadStage {
  private readonly parts: WorkloadStageParts;

  constructor(parts: WorkloadStageParts) {
    this.parts = parts;
  }

  /** Reconciles the object of a workload with its routes. Throws errors of the API server. */
  async reconcile(namespace: string, name: string): Promise<WorkloadOutcome> {
    const { view, modules } = this.parts;
    const workload = view.workload(namespace, name);
    const kept = view.object(namespace, name);
    if (workload === undefined) return this.remove(namespace, name, kept);
    const module = modules.current;
    // Without a module that proxies can fetch nothing changes. The routes' status gives the reason.
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

    const rebuilt = await this.build(workload, states, runtime, { object, applied }, module);
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
   * Text of all inputs of a workload's object. An object that was as wanted in this state still is. This saves work,
   * because every change of a namespace reconciles all its workloads. Undefined if inputs other than routes and module
   * count.
   */
  private settledState(
    workload: Workload,
    states: ReadonlyMap<string, string>,
    module: ServableModule,
  ): string | undefined {
    const { namespace, selection, wider } = workload;
    const unservable = this.parts.view.namespaces.get(namespace)?.unservable.size ?? 0;
    if (selection.lattice === 'waypoint' || unservable > 0) return undefined;
    return JSON.stringify([[...states], wider, module.reference.sha256, this.tlcpState(workload)]);
  }

  /** National TLS as far as a build depends on it. */
  private tlcpInput({ namespace, selection }: Workload, object: KubeObject | undefined): TlcpInput {
    const { view, tlcp, certificates } = this.parts;
    const place = tlcpPlace(selection, view.facts(namespace));
    const read: ReadTls = (reference) => certificates.read(reference);
    return { supply: tlcp.supply, place, inForce: tlcpInForce(object), read };
  }

  private tlcpState(workload: Workload): string {
    const { supply, place } = this.tlcpInput(workload, undefined);
    const { view, certificates } = this.parts;
    const checked = view.namespaces.get(workload.namespace)?.checked;
    const named = workload.routes.flatMap(({ key }) => checked?.get(key)?.certificates ?? []);
    return `${tlcpIdentity(supply, place)} ${certificates.stateOf(named)}`;
  }

  /** Builds the workload if its inputs have changed or the configuration is needed again. True if it has changed. */
  private async build(
    workload: Workload,
    states: ReadonlyMap<string, string>,
    runtime: WorkloadRuntime,
    { object, applied }: { object: KubeObject | undefined; applied: Applied | undefined },
    module: ServableModule,
  ): Promise<boolean> {
    const { view, gate, kms, collects, countsGlobally } = this.parts;
    const state = view.namespaces.get(workload.namespace);
    const unservable = new Map([...(state?.unservable ?? [])].filter(([key]) => applied?.routes.has(key)));
    const tlcp = this.tlcpInput(workload, object);
    const others = [kms, this.tlcpState(workload)];
    const signature = signatureOf(states, [...unservable.keys()].sort(), module, others);
    const isSame = runtime.build !== undefined && runtime.signature === signature;
    if (isSame && runtime.build?.config !== undefined) return false;
    const objects = new Map([...(state?.checked ?? [])].map(([key, { object }]) => [key, object]));
    runtime.build = await gate.run(workload.namespace, () =>
      build({
        routes: this.read(workload),
        unservable,
        objects,
        applied,
        examine: module.examine,
        kms,
        tlcp,
        collects,
        countsGlobally,
      }),
    );
    runtime.signature = signature;
    return !isSame;
  }

  /** The routes themselves. */
  private read({ namespace, routes, selection }: Workload): RouteResource[] {
    const state = this.parts.view.namespaces.get(namespace);
    return routes.map(({ key }) => {
      const checked = state?.checked.get(key);
      if (state === undefined || checked === undefined) throw new Error(`${key} is gone by now`);
      return this.parts.checker.load(key, checked, state.profiles, selection, state.baselines);
    });
  }

  /** Applies the object unless it is as wanted. True if it was applied. */
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
    const { requestTimeoutMs, believedPeers, countsGlobally } = this.parts;
    const formerTlcp = object === undefined ? [] : (tlcpExtensions(object) as EnvoyObject[]);
    const make = (): { release: WorkloadRelease; wanted: KubeObject } => {
      const release = releaseOf(made, applied, runtime, module, this.parts.version);
      return {
        release,
        wanted: workloadObject(workload, release, {
          chains: this.chains(workload),
          requestTimeoutMs,
          formerTlcp,
          believedPeers,
          countsGlobally,
        }),
      };
    };
    let { release, wanted } = make();
    // Another form is wanted, or someone changed the object. Earlier counters prove nothing about it.
    const isDrift =
      object !== undefined &&
      release.generation === applied?.generation &&
      ![specHashOf(wanted), runtime.answered].includes(specHashOf(object));
    if (isDrift) {
      runtime.bump = true;
      ({ release, wanted } = make());
    }
    // Only an edit of a route leaves the proof of the other routes valid.
    const isOtherTlcp = applied?.tlcpHash !== (made.tlcp && tlcpHash(made.tlcp));
    if (isDrift || applied?.isWhole !== true || applied.moduleSha256 !== module.reference.sha256 || isOtherTlcp)
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
    release: WorkloadRelease,
    states: ReadonlyMap<string, string>,
  ): void {
    if (runtime.release?.generation !== release.generation || runtime.release.hash !== release.hash) {
      const isRenewed = isSameRelease(runtime.release, release);
      if (!isRenewed) runtime.renewal.wanting = new Map();
      runtime.state = {
        ...emptyState(runtime.state.name),
        hash: release.hash,
        generation: release.generation,
        proxies: runtime.state.proxies,
        unasked: runtime.state.proxies,
        // Sending the same configuration again resolves no refusal by itself.
        refusals: isRenewed && runtime.renewal.wanting.size > 0 ? runtime.state.refusals : [],
      };
    }
    runtime.state = { ...runtime.state, applyError: undefined };
    runtime.applyError = undefined;
    // The object holds the configuration, so memory need not.
    runtime.release = this.withoutConfig(workload, release);
    if (runtime.build !== undefined) runtime.build = { ...runtime.build, config: undefined, tlcp: undefined };
    runtime.builtFrom = states;
    noteForms(runtime, runtime.build?.forms ?? NO_FORMS);
    runtime.bump = false;
    remember(runtime, release);
  }

  private withoutConfig({ namespace, name }: Workload, { config: _, ...rest }: WorkloadRelease): WorkloadRelease {
    const { view } = this.parts;
    const inForce = (): PluginConfig => {
      const object = view.object(namespace, name);
      const config = object === undefined ? undefined : appliedOf(object).config;
      if (config === undefined) throw new Error(`the configuration of ${name} is not at hand`);
      return config;
    };
    return Object.defineProperty(rest, 'config', { enumerable: false, get: inForce }) as WorkloadRelease;
  }

  /** Applies an object of the operator as a whole. */
  async apply(wanted: KubeObject): Promise<KubeObject> {
    const { api } = this.parts;
    const answer = await api.apply(ENVOY_FILTERS, wanted, FIELD_MANAGER);
    if (isAsWanted(wanted, answer)) return answer;
    // Another manager owns a member that server-side apply does not remove.
    return api.replaceMember(ENVOY_FILTERS, wanted, 'spec', wanted.spec, FIELD_MANAGER);
  }

  /** Names of the filter chains of a waypoint's Service. */
  chains({ namespace, selection }: Workload): string[] | undefined {
    const name = selection.lattice === 'waypoint' ? selection.terms[SERVICE_TERM] : undefined;
    const service = name === undefined ? undefined : this.parts.view.facts(namespace).services.get(name);
    return service === undefined ? undefined : waypointChains(service, this.parts.clusterDomain);
  }

  /**
   * Removes the seal first, then the filter from new listeners. `RetireStage` removes the configuration when the old
   * listeners are gone.
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
      Object.assign(runtime, { release: undefined, lastApplied: undefined, ...nothingProven(name) });
    return { routes, ask: false, retiring };
  }
}

function isOurs(object: KubeObject): boolean {
  return object.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER;
}
