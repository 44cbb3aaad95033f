import { CONNECTION_BUFFER_BYTES, CONNECT_TIMEOUT_MS } from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const SYSTEM_AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Schemes of a peer's URL. `h2c` is HTTP/2 in clear text with prior knowledge, as gRPC servers use it. `https`
 * negotiates the version by ALPN.
 */
export const PEER_SCHEMES = ['http:', 'h2c:', 'https:'] as const;

/** Port of a peer: from the URL, else the default of its scheme. */
export function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
}

/** Host name or address of a peer. IPv6 without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** TLS settings towards a peer, besides its name. */
export interface ClientTls {
  /** PEM file with trusted authorities. Default: the system's. */
  authorities?: string;
  /** Source of the client certificate and key (SDS). Absent: no certificate is presented. */
  identity?: EnvoyObject;
}

/** Looks names up as they are. By default Envoy completes them by the search list of its pod, which is its namespace's. */
const WHOLE_NAMES = {
  name: 'envoy.network.dns_resolver.cares',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
    dns_resolver_options: { no_default_search_domain: true },
  },
};

/**
 * A cluster with one peer. `url`: see PEER_SCHEMES; its path is ignored. `whole`: what is looked up for it, and not
 * completed; without it the host of the URL, as the machine completes it.
 */
export function cluster(name: string, url: URL, tls: ClientTls = {}, whole?: string): EnvoyObject {
  return {
    name,
    type: 'LOGICAL_DNS',
    // A name may resolve to IPv4 and IPv6 while the peer listens on one only. Envoy tries both.
    dns_lookup_family: 'ALL',
    ...(whole === undefined ? {} : { typed_dns_resolver_config: WHOLE_NAMES }),
    connect_timeout: `${CONNECT_TIMEOUT_MS / 1000}s`,
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [
            { endpoint: { address: { socket_address: { address: whole ?? hostOf(url), port_value: portOf(url) } } } },
          ],
        },
      ],
    },
    typed_extension_protocol_options: protocolOptions(url),
    ...(url.protocol === 'https:' ? { transport_socket: clientTls(url, tls) } : {}),
  };
}

/** HTTP towards peers of the URL's scheme. */
export function protocolOptions(url: URL): EnvoyObject {
  return { [HTTP_OPTIONS]: { '@type': `type.googleapis.com/${HTTP_OPTIONS}`, ...protocol(url) } };
}

function protocol(url: URL): EnvoyObject {
  if (url.protocol === 'h2c:') return { explicit_http_config: { http2_protocol_options: {} } };
  if (url.protocol === 'https:')
    return { auto_config: { http_protocol_options: { enable_trailers: true }, http2_protocol_options: {} } };
  return { explicit_http_config: { http_protocol_options: { enable_trailers: true } } };
}

/** TLS towards the peer. Its certificate must be valid for the URL's host name or address. */
export function clientTls(url: URL, { authorities = SYSTEM_AUTHORITIES, identity }: ClientTls = {}): EnvoyObject {
  const host = hostOf(url).replace(/\.$/, '');
  const isAddress = /^[\d.]+$|:/.test(host);
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      ...(isAddress ? {} : { sni: host }),
      common_tls_context: {
        ...(identity === undefined ? {} : { tls_certificate_sds_secret_configs: [identity] }),
        validation_context: {
          trusted_ca: { filename: authorities },
          match_typed_subject_alt_names: [{ san_type: isAddress ? 'IP_ADDRESS' : 'DNS', matcher: { exact: host } }],
        },
      },
    },
  };
}
