import type { EnvoyObject } from './envoy-object.ts';

export const CONNECTION_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
/** The only protocol that a connection may be upgraded to. */
export const UPGRADE = 'websocket';

export interface HardeningTerms {
  /** Whether HTTP/1.1 trailers pass. Envoy drops them by default. */
  trailers?: boolean;
  /**
   * Paths stay as they arrive but for what the modules do with those that routes may concern: the connection manager is
   * shared with hosts that have no route.
   */
  sharesPaths?: boolean;
}

/**
 * Connection manager settings that make policy and upstream read the same request. Standalone listeners and Istio's get
 * the same ones.
 */
export function connectionHardening({ trailers = false, sharesPaths = false }: HardeningTerms = {}): EnvoyObject {
  return {
    '@type': CONNECTION_MANAGER,
    ...(sharesPaths
      ? {}
      : { normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: 'REJECT_REQUEST' }),
    http_protocol_options: { ...http1Options(), ...(trailers ? { enable_trailers: true } : {}) },
  };
}

function http1Options(): EnvoyObject {
  return {
    // Some proxies (nginx) speak HTTP/1.0 to upstreams by default. A request without Host is still refused, since its
    // route would be a guess.
    accept_http_10: true,
    // A server may ignore an offered upgrade (RFC 9110, 7.8). Java's clients offer TLS.
    ignore_http_11_upgrade: [{ safe_regex: { regex: otherThan(UPGRADE) } }],
  };
}

/** RE2 that matches every text but `word` in any case. The engine has no negation. */
export function otherThan(word: string): string {
  const letters = [...word];
  const tail = letters.reduceRight((rest, letter) => `(?:|[^${letter}].*|${letter}${rest})`, '.+');
  return `(?is:${tail})`;
}
