import { CONNECTION_BUFFER_BYTES } from '../limits.ts';
import { claimsFilter } from './claims.ts';
import { UPGRADE, connectionHardening } from './connection-hardening.ts';
import { connectionLimits } from './connection-limits.ts';
import type { ConnectionLimitTerms } from './connection-limits.ts';
import { discoveredFilter, WASM_FILTER } from './discovered-filter.ts';
import type { EnvoyObject } from './envoy-object.ts';
import type { FilterSlot } from './layout.ts';
import { dropQuestions, limitFilters } from './limit-service.ts';
import type { LimitServiceTerms } from './limit-service.ts';
import { localReplies } from './local-replies.ts';
import { ordinaryTlsChain, peerFilter, standingFilter, tlsInspection } from './ordinary-tls.ts';
import type { OrdinaryTls } from './ordinary-tls.ts';
import { ROUTE_CONFIGURATION } from './route-configuration.ts';
import { sealFilter } from './seal.ts';
import { TLCP_MADE_UP, tlcpHttpFilter, tlcpNetworkFilter } from './tlcp.ts';
import { COMPOSITE_FILTER } from './variants.ts';
import type { TlcpFiles } from './tlcp.ts';

/** Fingerprint of the certificate of a client over national TLS. */
const NATIONAL_CLIENT = '%FILTER_STATE(wasm.fim.client.fingerprint:PLAIN)%';
const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';

/** Address of the listener and the files that it reads. */
export interface ListenerPlan extends ConnectionLimitTerms {
  host: string;
  port: number;
  slots: readonly FilterSlot[];
  /** Absolute path of a filter's discovered configuration. */
  pluginFile: (slot: FilterSlot) => string;
  /** Absolute path of the discovered routes. */
  routesFile: string;
  /** Files of the filters of national TLS. Absent: the listener never speaks it. */
  tlcp?: TlcpFiles;
  /** Absent: the listener can serve no ordinary TLS. */
  ordinaryTls?: OrdinaryTls;
  /** Service that counts global limits. Absent: none. */
  limits?: LimitServiceTerms;
  /** Absolute path of an access log without paths and values. Absent: no log. */
  accessLog?: string;
}

/**
 * The listener: HTTP/1.1 and HTTP/2 on one port, the Wasm filters, the router. Filter configurations are discovered
 * from files. The listener accepts no connections until every filter has one, so that nothing passes unprotected.
 */
export function listener(plan: ListenerPlan): EnvoyObject {
  return {
    name: 'fim',
    address: { socket_address: { address: plan.host, port_value: plan.port } },
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
    // Spreads few busy connections evenly over the workers.
    connection_balance_config: { exact_balance: {} },
    ...(plan.ordinaryTls ? tlsInspection() : {}),
    filter_chains: [
      ...(plan.ordinaryTls?.terms
        ? [
            {
              ...ordinaryTlsChain(plan.ordinaryTls, plan.ordinaryTls.terms),
              filters: [
                manager(
                  plan,
                  [peerFilter(), standingFilter(plan.ordinaryTls, plan.ordinaryTls.terms)],
                  '%DOWNSTREAM_PEER_FINGERPRINT_256%',
                ),
              ],
            },
          ]
        : []),
      {
        filters: [
          ...(plan.tlcp ? [tlcpNetworkFilter(plan.tlcp)] : []),
          manager(plan, [plan.tlcp ? tlcpHttpFilter(plan.tlcp) : claimsFilter('fim.claims')], NATIONAL_CLIENT),
        ],
      },
    ],
  };
}

/** The listener as a file of discovered resources. */
export function listenerResource(plan: ListenerPlan): EnvoyObject {
  return { resources: [{ '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener', ...listener(plan) }] };
}

/** `first`: filters before all others. `client`: who the client is, for the log. */
function manager(plan: ListenerPlan, first: EnvoyObject[], client: string): EnvoyObject {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: connectionManager(plan, first, client),
  };
}

function connectionManager(plan: ListenerPlan, first: EnvoyObject[], client: string): EnvoyObject {
  return {
    ...connectionHardening({ trailers: true }),
    ...connectionLimits(plan),
    stat_prefix: 'fim',
    codec_type: 'AUTO',
    use_remote_address: true,
    upgrade_configs: [{ upgrade_type: UPGRADE }],
    rds: { route_config_name: ROUTE_CONFIGURATION, config_source: fileSource(plan.routesFile) },
    http_filters: [
      ...first,
      ...(plan.limits ? [dropQuestions('fim.limits.forged')] : []),
      ...plan.slots.map((slot) =>
        discoveredFilter(slot.filter, { path_config_source: { path: plan.pluginFile(slot) } }, [
          WASM_FILTER,
          // While a canary runs, the filter is two of them and a choice. At other times that costs nothing.
          COMPOSITE_FILTER,
        ]),
      ),
      sealFilter(plan.slots.map((slot) => slot.module)),
      ...(plan.limits ? limitFilters(plan.limits.answerMs) : []),
      router(),
    ],
    local_reply_config: localReplies({ of: 'All' }),
    ...(plan.accessLog ? { access_log: [accessLog(plan.accessLog, client)] } : {}),
  };
}

function fileSource(path: string): EnvoyObject {
  return { path_config_source: { path }, resource_api_version: 'V3' };
}

function router(): EnvoyObject {
  return {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': `${FILTERS}.router.v3.Router`, suppress_envoy_headers: true },
  };
}

/** Path, query and headers are left out: they can hold an account or a card number. */
function accessLog(path: string, client: string): EnvoyObject {
  return {
    name: 'envoy.access_loggers.file',
    // Requests that the network filter makes up are nobody's.
    filter: {
      extension_filter: {
        name: 'envoy.access_loggers.extension_filters.cel',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter',
          expression: `!('${TLCP_MADE_UP}' in filter_state && filter_state['${TLCP_MADE_UP}'] == b'1')`,
        },
      },
    },
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path,
      log_format: {
        json_format: {
          time: '%START_TIME%',
          method: '%REQ(:METHOD)%',
          status: '%RESPONSE_CODE%',
          details: '%RESPONSE_CODE_DETAILS%',
          flags: '%RESPONSE_FLAGS%',
          received: '%BYTES_RECEIVED%',
          sent: '%BYTES_SENT%',
          durationMs: '%DURATION%',
          // `canary` or `stable`, of requests of a route that has both. Null elsewhere.
          variant: '%FILTER_STATE(wasm.fim.variant:PLAIN)%',
          // `txn_id` that a route's validation sets. Null if there is none.
          txnId: '%FILTER_STATE(wasm.fim.txn_id:PLAIN)%',
          // Fingerprint of the client's certificate: SM3 over national TLS, else SHA-256. Null if it has none.
          client,
        },
      },
    },
  };
}
