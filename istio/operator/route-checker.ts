// Checks the routes and profiles of a namespace, once for each state of their specs. Only the planning inputs are kept;
// a build reads the route again.
import {
  baselineRoute,
  hasGlobalLimits,
  checkRoutes,
  inheritedOf,
  isBaselineRoute,
  keyIdsOf,
  ownKeyIdsOf,
  readChecked,
  replaceKeyIds,
  tlsReferencesOf,
  translate,
  type BaselineResource,
  type RouteIssue,
  type RouteResource,
} from '../../envoy/route/index.ts';
import { MAX_PROFILE_DEPTH } from '../../envoy/limits.ts';
import { MAX_ISSUE_CHARACTERS, MAX_KEPT_ISSUES, MAX_READ_ROUTES_BYTES } from '../limits.ts';
import type { CheckedRoute } from './cluster-view.ts';
import type { FairGate } from './fairness.ts';
import { deniedKey } from './key-binding.ts';
import type { KubeObject } from './kube/objects.ts';
import { specBytesOf } from './kube/packed.ts';
import { NEEDS_NOTHING } from './plan/applied.ts';
import type { Selection } from './plan/selection.ts';
import { isScoped, matchesAt } from './plan/targets.ts';
import type { RouteHead } from './plan/workloads.ts';

/** Object of a route without the fields that the API server adds. */
function plain(object: KubeObject): Record<string, unknown> {
  const { name, namespace, labels, annotations, creationTimestamp, generation, uid } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: JSON.parse(JSON.stringify({ name, namespace, labels, annotations, creationTimestamp, generation, uid })),
    spec: object.spec ?? {},
  };
}

/** Inputs of the verdict on a route or profile besides its spec. */
function stateOf({ metadata: { uid = '', generation = 0, annotations = {} } }: KubeObject): string {
  return `${uid} ${generation} ${JSON.stringify(annotations)}`;
}

/** Size of a route in the object of a workload, bytes. Estimated by its spec, unless it inherits something. */
function compiledBytes(resource: RouteResource, object: KubeObject): number {
  if (resource.profiles.length === 0 && resource.origins === undefined) return specBytesOf(object);
  return Buffer.byteLength(JSON.stringify(JSON.stringify(translate([resource], { layout: 'fused' }).config.routes)));
}

/** The issues that fit in a condition. */
function kept(issues: readonly RouteIssue[]): RouteIssue[] {
  return issues
    .slice(0, MAX_KEPT_ISSUES)
    .map((issue) =>
      issue.message.length <= MAX_ISSUE_CHARACTERS
        ? issue
        : { ...issue, message: `${issue.message.slice(0, MAX_ISSUE_CHARACTERS)}…` },
    );
}

/** Profile that a spec inherits from. */
function namedProfile(object: KubeObject): string | undefined {
  const spec = (object.spec ?? {}) as {
    validation?: { profile?: unknown };
    wasm?: { config?: { profile?: unknown } };
    extends?: unknown;
  };
  const name =
    object.kind === 'ValidationProfile' ? spec.extends : (spec.validation?.profile ?? spec.wasm?.config?.profile);
  return typeof name === 'string' ? name : undefined;
}

/** Cache of the profile that each object's spec names. */
const names = new WeakMap<KubeObject, string | undefined>();

function profileOf(object: KubeObject): string | undefined {
  if (!names.has(object)) names.set(object, namedProfile(object));
  return names.get(object);
}

/**
 * Profiles of the namespace that an object inherits from, nearest first. The chain ends at a built-in or unknown name.
 */
function chainOf(object: KubeObject, profiles: ReadonlyMap<string, KubeObject>): KubeObject[] {
  const chain: KubeObject[] = [];
  for (let name = profileOf(object); name !== undefined && chain.length <= MAX_PROFILE_DEPTH;) {
    const next = profiles.get(name);
    if (next === undefined || chain.includes(next)) break;
    chain.push(next);
    name = profileOf(next);
  }
  return chain;
}

/** Text that changes with what baselines give to a route. */
function textOf(baselines: readonly BaselineResource[]): string {
  return baselines.map(({ name, created, generation }) => `${name} ${created} ${generation}`).join();
}

interface Known {
  object: KubeObject;
  state: string;
  identity: string;
  checked: CheckedRoute;
}

/** The route as it is in force with everything that it inherits, or what is wrong with it. */
function checked(
  key: string,
  object: KubeObject,
  chain: readonly KubeObject[],
  baselines: readonly BaselineResource[],
): { resource: RouteResource | undefined; errors: RouteIssue[] } {
  const errors: RouteIssue[] = [];
  if (isBaselineRoute(key))
    return { resource: baselineRoute(key.slice(0, key.indexOf('/')), baselines, errors), errors };
  const { resources, errors: found } = checkRoutes([...chain.map(plain), plain(object)], baselines);
  return { resource: resources[0], errors: found };
}

export class RouteChecker {
  private readonly gate: FairGate;
  private readonly known = new Map<string, Known>();
  /** Routes that were read lately, for the next build. The least recently used comes first. */
  private readonly read = new Map<string, { identity: string; resource: RouteResource; bytes: number }>();
  private readBytes = 0;

