// Translates the checked resources of one Envoy (or one workload) into plugin configurations.
import { MAX_PLUGIN_CONFIG_BYTES, MAX_PLUGIN_ROUTES } from '../limits.ts';
import { canonicalHash, canonicalJson } from './canonical-json.ts';
import { laneConfig, laneHeaders, lanesOf, type Lane } from './channels.ts';
import { checkChain } from './chain-order.ts';
import { NOT_TERMINATED, translatedConditions, warningsOf, type ConditionDraft } from './conditions.ts';
import { ERRORS, type ErrorCode } from './errors.gen.ts';
import type { Path } from './json-path.ts';
import type { KmsConfig, MatchConfig, PluginConfig, RouteConfig, StagesConfig } from './plugin-config.gen.ts';
import { placeIn } from './origin.ts';
import { listenerTls, type ListenerTls } from './national-tls.ts';
import { orderRoutes, type Candidate, type Conflict } from './precedence.ts';
import type { RouteResource } from './resource.ts';
import { issueAt, sortIssues, type RouteIssue } from './route-error.ts';
import { SourceMap } from './source-map.ts';
import { isGlobal } from './stages/fleet-limit.ts';
import { memberOf } from './stages/stage-row.ts';
import { CHAIN, FUSED_MODULE, keysOf, memberNamed, ownHeadersOf, translateStages } from './stages/table.ts';

/** Version of the plugin configuration's form. Modules refuse another major version. */
export const PLUGIN_CONFIG_VERSION = '1.0';

export interface TranslateOptions {
  /** `fused`: fim.wasm with all stages. `chain`: one module for each stage. */
  layout: 'fused' | 'chain';
  /** Source of keys. The modules' defaults apply to absent members. */
  kms?: KmsConfig;
  /** Body bytes that one worker holds for one client address. Absent: the modules' default. */
  heldPerAddressBytes?: number;
  /** Whether one Envoy without Kubernetes takes every resource, whatever its targets. It warns about targets. */
  standalone?: boolean;
  /** Whether it is for proxies of a mesh, which have no channels: routes that ask for them are refused. */
  mesh?: boolean;
  /** Region of the proxy. Channels of it come first. */
  region?: string;
  /** Whether the listener terminates national TLS. If not, routes that ask for it are warned of. */
  terminatesTlcp?: boolean;
  /** The lack in national TLS, in words. Absent: nothing if it is terminated, else that it is not. */
  tlcpLack?: string;
  /** Whether a service counts global limits. If not, routes that have some are refused. */
  countsGlobally?: boolean;
  /** Whether there is a collector of audit records. If not, routes that ask for records are refused. */
  collects?: boolean;
  /** Number of the configuration, for metrics and status. Not part of the hash. */
  generation?: number;
}

/** The configuration of one module. */
export interface PluginOutput {
  /** Module file name. */
  module: string;
  config: PluginConfig;
  /** Canonical text of `config`, which the module receives. */
  json: string;
  hash: string;
}

/** One entry of the plugin configurations' route lists, in order. */
export interface TranslatedRoute {
  resource: RouteResource;
  config: RouteConfig;
  /** Whether the route asks for national TLS, which is not terminated, and must be served on loopback only. */
  loopbackOnly: boolean;
}

export interface Translation {
  /** All stages of all routes, whatever the layout. */
  config: PluginConfig;
  /** Identifies the whole policy, whatever the layout. */
  hash: string;
  /** One for each module of the layout, in the order in which requests meet them. */
  pluginConfigs: PluginOutput[];
  /** National TLS of the listener, if it terminates it. Null: no route asks for it. */
  tls: ListenerTls | null;
  /** In order of precedence. */
  routes: TranslatedRoute[];
  /** Channels of the routes that have some, each once. */
  lanes: Lane[];
  conflicts: (RouteIssue & { partial: boolean })[];
  /** By the resource's `namespace/name`. */
  conditions: Record<string, ConditionDraft[]>;
  warnings: RouteIssue[];
  /** Errors. Resources with an error are not in the configuration. */
  errors: RouteIssue[];
  /**
   * Converts a module's refusal (its code and a JSON Pointer into the plugin configuration) into an issue at the user's
   * line.
   */
  locate: (code: string, pointer: string) => RouteIssue;
}

