// Finds EnvoyFilters of others that interfere with FIM's filter chain. Admission policies refuse what they can express;
// the status reports the rest.
import { MAX_ROUTE_SETTING_DEPTH } from '../../limits.ts';
import type { KubeObject } from '../kube/objects.ts';
import { MANAGED_BY_LABEL, MANAGER } from './applied.ts';
import { includes, type Selection } from './selection.ts';

/**
 * Effect of another's EnvoyFilter. `takes`: it removes FIM or routes traffic past it. `alters`: it changes settings
 * that FIM relies on.
 */
export interface Reach {
  kind: 'takes' | 'alters';
  what: string;
}

interface Patch {
  applyTo?: string;
  match?: {
    context?: string;
    listener?: { filterChain?: { filter?: { name?: string; subFilter?: { name?: string } } } };
  };
  patch?: { operation?: string; value?: Record<string, unknown> };
}

const CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager';
const ROUTER = 'envoy.filters.http.router';
const TCP_PROXY = 'envoy.filters.network.tcp_proxy';
/** Beginning of the names of the operator's filters. */
const OWN = 'fim.';
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

function httpFilter(sub: string | undefined, operation: string, value: Record<string, unknown>): Reach | undefined {
  const name = nameOf(value);
  if (sub?.startsWith(OWN)) return { kind: 'takes', what: `${operation} of filter ${sub}` };
  if (name.startsWith(OWN)) return { kind: 'takes', what: `a filter named ${name}` };
  const isRouter = sub === undefined || sub === ROUTER;
  if (operation === 'MERGE') {
    // Istio gives the filter the name of the value: what is put before the router then finds none.
    if (isRouter && name !== '' && name !== ROUTER)
      return { kind: 'takes', what: `another name for ${sub ?? 'HTTP filters'}` };
    return sub === undefined && ('disabled' in value || 'is_optional' in value)
      ? { kind: 'takes', what: 'MERGE of HTTP filters' }
      : undefined;
  }
  const isInsert = operation.startsWith('INSERT') || operation === 'ADD';
  return !isInsert && isRouter ? { kind: 'takes', what: `${operation} of ${sub ?? 'HTTP filters'}` } : undefined;
}

function networkFilter(name: string | undefined, operation: string, value: Record<string, unknown>): Reach | undefined {
  const other = nameOf(value);
  const own = [name ?? '', other].find((one) => one.startsWith(OWN));
  if (own !== undefined) return { kind: 'takes', what: `${operation} of filter ${own}` };
  const isManager = name === undefined || name === CONNECTION_MANAGER;
  // The refusal of other protocols stands before the TCP proxy.
  const isAnchor = isManager || name === TCP_PROXY;
  const told = name === TCP_PROXY ? 'the TCP proxy' : 'the connection manager';
  if (operation === 'MERGE') {
    // By its name Istio tells where HTTP filters belong.
    if (isAnchor && other !== '' && other !== name) return { kind: 'takes', what: `another name for ${told}` };
    const members = Object.keys((value.typed_config ?? {}) as object).filter((member) => DECIDING.includes(member));
    if (!isManager || members.length === 0) return undefined;
    return {
      kind: members.includes('http_filters') || members.includes('upgrade_configs') ? 'takes' : 'alters',
      what: `${members.join(', ')} of the connection manager`,
    };
  }
  if (operation === 'REMOVE' || operation === 'REPLACE')
    return isAnchor ? { kind: 'takes', what: `${operation} of ${told}` } : undefined;
  const type = String((value.typed_config as { '@type'?: string } | undefined)?.['@type'] ?? '');
  return TERMINAL.test(type) ? { kind: 'takes', what: `a filter ${other} that ends the chain` } : undefined;
}

