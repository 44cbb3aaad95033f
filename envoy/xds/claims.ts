// Headers that say who the client is. An upstream takes them for the proxy's, so a client's own never pass.
import { CLAIMS } from './client-headers.gen.ts';
import type { EnvoyObject } from './envoy-object.ts';

const API = 'type.googleapis.com/envoy';
const HTTP_MUTATION = `${API}.extensions.filters.http.header_mutation.v3.HeaderMutation`;
const COMPOSITE = `${API}.extensions.filters.http.composite.v3`;

/** Mutations that remove what clients say of themselves. */
export function claimRemoval(): EnvoyObject[] {
  return [{ remove_on_match: { key_matcher: { safe_regex: { regex: CLAIMS } } } }];
}

/** Configuration of the filter that removes them from requests, trailers included. */
export function withoutClaims(): EnvoyObject {
  const claims = claimRemoval();
  return { '@type': HTTP_MUTATION, mutations: { request_mutations: claims, request_trailers_mutations: claims } };
}

/** That filter. */
export function claimsFilter(name: string): EnvoyObject {
  return { name, typed_config: withoutClaims() };
}

/**
 * That filter, but for connections by mutual TLS of the peers that are named (SPIFFE ids): what these say is believed.
 * Their ids come from certificates that the proxy has verified.
 */
export function claimsFilterExcept(name: string, peers: readonly string[]): EnvoyObject {
  if (peers.length === 0) return claimsFilter(name);
  const input: EnvoyObject = {
    name: 'uri-san',
    typed_config: { '@type': `${API}.extensions.matching.common_inputs.ssl.v3.UriSanInput` },
  };
  const believed = peers.map((peer): EnvoyObject => ({
    predicate: { single_predicate: { input, value_match: { exact: peer } } },
    on_match: {
      action: {
        name: 'believed',
        typed_config: { '@type': `${API}.extensions.filters.common.matcher.action.v3.SkipFilter` },
      },
    },
  }));
  const removal: EnvoyObject = {
    '@type': `${COMPOSITE}.ExecuteFilterAction`,
    typed_config: { name, typed_config: withoutClaims() },
  };
  return {
    name,
    typed_config: {
      '@type': `${API}.extensions.common.matching.v3.ExtensionWithMatcher`,
      extension_config: { name: 'composite', typed_config: { '@type': `${COMPOSITE}.Composite` } },
      xds_matcher: {
        matcher_list: { matchers: believed },
        on_no_match: { action: { name: 'others', typed_config: removal } },
      },
    },
  };
}