const DEFAULT_KMS: KmsConfig = { cluster: 'fim-kms' };

function matchConfig({ hosts, match }: Candidate): MatchConfig | undefined {
  const config: MatchConfig = {};
  if (hosts.length > 0) config.hosts = hosts;
  if (match.methods !== undefined) config.methods = match.methods.toSorted();
  if (match.path !== undefined && !(match.path.type === 'Prefix' && match.path.value === '/')) config.path = match.path;
  if (match.headers !== undefined)
    config.headers = match.headers.map((header) => ({ ...header, name: header.name.toLowerCase() }));
  return Object.keys(config).length === 0 ? undefined : config;
}

function routeConfig(candidate: Candidate, index: number, map: SourceMap): RouteConfig {
  const { resource } = candidate;
  const { spec, source, enforced = [] } = resource;
  const at = ['routes', index];
  const add = (place: Path, path: Path): void => {
    const origin = placeIn(resource, path);
    map.add([...at, ...place], origin.source, origin.path);
  };
  map.add(at, source, ['spec']);
  if (resource.compiled !== undefined) return resource.compiled;
  add(['match'], ['spec', 'match']);
  add(['body'], ['spec', 'body']);
  add(['observe'], ['spec', 'enforcement']);
  add(['name'], ['metadata', 'name']);
  const match = matchConfig(candidate);
  const lane = laneConfig(resource.key, spec);
  add(['lane'], ['spec', 'channels']);
  return {
    name: resource.key,
    observe: spec.enforcement === 'Observe',
    ...(enforced.length === 0 ? {} : { enforced: enforced.map(memberNamed) }),
    ...(match === undefined ? {} : { match }),
    ...(spec.body === undefined ? {} : { body: spec.body }),
    ...(lane === undefined ? {} : { lane }),
    stages: translateStages(resource.sections, {
      ...resource,
      buckets: bucketsOf(resource),
      note: (place, path, entry) =>
        entry?.source === undefined
          ? add(['stages', ...place], path)
          : map.add([...at, 'stages', ...place], entry.source, entry.path),
    }),
  };
}

/** Routes of a namespace share the limit that a baseline puts over them: more routes are not more requests. */
function bucketsOf({ key, namespace, origins }: RouteResource): string {
  const over = origins?.get('rateLimit');
  return over?.part === 'overrides' ? `${namespace}/~${over.baseline.name}` : key;
}

/** Headers that the stages and lanes of these routes set: nobody else may, on any route. */
function ownHeaders(routes: readonly RouteConfig[]): string[] {
  return [...new Set([...routes.flatMap(ownHeadersOf), ...laneHeaders(routes)])].sort();
}

/** Content of a configuration besides its routes. */
type Terms = Pick<PluginConfig, 'kms' | 'heldPerAddressBytes'> & { generation: number };

function seal(
  routes: RouteConfig[],
  { kms, heldPerAddressBytes, generation }: Terms,
): { config: PluginConfig; hash: string } {
  const stripHeaders = ownHeaders(routes);
  const body = {
    version: PLUGIN_CONFIG_VERSION,
    ...(kms === undefined ? {} : { kms }),
    ...(stripHeaders.length === 0 ? {} : { stripHeaders }),
    ...(heldPerAddressBytes === undefined ? {} : { heldPerAddressBytes }),
    routes,
  };
  const hash = canonicalHash(body);
  return { config: { ...body, generation, hash }, hash };
}

/** The configuration with these members in place of its own. Its hash is that of what it says then. */
export function changedConfig(config: PluginConfig, changes: Partial<PluginConfig>): PluginConfig {
  const { generation, hash: _, ...body } = { ...config, ...changes };
  return { ...body, ...(generation === undefined ? {} : { generation }), hash: canonicalHash(body) };
}

