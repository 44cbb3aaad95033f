// Stage 4: writes the status of a route from everything known about it, and sends events about changes.
import { canonicalJson, nameOf } from '../../envoy/route/index.ts';
import type { CertificateDirectory } from './certificate-directory.ts';
import type { CheckedRoute, ClusterView, WorkloadRuntime } from './cluster-view.ts';
import { emptyState } from './cluster-view.ts';
import type { KeyDirectory } from './key-directory.ts';
import type { KubeApi } from './kube/api.ts';
import { FINANCIAL_ROUTES } from './kube/resources.ts';
import type { ModuleSource } from './module-source.ts';
import type { ModulesInForce } from './modules-in-force.ts';
import type { Build } from './plan/build.ts';
import { coverageOf, guestGateways, type Coverage, type OtherPorts } from './plan/coverage.ts';
import { foreignReaches } from './plan/foreign.ts';
import { isNarrower, isWaypoint, selectionKey, type Selection } from './plan/selection.ts';
import { statusOf, type Condition, type RouteStatus } from './plan/status.ts';
import type { FactsAtTarget, RouteFacts, WorkloadState } from './plan/route-facts.ts';
import { GATEWAY_GROUP, gatewaySelection } from './plan/targets.ts';
import type { EventSink } from './events.ts';
import type { Workload } from './plan/workloads.ts';
import { standingProof } from './proof.ts';
import { servicesOf } from './service-stage.ts';
import { leftTo } from './proxy-stage.ts';
import { FIELD_MANAGER } from './workload-stage.ts';

export interface StatusStageParts {
  view: ClusterView;
  api: KubeApi;
  modules: ModuleSource;
  inForce: ModulesInForce;
  keys: KeyDirectory;
  certificates: CertificateDirectory;
  events: EventSink;
  rootNamespace: string;
  otherPorts: OtherPorts;
}

export class StatusStage {
  private readonly parts: StatusStageParts;

  constructor(parts: StatusStageParts) {
    this.parts = parts;
  }

  /** Writes the status of a route if it has changed. True if it has. */
  async reconcile(key: string): Promise<boolean> {
    const { view, api, events } = this.parts;
    const object = view.informers.routes.get(key);
    const facts = object === undefined || object.metadata.deletionTimestamp ? undefined : this.facts(key);
    if (object === undefined || facts === undefined) return false;
    const before = object.status as RouteStatus | undefined;
    const status = statusOf(facts, before, new Date());
    if (
      before !== undefined &&
      (canonicalJson(before) === canonicalJson(status) || (!this.keepsRecord(key) && isSameButRecord(before, status)))
    )
      return false;
    const { name, namespace, uid } = object.metadata;
    // The uid keeps the old status from a route that was deleted and created anew.
    await api.applyStatus(
      FINANCIAL_ROUTES,
      {
        apiVersion: object.apiVersion,
        kind: object.kind,
        metadata: { name, namespace, uid },
        status: status as unknown as Record<string, unknown>,
      },
      FIELD_MANAGER,
    );
    for (const condition of changes(before, status)) events.tell(object, condition);
    return true;
  }

  /**
   * Whether this route's status records what its workload's proxies have proven. A restarted operator reads it there.
   */
  private keepsRecord(key: string): boolean {
    const { view } = this.parts;
    const namespace = key.slice(0, key.indexOf('/'));
    return view.workloadsOfRoute(namespace, key).some((name) => view.workload(namespace, name)?.routes[0]?.key === key);
  }

