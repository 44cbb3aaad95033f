// Two configurations of one filter in the place of one, and whose requests meet which. Both arrive in one resource, so
// that a share, a policy and a module change in one step, and no request can meet a filter that is not there yet.
import type { RouteCanary } from '../route/index.ts';
import { CANARY_HASH_FIELDS } from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';

const API = 'type.googleapis.com/envoy';
/** Type of the filter that chooses between the two. */
export const COMPOSITE_FILTER = `${API}.extensions.filters.http.composite.v3.Composite`;
const ACTION = `${API}.extensions.filters.http.composite.v3.ExecuteFilterAction`;
const HEADER = `${API}.type.matcher.v3.HttpRequestHeaderMatchInput`;
const ADDRESS = `${API}.extensions.matching.common_inputs.network.v3.SourceIPInput`;
const HASHING = `${API}.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing`;

/** Whose requests meet the canary. */
export interface Division extends Pick<RouteCanary, 'header' | 'hash'> {
  /** Of the keys of `hash`, percent. */
  share: number;
}

/** The two as one filter. What no rule names meets the stable one. */
export function dividedFilter(division: Division, stable: EnvoyObject, canary: EnvoyObject): EnvoyObject {
  const chosen = [...byHeader(division), ...byHash(division)];
  return {
    '@type': COMPOSITE_FILTER,
    matcher: {
      ...(chosen.length === 0
        ? {}
        : { matcher_list: { matchers: [{ predicate: anyOf(chosen), on_match: runs('canary', canary) }] } }),
      on_no_match: runs('stable', stable),
    },
  };
}

function runs(name: string, filter: EnvoyObject): EnvoyObject {
  return { action: { name, typed_config: { '@type': ACTION, typed_config: { name, typed_config: filter } } } };
}

/** Of the client only what a verified certificate says counts: the first filter of the listener wrote these headers. */
function byHeader({ header }: Division): EnvoyObject[] {
  if (header === undefined) return [];
  const { name, value, clientCertificate, values = [] } = header;
  const asked = equals(headerInput(name.toLowerCase()), value);
  if (clientCertificate === undefined) return [asked];
  const input = headerInput(`x-fim-client-${clientCertificate.toLowerCase()}`);
  return [{ and_matcher: { predicate: [asked, anyOf(values.map((one) => equals(input, one)))] } }];
}

/** A key has one place among the fields, in every proxy; a larger share begins at a lower one, so that who is in stays in. */
function byHash({ hash, share }: Division): EnvoyObject[] {
  if (hash === undefined || share <= 0) return [];
  const threshold = CANARY_HASH_FIELDS - Math.round((share * CANARY_HASH_FIELDS) / 100);
  const custom = {
    name: 'share',
    typed_config: { '@type': HASHING, threshold, modulo: CANARY_HASH_FIELDS },
  };
  const input =
    hash.header !== undefined
      ? headerInput(hash.header.toLowerCase())
      : hash.clientCertificate === true
        ? headerInput('x-fim-client-fingerprint')
        : { name: 'address', typed_config: { '@type': ADDRESS } };
  return [{ single_predicate: { input, custom_match: custom } }];
}

function headerInput(name: string): EnvoyObject {
  return { name: 'header', typed_config: { '@type': HEADER, header_name: name } };
}

function equals(input: EnvoyObject, value: string): EnvoyObject {
  return { single_predicate: { input, value_match: { exact: value } } };
}

function anyOf(predicates: readonly EnvoyObject[]): EnvoyObject {
  const [first] = predicates;
  return predicates.length === 1 ? first! : { or_matcher: { predicate: [...predicates] } };
}