/** `terms.kms` goes only to configurations that use keys. */
function output(module: string, routes: RouteConfig[], terms: Terms): PluginOutput {
  const usesKeys = routes.some((route) => keysOf(route).length > 0);
  const { config, hash } = seal(routes, { ...terms, kms: usesKeys ? terms.kms : undefined });
  return { module: `${module}.wasm`, config, json: canonicalJson(config), hash };
}

/** Every module gets every route, with or without its stage. The route of a request must not depend on the module. */
function chainOutputs(routes: RouteConfig[], terms: Terms): PluginOutput[] {
  return CHAIN.map((row) => {
    const member = memberOf(row) as keyof StagesConfig;
    const own = routes.map((route) => ({
      ...route,
      stages: (route.stages[member] === undefined ? {} : { [member]: route.stages[member] }) as StagesConfig,
    }));
    return output(row.folder, own, terms);
  });
}

function locator(map: SourceMap): Translation['locate'] {
  return (code, pointer) => {
    const known = (code in ERRORS ? code : 'FIM-CFG-0019') as ErrorCode;
    const origin = map.find(pointer);
    if (origin !== undefined) return issueAt(origin.source, known, origin.path);
    return {
      code: known,
      path: '$',
      message: `${ERRORS[known].title} (plugin configuration ${pointer || '/'})`,
      file: '',
    };
  };
}

function conflictIssue({ loser, winner, partial }: Conflict): RouteIssue & { partial: boolean } {
  const place = [winner.source.file, winner.source.position(['metadata', 'name'])?.line].filter(Boolean).join(':');
  const path = loser.spec.match === undefined ? ['spec'] : ['spec', 'match'];
  return {
    ...issueAt(
      loser.source,
      'FIM-CFG-1050',
      path,
      `${winner.key}${place === '' ? '' : ` (${place})`} keeps ${partial ? 'some of it' : 'it'}`,
    ),
    partial,
  };
}

/** Warnings about settings that need Kubernetes. */
function targetWarnings(resources: readonly RouteResource[]): RouteIssue[] {
  return resources.flatMap(({ spec, source }) => {
    const named = spec.targetRefs !== undefined ? 'targetRefs' : spec.selector !== undefined ? 'selector' : undefined;
    return named === undefined
      ? []
      : [issueAt(source, 'FIM-CFG-1063', ['spec', named], 'standalone mode has one Envoy, which takes every route')];
  });
}

/** Resources that the layout and the kind of proxy can serve, and errors of the others. */
function fitting(
  resources: readonly RouteResource[],
  { layout, mesh = false, countsGlobally = false, collects = false }: TranslateOptions,
): { fit: RouteResource[]; errors: RouteIssue[] } {
  const errors: RouteIssue[] = [];
  const fit = resources.filter((resource) => {
    const before = errors.length;
    const report = (code: ErrorCode, path: Path, detail = ''): boolean =>
      errors.push(issueAt(resource.source, code, path, detail)) > 0;
    if (layout === 'chain') checkChain(resource.sections, report);
    if (mesh && resource.spec.channels !== undefined) report('FIM-CFG-1091', ['spec', 'channels']);
    const { audit } = resource.sections;
    if (audit !== undefined && !collects)
      report('FIM-CFG-1121', audit.path, mesh ? 'the operator is not told of one (--audit)' : 'start with --audit URL');
    if ((mesh || layout === 'chain') && resource.spec.canary !== undefined) report('FIM-CFG-1113', ['spec', 'canary']);
    if (!countsGlobally) errors.push(...globalLimits(resource));
    return errors.length === before;
  });
  return { fit, errors };
}

/** Channels of the resources, each resource once. */
function allLanes(candidates: readonly Candidate[], region: string | undefined): Lane[] {
  return [...new Set(candidates.map(({ resource }) => resource))].flatMap(({ key, spec }) =>
    lanesOf(key, spec, region),
  );
}