  /** Everything known about a route. Undefined while its namespace is not planned and built. */
  facts(key: string): RouteFacts | undefined {
    const { view, keys, certificates, modules, inForce } = this.parts;
    const namespace = key.slice(0, key.indexOf('/'));
    const state = view.namespaces.get(namespace);
    const checked = state?.checked.get(key);
    if (state === undefined || checked === undefined) return undefined;
    const names = view.workloadsOfRoute(namespace, key);
    // Whether an earlier form of the route is in force is known once all workloads are built.
    if (modules.current !== undefined && !view.isBuilt(namespace)) return undefined;
    const runtimes = names.map((name) => ({ name, runtime: view.knownRuntime(namespace, name) }));
    const builds = runtimes.flatMap(({ runtime }) => runtime?.build ?? []);
    const refused = builds.flatMap((made) => made.refused.get(key) ?? []);
    const drafts = builds
      .filter((made) => !made.held.has(key) && !made.refused.has(key))
      .map((made) => made.conditions[key] ?? []);
    const lack = drafts
      .flat()
      .find((draft) => draft.type === 'Programmed' && draft.status === 'False' && draft.reason === 'TlcpNotTerminated');
    const unhonoured = lack === undefined ? [] : [lack];
    const held = builds.some((made) => made.held.has(key));
    return {
      generation: checked.object.metadata.generation,
      issues: checked.errors.length > 0 ? checked.errors : refused,
      forbidden: state.forbidden,
      overBudget: state.over.get(key),
      overflow: state.grouping.overflow.get(key),
      nearBudget: state.near.get(key),
      held,
      targets: this.targets(namespace, checked, names),
      namespace,
      keys: checked.keyIds.flatMap((keyId) =>
        checked.denied.includes(keyId) ? { keyId, reason: 'KeyNotPermitted' as const } : (keys.problem(keyId) ?? []),
      ),
      certificates: checked.certificates.flatMap((reference) => {
        const found = certificates.read(reference);
        return 'code' in found ? [{ code: found.code, name: nameOf(reference), detail: found.detail }] : [];
      }),
      ...earliest(builds),
      moduleProblem:
        modules.problem ??
        names.map((name) => inForce.problemOf(view.object(namespace, name))).find((problem) => problem !== undefined),
      hasKeys: checked.keyIds.length > 0,
      audits: checked.needs.audit,
      ...this.serviceError(namespace, checked),
      handsOff: runtimes.find(({ runtime }) => runtime?.handsOff !== undefined)?.runtime?.handsOff,
      drafts,
      unhonoured,
      foreign: this.foreign(namespace, names),
      coverage: this.coverage(namespace, names),
      workloads: runtimes.map(({ name, runtime }) =>
        workloadState(name, runtime, view.workload(namespace, name), key, checked),
      ),
    };
  }

  /** Error that keeps a service's cluster from the proxies of a route that needs it. */
  private serviceError(namespace: string, checked: CheckedRoute): { serviceError?: string } {
    const { serviceErrors } = this.parts.view;
    for (const object of servicesOf(checked)) {
      const error = serviceErrors.get(`${namespace}/${object}`);
      if (error !== undefined) return { serviceError: `${object}: the API server refuses the object: ${error}` };
    }
    return {};
  }

  /** Targets of a route, each with its workloads. Without targets: the Gateways of its namespace. */
  private targets(namespace: string, { head, places }: CheckedRoute, workloads: readonly string[]): FactsAtTarget[] {
    const { view } = this.parts;
    const meets = (selection: Selection): string[] =>
      workloads.filter((name) => {
        const own = view.workload(namespace, name)?.selection;
        return own !== undefined && (selectionKey(own) === selectionKey(selection) || isNarrower(own, selection));
      });
    if (head === undefined || head.spec.selector !== undefined) return [];
    if (head.spec.targetRefs === undefined)
      return [...view.facts(namespace).gateways.entries()]
        .filter(([, gateway]) => !isWaypoint(gateway))
        .map(([name]) => ({
          ref: { group: GATEWAY_GROUP, kind: 'Gateway', name },
          workloads: [...new Set([...meets(gatewaySelection(name)), ...workloads.filter((one) => one === 'gateways')])],
        }));
    return places.map(({ ref, selection, problem, note }) => ({
      ref,
      ...(problem === undefined ? {} : { problem }),
      ...(note === undefined ? {} : { note }),
      workloads: selection === undefined ? [] : meets(selection),
    }));
  }

