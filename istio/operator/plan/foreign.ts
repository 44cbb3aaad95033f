// Finds EnvoyFilters and WasmPlugins of others that interfere with FIM's filter chain. Admission lets tenants have only what is known
// to leave it alone; the status reports what others do.
import type { KubeObject } from '../kube/objects.ts';
import { MANAGED_BY_LABEL, MANAGER } from './applied.ts';
import { GATEWAY_NAME_LABEL, SERVICE_TERM, WAYPOINT_TERM, type Selection } from './selection.ts';

/**
 * Effect of another's EnvoyFilter. `takes`: it removes FIM or routes traffic past it. `alters`: it changes settings
 * that FIM relies on.
 */
export interface Reach {
  kind: 'takes' | 'alters';
  what: string;
}

interface FilterMatch {
  name?: string;
  subFilter?: { name?: string };
}

interface Patch {
  applyTo?: string;
  match?: {
    context?: string;
    listener?: { filterChain?: { filter?: FilterMatch } };
    waypoint?: { filter?: FilterMatch };
  };
  patch?: { operation?: string; value?: Record<string, unknown> };
}

const CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager';
const ROUTER = 'envoy.filters.http.router';
const TCP_PROXY = 'envoy.filters.network.tcp_proxy';
/** Beginning of the names of the operator's filters. */
const OWN = 'fim.';
/** Beginning of the names of the operator's clusters. */
const OWN_CLUSTER = 'fim-';
/** Beginning of the filter state that FIM's modules write, among it the stamp that the seal asks for. */
const OWN_STATE = 'wasm.fim.';
/**
 * Members of a connection manager that decide which filters a request meets and what of it they see. Its handling of
 * paths is not among them: FIM compares and passes on the canonical path, whatever was done before.
 */
const DECIDING = [
  'http_filters',
  'upgrade_configs',
  'early_header_mutation_extensions',
  'rds',
  'scoped_routes',
  'route_config',
];
/** Terminal filters. In front of the connection manager they keep all traffic from it. */
const TERMINAL = /TcpProxy|HttpConnectionManager|DirectResponse|echo|redis_proxy|RedisProxy|ThriftProxy|GenericProxy/;

type Value = Record<string, unknown>;

/** Istio reads values by protobuf's JSON, which knows each member in two spellings. */
function snakeCase(member: string): string {
  return member.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The value with its own members in one spelling. What is deeper is as it was. */
function spelled(value: unknown): Value {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [snakeCase(member), inner]));
}

/** Names of members and texts that a value holds, at any depth. */
function* textsOf(value: unknown): Generator<{ text: string; isMember: boolean }> {
  // A list of its own and no recursion: the depth is another's to choose.
  const open = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string') yield { text: next, isMember: false };
    if (typeof next !== 'object' || next === null) continue;
    for (const [member, inner] of Object.entries(next)) {
      if (!Array.isArray(next)) yield { text: member, isMember: true };
      open.push(inner);
    }
  }
}

function hasText(value: unknown, is: (text: string) => boolean): boolean {
  for (const { text } of textsOf(value)) if (is(text)) return true;
  return false;
}

const alters = (what: string): Reach => ({ kind: 'alters', what });
const takes = (what: string): Reach => ({ kind: 'takes', what });

function mergedHttpFilter(sub: string | undefined, value: Value): Reach | undefined {
  const name = nameOf(value);
  const isRouter = sub === undefined || sub === ROUTER;
  // Istio gives the filter the name of the value: what is put before the router then finds none.
  if (isRouter && name !== '' && name !== ROUTER) return takes(`another name for ${sub ?? 'HTTP filters'}`);
  if (sub === undefined && ('disabled' in value || 'is_optional' in value)) return takes('MERGE of HTTP filters');
  if (sub !== ROUTER) return alters(`MERGE of filter ${sub ?? name}, which may answer by itself`);
  return 'upstream_http_filters' in spelled(value.typed_config) ? alters('filters behind the router') : undefined;
}

