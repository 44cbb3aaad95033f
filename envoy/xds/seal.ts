import type { EnvoyObject } from './envoy-object.ts';

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const ACTION = 'type.googleapis.com/envoy.config.rbac.v3.Action';
const FILTER_STATE = 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput';
const SEAL_FILTER = 'fim.seal';
/** Name of the decision that refuses: it stands in access logs and in Envoy's response code details. */
const UNSEALED = 'fim-unsealed';
export const SEAL_DETAILS = `rbac_access_denied_matched_policy[${UNSEALED}]`;
/** Prefix of its counters, `….allowed` and `….denied`. The end is one that Istio's proxies show by default. */
const SEAL_STATS = 'fim_seal.rbac';

export interface SealTerms {
  /** Modules that must have let the request go on, names without `.wasm`; one or more. */
  modules: readonly string[];
  /** Matcher predicate of the requests that a route may concern; `all`: every request, `none`: no request. */
  concerned: EnvoyObject | 'all' | 'none';
}

/**
 * Configuration of the filter behind FIM's own that lets go on what bears the stamp of each module, and refuses all
 * else. It is Envoy's, not ours: a module that is missing, dead or not configured cannot stamp, and nothing that
 * befalls it can open the door.
 */
export function sealConfig({ modules, concerned }: SealTerms): EnvoyObject {
  const [first, ...others] = modules.map(stampOf);
  if (first === undefined) throw new Error('a seal without a module would refuse everything');
  const stamped = others.length === 0 ? first : { and_matcher: { predicate: [first, ...others] } };
  const scoped = typeof concerned === 'string' ? [] : [{ predicate: concerned, on_match: decision(UNSEALED, 'DENY') }];
  return {
    '@type': RBAC,
    matcher: {
      matcher_list: { matchers: [{ predicate: stamped, on_match: decision('fim-sealed', 'ALLOW') }, ...scoped] },
      on_no_match: concerned === 'all' ? decision(UNSEALED, 'DENY') : decision('fim-stranger', 'ALLOW'),
    },
    rules_stat_prefix: SEAL_STATS,
  };
}

/** The filter for a listener all of whose requests pass FIM. */
export function sealFilter(modules: readonly string[]): EnvoyObject {
  return { name: SEAL_FILTER, typed_config: sealConfig({ modules, concerned: 'all' }) };
}

/**
 * What the module's runtime writes as it lets a request go on; names of filter state that a policy can choose hold no
 * dots.
 */
function stampOf(module: string): EnvoyObject {
  const input: EnvoyObject = {
    name: 'envoy.matching.inputs.filter_state',
    typed_config: { '@type': FILTER_STATE, key: `wasm.fim.seal.${module}` },
  };
  return { single_predicate: { input, value_match: { exact: '1' } } };
}

function decision(name: string, action: 'ALLOW' | 'DENY'): EnvoyObject {
  return { action: { name, typed_config: { '@type': ACTION, name, action } } };
}
