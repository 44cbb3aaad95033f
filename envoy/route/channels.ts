// Channels of a route: their rules, and the model of them that Envoy's clusters and routes are made from.
import { MAX_HEALTH_INTERVAL_MS, MAX_HOLD_DOWN_MS, MAX_PER_TRY_MS } from '../limits.ts';
import { durationMs } from './duration.ts';
import type {
  ChannelHealthCheck,
  FailoverReason,
  RouteChannel,
  RouteFailover,
  RouteSpec,
} from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { LaneConfig } from './plugin-config.gen.ts';
import type { Report } from './schema-check.ts';

/** Header by which Envoy chooses a route's channels. Only the module sets it, and no upstream gets it. */
export const LANE_HEADER = 'x-fim-lane';
/** Header with the `grpc-timeout` that the next hop gets. Only the module sets it, and no upstream gets it. */
export const NEXT_GRPC_TIMEOUT_HEADER = 'x-fim-grpc-timeout';
/** Ending of the header's value for requests that may be repeated. */
export const REPEATABLE = '~';

/** Ending of a lane's name for those of its channels that are backups. */
export const BACKUPS = '!';

/** Headers by which a client could change how often and how long Envoy tries. */
const STEERING = [
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-upstream-alt-stat-name',
  'x-envoy-upstream-rq-timeout-alt-response',
  'x-envoy-upstream-rq-timeout-ms',
  'x-envoy-upstream-rq-per-try-timeout-ms',
];

/** Headers that Envoy or ordinary clients write into every request. As a key they would make each one repeatable. */
const IN_EVERY_REQUEST =
  /^(?:x-request-id|x-client-trace-id|x-forwarded-.*|x-real-ip|x-envoy-.*|x-fim-.*|traceparent|tracestate|x-b3-.*|b3|via|forwarded|host|date|accept|accept-.*|user-agent|connection|keep-alive|te|content-type|content-length|transfer-encoding|authorization|cookie)$/;

/** One channel. Times in milliseconds. */
export interface Channel {
  name: string;
  url: string;
  weight: number;
  region: string;
  /** 0: takes requests first. Each next tier takes them while none of the one before is healthy. */
  tier: number;
  checked: boolean;
}

export interface HealthCheck {
  path: string;
  intervalMs: number;
  timeoutMs: number;
  unhealthyAfter: number;
  healthyAfter: number;
}

/** The channels of a route, and what happens when one fails. */
export interface Lane {
  /** `namespace/name` of the route. */
  name: string;
  channels: Channel[];
  /** Absent: no channel is asked. */
  healthCheck?: HealthCheck;
  /** Tries of one request in all. */
  attempts: number;
  perTryMs?: number;
  on: FailoverReason[];
  holdDownMs: number;
  /** Requests have a deadline, which the module tells Envoy. */
  hasDeadline: boolean;
}

/** Headers that nobody but the module may set where some route has a lane, lower case. */
export function laneHeaders(routes: readonly { lane?: LaneConfig }[]): string[] {
  return routes.some(({ lane }) => lane !== undefined) ? [LANE_HEADER, NEXT_GRPC_TIMEOUT_HEADER, ...STEERING] : [];
}

/** The module's part of a route's channels. Undefined: it has none. */
export function laneConfig(key: string, { channels, failover }: RouteSpec): LaneConfig | undefined {
  if (channels === undefined) return undefined;
  const header = failover?.idempotencyKey?.header;
  return { name: key, ...(header === undefined ? {} : { idempotencyHeader: header.toLowerCase() }) };
}

/** The models of a route's channels: of all, and of the backups where an open breaker leads to them. `region`: of the proxy. */
export function lanesOf(key: string, { channels, failover, resilience }: RouteSpec, region?: string): Lane[] {
  if (channels === undefined) return [];
  const hasDeadline = resilience?.deadline !== undefined;
  const lane = (name: string, of: readonly RouteChannel[]): Lane => ({
    ...laneOf(name, of, failover, region),
    hasDeadline,
  });
  const all = lane(key, channels);
  if (resilience?.breaker?.open !== 'Backup') return [all];
  return [
    all,
    lane(
      `${key}${BACKUPS}`,
      channels.filter(({ role }) => role === 'Backup'),
    ),
  ];
}

