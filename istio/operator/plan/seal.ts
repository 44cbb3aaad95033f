// The seal is a native Envoy filter behind FIM's, in an EnvoyFilter of its own. It refuses requests in its scope that
// lack FIM's stamp, so that no failure of a module, an agent, a roll-out or another's patch lets traffic pass
// unchecked.
import { canonicalJson } from '../../../envoy/route/index.ts';
import {
  CONNECTION_MANAGER,
  discoveredFilter,
  localReplies,
  sealConfig,
  type EnvoyObject,
} from '../../../envoy/xds/index.ts';
import type { KubeObject } from '../kube/objects.ts';
import { SEAL_PREFIX, SELECTION_ANNOTATION, VERSION_ANNOTATION } from './applied.ts';
import { attachment, chainMatches, CONTEXT, managed, ROUTER } from './envoy-filter.ts';
import { scopePredicate, type SealScope } from './seal-scope.ts';
import type { Workload } from './workloads.ts';

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const TCP_PROXY = 'envoy.filters.network.tcp_proxy';
const NETWORK_RBAC = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';
/** Module whose stamp the seal asks for. */
const MODULE = 'fim';
/** Filter state key of the stamp (`filters/runtime/seal.ts`). */
export const SEAL_STATE = `wasm.fim.seal.${MODULE}`;
/** Places the seal behind every filter of the operator. */
const SEAL_PRIORITY = 10_000;
/**
 * Prefix of the counter of all requests without a stamp. Istio's proxies export its suffix `….shadow_denied` by
 * default.
 */
const PASSAGE_STATS = 'fim_passage.rbac';

export function sealName(workload: string): string {
  return `fim.seal.${workload}`;
}

/** The RBAC filter. Besides refusing requests in scope it counts every request without a stamp. */
function sealFilter(scope: SealScope): EnvoyObject {
  const concerned = scope === 'all' ? 'all' : (scopePredicate(scope) ?? 'none');
  const { matcher } = sealConfig({ modules: [MODULE], concerned: 'all' });
  return {
    ...sealConfig({ modules: [MODULE], concerned }),
    shadow_matcher: matcher ?? {},
    shadow_rules_stat_prefix: PASSAGE_STATS,
  };
}

/** Connections that do not speak HTTP end at the sidecar. They would reach the workload past every policy. */
function refusal(context: string, workload: string): EnvoyObject {
  const match = { context, listener: { filterChain: { filter: { name: TCP_PROXY } } } };
  // An empty policy list allows nobody.
  const typed = { '@type': NETWORK_RBAC, rules: { action: 'ALLOW', policies: {} }, stat_prefix: 'fim_ports.' };
  return {
    applyTo: 'NETWORK_FILTER',
    match,
    patch: { operation: 'INSERT_BEFORE', value: { name: `fim.ports.${workload}`, typed_config: typed } },
  };
}

/**
 * EnvoyFilter of a workload's seal. Its scope is a discovered configuration, so that a new route makes no new listener.
 * Without a scope the whole listener is sealed. The seal of a wider selection may be in the same chain; both ask for
 * the same stamp.
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
  // The refusal carries an error code.
  const told = { '@type': CONNECTION_MANAGER, local_reply_config: localReplies({ of: 'Seal' }) };
  const discovered = discoveredFilter(filter, { ads: {} }, RBAC, sealFilter('all'));
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
        patch: { operation: 'INSERT_BEFORE', value: discovered },
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
