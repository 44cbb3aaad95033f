// Builds one configuration from the routes of a workload, and has the module examine it. A route that the module
// refuses does not keep the others out.
import {
  firstEndOf,
  translate,
  type ConditionDraft,
  type KmsConfig,
  type PluginConfig,
  type Refusal,
  type RouteIssue,
  type RouteResource,
  type Translation,
} from '../../../envoy/route/index.ts';
import { issueAt } from '../../../envoy/route/route-error.ts';
import { MAX_OBJECT_BYTES, MAX_WORKLOAD_ROUTES } from '../../limits.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Applied } from './applied.ts';
import { formsOf, type Forms } from './forms.ts';
import { heldRoutes } from './held.ts';
import { tlcpOutcome, type TlcpInput, type TlcpRelease } from './national-tls.ts';

/** The module's verdict on a configuration. Undefined if the module accepts it. */
export type Examine = (json: string) => Refusal | undefined;

export interface BuildInput {
  /** Servable routes, oldest first. */
  routes: readonly RouteResource[];
  /** Routes that cannot be served in their current form, by key. Their form in force stays. */
  unservable: ReadonlyMap<string, KubeObject>;
  /** Objects of all routes of the namespace, by key. */
  objects: ReadonlyMap<string, KubeObject>;
  applied: Applied | undefined;
  examine: Examine;
  kms: KmsConfig | undefined;
  /** Whether there is a collector of audit records. */
  collects?: boolean;
  /** Whether a service counts global limits. */
  countsGlobally?: boolean;
  /** Absent: national TLS is not terminated. */
  tlcp?: TlcpInput;
}

export interface Build {
  /** Configuration without generation. Absent once it is in force, because the object then holds it. */
  config?: PluginConfig;
  hash: string;
  /** National TLS, if it is terminated. Absent also once it is in force. */
  tlcp?: TlcpRelease;
  /** When its first certificate ends, milliseconds since 1970. */
  tlcpEnds?: number;
  /** Routes that the module refuses or that find no room, by key. */
  refused: Map<string, RouteIssue[]>;
  /** Routes with an earlier form in force. */
  held: Set<string>;
  /** Conditions from the translation, by the route's key. */
  conditions: Record<string, ConditionDraft[]>;
  /** Keys of the routes in the configuration. */
  members: Set<string>;
  /** Form of each route in the configuration, by key. */
  forms: Forms;
  /**
   * Whether the module refuses the configuration though no single route is to blame. Everything in force then stays as
   * it is.
   */
  frozen: boolean;
}

/** A build with its configuration. */
export type FreshBuild = Build & { config: PluginConfig };

/** Room for the object's other content, bytes. */
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

  /** Takes a route out. Its form in force replaces it, unless that form was refused. */
  refuse(key: string, issue: RouteIssue): void {
    this.refused.set(key, [...(this.refused.get(key) ?? []), issue]);
    const wasHeld = this.held.delete(key);
    this.routes.delete(key);
    const object = this.input.objects.get(key);
    if (!wasHeld && object !== undefined) this.hold(key, object);
  }

  /** Gives up, because no single route can be blamed. */
  freeze(code: string): void {
    this.frozen = true;
    this.held.clear();
    for (const key of this.routes.keys()) this.refused.set(key, [whole(key, code)]);
    for (const key of this.input.applied?.routes.keys() ?? []) this.held.add(key);
  }

  /** Takes out all but the oldest routes. */
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

interface Settled {
  translation: Translation;
  tlcp?: TlcpRelease;
}