function httpFilter(sub: string | undefined, operation: string, value: Value): Reach | undefined {
  const name = nameOf(value);
  if (sub?.startsWith(OWN)) return takes(`${operation} of filter ${sub}`);
  if (name.startsWith(OWN)) return takes(`a filter named ${name}`);
  if (operation.startsWith('MERGE')) return mergedHttpFilter(sub, value);
  const isInsert = operation.startsWith('INSERT') || operation === 'ADD';
  if (!isInsert && (sub === undefined || sub === ROUTER)) return takes(`${operation} of ${sub ?? 'HTTP filters'}`);
  return operation === 'REMOVE' ? undefined : alters(`a filter ${name} beside FIM, which may answer by itself`);
}

function networkFilter(name: string | undefined, operation: string, value: Value): Reach | undefined {
  const other = nameOf(value);
  const own = [name ?? '', other].find((one) => one.startsWith(OWN));
  if (own !== undefined) return takes(`${operation} of filter ${own}`);
  const isManager = name === undefined || name === CONNECTION_MANAGER;
  // The refusal of other protocols stands before the TCP proxy.
  const isAnchor = isManager || name === TCP_PROXY;
  const told = name === TCP_PROXY ? 'the TCP proxy' : 'the connection manager';
  if (operation.startsWith('MERGE')) {
    // By its name Istio tells where HTTP filters belong.
    if (isAnchor && other !== '' && other !== name) return takes(`another name for ${told}`);
    const members = Object.keys(spelled(value.typed_config)).filter((member) => DECIDING.includes(member));
    if (!isManager || members.length === 0) return undefined;
    const what = `${members.join(', ')} of the connection manager`;
    return members.includes('http_filters') || members.includes('upgrade_configs') ? takes(what) : alters(what);
  }
  if (isAnchor && (operation === 'REMOVE' || operation === 'REPLACE')) return takes(`${operation} of ${told}`);
  if (operation === 'REMOVE') return undefined;
  return hasText(value.typed_config, (text) => TERMINAL.test(text))
    ? takes(`a filter ${other} that ends the chain`)
    : alters(`a filter ${other} of the connection, which may answer by itself`);
}

/** Filter of FIM that a route, a virtual host or anything below has a setting for. */
function settingByRoute(value: unknown): string | undefined {
  for (const { text, isMember } of textsOf(value)) if (isMember && text.startsWith(OWN)) return text;
  return undefined;
}

/** `name` of a patch's value. Empty if there is none. */
function nameOf(value: Value): string {
  return typeof value.name === 'string' ? value.name : '';
}

/** Effect of one patch on FIM's chain. Undefined if there is none. */
function reachOf({ applyTo, match, patch }: Patch): Reach | undefined {
  const operation = patch?.operation ?? '';
  const value = spelled(patch?.value);
  const name = nameOf(value);
  const filter = match?.listener?.filterChain?.filter ?? match?.waypoint?.filter;
  if (hasText(value, (text) => text.includes(OWN_STATE))) return takes(`a value for ${OWN_STATE}, which is FIM's`);
  switch (applyTo) {
    case 'HTTP_FILTER':
      return httpFilter(filter?.subFilter?.name, operation, value);
    case 'NETWORK_FILTER':
      return networkFilter(filter?.name, operation, value);
    case 'FILTER_CHAIN':
      return takes(`${operation} of filter chains`);
    case 'LISTENER':
      return operation === 'ADD' ? takes('a listener of its own') : alters(`${operation} of listeners`);
    case 'LISTENER_FILTER':
      return alters(`${operation} of listener filters`);
    case 'BOOTSTRAP':
      return alters(`${operation} of the bootstrap`);
    case 'CLUSTER':
      return name.startsWith(OWN_CLUSTER) ? alters(`a cluster named ${name}`) : undefined;
    case 'EXTENSION_CONFIG':
      return name.startsWith(OWN) ? takes(`the configuration of filter ${name}`) : undefined;
    case 'HTTP_ROUTE':
    case 'VIRTUAL_HOST':
    case 'ROUTE_CONFIGURATION': {
      const named = settingByRoute(value);
      return named === undefined ? undefined : takes(`a setting of filter ${named} by route`);
    }
    default:
      return undefined;
  }
}

/** Context that a patch acts on. */
function contextOf({ applyTo, match }: Patch): string {
  const context = match?.context ?? 'ANY';
  // Istio asks for no context of these.
  if (applyTo === 'BOOTSTRAP' || applyTo === 'EXTENSION_CONFIG') return 'ANY';
  // Any listener of a pod may lead to its workload.
  return applyTo === 'LISTENER' && context === 'SIDECAR_OUTBOUND' ? 'SIDECAR_INBOUND' : context;
}