/** Global limits of a resource that no service counts. */
function globalLimits({ sections, source }: RouteResource): RouteIssue[] {
  const section = sections.rateLimit;
  const limits = section?.value.limits ?? [];
  return limits.flatMap((limit, index) =>
    isGlobal(limit) ? [issueAt(source, 'FIM-CFG-1096', [...section!.path, 'limits', index, 'scope'])] : [],
  );
}

/** Leaves out the youngest resources beyond the bound, so that established ones keep working. */
function bounded(candidates: Candidate[], errors: RouteIssue[]): Candidate[] {
  if (candidates.length <= MAX_PLUGIN_ROUTES) return candidates;
  const keep = new Set<RouteResource>();
  let count = 0;
  const byAge = [...Map.groupBy(candidates, (candidate) => candidate.resource)].sort(([a], [b]) =>
    a.created === b.created ? (a.key < b.key ? -1 : 1) : a.created - b.created,
  );
  for (const [resource, own] of byAge) {
    count += own.length;
    if (count <= MAX_PLUGIN_ROUTES) keep.add(resource);
    else
      errors.push(
        issueAt(resource.source, 'FIM-CFG-1002', ['spec'], `more than ${MAX_PLUGIN_ROUTES} routes in one proxy`),
      );
  }
  return candidates.filter((candidate) => keep.has(candidate.resource));
}

/** Translates the resources of one Envoy. Never throws. Equal input in any order gives the same bytes. */
export function translate(resources: readonly RouteResource[], options: TranslateOptions): Translation {
  const { fit, errors } = fitting(resources, options);
  const terminates = options.terminatesTlcp === true;
  const national = terminates ? listenerTls(fit) : { tls: null, errors: [] };
  errors.push(...national.errors);
  const ordered = orderRoutes(fit);
  const candidates = bounded(ordered.candidates, errors);
  const map = new SourceMap();
  const configs = candidates.map((candidate, index) => routeConfig(candidate, index, map));
  const terms: Terms = {
    kms: options.kms ?? DEFAULT_KMS,
    heldPerAddressBytes: options.heldPerAddressBytes,
    generation: options.generation ?? 0,
  };
  const whole = output(FUSED_MODULE, configs, terms);
  const pluginConfigs = options.layout === 'fused' ? [whole] : chainOutputs(configs, terms);
  for (const plugin of pluginConfigs) {
    const size = Buffer.byteLength(plugin.json);
    if (size > MAX_PLUGIN_CONFIG_BYTES)
      errors.push({
        code: 'FIM-CFG-1002',
        path: '$',
        message: `${ERRORS['FIM-CFG-1002'].title}: the configuration of ${plugin.module} has ${size} bytes, at most ${MAX_PLUGIN_CONFIG_BYTES}`,
        file: '',
      });
  }
  const lack = options.tlcpLack ?? (terminates ? undefined : NOT_TERMINATED);
  const conflicts = new Map(ordered.conflicts.map((conflict) => [conflict.loser, conflict]));
  const conditionsOf = (resource: RouteResource): ConditionDraft[] =>
    translatedConditions(
      resource,
      conflicts.get(resource),
      errors.filter((issue) => issue.resource === resource.key),
      lack,
    );
  return {
    config: whole.config,
    hash: whole.hash,
    pluginConfigs,
    tls: national.tls,
    routes: candidates.map((candidate, index) => ({
      resource: candidate.resource,
      config: configs[index] as RouteConfig,
      loopbackOnly: !terminates && candidate.resource.spec.tls !== undefined,
    })),
    lanes: allLanes(candidates, options.region),
    conflicts: ordered.conflicts.map(conflictIssue),
    conditions: Object.fromEntries(
      resources.toSorted((a, b) => (a.key < b.key ? -1 : 1)).map((resource) => [resource.key, conditionsOf(resource)]),
    ),
    warnings: sortIssues([
      ...resources.flatMap((resource) => warningsOf(resource, terminates)),
      ...(options.standalone ? targetWarnings(resources) : []),
    ]),
    errors: sortIssues(errors),
    locate: locator(map),
  };
}
