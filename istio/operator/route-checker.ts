// Routes and profiles of a namespace, judged once for each state of what the user wrote. What is kept of a route is
// what planning needs; the route itself is read again when a configuration is built.
import {
  checkRoutes,
  keyIdsOf,
  readChecked,
  replaceKeyIds,
  translate,
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
import type { RouteHead } from './plan/workloads.ts';

/** An object of a route as the checks take it: what the API server adds is not the user's. */
function plain(object: KubeObject): Record<string, unknown> {
  const { name, namespace, labels, annotations, creationTimestamp, generation, uid } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: JSON.parse(JSON.stringify({ name, namespace, labels, annotations, creationTimestamp, generation, uid })),
    spec: object.spec ?? {},
  };
}

/** What a route's or a profile's verdict depends on besides its spec. */
function stateOf({ metadata: { uid = '', generation = 0, annotations = {} } }: KubeObject): string {
  return `${uid} ${generation} ${JSON.stringify(annotations)}`;
}

/**
 * Bytes that a route takes in the object of a workload: about those of its spec, unless it takes over what a profile
 * says.
 */
function compiledBytes(resource: RouteResource, object: KubeObject): number {
  if (resource.profiles.length === 0) return specBytesOf(object);
  return Buffer.byteLength(JSON.stringify(JSON.stringify(translate([resource], { layout: 'fused' }).config.routes)));
}

/** So much of what is wrong as a condition can say. */
function kept(issues: readonly RouteIssue[]): RouteIssue[] {
  return issues
    .slice(0, MAX_KEPT_ISSUES)
    .map((issue) =>
      issue.message.length <= MAX_ISSUE_CHARACTERS
        ? issue
        : { ...issue, message: `${issue.message.slice(0, MAX_ISSUE_CHARACTERS)}…` },
    );
}

/** The profile that a spec names to take over from. */
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

/** What is remembered of an object's spec: which profile it names. */
const names = new WeakMap<KubeObject, string | undefined>();

function profileOf(object: KubeObject): string | undefined {
  if (!names.has(object)) names.set(object, namedProfile(object));
  return names.get(object);
}

/**
 * The profiles of the namespace that an object takes over from, nearest first; a name that is FIM's own, or nobody's,
 * ends the row.
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

interface Known {
  object: KubeObject;
  state: string;
  identity: string;
  checked: CheckedRoute;
}

export class RouteChecker {
  private readonly gate: FairGate;
  private readonly known = new Map<string, Known>();
  /** Routes as they were read last, for the next build; the one that was used longest ago first. */
  private readonly read = new Map<string, { identity: string; resource: RouteResource; bytes: number }>();
  private readBytes = 0;

  constructor(gate: FairGate) {
    this.gate = gate;
  }

  /** The verdict on a route. `profiles`: of its namespace, by name. Throws if its spec found no room. */
  async check(key: string, object: KubeObject, profiles: ReadonlyMap<string, KubeObject>): Promise<CheckedRoute> {
    const before = this.known.get(key);
    const state = before?.object === object ? before.state : stateOf(object);
    if (before?.state === state) names.set(object, profileOf(before.object));
    const chain = chainOf(object, profiles);
    const identity = [state, ...chain.map(stateOf)].join('|');
    if (before?.identity === identity) {
      this.known.set(key, { ...before, object });
      return { ...before.checked, object };
    }
    const checked = await this.gate.run(key.slice(0, key.indexOf('/')), () => this.judge(key, object, chain, identity));
    this.known.set(key, { object, state, identity, checked });
    return checked;
  }

  /**
   * The route itself, as it was last checked and if it is without mistakes. Throws if its spec found no room, or is
   * another by now.
   */
  load(key: string, checked: CheckedRoute, profiles: ReadonlyMap<string, KubeObject>): RouteResource {
    const resource = this.readOnce(key, checked, profiles);
    if (checked.denied.length === 0) return resource;
    const other = { ...resource, sections: structuredClone(resource.sections) };
    replaceKeyIds(other, (keyId) => (checked.denied.includes(keyId) ? deniedKey(resource.namespace) : keyId));
    return other;
  }

  private readOnce(
    key: string,
    { object, identity }: CheckedRoute,
    profiles: ReadonlyMap<string, KubeObject>,
  ): RouteResource {
    const before = this.read.get(key);
    if (before?.identity === identity) {
      this.read.delete(key);
      this.read.set(key, before);
      return before.resource;
    }
    const [resource] = readChecked([...chainOf(object, profiles).map(plain), plain(object)]);
    if (resource === undefined) throw new Error(`${key} is another by now`);
    this.remember(key, identity, resource, specBytesOf(object));
    return resource;
  }

  forget(key: string): void {
    this.known.delete(key);
    this.drop(key);
  }

  private judge(key: string, object: KubeObject, chain: readonly KubeObject[], identity: string): CheckedRoute {
    const {
      resources: [resource],
      errors,
    } = checkRoutes([...chain.map(plain), plain(object)]);
    const checked: CheckedRoute = { object, head: undefined, errors: kept(errors), identity, keyIds: [], denied: [] };
    if (resource === undefined) return checked;
    this.remember(key, identity, resource, specBytesOf(object));
    const {
      created,
      spec: { targetRefs, selector },
    } = resource;
    const head: RouteHead = {
      key,
      created,
      spec: { ...(targetRefs === undefined ? {} : { targetRefs }), ...(selector === undefined ? {} : { selector }) },
      bytes: compiledBytes(resource, object),
    };
    return { ...checked, head, keyIds: keyIdsOf(resource) };
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
