// Stage 1: plans a namespace from its routes: valid routes, resolved references, workloads.
import { canonicalHash, type BaselineResource } from '../../envoy/route/index.ts';
import { MAX_NAMESPACE_WORKLOADS } from '../limits.ts';
import type { Baselines } from './baselines.ts';
import type { CertificateDirectory } from './certificate-directory.ts';
import type { CheckedRoute, ClusterView, NamespaceState } from './cluster-view.ts';
import type { FairGate } from './fairness.ts';
import type { KubeObject } from './kube/objects.ts';
import type { KubeApi } from './kube/api.ts';
import { hasSpec, specBytesOf } from './kube/packed.ts';
import { ENVOY_FILTERS } from './kube/resources.ts';
import { wholeObject } from './kube/whole.ts';
import { deniedKey, type KeyBinding, type NamespaceKeys } from './key-binding.ts';
import type { KeyDirectory } from './key-directory.ts';
import { spend, type BudgetVerdict } from './plan/budget.ts';
import {
  appliedOf,
  isRead,
  MANAGED_BY_LABEL,
  MANAGER,
  rememberApplied,
  sealedWorkloadOf,
  workloadOf,
  type Applied,
  NEEDS_NOTHING,
} from './plan/applied.ts';
import { doorsHash } from './plan/coverage.ts';
import type { Selection } from './plan/selection.ts';
import { standingSelections } from './plan/standing.ts';
import { groupRoutes, type Grouping, type Workload } from './plan/workloads.ts';
import { leftTo } from './proxy-stage.ts';
import type { RouteChecker } from './route-checker.ts';

export interface NamespaceStageParts {
  view: ClusterView;
  checker: RouteChecker;
  baselines: Baselines;
  keys: KeyDirectory;
  certificates: CertificateDirectory;
  binding: KeyBinding;
  gate: FairGate;
  api: KubeApi;
  /** Istio's root namespace. An EnvoyFilter there applies to the whole mesh. */
  rootNamespace: string;
}

/** Follow-up work after a namespace was planned. */
export interface NamespaceOutcome {
  /** Names of workloads that are wanted or have an object. */
  workloads: string[];
  /** Names of workloads whose set of proxies may have changed. */
  reassigned: string[];
  /** Keys of routes whose status may have changed. */
  routes: string[];
  /** Namespaces whose permitted keys may have changed. */
  others: string[];
  /** Whether key ownership is still unknown. Nothing was planned then. */
  isWaiting: boolean;
}

function termsOf({ selection }: Workload): number {
  return Object.keys(selection.terms).length;
}

function isOurs(object: KubeObject): boolean {
  return object.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER;
}

/** Names of workloads that have an object, with the object. */
function objectsOf(view: ClusterView, namespace: string): { name: string; object: KubeObject }[] {
  return [...view.informers.envoyFilters.in(namespace).values()].filter(isOurs).flatMap((object) => {
    const name = workloadOf(object.metadata.name);
    return name === undefined ? [] : [{ name, object }];
  });
}

/**
 * Whether a form of the route is in force that does not need the missing keys. If none is, the route goes into force
 * anyway: its messages are refused for want of the key, and none passes unprotected.
 */
function hasBetter(key: string, missing: readonly string[], inForce: readonly Applied[]): boolean {
  if (missing.length === 0) return false;
  return inForce.some(({ routes }) =>
    routes.get(key)?.some((keyIds) => !missing.some((keyId) => keyIds.includes(keyId))),
  );
}

interface Judged {
  checked: Map<string, CheckedRoute>;
  budget: BudgetVerdict;
  profiles: Map<string, KubeObject>;
  baselines: readonly BaselineResource[];
}

const PROFILE = 'profile ';