/** Takes routes out until the modules accept the rest. Returns the accepted translation. */
function settle(candidates: Candidates, input: BuildInput): Settled {
  let lack: string | undefined;
  let terminatesTlcp = input.tlcp !== undefined;
  for (;;) {
    const translation = translate(candidates.all, {
      layout: 'fused',
      mesh: true,
      kms: input.kms,
      collects: input.collects ?? false,
      countsGlobally: input.countsGlobally ?? false,
      terminatesTlcp,
      ...(lack === undefined ? {} : { tlcpLack: lack }),
    });
    const wrong = translation.errors.filter(
      (issue) => issue.resource !== undefined && candidates.routes.has(issue.resource),
    );
    for (const issue of wrong) candidates.refuse(issue.resource ?? '', issue);
    if (wrong.length > 0) continue;
    const [plugin] = translation.pluginConfigs;
    const refusal = plugin === undefined || translation.routes.length === 0 ? undefined : input.examine(plugin.json);
    if (refusal === undefined) {
      const { tls } = translation;
      if (input.tlcp === undefined || tls === null) return { translation, ...keptTlcp(candidates, input) };
      const outcome = tlcpOutcome(tls, candidates.routes, input.tlcp, input.kms);
      if (outcome.kind === 'refused') {
        for (const [key, issue] of outcome.issues) candidates.refuse(key, issue);
        continue;
      }
      if (outcome.kind === 'release' && lack === outcome.lack) return { translation, tlcp: outcome.release };
      // Translated again, so that the conditions say what is missing.
      lack = outcome.lack;
      terminatesTlcp = outcome.kind === 'release';
      continue;
    }
    const issue = translation.locate(refusal.code, refusal.pointer);
    const culprit = issue.resource;
    if (culprit !== undefined && candidates.routes.has(culprit)) candidates.refuse(culprit, issue);
    else {
      candidates.freeze(refusal.code);
      return { translation };
    }
  }
}

/** A form that is held does not say that it asked for national TLS: what is in force stays with it. */
function keptTlcp({ held }: Candidates, { tlcp }: BuildInput): { tlcp?: TlcpRelease } {
  const inForce = held.size > 0 ? tlcp?.inForce : undefined;
  return inForce === undefined ? {} : { tlcp: inForce };
}

/** Size of the configuration as a string inside JSON, bytes. */
function encodedBytes(json: string): number {
  return Buffer.byteLength(JSON.stringify(json));
}

function endOf({ config }: TlcpRelease): { tlcpEnds?: number } {
  const tlcpEnds = firstEndOf((config.connections?.pairs ?? []).map(({ chain }) => chain).join('\n'));
  return tlcpEnds === undefined ? {} : { tlcpEnds };
}

/** Builds the configuration of a workload. Throws only what `examine` throws. */
export function build(input: BuildInput): FreshBuild {
  const candidates = new Candidates(input);
  if (candidates.routes.size > MAX_WORKLOAD_ROUTES)
    candidates.keepOldest(MAX_WORKLOAD_ROUTES, `more than ${MAX_WORKLOAD_ROUTES} routes for one workload`);
  let { translation, tlcp } = settle(candidates, input);
  for (
    let bytes = candidates.frozen ? 0 : encodedBytes(translation.pluginConfigs[0]?.json ?? '');
    bytes > MAX_OBJECT_BYTES - OBJECT_OVERHEAD_BYTES;
    bytes = encodedBytes(translation.pluginConfigs[0]?.json ?? '')
  ) {
    const share = (MAX_OBJECT_BYTES - OBJECT_OVERHEAD_BYTES) / bytes;
    const keep = Math.max(0, Math.min(candidates.routes.size - 1, Math.floor(candidates.routes.size * share)));
    candidates.keepOldest(keep, `the configuration of the workload would have more than ${MAX_OBJECT_BYTES} bytes`);
    ({ translation, tlcp } = settle(candidates, input));
  }
  const { generation: _, hash: __, ...config } = translation.config;
  return {
    config,
    hash: translation.hash,
    ...(tlcp === undefined ? {} : { tlcp, ...endOf(tlcp) }),
    refused: candidates.refused,
    held: candidates.held,
    conditions: translation.conditions,
    forms: formsOf(config),
    members: candidates.frozen
      ? new Set(candidates.held)
      : new Set(translation.routes.map((route) => route.config.name)),
    frozen: candidates.frozen,
  };
}