  /** Ports of some workloads. */
  private coverage(namespace: string, workloads: readonly string[]): Coverage {
    const { view, otherPorts } = this.parts;
    const { istioGateways } = view.informers;
    const all = istioGateways.namespaces().flatMap((name) => [...istioGateways.in(name).values()]);
    const guests = guestGateways(namespace, all, view.facts(namespace));
    const found = workloads.flatMap((name) => {
      const workload = view.workload(namespace, name);
      return workload === undefined
        ? []
        : [
            coverageOf(
              workload.selection,
              view.facts(namespace),
              view.informers.pods.in(namespace).values(),
              otherPorts,
              guests,
            ),
          ];
    });
    const each = (pick: (coverage: Coverage) => string[]): string[] => [...new Set(found.flatMap(pick))].sort();
    return {
      judged: each(({ judged }) => judged),
      refused: each(({ refused }) => refused),
      open: each(({ open }) => open),
    };
  }

  /** EnvoyFilters and WasmPlugins of others that interfere with some workloads. */
  private foreign(namespace: string, workloads: readonly string[]): { kind: 'takes' | 'alters'; text: string }[] {
    const { view, rootNamespace } = this.parts;
    const { foreign, plugins } = view.informers;
    const all = [foreign, plugins].flatMap((kept) =>
      [...new Set([namespace, rootNamespace])].flatMap((name) => [...kept.in(name).values()]),
    );
    const found = workloads.flatMap((name) => {
      const workload = view.workload(namespace, name);
      return workload === undefined ? [] : foreignReaches(all, workload.selection);
    });
    return [...new Map(found.map((reach) => [reach.text, reach])).values()];
  }
}

/** State of a workload for a route. Proof of an earlier form of the route does not count for this one. */
function workloadState(
  name: string,
  runtime: WorkloadRuntime | undefined,
  workload: Workload | undefined,
  key: string,
  { head, identity }: CheckedRoute,
): WorkloadState {
  if (runtime === undefined) return emptyState(name);
  const { state, builtFrom, forms, build } = runtime;
  // Since the last probe its set of pods has changed.
  if (workload !== undefined && workload.selection.lattice !== 'waypoint' && runtime.leftTo !== leftTo(workload))
    return { ...state, counted: false };
  const isApplied = builtFrom.get(key) === identity && forms.get(key)?.hash === build?.forms.get(key)?.hash;
  if (head !== undefined && isApplied) {
    // The current state of seal and records replaces that of the proof.
    const { unseen, unsealed, audit } = state;
    const proven = standingProof(runtime, key);
    return proven === undefined ? state : { ...proven, unseen, unsealed, ...(audit === undefined ? {} : { audit }) };
  }
  return {
    ...state,
    programmed: 0,
    workers: 0,
    unreachable: 0,
    unasked: state.proxies,
    refusals: [],
    provenAt: undefined,
  };
}

/**
 * Whether two statuses differ only in the configuration that was proven. That record changes with every edit of another
 * route.
 */
function isSameButRecord(before: RouteStatus, after: RouteStatus): boolean {
  const isProven = ({ conditions }: RouteStatus): boolean =>
    conditions.some(({ type, status }) => type === 'Programmed' && status === 'True');
  return (
    isProven(before) && isProven(after) && canonicalJson(withoutRecord(before)) === canonicalJson(withoutRecord(after))
  );
}

function withoutRecord({ configurationHash: _, workloads = [], conditions, ...rest }: RouteStatus): unknown {
  return {
    ...rest,
    workloads: workloads.map(({ generation: __, configurationHash: ___, provenAt: ____, ...workload }) => workload),
    conditions: conditions.map((condition) =>
      condition.type === 'Programmed' ? { ...condition, message: '' } : condition,
    ),
  };
}

/** Conditions that have changed. */
function changes(before: RouteStatus | undefined, after: RouteStatus): Condition[] {
  return after.conditions.filter((condition) => {
    const old = before?.conditions?.find(({ type }) => type === condition.type);
    return old?.status !== condition.status || old.reason !== condition.reason;
  });
}

/** When the first certificate of national TLS ends. */
function earliest(builds: readonly Build[]): { certificatesEnd?: number } {
  const ends = builds.flatMap(({ tlcpEnds }) => tlcpEnds ?? []);
  return ends.length === 0 ? {} : { certificatesEnd: Math.min(...ends) };
}
