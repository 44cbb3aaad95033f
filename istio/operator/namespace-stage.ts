// Stage 1: the routes of a namespace → who is valid, whose references resolve, which workloads there are.
import { checkRoutes, type RouteConfig } from '../../envoy/route/index.ts';
import type { CheckedRoute, ClusterView, NamespaceState } from './cluster-view.ts';
import type { KubeObject } from './kube/objects.ts';
import { keyIdsOf, type KeyDirectory } from './key-directory.ts';
import { appliedOf, MANAGED_BY_LABEL, MANAGER, routeKeysOf } from './plan/applied.ts';
import { objectName } from './plan/envoy-filter.ts';
import type { Selection } from './plan/selection.ts';
import { groupRoutes, type Workload } from './plan/workloads.ts';

/** An object of a route as the checks take it: what the API server adds is not the user's. */
function plain(object: KubeObject): Record<string, unknown> {
  const { name, namespace, labels, annotations, creationTimestamp, generation, uid } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: JSON.parse(JSON.stringify({ name, namespace, labels, annotations, creationTimestamp, generation, uid })), spec: object.spec ?? {} };
}

/** The profiles of a namespace that are without mistakes: a route that names another is told so. */
function usableProfiles(profiles: Iterable<KubeObject>): { values: Record<string, unknown>[]; identity: string } {
  const usable = [...profiles].filter((object) => !object.metadata.deletionTimestamp && checkRoutes([plain(object)]).errors.length === 0);
  return { values: usable.map(plain), identity: usable.map(({ metadata }) => `${metadata.uid} ${metadata.generation}`).sort().join() };
}

/** Checks objects once for each state of what the user wrote. */
export class RouteChecker {
  private readonly known = new Map<string, { identity: string; checked: CheckedRoute }>();

  /** `profiles`: of the route's namespace. */
  check(key: string, object: KubeObject, profiles: ReturnType<typeof usableProfiles>): CheckedRoute {
    const { uid = '', generation = 0, annotations = {} } = object.metadata;
    const identity = `${uid} ${generation} ${JSON.stringify(annotations)} ${profiles.identity}`;
    const before = this.known.get(key);
    if (before?.identity === identity) return { ...before.checked, object };
    const { resources, errors } = checkRoutes([...profiles.values, plain(object)]);
    const checked: CheckedRoute = { object, resource: resources[0], errors, identity, keyIds: keyIdsOf(object.spec) };
    this.known.set(key, { identity, checked });
    return checked;
  }

  forget(key: string): void {
    this.known.delete(key);
  }
}

export interface NamespaceStageParts {
  view: ClusterView;
  checker: RouteChecker;
  keys: KeyDirectory;
  /** Istio's root namespace: an EnvoyFilter there would be for the whole mesh. */
  rootNamespace: string;
}

/** What is to be done after a namespace was planned. */
export interface NamespaceOutcome {
  /** Names of workloads that are wanted, or whose object is there. */
  workloads: string[];
  /** Keys of routes whose status may be another. */
  routes: string[];
}

function termsOf({ selection }: Workload): number {
  return Object.keys(selection.terms).length;
}

function isOurs(object: KubeObject): boolean {
  return object.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER;
}

/** Names of workloads that have an object. */
function objectsOf(view: ClusterView, namespace: string): { name: string; object: KubeObject }[] {
  const prefix = objectName('');
  return [...view.informers.envoyFilters.in(namespace).values()].filter(isOurs).map((object) => ({ name: object.metadata.name.slice(prefix.length), object }));
}

/**
 * Whether a form of the route is in force that does without the keys that are missing. If none is, the route is put in force all the same: its messages are
 * refused for want of the key, and none passes unprotected.
 */
function hasBetter(key: string, missing: readonly string[], inForce: readonly RouteConfig[]): boolean {
  if (missing.length === 0) return false;
  return inForce.some((route) => route.name === key && !missing.some((keyId) => JSON.stringify(route.stages).includes(JSON.stringify(keyId))));
}

/** Plans a namespace: pure but for the key service's word. */
export async function planNamespace({ view, checker, keys, rootNamespace }: NamespaceStageParts, namespace: string): Promise<NamespaceOutcome> {
  const objects = new Map([...view.informers.routes.in(namespace).values()].filter((object) => !object.metadata.deletionTimestamp).map((object) => [`${namespace}/${object.metadata.name}`, object]));
  const profiles = usableProfiles(view.informers.profiles.in(namespace).values());
  const checked = new Map([...objects].map(([key, object]) => [key, checker.check(key, object, profiles)]));
  const forbidden = namespace === rootNamespace ? `FIM-OP-0002: objects of ${namespace}, the mesh's root namespace, act on every namespace: a route must not stand here.` : undefined;
  await keys.look([...checked.values()].flatMap((route) => (route.resource === undefined ? [] : route.keyIds)));

  const present = objectsOf(view, namespace);
  const inForce = present.flatMap(({ object }) => appliedOf(object).config?.routes ?? []);
  const unservable = new Map<string, KubeObject>();
  for (const [key, { resource, keyIds, object }] of checked) {
    const missing = keyIds.filter((keyId) => ['KeyNotFound', 'KmsNotConfigured'].includes(keys.problem(keyId)?.reason ?? ''));
    if (resource === undefined || hasBetter(key, missing, inForce)) unservable.set(key, object);
  }
  const servable = forbidden === undefined ? [...checked].flatMap(([key, { resource }]) => (resource === undefined || unservable.has(key) ? [] : [resource])) : [];
  const grouping = groupRoutes(namespace, servable, view.facts(namespace), forbidden === undefined ? heldSelections(present.map(({ object }) => object), unservable) : []);
  const before = view.namespaces.get(namespace);
  const state: NamespaceState = { checked, unservable, grouping, forbidden, fingerprints: new Map() };
  for (const [key, route] of checked) state.fingerprints.set(key, fingerprint(key, route, state, keys));
  if (checked.size === 0) view.namespaces.delete(namespace);
  else view.namespaces.set(namespace, state);
  for (const key of before?.checked.keys() ?? []) if (!checked.has(key)) checker.forget(key);
  return {
    // Narrower ones first: a wider filter must not come before they take its place.
    workloads: [...new Set([...[...grouping.workloads.values()].sort((a, b) => termsOf(b) - termsOf(a)).map(({ name }) => name), ...present.map(({ name }) => name)])].filter((name) => name !== 'kms'),
    routes: [...checked.keys()].filter((key) => before?.fingerprints.get(key) !== state.fingerprints.get(key)),
  };
}

/** Selections whose object has a route in force that cannot be served as it now is. */
function heldSelections(objects: readonly KubeObject[], unservable: ReadonlyMap<string, KubeObject>): Selection[] {
  if (unservable.size === 0) return [];
  return objects.map(appliedOf).flatMap(({ config, selection }) => (selection !== undefined && [...routeKeysOf(config)].some((key) => unservable.has(key)) ? [selection] : []));
}

function fingerprint(key: string, { identity, keyIds }: CheckedRoute, { grouping, unservable, forbidden }: NamespaceState, keys: KeyDirectory): string {
  return JSON.stringify([identity, keyIds.map((keyId) => keys.problem(keyId)?.reason), unservable.has(key), grouping.problems.get(key), grouping.workloadsOf.get(key), grouping.overflow.has(key), forbidden]);
}