/** Filter of FIM that a route, a virtual host or anything below has a setting for. */
function settingByRoute(value: unknown, depth = 0): string | undefined {
  if (typeof value !== 'object' || value === null || depth > MAX_ROUTE_SETTING_DEPTH) return undefined;
  for (const [member, inner] of Object.entries(value)) {
    const found =
      member === 'typed_per_filter_config'
        ? Object.keys((inner ?? {}) as object).find((name) => name.startsWith(OWN))
        : settingByRoute(inner, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `name` of a patch's value. Empty if there is none. */
function nameOf(value: Record<string, unknown>): string {
  return typeof value.name === 'string' ? value.name : '';
}

/** Effect of one patch on FIM's chain. Undefined if there is none. */
function reachOf({ applyTo, match, patch }: Patch): Reach | undefined {
  const operation = patch?.operation ?? '';
  const value = patch?.value ?? {};
  const filter = match?.listener?.filterChain?.filter;
  if (JSON.stringify(value).includes(OWN_STATE))
    return { kind: 'takes', what: `a value for ${OWN_STATE}, which is FIM's` };
  switch (applyTo) {
    case 'HTTP_FILTER':
      return httpFilter(filter?.subFilter?.name, operation, value);
    case 'NETWORK_FILTER':
      return networkFilter(filter?.name, operation, value);
    case 'FILTER_CHAIN':
      return { kind: 'takes', what: `${operation} of filter chains` };
    case 'LISTENER':
      return { kind: 'alters', what: operation === 'ADD' ? 'a listener of its own' : `${operation} of listeners` };
    case 'LISTENER_FILTER':
      return operation === 'REMOVE' || operation === 'REPLACE'
        ? { kind: 'alters', what: `${operation} of listener filters` }
        : undefined;
    case 'EXTENSION_CONFIG':
      return nameOf(value).startsWith(OWN)
        ? { kind: 'takes', what: `the configuration of filter ${nameOf(value)}` }
        : undefined;
    case 'HTTP_ROUTE':
    case 'VIRTUAL_HOST':
    case 'ROUTE_CONFIGURATION': {
      const named = settingByRoute(value);
      return named === undefined ? undefined : { kind: 'takes', what: `a setting of filter ${named} by route` };
    }
    default:
      return undefined;
  }
}

/** Worst effect of an EnvoyFilter in each context. Empty if it does not concern FIM. */
export function reaches(object: KubeObject): (Reach & { context: string })[] {
  if (object.metadata.labels?.[MANAGED_BY_LABEL] === MANAGER) return [];
  const patches = (object.spec?.configPatches ?? []) as Patch[];
  const found = patches.flatMap((patch) => {
    const reach = reachOf(patch);
    return reach === undefined ? [] : [{ ...reach, context: patch.match?.context ?? 'ANY' }];
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

const CONTEXTS: Record<Selection['lattice'], readonly string[]> = {
  gateway: ['GATEWAY', 'ANY'],
  sidecar: ['SIDECAR_INBOUND', 'ANY'],
  waypoint: ['SIDECAR_INBOUND', 'WAYPOINT', 'ANY'],
};

/**
 * EnvoyFilters that interfere with the proxies of a selection, with their effect. `foreign`: filters of the namespace
 * and of the root namespace, reduced by `trimForeign`.
 */
export function foreignReaches(
  foreign: Iterable<KubeObject>,
  { lattice, terms }: Selection,
): { kind: Reach['kind']; text: string }[] {
  return [...foreign].flatMap(({ metadata, spec }) => {
    const labels = ((spec?.workloadSelector as { labels?: Record<string, string> } | undefined)?.labels ??
      {}) as Record<string, string>;
    // A label that the selection does not name may still be on some of its pods.
    const apart = Object.entries(labels).some(([name, value]) => terms[name] !== undefined && terms[name] !== value);
    if (apart && !includes(terms, labels)) return [];
    const [worst] = ((spec?.reaches ?? []) as (Reach & { context: string })[]).filter(({ context }) =>
      CONTEXTS[lattice].includes(context),
    );
    return worst === undefined
      ? []
      : [{ kind: worst.kind, text: `${metadata.namespace}/${metadata.name} (${worst.what})` }];
  });
}
