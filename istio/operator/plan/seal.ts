// The seal: a filter of Envoy's own behind FIM's, in an object of its own. It refuses what a route may concern and FIM
// has not let go on, so that no failure of a module, an agent, a roll-out or a neighbour's patch opens the door.
import { canonicalJson } from '../../../envoy/route/index.ts';
import { localReplies, sealConfig, type EnvoyObject } from '../../../envoy/xds/index.ts';
import type { KubeObject } from '../kube/objects.ts';
import { SEAL_PREFIX, SELECTION_ANNOTATION, VERSION_ANNOTATION } from './applied.ts';
import { attachment, chainMatches, CONTEXT, managed, ROUTER } from './envoy-filter.ts';
import { scopePredicate, type SealScope } from './seal-scope.ts';
import type { Workload } from './workloads.ts';

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const CONNECTION_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP_PROXY = 'envoy.filters.network.tcp_proxy';
const NETWORK_RBAC = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';
/** Which stamps what it lets go on. */
const MODULE = 'fim';
/** Its stamp (`filters/runtime/seal.ts`). */
export const SEAL_STATE = `wasm.fim.seal.${MODULE}`;
/** After every filter of ours. */
const SEAL_PRIORITY = 10_000;
/**
 * Of the counters of all requests without a stamp; its end is one that Istio's proxies show by default:
 * `….shadow_denied`.
 */
const PASSAGE_STATS = 'fim_passage.rbac';

export function sealName(workload: string): string {
  return `fim.seal.${workload}`;
}

/** The native filter. Besides what it refuses it counts every request that FIM has not seen. */
function sealFilter(scope: SealScope): EnvoyObject {
  const concerned = scope === 'all' ? 'all' : (scopePredicate(scope) ?? 'none');
  const { matcher } = sealConfig({ modules: [MODULE], concerned: 'all' });
  return {
    ...sealConfig({ modules: [MODULE], concerned }),
    shadow_matcher: matcher ?? {},
    shadow_rules_stat_prefix: PASSAGE_STATS,
  };
}

/** Connections that do not speak HTTP end at the sidecar: they would reach the workload past every policy. */
function refusal(context: string, workload: string): EnvoyObject {
  const match = { context, listener: { filterChain: { filter: { name: TCP_PROXY } } } };
  // Nobody is allowed.
  const typed = { '@type': NETWORK_RBAC, rules: { action: 'ALLOW', policies: {} }, stat_prefix: 'fim_ports.' };
  return {
    applyTo: 'NETWORK_FILTER',
    match,
    patch: { operation: 'INSERT_BEFORE', value: { name: `fim.ports.${workload}`, typed_config: typed } },
  };
}

/**
 * The EnvoyFilter of a workload's seal. Its scope is a discovered configuration, so that a new route makes no new
 * listener; without one the whole listener is sealed. A seal of a wider selection may stand in the same chain: both ask
 * for the same stamp.
 */
export function sealObject(
  workload: Workload,
  scope: SealScope,
  version: string,
  { chains, refusesOthers }: { chains: readonly string[] | undefined; refusesOthers: boolean },
): KubeObject {
  const { namespace, name, selection, routes } = workload;
  const context = CONTEXT[selection.lattice];
  const filter = sealName(name);
  // The refusal says why, with a code.
  const told = { '@type': CONNECTION_MANAGER, local_reply_config: localReplies({ of: 'Seal' }) };
  const source = {
    config_source: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
    type_urls: [RBAC],
    default_config: sealFilter('all'),
  };
  const spec: EnvoyObject = {
    ...attachment(workload),
    priority: SEAL_PRIORITY,
    configPatches: [
      {
        applyTo: 'EXTENSION_CONFIG',
        match: { context },
        patch: { operation: 'ADD', value: { name: filter, typed_config: sealFilter(scope) } },
      },
      ...chainMatches(context, chains, ROUTER).map((match): EnvoyObject => ({
        applyTo: 'HTTP_FILTER',
        match,
        patch: { operation: 'INSERT_BEFORE', value: { name: filter, config_discovery: source } },
      })),
      ...chainMatches(context, chains, undefined).map((match): EnvoyObject => ({
        applyTo: 'NETWORK_FILTER',
        match,
        patch: { operation: 'MERGE', value: { typed_config: told } },
      })),
      ...(refusesOthers && selection.lattice === 'sidecar' && routes.length > 0 ? [refusal(context, name)] : []),
    ],
  };
  return managed(
    namespace,
    `${SEAL_PREFIX}${name}`,
    {},
    { [SELECTION_ANNOTATION]: canonicalJson(selection), [VERSION_ANNOTATION]: version },
    spec,
  );
}
