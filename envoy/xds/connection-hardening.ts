import type { EnvoyObject } from './envoy-object.ts';

const CONNECTION_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
/** The one protocol that a connection may be upgraded to. */
export const UPGRADE = 'websocket';

export interface HardeningTerms {
  /** Trailers of HTTP/1.1 pass; absent: Envoy drops them, as is its default. */
  trailers?: boolean;
}

/**
 * What a connection manager needs so that policy and upstream read the same request, wherever it stands: standalone
 * listeners and Istio's are given the same.
 */
export function connectionHardening({ trailers = false }: HardeningTerms = {}): EnvoyObject {
  return {
    '@type': CONNECTION_MANAGER,
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: 'REJECT_REQUEST',
    http_protocol_options: { ...http1Options(), ...(trailers ? { enable_trailers: true } : {}) },
  };
}

function http1Options(): EnvoyObject {
  return {
    // What proxies speak to upstreams unless told otherwise (nginx). Without Host it is refused as in HTTP/1.1: which
    // route it meets would be a guess.
    accept_http_10: true,
    // An offer that a server does not take is as if it had not been made (RFC 9110, 7.8); Java's clients offer TLS.
    ignore_http_11_upgrade: [{ safe_regex: { regex: otherThan(UPGRADE) } }],
  };
}

/** RE2 for every text but `word`, whatever its case: the engine has no negation. */
export function otherThan(word: string): string {
  const letters = [...word];
  const tail = letters.reduceRight((rest, letter) => `(?:|[^${letter}].*|${letter}${rest})`, '.+');
  return `(?is:${tail})`;
}