/** Worst effect of an EnvoyFilter in each context. Empty if it does not concern FIM. */
export function reaches(object: KubeObject): (Reach & { context: string })[] {
  if (object.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER) return [];
  const patches = (object.spec?.configPatches ?? []) as Patch[];
  const found = patches.flatMap((patch) => {
    const reach = reachOf(patch);
    return reach === undefined ? [] : [{ ...reach, context: contextOf(patch) }];
  });
  return found.sort((a, b) => Number(a.kind === 'alters') - Number(b.kind === 'alters'));
}

/** Reduces another's EnvoyFilter to what `reaches` reads. */
export function trimForeign(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const { workloadSelector, targetRefs } = object.spec ?? {};
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace, uid, resourceVersion },
    spec: { workloadSelector, targetRefs, reaches: reaches(object) },
  };
}

/** Reduces a WasmPlugin to what `foreignReaches` reads. Istio puts it in front of the router, and so of FIM, in every phase. */
export function trimPlugin(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const { selector, match, targetRef, targetRefs } = object.spec ?? {};
  const modes = ((match ?? []) as { mode?: string }[]).map(({ mode }) => mode);
  // To Istio a gateway is a client.
  const context = modes.length > 0 && modes.every((mode) => mode === 'CLIENT') ? 'GATEWAY' : 'ANY';
  const reach = { ...alters('a WasmPlugin in front of FIM, which may answer by itself'), context };
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace, uid, resourceVersion },
    spec: {
      workloadSelector: { labels: (selector as { matchLabels?: object } | undefined)?.matchLabels },
      targetRefs: targetRefs ?? (targetRef === undefined ? undefined : [targetRef]),
      reaches: [reach],
    },
  };
}

const CONTEXTS: Record<Selection['lattice'], readonly string[]> = {
  gateway: ['GATEWAY', 'ANY'],
  sidecar: ['SIDECAR_INBOUND', 'ANY'],
  waypoint: ['SIDECAR_INBOUND', 'WAYPOINT', 'ANY'],
};

/**
 * Whether an object may act on proxies of a selection. Istio's rules: targets are for gateways of the Gateway API and for
 * waypoints alone, these have nothing else, and a selector is for all others.
 */
function mayActOn(object: KubeObject, { lattice, terms }: Selection): boolean {
  const { workloadSelector, targetRefs } = (object.spec ?? {}) as {
    workloadSelector?: { labels?: Record<string, string> };
    targetRefs?: { kind?: string; name?: string }[];
  };
  if (targetRefs !== undefined && targetRefs.length > 0)
    return targetRefs.some(({ kind, name }) => {
      if (lattice === 'sidecar') return false;
      if (kind === 'Service') return lattice === 'waypoint' && (terms[SERVICE_TERM] ?? name) === name;
      // Without a name among the terms some of the pods may be of that Gateway.
      const gateway = lattice === 'waypoint' ? terms[WAYPOINT_TERM] : (terms[GATEWAY_NAME_LABEL] ?? name);
      return kind !== 'Gateway' || gateway === name;
    });
  if (lattice === 'waypoint') return false;
  const labels = workloadSelector?.labels ?? {};
  // A label that the selection does not name may still be on some of its pods.
  return Object.entries(labels).every(([name, value]) => terms[name] === undefined || terms[name] === value);
}

/**
 * Objects that interfere with the proxies of a selection, with their effect. `foreign`: EnvoyFilters and WasmPlugins of
 * the namespace and of the root namespace, reduced by `trimForeign` and `trimPlugin`.
 */
export function foreignReaches(
  foreign: Iterable<KubeObject>,
  selection: Selection,
): { kind: Reach['kind']; text: string }[] {
  return [...foreign].flatMap((object) => {
    if (!mayActOn(object, selection)) return [];
    const { metadata, spec } = object;
    const [worst] = ((spec?.reaches ?? []) as (Reach & { context: string })[]).filter(({ context }) =>
      CONTEXTS[selection.lattice].includes(context),
    );
    return worst === undefined
      ? []
      : [{ kind: worst.kind, text: `${metadata.namespace}/${metadata.name} (${worst.what})` }];
  });
}