/** Applies the namespace's budgets and checks the routes within them. */
async function judge(
  { view, checker, baselines: known, rootNamespace }: NamespaceStageParts,
  namespace: string,
): Promise<Judged> {
  const present = (objects: Iterable<KubeObject>): KubeObject[] =>
    [...objects].filter((object) => !object.metadata.deletionTimestamp);
  const routes = new Map(
    present(view.informers.routes.in(namespace).values()).map((object) => [
      `${namespace}/${object.metadata.name}`,
      object,
    ]),
  );
  const profiles = new Map(
    present(view.informers.profiles.in(namespace).values()).map((object) => [object.metadata.name, object]),
  );
  const item = (key: string, object: KubeObject): Parameters<typeof spend>[0][number] => ({
    key,
    created: Date.parse(object.metadata.creationTimestamp ?? '') || Infinity,
    bytes: specBytesOf(object),
    isLeftAway: !hasSpec(object),
  });
  const budget = spend([
    ...[...routes].map(([key, object]) => item(key, object)),
    ...[...profiles].map(([name, object]) => item(`${PROFILE}${name}`, object)),
  ]);
  for (const name of profiles.keys()) if (budget.over.has(`${PROFILE}${name}`)) profiles.delete(name);
  const checked = new Map<string, CheckedRoute>();
  const baselines = known.of(namespace);
  for (const [key, object] of routes) {
    const { uid, generation } = object.metadata;
    checked.set(
      key,
      budget.over.has(key)
        ? {
            object,
            head: undefined,
            errors: [],
            identity: `${uid} ${generation} over`,
            keyIds: [],
            ownKeyIds: [],
            needs: NEEDS_NOTHING,
            baselines: [],
            denied: [],
            certificates: [],
            places: [],
          }
        : await checker.check(key, object, profiles, baselines),
    );
  }
  const rest = namespace === rootNamespace ? undefined : known.routeOf(namespace);
  if (rest !== undefined) {
    const key = `${namespace}/${rest.metadata.name}`;
    checked.set(key, await checker.check(key, rest, profiles, baselines));
  }
  return { checked, budget, profiles, baselines };
}

/** Objects of the namespace with their parsed configuration. Each is read once. */
async function readObjects(
  { view, gate, api }: NamespaceStageParts,
  namespace: string,
): Promise<{ name: string; applied: Applied }[]> {
  const found: { name: string; applied: Applied }[] = [];
  for (const { name, object } of objectsOf(view, namespace)) {
    const whole = isRead(object) ? object : await wholeObject(api, ENVOY_FILTERS, object);
    found.push({
      name,
      applied: isRead(object) ? appliedOf(object) : await gate.run(namespace, () => rememberApplied(object, whole)),
    });
  }
  return found;
}

/** Keys that a namespace names, and those that it has in force. */
function keysOf(
  namespace: string,
  checked: ReadonlyMap<string, CheckedRoute>,
  applied: readonly Applied[],
): NamespaceKeys {
  const wanted = new Map<string, number>();
  for (const { head, ownKeyIds } of checked.values())
    for (const keyId of ownKeyIds)
      wanted.set(keyId, Math.min(head?.created ?? Infinity, wanted.get(keyId) ?? Infinity));
  const inForce = new Set(applied.flatMap(({ routes }) => [...routes.values()].flat(2)));
  inForce.delete(deniedKey(namespace));
  return { wanted, inForce };
}

/** Notes for each route the keys that its namespace may not use. False if that is not known yet. */
function permit(binding: KeyBinding, namespace: string, checked: Map<string, CheckedRoute>): boolean {
  for (const [key, route] of checked) {
    const permissions = route.ownKeyIds.map((keyId) => binding.permission(namespace, keyId));
    if (permissions.includes('waiting')) return false;
    const denied = route.ownKeyIds.filter((_, index) => permissions[index] === 'denied');
    // The identity changes with the denied keys, so that the route is built again.
    checked.set(key, {
      ...route,
      denied,
      identity: denied.length === 0 ? route.identity : `${route.identity}|denied ${denied.join()}`,
    });
  }
  return true;
}

