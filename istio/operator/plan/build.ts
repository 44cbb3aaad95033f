// The routes of a workload → one configuration that its module takes. A route that cannot be part of it does not keep
// the others out.
import {
  translate,
  type ConditionDraft,
  type KmsConfig,
  type PluginConfig,
  type RouteIssue,
  type RouteResource,
  type Translation,
} from '../../../envoy/route/index.ts';
import { issueAt } from '../../../envoy/route/route-error.ts';
import { MAX_OBJECT_BYTES, MAX_WORKLOAD_ROUTES } from '../../limits.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Applied } from './applied.ts';
import { heldRoutes } from './held.ts';

/** What a module says of a configuration: undefined if it takes it. */
export type Examine = (json: string) => { code: string; pointer: string } | undefined;

export interface BuildInput {
  /** Routes that can be served as they are, by age. */
  routes: readonly RouteResource[];
  /** Objects of routes that cannot be served as they are now, by key: what is in force of them stays. */
  unservable: ReadonlyMap<string, KubeObject>;
  /** Objects of all routes of the namespace, by key. */
  objects: ReadonlyMap<string, KubeObject>;
  applied: Applied | undefined;
  examine: Examine;
  kms: KmsConfig | undefined;
}

export interface Build {
  /** Without generation; absent once it is in force, from where it can be read. */
  config?: PluginConfig;
  hash: string;
  /** Routes that the module refuses, or that there is no room for, by key. */
  refused: Map<string, RouteIssue[]>;
  /** Routes of which an earlier form is in force. */
  held: Set<string>;
  /** What the translation says of each route, by key. */
  conditions: Record<string, ConditionDraft[]>;
  /** Keys of the routes in the configuration. */
  members: Set<string>;
  /** The module refuses the configuration and no route is to blame: what is in force is to stay as it is, all of it. */
  frozen: boolean;
}

/** A build that has just been made. */
export type FreshBuild = Build & { config: PluginConfig };

/** Room for what the object holds besides the configuration, bytes. */
const OBJECT_OVERHEAD_BYTES = 160 * 1024;

class Candidates {
  readonly refused = new Map<string, RouteIssue[]>();
  readonly held = new Set<string>();
  readonly routes = new Map<string, RouteResource[]>();
  frozen = false;
  private inForce: PluginConfig | undefined;
  private readonly input: BuildInput;

  constructor(input: BuildInput) {
    this.input = input;
    for (const route of input.routes) this.routes.set(route.key, [route]);
    for (const [key, object] of input.unservable) this.hold(key, object);
  }

  get all(): RouteResource[] {
    return [...this.routes.values()].flat();
  }

  private hold(key: string, object: KubeObject): void {
    if (this.input.applied?.routes.has(key) !== true) return;
    this.inForce ??= this.input.applied.config;
    const former = heldRoutes(key, object, this.inForce);
    if (former.length === 0) return;
    this.routes.set(key, former);
    this.held.add(key);
  }

  /** Takes a route out; what is in force of it takes its place, unless that is what was wrong. */
  refuse(key: string, issue: RouteIssue): void {
    this.refused.set(key, [...(this.refused.get(key) ?? []), issue]);
    const wasHeld = this.held.delete(key);
    this.routes.delete(key);
    const object = this.input.objects.get(key);
    if (!wasHeld && object !== undefined) this.hold(key, object);
  }

  /** Gives up: no route can be told from the others. */
  freeze(code: string): void {
    this.frozen = true;
    this.held.clear();
    for (const key of this.routes.keys()) this.refused.set(key, [whole(key, code)]);
    for (const key of this.input.applied?.routes.keys() ?? []) this.held.add(key);
  }

  /** Takes out the youngest routes beyond a number. */
  keepOldest(count: number, detail: string): void {
    const byAge = [...this.routes].sort(([a, [one]], [b, [other]]) =>
      (one?.created ?? 0) === (other?.created ?? 0) ? (a < b ? -1 : 1) : (one?.created ?? 0) - (other?.created ?? 0),
    );
    for (const [key, [route]] of byAge.slice(count)) {
      this.routes.delete(key);
      this.held.delete(key);
      if (route !== undefined) this.refused.set(key, [issueAt(route.source, 'FIM-CFG-1002', ['spec'], detail)]);
    }
  }
}

function whole(key: string, code: string): RouteIssue {
  return {
    code: code as RouteIssue['code'],
    path: '$',
    message: 'The module refuses the configuration of the whole workload.',
    file: '',
    resource: key,
  };
}

/** Takes routes out until the module takes the rest; the translation that it takes. */
function settle(candidates: Candidates, input: BuildInput): Translation {
  for (;;) {
    const translation = translate(candidates.all, { layout: 'fused', kms: input.kms });
    const wrong = translation.errors.filter(
      (issue) => issue.resource !== undefined && candidates.routes.has(issue.resource),
    );
    for (const issue of wrong) candidates.refuse(issue.resource ?? '', issue);
    if (wrong.length > 0) continue;
    const [plugin] = translation.pluginConfigs;
    const refusal = plugin === undefined || translation.routes.length === 0 ? undefined : input.examine(plugin.json);
    if (refusal === undefined) return translation;
    const issue = translation.locate(refusal.code, refusal.pointer);
    const culprit = issue.resource;
    if (culprit !== undefined && candidates.routes.has(culprit)) candidates.refuse(culprit, issue);
    else {
      candidates.freeze(refusal.code);
      return translation;
    }
  }
}

/** Bytes of the configuration as a text within JSON. */
function encodedBytes(json: string): number {
  return Buffer.byteLength(JSON.stringify(json));
}

/** Builds the configuration of a workload. Never throws unless `examine` does. */
export function build(input: BuildInput): FreshBuild {
  const candidates = new Candidates(input);
  if (candidates.routes.size > MAX_WORKLOAD_ROUTES)
    candidates.keepOldest(MAX_WORKLOAD_ROUTES, `more than ${MAX_WORKLOAD_ROUTES} routes for one workload`);
  let translation = settle(candidates, input);
  for (
    let bytes = candidates.frozen ? 0 : encodedBytes(translation.pluginConfigs[0]?.json ?? '');
    bytes > MAX_OBJECT_BYTES - OBJECT_OVERHEAD_BYTES;
    bytes = encodedBytes(translation.pluginConfigs[0]?.json ?? '')
  ) {
    const share = (MAX_OBJECT_BYTES - OBJECT_OVERHEAD_BYTES) / bytes;
    const keep = Math.max(0, Math.min(candidates.routes.size - 1, Math.floor(candidates.routes.size * share)));
    candidates.keepOldest(keep, `the configuration of the workload would have more than ${MAX_OBJECT_BYTES} bytes`);
    translation = settle(candidates, input);
  }
  const { generation: _, hash: __, ...config } = translation.config;
  return {
    config,
    hash: translation.hash,
    refused: candidates.refused,
    held: candidates.held,
    conditions: translation.conditions,
    members: candidates.frozen
      ? new Set(candidates.held)
      : new Set(translation.routes.map((route) => route.config.name)),
    frozen: candidates.frozen,
  };
}
