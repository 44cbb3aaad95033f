// Channels of a route as Envoy's own: one cluster with priorities, weights, health checks and outlier detection, and the
// routes that lead to it.
import {
  CHANNEL_CONNECT_TIMEOUT_MS,
  CONNECTION_BUFFER_BYTES,
  MAX_ENVOY_BUFFER_BYTES,
  RETRIES_AT_ONCE,
} from '../limits.ts';
import type { Channel, HealthCheck, Lane } from '../route/index.ts';
import { LANE_HEADER, NEXT_GRPC_TIMEOUT_HEADER, REPEATABLE } from '../route/index.ts';
import { clientTls, hostOf, portOf, protocolOptions } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';

const GRPC_TIMEOUT = 'grpc-timeout';
/** Failures in a row after which a channel is held down. */
const FAILURES_IN_A_ROW = 3;
/** A channel that keeps failing is held down up to so many times longer. */
const LONGEST_HOLD = 10;
/** Name of the metadata by which endpoints find their TLS settings. */
const TRANSPORT_MATCH = 'envoy.transport_socket_match';
/** Status codes of `on: [Gateway]`. */
const GATEWAY_STATUSES = [502, 503, 504];
/** Failures after which any request may be tried again: nothing of it reached an upstream that took it. */
const NOT_SENT = ['connect-failure', 'refused-stream', 'reset-before-request'];

const seconds = (ms: number): string => `${ms / 1000}s`;

/** Name of the cluster with all channels of a route. */
export function laneCluster(name: string): string {
  return `channels/${name}`;
}

/** The cluster with all channels of a route. */
export function laneClusterConfig(lane: Lane): EnvoyObject {
  const { channels, healthCheck } = lane;
  const name = laneCluster(lane.name);
  const secure = channels.some(({ url }) => url.startsWith('https:'));
  return {
    '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
    name,
    type: 'STRICT_DNS',
    dns_lookup_family: 'V4_PREFERRED',
    connect_timeout: seconds(CHANNEL_CONNECT_TIMEOUT_MS),
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
    circuit_breakers: { thresholds: [{ max_retries: RETRIES_AT_ONCE }] },
    // No channel is used that is known to be down, also where all are.
    common_lb_config: {
      healthy_panic_threshold: { value: 0 },
      // By default Envoy's workers hear of a change of health up to a second late if there was another one just before.
      update_merge_window: '0s',
    },
    load_assignment: {
      cluster_name: name,
      // A tier takes all requests while one of its channels is healthy.
      policy: { overprovisioning_factor: 100 * Math.max(2, channels.length) },
      endpoints: channels.map(localityOf),
    },
    ...(healthCheck === undefined ? {} : { health_checks: [healthCheckConfig(healthCheck, lane)] }),
    ...(channels.length === 1 ? {} : { outlier_detection: outlierDetection(lane) }),
    typed_extension_protocol_options: protocolOptions(new URL(channels[0]!.url)),
    ...(secure
      ? {
          transport_socket_matches: channels.map((channel) => ({
            name: channel.name,
            match: { channel: channel.name },
            transport_socket: clientTls(new URL(channel.url)),
          })),
        }
      : {}),
  };
}

function localityOf({ name, url: text, weight, region, tier, checked }: Channel): EnvoyObject {
  const url = new URL(text);
  return {
    priority: tier,
    locality: { region, sub_zone: name },
    lb_endpoints: [
      {
        endpoint: {
          address: { socket_address: { address: hostOf(url), port_value: portOf(url) } },
          hostname: name,
          health_check_config: checked ? { hostname: url.host } : { disable_active_health_check: true },
        },
        metadata: { filter_metadata: { [TRANSPORT_MATCH]: { channel: name } } },
        load_balancing_weight: weight,
      },
    ],
  };
}

function healthCheckConfig(check: HealthCheck, { channels }: Lane): EnvoyObject {
  const interval = seconds(check.intervalMs);
  return {
    timeout: seconds(check.timeoutMs),
    interval,
    // Without these Envoy asks a cluster that had no request yet once a minute.
    no_traffic_interval: interval,
    no_traffic_healthy_interval: interval,
    unhealthy_threshold: check.unhealthyAfter,
    healthy_threshold: check.healthyAfter,
    http_health_check: {
      path: check.path,
      expected_statuses: [{ start: 200, end: 300 }],
      codec_client_type: channels[0]!.url.startsWith('h2c:') ? 'HTTP2' : 'HTTP1',
    },
    tls_options: { alpn_protocols: ['http/1.1'] },
  };
}