function laneOf(
  name: string,
  channels: readonly RouteChannel[],
  failover: RouteFailover = {},
  region: string | undefined,
): Omit<Lane, 'hasDeadline'> {
  const check = channels.find(({ healthCheck }) => healthCheck !== undefined)?.healthCheck;
  return {
    name,
    channels: tiered(channels, region),
    ...(check === undefined ? {} : { healthCheck: healthCheckOf(check) }),
    attempts: failover.attempts ?? 2,
    ...(failover.perTry === undefined ? {} : { perTryMs: durationMs(failover.perTry) }),
    on: failover.on ?? ['ConnectFailure', 'Reset', 'Gateway'],
    holdDownMs: durationMs(failover.holdDown ?? '30s'),
  };
}

/** Channels with their tiers: those of the proxy's region, other active ones, backups. Tiers without channels close up. */
function tiered(channels: readonly RouteChannel[], region: string | undefined): Channel[] {
  const rank = ({ role, region: own }: RouteChannel): number =>
    (role === 'Backup' ? 2 : 0) + (region !== undefined && own !== region ? 1 : 0);
  const ranks = [...new Set(channels.map(rank))].sort((a, b) => a - b);
  return channels.map((channel) => ({
    name: channel.name,
    url: channel.url,
    weight: channel.weight ?? 1,
    region: channel.region ?? '',
    tier: ranks.indexOf(rank(channel)),
    checked: channel.healthCheck !== undefined,
  }));
}

function healthCheckOf({ path = '/', interval = '5s', timeout, ...counts }: ChannelHealthCheck): HealthCheck {
  const intervalMs = durationMs(interval);
  return {
    path,
    intervalMs,
    timeoutMs: timeout === undefined ? Math.min(intervalMs, 1000) : durationMs(timeout),
    unhealthyAfter: counts.unhealthyAfter ?? 3,
    healthyAfter: counts.healthyAfter ?? 2,
  };
}

/** Reports what the schema cannot say of channels and failover. */
export function checkChannels({ channels, failover }: RouteSpec, report: Report): void {
  const at: Path = ['spec', 'channels'];
  channels?.forEach((channel, index) => checkChannel(channel, channels.slice(0, index), [...at, index], report));
  if (channels !== undefined && channels.every(({ role }) => role === 'Backup'))
    report('FIM-CFG-1090', at, 'at least one channel is Active');
  if (failover === undefined) return;
  if (channels === undefined) report('FIM-CFG-1092', ['spec', 'failover']);
  const { perTry, holdDown } = failover;
  const where: Path = ['spec', 'failover'];
  const key = failover.idempotencyKey?.header.toLowerCase();
  if (key !== undefined && IN_EVERY_REQUEST.test(key))
    report('FIM-CFG-1097', [...where, 'idempotencyKey', 'header'], 'a header that not every request has');
  if (perTry !== undefined && !within(perTry, 10, MAX_PER_TRY_MS))
    report('FIM-CFG-1039', [...where, 'perTry'], 'from 10ms to 5m');
  if (holdDown !== undefined && !within(holdDown, 1000, MAX_HOLD_DOWN_MS))
    report('FIM-CFG-1039', [...where, 'holdDown'], 'from 1s to 1h');
}

function checkChannel(channel: RouteChannel, before: readonly RouteChannel[], at: Path, report: Report): void {
  const { name, url, healthCheck } = channel;
  const [first] = before;
  if (before.some((other) => other.name === name)) report('FIM-CFG-1090', [...at, 'name'], 'names are unique');
  if (!URL.canParse(url) || new URL(url).hostname === '') {
    report('FIM-CFG-1090', [...at, 'url'], 'scheme, host and port');
    return;
  }
  if (first !== undefined && URL.canParse(first.url) && new URL(first.url).protocol !== new URL(url).protocol)
    report('FIM-CFG-1090', [...at, 'url'], 'all channels of a route have one scheme');
  if (healthCheck === undefined) return;
  const { interval = '5s', timeout } = healthCheck;
  if (!within(interval, 100, MAX_HEALTH_INTERVAL_MS))
    report('FIM-CFG-1039', [...at, 'healthCheck', 'interval'], 'from 100ms to 5m');
  if (timeout !== undefined && !within(timeout, 10, durationMs(interval)))
    report('FIM-CFG-1039', [...at, 'healthCheck', 'timeout'], 'from 10ms to the interval');
  const other = before.find((one) => one.healthCheck !== undefined)?.healthCheck;
  if (other !== undefined && JSON.stringify(healthCheckOf(other)) !== JSON.stringify(healthCheckOf(healthCheck)))
    report('FIM-CFG-1090', [...at, 'healthCheck'], 'health checks of one route are the same');
}

function within(text: string, least: number, most: number): boolean {
  const ms = durationMs(text);
  return ms >= least && ms <= most;
}