/** Plans a namespace. Pure except for the look-ups at the key service. */
export async function planNamespace(parts: NamespaceStageParts, namespace: string): Promise<NamespaceOutcome> {
  const { view, checker, keys, certificates, binding, gate, rootNamespace } = parts;
  const { checked, budget, profiles, baselines } = await judge(parts, namespace);
  const forbidden =
    namespace === rootNamespace
      ? `FIM-OP-0002: objects of ${namespace}, the mesh's root namespace, act on every namespace: a route must not stand here.`
      : undefined;
  const present = await readObjects(parts, namespace);
  const inForce = present.map(({ applied }) => applied);
  const others = binding.note(
    namespace,
    keysOf(namespace, checked, inForce),
    view.informers.routes.namespaces().filter((name) => view.isOwn(name)),
  );
  if (!permit(binding, namespace, checked))
    return { workloads: [], reassigned: [], routes: [], others, isWaiting: true };
  const wanted = [...checked.values()].flatMap(({ keyIds, denied }) => keyIds.filter((id) => !denied.includes(id)));
  const named = [...checked.values()].flatMap((route) => route.certificates);
  await Promise.all([keys.look(namespace, wanted), certificates.look(namespace, named)]);
  const unservable = new Map<string, KubeObject>();
  for (const [key, { head, keyIds, denied, object }] of checked) {
    const missing = keyIds.filter(
      (keyId) =>
        !denied.includes(keyId) && ['KeyNotFound', 'KmsNotConfigured'].includes(keys.problem(keyId)?.reason ?? ''),
    );
    if (head === undefined || hasBetter(key, missing, inForce)) unservable.set(key, object);
  }
  const servable =
    forbidden === undefined
      ? [...checked].flatMap(([key, { head }]) => (head === undefined || unservable.has(key) ? [] : [head]))
      : [];
  const standing =
    forbidden === undefined ? standingSelections(view.informers.namespaces.get(namespace), view.facts(namespace)) : [];
  const grouping = await gate.run(namespace, () =>
    groupRoutes(
      namespace,
      servable,
      view.facts(namespace),
      forbidden === undefined ? heldSelections(inForce, unservable) : [],
      standing,
    ),
  );
  placeRoutes(checked, grouping);
  const sealed = [...view.informers.envoyFilters.in(namespace).values()]
    .filter(isOurs)
    .flatMap(({ metadata }) => sealedWorkloadOf(metadata.name) ?? []);
  const before = view.namespaces.get(namespace);
  const state: NamespaceState = {
    checked,
    unservable,
    grouping,
    over: budget.over,
    used: { ...budget.used, workloads: grouping.workloads.size / MAX_NAMESPACE_WORKLOADS },
    near: new Map([...grouping.near, ...budget.near]),
    profiles,
    baselines,
    forbidden,
    fingerprints: new Map(),
  };
  const doors = doorsHash(view.facts(namespace));
  for (const [key, route] of checked)
    state.fingerprints.set(
      key,
      `${fingerprint(key, route, state, keys)} ${doors} ${certificates.stateOf(route.certificates)}`,
    );
  if (checked.size === 0 && standing.length === 0) view.namespaces.delete(namespace);
  else view.namespaces.set(namespace, state);
  for (const key of before?.checked.keys() ?? []) if (!checked.has(key)) checker.forget(key);
  return {
    // Narrower workloads come first: a wider filter must not arrive before they replace it.
    workloads: [
      ...new Set([
        ...[...grouping.workloads.values()].sort((a, b) => termsOf(b) - termsOf(a)).map(({ name }) => name),
        ...present.map(({ name }) => name),
        ...sealed,
      ]),
    ],
    reassigned: [...grouping.workloads.values()].flatMap((workload) => {
      const former = before?.grouping.workloads.get(workload.name);
      return former !== undefined && leftTo(former) !== leftTo(workload) ? [workload.name] : [];
    }),
    routes: [...checked.keys()].filter((key) => before?.fingerprints.get(key) !== state.fingerprints.get(key)),
    others,
    isWaiting: false,
  };
}

/** Notes for each route what it concerns at its targets: one that they make another is built anew. */
function placeRoutes(checked: Map<string, CheckedRoute>, { places }: Grouping): void {
  for (const [key, own] of places) {
    const route = checked.get(key);
    if (route === undefined) continue;
    const concerned = own.map(({ selection, matches }) => [selection, matches]);
    const identity = own.some(({ matches }) => matches !== undefined)
      ? `${route.identity}|at ${canonicalHash(concerned)}`
      : route.identity;
    checked.set(key, { ...route, identity, places: own });
  }
}

/** Selections with a route in force that cannot be served in its current form. */
function heldSelections(inForce: readonly Applied[], unservable: ReadonlyMap<string, KubeObject>): Selection[] {
  if (unservable.size === 0) return [];
  return inForce.flatMap(({ routes, selection }) =>
    selection !== undefined && [...routes.keys()].some((key) => unservable.has(key)) ? [selection] : [],
  );
}

function fingerprint(
  key: string,
  { identity, keyIds, denied }: CheckedRoute,
  { grouping, unservable, over, near, forbidden }: NamespaceState,
  keys: KeyDirectory,
): string {
  return JSON.stringify([
    identity,
    keyIds.map((keyId) => (denied.includes(keyId) ? 'denied' : keys.problem(keyId)?.reason)),
    unservable.has(key),
    grouping.problems.get(key),
    grouping.places.get(key)?.map(({ note }) => note),
    grouping.workloadsOf.get(key),
    grouping.overflow.get(key),
    over.get(key),
    near.get(key),
    forbidden,
  ]);
}