  constructor(gate: FairGate) {
    this.gate = gate;
  }

  /**
   * Verdict on a route. `profiles`: those of its namespace, by name. `baselines`: those that reach it. Throws if its spec
   * found no room.
   */
  async check(
    key: string,
    object: KubeObject,
    profiles: ReadonlyMap<string, KubeObject>,
    baselines: readonly BaselineResource[] = [],
  ): Promise<CheckedRoute> {
    const before = this.known.get(key);
    const state = before?.object === object ? before.state : stateOf(object);
    if (before?.state === state) names.set(object, profileOf(before.object));
    const chain = chainOf(object, profiles);
    const identity = [state, ...chain.map(stateOf), ...(baselines.length === 0 ? [] : [textOf(baselines)])].join('|');
    if (before?.identity === identity) {
      this.known.set(key, { ...before, object });
      return { ...before.checked, object };
    }
    const checked = await this.gate.run(key.slice(0, key.indexOf('/')), () =>
      this.judge(key, object, chain, identity, baselines),
    );
    this.known.set(key, { object, state, identity, checked });
    return checked;
  }

  /**
   * The route at a selection, as it was last checked. Throws if it has mistakes, if its spec found no room, or if it has changed since.
   */
  load(
    key: string,
    checked: CheckedRoute,
    profiles: ReadonlyMap<string, KubeObject>,
    selection: Selection,
    baselines: readonly BaselineResource[] = [],
  ): RouteResource {
    const read = this.readOnce(key, checked, profiles, baselines);
    const matches = matchesAt(checked.places, selection);
    const resource = matches === undefined ? read : { ...read, matches };
    if (checked.denied.length === 0) return resource;
    const { spec, sections } = resource;
    const tls = spec.tls === undefined ? {} : { tls: structuredClone(spec.tls) };
    const other = { ...resource, sections: structuredClone(sections), spec: { ...spec, ...tls } };
    replaceKeyIds(other, (keyId) => (checked.denied.includes(keyId) ? deniedKey(resource.namespace) : keyId));
    return other;
  }

  private readOnce(
    key: string,
    { object, identity }: CheckedRoute,
    profiles: ReadonlyMap<string, KubeObject>,
    baselines: readonly BaselineResource[],
  ): RouteResource {
    const before = this.read.get(key);
    if (before?.identity === identity) {
      this.read.delete(key);
      this.read.set(key, before);
      return before.resource;
    }
    const resource = isBaselineRoute(key)
      ? baselineRoute(key.slice(0, key.indexOf('/')), baselines)
      : readChecked([...chainOf(object, profiles).map(plain), plain(object)], baselines)[0];
    if (resource === undefined) throw new Error(`${key} is another by now`);
    this.remember(key, identity, resource, specBytesOf(object));
    return resource;
  }

  forget(key: string): void {
    this.known.delete(key);
    this.drop(key);
  }

  private judge(
    key: string,
    object: KubeObject,
    chain: readonly KubeObject[],
    identity: string,
    baselines: readonly BaselineResource[],
  ): CheckedRoute {
    const { resource, errors } = checked(key, object, chain, baselines);
    const verdict: CheckedRoute = {
      object,
      head: undefined,
      errors: kept(errors),
      identity,
      keyIds: [],
      ownKeyIds: [],
      needs: NEEDS_NOTHING,
      baselines: [],
      denied: [],
      certificates: [],
      places: [],
    };
    if (resource === undefined)
      return { ...verdict, baselines: [...new Set(errors.flatMap(({ baseline }) => baseline ?? []))] };
    this.remember(key, identity, resource, specBytesOf(object));
    const {
      created,
      spec: { targetRefs, selector, match },
    } = resource;
    const head: RouteHead = {
      key,
      created,
      spec: {
        ...(targetRefs === undefined ? {} : { targetRefs }),
        ...(selector === undefined ? {} : { selector }),
        ...(match !== undefined && isScoped(resource.spec) ? { match } : {}),
      },
      bytes: compiledBytes(resource, object),
    };
    return {
      ...verdict,
      head,
      keyIds: keyIdsOf(resource),
      ownKeyIds: ownKeyIdsOf(resource),
      certificates: tlsReferencesOf(resource.spec.tls, { namespace: resource.namespace, file: '' }).filter(
        ({ kind }) => kind !== 'File',
      ),
      needs: { audit: resource.sections.audit !== undefined, limits: hasGlobalLimits(resource) },
      baselines: [...new Set(inheritedOf(resource).map(({ baseline }) => baseline))],
    };
  }

  private remember(key: string, identity: string, resource: RouteResource, bytes: number): void {
    this.drop(key);
    this.read.set(key, { identity, resource, bytes });
    this.readBytes += bytes;
    for (const oldest of this.read.keys()) {
      if (this.readBytes <= MAX_READ_ROUTES_BYTES) break;
      this.drop(oldest);
    }
  }

  private drop(key: string): void {
    this.readBytes -= this.read.get(key)?.bytes ?? 0;
    this.read.delete(key);
  }
}