/** Holds down what fails, but never the last channel: whoever is left answers for itself. */
function outlierDetection({ channels, holdDownMs }: Lane): EnvoyObject {
  return {
    interval: '1s',
    base_ejection_time: seconds(holdDownMs),
    max_ejection_time: seconds(holdDownMs * LONGEST_HOLD),
    max_ejection_percent: Math.ceil((100 * (channels.length - 1)) / channels.length),
    // Lost connections, times that are over and answers of gateways are counted together. Told apart, each connection that
    // is taken out of the pool would count as a success, and a channel that takes requests and loses them stay in use.
    split_external_local_origin_errors: false,
    consecutive_gateway_failure: FAILURES_IN_A_ROW,
    enforcing_consecutive_gateway_failure: 100,
    // A 500 tells of the message, not of the channel.
    enforcing_consecutive_5xx: 0,
    enforcing_success_rate: 0,
    // One good answer to a health check must not bring back a channel that fails requests.
    successful_active_health_check_uneject_host: false,
  };
}

/** Envoy's routes to the channels: for requests that may be repeated, and for the others. */
export function laneRoutes(lane: Lane): EnvoyObject[] {
  return [laneRoute(lane, true), laneRoute(lane, false)];
}

function laneRoute(lane: Lane, repeatable: boolean): EnvoyObject {
  const value = repeatable ? `${lane.name}${REPEATABLE}` : lane.name;
  return {
    match: { prefix: '/', headers: [{ name: LANE_HEADER, string_match: { exact: value } }] },
    route: {
      cluster: laneCluster(lane.name),
      timeout: '0s',
      ...(lane.hasDeadline ? { max_stream_duration: { grpc_timeout_header_max: '0s' } } : {}),
      ...(lane.attempts === 1 ? {} : { retry_policy: retryPolicy(lane, repeatable) }),
    },
    request_headers_to_remove: [LANE_HEADER, ...(lane.hasDeadline ? [GRPC_TIMEOUT] : [])],
    ...(lane.hasDeadline ? { request_headers_to_add: [nextGrpcTimeout()] } : {}),
    request_body_buffer_limit: MAX_ENVOY_BUFFER_BYTES,
  };
}

/**
 * `grpc-timeout` as the next hop gets it. The route's own one is the time that a caller has given, after which Envoy ends
 * the stream without blaming a channel. The header that it comes from is removed by the virtual host, after this.
 */
function nextGrpcTimeout(): EnvoyObject {
  return {
    header: { key: GRPC_TIMEOUT, value: `%REQ(${NEXT_GRPC_TIMEOUT_HEADER})%` },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  };
}

/** A request whose channels Envoy does not know yet goes nowhere: 503, FIM-RT-0021. */
export function unknownLane(): EnvoyObject {
  return {
    match: { prefix: '/', headers: [{ name: LANE_HEADER, present_match: true }] },
    route: { cluster: laneCluster('') },
  };
}

function retryPolicy({ attempts, perTryMs, on, channels }: Lane, repeatable: boolean): EnvoyObject {
  const first = channels.filter(({ tier }) => tier === 0).length;
  const reasons = repeatable
    ? [
        ...(on.includes('ConnectFailure') ? NOT_SENT : []),
        ...(on.includes('Reset') ? ['reset'] : []),
        ...(on.includes('Gateway') ? ['retriable-status-codes'] : []),
      ]
    : NOT_SENT;
  return {
    retry_on: reasons.join(','),
    num_retries: attempts - 1,
    ...(repeatable && on.includes('Gateway') ? { retriable_status_codes: GATEWAY_STATUSES } : {}),
    ...(repeatable && perTryMs !== undefined ? { per_try_timeout: seconds(perTryMs) } : {}),
    retry_host_predicate: [
      {
        name: 'envoy.retry_host_predicates.previous_hosts',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
        },
      },
    ],
    host_selection_retry_max_attempts: 5,
    // The next tier, once each channel of the first one was tried.
    retry_priority: {
      name: 'envoy.retry_priorities.previous_priorities',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
        update_frequency: first,
      },
    },
    retry_back_off: { base_interval: '0.005s', max_interval: '0.05s' },
  };
}
