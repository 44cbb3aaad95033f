import {
  CONNECT_TIMEOUT_MS,
  LIMIT_ANSWER_MS,
  LIMIT_FAILURES,
  LIMIT_HEALTH_INTERVAL_MS,
  LIMIT_RETURN_INTERVAL_MS,
  MAX_FLEET_LIMITS,
  MAX_LIMIT_QUESTIONS,
} from '../limits.ts';
import { FLEET_HEADERS, fleetHeaders } from '../route/index.ts';
import { cluster, hostOf, portOf } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';

/** Cluster of the service that counts global limits. */
export const LIMITS_CLUSTER = 'fim-limits';
/** Domain of its descriptors (`envoy.service.ratelimit.v3.RateLimitRequest.domain`). */
export const LIMITS_DOMAIN = 'fim';

const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';
const SLOTS = Array.from({ length: MAX_FLEET_LIMITS }, (_, index) => index + 1);
const QUESTIONS = SLOTS.flatMap(fleetHeaders);

/** A service that counts global limits. */
export interface LimitServiceTerms {
  /** h2c or https. */
  url: URL;
  /** Time for its answer, milliseconds. Default: LIMIT_ANSWER_MS. */
  answerMs?: number;
  /**
   * How it is asked whether it is well. Default: gRPC's health protocol at its own port. A URL is of the same host, at
   * another port: well is 200. `tcp`: it is well if it takes a connection.
   */
  health?: URL | 'tcp';
}

/** Removes the questions of global limits: in front of FIM those of clients, behind it its own. */
export function dropQuestions(name: string): EnvoyObject {
  return {
    name,
    typed_config: {
      '@type': `${FILTERS}.header_mutation.v3.HeaderMutation`,
      mutations: { request_mutations: QUESTIONS.map((remove) => ({ remove })) },
    },
  };
}

/**
 * Envoy's rate-limit filters, which ask the service what FIM's headers say. One lets pass while the service does not
 * answer, the other refuses; a request without such headers goes through both unasked. `answerMs`: how long they wait.
 * `prefix`: that of their names.
 */
export function limitFilters(answerMs: number = LIMIT_ANSWER_MS, prefix = 'fim.limits'): EnvoyObject[] {
  const filters = (['open', 'closed'] as const).map((kind) => ({
    ...limitFilter(kind, answerMs),
    name: `${prefix}.${kind}`,
  }));
  return [...filters, dropQuestions(`${prefix}.asked`)];
}

function limitFilter(kind: 'open' | 'closed', answerMs: number): EnvoyObject {
  return {
    typed_config: {
      '@type': `${FILTERS}.ratelimit.v3.RateLimit`,
      domain: LIMITS_DOMAIN,
      timeout: `${answerMs / 1000}s`,
      failure_mode_deny: kind === 'closed',
      status_on_error: { code: 'ServiceUnavailable' },
      stat_prefix: kind,
      disable_x_envoy_ratelimited_header: true,
      rate_limit_service: {
        transport_api_version: 'V3',
        grpc_service: { envoy_grpc: { cluster_name: LIMITS_CLUSTER } },
      },
      rate_limits: SLOTS.map((slot) => ({
        actions: [
          entry('fim_limit', `${FLEET_HEADERS[kind]}${slot}`),
          entry('fim_terms', `${FLEET_HEADERS.terms}${slot}`),
          entry('fim_key', `${FLEET_HEADERS.key}${slot}`),
        ],
        hits_addend: { format: `%REQ(${FLEET_HEADERS.cost}${slot})%` },
      })),
    },
  };
}

function entry(descriptor_key: string, header_name: string): EnvoyObject {
  return { request_headers: { header_name, descriptor_key } };
}

/**
 * The service's cluster. What fails LIMIT_FAILURES times in a row is not asked any more until its health says that it is
 * well: so a service that hangs costs a few requests LIMIT_ANSWER_MS, and not all of them, and it comes back to one
 * question and not to a herd.
 */
export function limitsCluster({ url, health }: LimitServiceTerms, whole?: string): EnvoyObject {
  const base = cluster(LIMITS_CLUSTER, url, {}, whole);
  return {
    ...base,
    ...(health instanceof URL ? { load_assignment: askedElsewhere(url, health) } : {}),
    connect_timeout: `${Math.min(CONNECT_TIMEOUT_MS, LIMIT_HEALTH_INTERVAL_MS) / 1000}s`,
    circuit_breakers: {
      thresholds: [{ max_requests: MAX_LIMIT_QUESTIONS, max_pending_requests: MAX_LIMIT_QUESTIONS }],
    },
    common_lb_config: {
      healthy_panic_threshold: { value: 0 },
      // Else workers would hear up to a second late that the service is well again.
      update_merge_window: '0s',
    },
    outlier_detection: {
      consecutive_gateway_failure: LIMIT_FAILURES,
      enforcing_consecutive_gateway_failure: 100,
      consecutive_5xx: LIMIT_FAILURES,
      interval: '0.1s',
      // No longer than until its health is known: Envoy would add a time for each ejection before.
      base_ejection_time: `${LIMIT_HEALTH_INTERVAL_MS / 1000}s`,
      max_ejection_time: `${LIMIT_HEALTH_INTERVAL_MS / 1000}s`,
      max_ejection_time_jitter: '0s',
      max_ejection_percent: 100,
    },
    health_checks: [
      {
        timeout: `${LIMIT_HEALTH_INTERVAL_MS / 1000}s`,
        interval: `${LIMIT_HEALTH_INTERVAL_MS / 1000}s`,
        no_traffic_interval: `${LIMIT_HEALTH_INTERVAL_MS / 1000}s`,
        unhealthy_interval: `${LIMIT_RETURN_INTERVAL_MS / 1000}s`,
        // What says that it is not well is believed at once; that it is late may be the machine's.
        unhealthy_threshold: LIMIT_FAILURES,
        healthy_threshold: 1,
        ...healthCheck(health),
      },
    ],
  };
}

function healthCheck(health: LimitServiceTerms['health']): EnvoyObject {
  if (health === undefined) return { grpc_health_check: {} };
  if (health === 'tcp') return { tcp_health_check: {} };
  return { http_health_check: { host: health.host, path: health.pathname } };
}

/** The service, whose health is asked at another port. */
function askedElsewhere(url: URL, health: URL): EnvoyObject {
  const endpoint = {
    address: { socket_address: { address: hostOf(url), port_value: portOf(url) } },
    health_check_config: { port_value: portOf(health) },
  };
  return { cluster_name: LIMITS_CLUSTER, endpoints: [{ lb_endpoints: [{ endpoint }] }] };
}
