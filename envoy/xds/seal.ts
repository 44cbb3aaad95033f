import type { EnvoyObject } from './envoy-object.ts';

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const ACTION = 'type.googleapis.com/envoy.config.rbac.v3.Action';
const FILTER_STATE = 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.FilterStateInput';
const SEAL_FILTER = 'fim.seal';
/** Name of the refusal in access logs and in Envoy's response code details. */
const UNSEALED = 'fim-unsealed';
export const SEAL_DETAILS = `rbac_access_denied_matched_policy[${UNSEALED}]`;
/** Prefix of the counters `….allowed` and `….denied`. Istio's proxies export names with this ending by default. */
const SEAL_STATS = 'fim_seal.rbac';

export interface SealTerms {
  /** Modules that must have stamped the request, names without `.wasm`; one or more. */
  modules: readonly string[];
  /** Matcher predicate of the requests that a route may concern. `all`: every request, `none`: no request. */
  concerned: EnvoyObject | 'all' | 'none';
}

/**
 * Filter behind FIM's that passes requests with the stamp of each module and refuses all others. It is a native Envoy
 * filter: a module that is missing, dead or not configured cannot stamp, so that no failure of it lets requests pass.
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

/** The filter for a listener whose requests must all pass FIM. */
export function sealFilter(modules: readonly string[]): EnvoyObject {
  return { name: SEAL_FILTER, typed_config: sealConfig({ modules, concerned: 'all' }) };
}

/**
 * Filter state that the module's runtime sets when it lets a request pass. A policy cannot forge it, because names that
 * it may choose contain no dot.
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
