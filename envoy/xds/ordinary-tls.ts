// Ordinary TLS beside national TLS on one port: a filter chain of its own, which Envoy's inspector chooses. A ClientHello of
// national TLS is none to it, and goes where plain text goes.
import type { AlsoTls } from '../route/index.ts';
import { canonicalHash } from '../route/index.ts';
import { FIRST_BYTES_TIMEOUT_MS } from '../limits.ts';
import { claimRemoval } from './claims.ts';
import { ENDS, TOLD } from './client-headers.gen.ts';
import { discoveredFilter } from './discovered-filter.ts';
import type { EnvoyObject } from './envoy-object.ts';

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
/** Name of the refusal of connections that do not hold any more, in access logs and in Envoy's response code details. */
const OUTDATED = 'fim-outdated';
export const OUTDATED_DETAILS = `rbac_access_denied_matched_policy[${OUTDATED}]`;
const HASH_LETTERS = 16;
const HTTP_MUTATION = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
/** Name of the discovered certificate. */
const IDENTITY = 'fim-tls';

/** Ordinary TLS of a listener that may serve it. */
export interface OrdinaryTls {
  /** Absolute path of the discovered certificate. */
  secretFile: string;
  /** Absolute path of the discovered filter with this name. */
  standingFile: (name: string) => string;
  /** Null: nobody asks for it, and a client that speaks it is refused as ever. */
  terms: AlsoTls | null;
}

/** Files of the server's certificate and its private key, PEM, absolute. */
export interface TlsIdentity {
  certFile: string;
  keyFile: string;
}

/** How a listener tells ordinary TLS from all else. Clients who send nothing are closed, and not served as plain text. */
export function tlsInspection(): EnvoyObject {
  return {
    listener_filters: [
      {
        name: 'envoy.filters.listener.tls_inspector',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
        },
      },
    ],
    listener_filters_timeout: `${FIRST_BYTES_TIMEOUT_MS / 1000}s`,
  };
}

/** Match and transport of the filter chain. */
export function ordinaryTlsChain({ secretFile }: OrdinaryTls, { clientAuth, trust, lists }: AlsoTls): EnvoyObject {
  const validation = {
    ...(trust === undefined ? {} : { trusted_ca: { inline_string: trust } }),
    ...(lists === undefined ? {} : { crl: { inline_string: lists } }),
  };
  return {
    name: 'ordinary-tls',
    filter_chain_match: { transport_protocol: 'tls' },
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': `${TLS}.DownstreamTlsContext`,
        require_client_certificate: clientAuth === 'Required',
        // A resumed session would keep a certificate that has ended or was revoked since.
        ...(clientAuth === 'None'
          ? {}
          : { disable_stateless_session_resumption: true, disable_stateful_session_resumption: true }),
        common_tls_context: {
          tls_params: { tls_minimum_protocol_version: 'TLSv1_2' },
          alpn_protocols: ['h2', 'http/1.1'],
          tls_certificate_sds_secret_configs: [
            {
              name: IDENTITY,
              sds_config: { path_config_source: { path: secretFile }, resource_api_version: 'V3' },
            },
          ],
          ...(clientAuth === 'None' ? {} : { validation_context: validation }),
        },
      },
    },
  };
}

/** The discovered certificate. Envoy reads the files again when a rename in their folder replaces one. */
export function tlsSecret({ certFile, keyFile }: TlsIdentity): EnvoyObject {
  const folder = keyFile.slice(0, keyFile.lastIndexOf('/')) || '/';
  return {
    resources: [
      {
        '@type': `${TLS}.Secret`,
        name: IDENTITY,
        tls_certificate: {
          certificate_chain: { filename: certFile },
          private_key: { filename: keyFile },
          watched_directory: { path: folder },
        },
      },
    ],
  };
}

/** The first HTTP filter of the chain: in the place of a client's own claims it says what the certificate does. */
export function peerFilter(): EnvoyObject {
  const said = TOLD.map(([key, value]): EnvoyObject => ({
    append: { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
  }));
  return {
    name: 'fim.tls.requests',
    typed_config: {
      '@type': HTTP_MUTATION,
      mutations: { request_mutations: [...claimRemoval(), ...said], request_trailers_mutations: claimRemoval() },
    },
  };
}

/** Name of the filter by which connections of these terms are told whether they hold. */
export function standingName(terms: AlsoTls): string {
  return `fim.tls.standing.${canonicalHash({ ...terms }).slice(0, HASH_LETTERS)}`;
}

/**
 * The second HTTP filter of the chain. It is discovered, and so reaches connections that Envoy only drains when an edit replaces
 * their chain: for minutes they would go on being served as verified.
 */
export function standingFilter({ standingFile }: OrdinaryTls, terms: AlsoTls): EnvoyObject {
  const name = standingName(terms);
  return discoveredFilter(name, { path_config_source: { path: standingFile(name) } }, RBAC);
}

const identifier = (name: string): EnvoyObject => ({ ident_expr: { name } });
const call = (name: string, ...args: EnvoyObject[]): EnvoyObject => ({ call_expr: { function: name, args } });
const member = (operand: EnvoyObject, field: string): EnvoyObject => ({ select_expr: { operand, field } });

/**
 * Whether the request's certificate has ended: `timestamp(request.headers[ENDS]) < request.time`. The header is Envoy's own
 * statement, made by the filter before. Without a certificate the expression has no value, and nobody is refused.
 */
const HAS_ENDED = call(
  '_<_',
  call('timestamp', call('_[_]', member(identifier('request'), 'headers'), { const_expr: { string_value: ENDS } })),
  member(identifier('request'), 'time'),
);

/**
 * Its discovered configuration. `holds`: connections of its terms are served, each as long as its client's certificate is
 * valid: Envoy looks at that in the handshake alone.
 */
export function standingResource(name: string, version: string, holds: boolean): EnvoyObject {
  const anybody = { permissions: [{ any: true }], principals: [{ any: true }] };
  const rules = {
    action: 'DENY',
    policies: { [OUTDATED]: { ...anybody, ...(holds ? { condition: HAS_ENDED } : {}) } },
  };
  return {
    version_info: version,
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
        name,
        typed_config: { '@type': RBAC, rules_stat_prefix: 'fim_standing', rules },
      },
    ],
  };
}
