import { isIP } from 'node:net';
import {
  MAX_FIELD_PATH_STEPS,
  MAX_FLEET_LIMITS,
  MAX_LIMIT_KEY_PARTS,
  MAX_LIMIT_PERIOD_MS,
  MAX_LIMIT_WAIT_MS,
} from '../../limits.ts';
import { durationMs } from '../duration.ts';
import { fieldSteps } from '../field-place.ts';
import type {
  AddressGroup,
  RateLimitKey,
  RouteLimitCost,
  RouteLimitShape,
  RouteNamedLimit,
  RouteRateLimit,
} from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type {
  RateLimitCostConfig,
  RateLimiterConfig,
  RateLimitKeyConfig,
  RateLimitRuleConfig,
} from '../plugin-config.gen.ts';
import type { Report } from '../schema-check.ts';
import { checkFleet, fleetHeaders, fleetLimit, isGlobal } from './fleet-limit.ts';
import { stage } from './stage-row.ts';

/** Time for which a request in flight counts whose end was not seen. */
const DEFAULT_LEASE = '5m';
/** Name of the limit without a name. */
const UNNAMED = 'default';

/** Bits by which networks are told apart, by the version of IP. Providers hand out IPv6 in networks of 64. */
const ADDRESS_BITS: Readonly<Record<number, number>> = { 4: 32, 6: 64 };

/** Statuses with which a refusal may be answered. Of 400 the proxy makes a closed connection. */
const STATUSES: readonly number[] = [403, 429, 503];

/** Limits on requests. */
export const rateLimit = stage({
  section: 'rateLimit',
  folder: 'rate-limiter',
  observable: true,

  rank(value, direction) {
    // Answers are only told how much is left.
    if (direction === 'Response') return undefined;
    return readsBody(value) ? 'LimitByField' : 'Limit';
  },

  readsBody,
  keys: () => [],

  check({ value, path }, _, report) {
    const { requests, period, burst, key, limits } = value;
    const unnamed = [requests, period].filter((part) => part !== undefined).length;
    if (value.status !== undefined && !STATUSES.includes(value.status))
      report('FIM-CFG-1086', [...path, 'status'], '403, 429 or 503');
    if (unnamed === 1) report('FIM-CFG-1086', path, 'requests and period go together');
    if (unnamed === 0 && limits === undefined) report('FIM-CFG-1086', path, 'requests and period, or limits');
    if (unnamed === 0 && (burst ?? key) !== undefined)
      report('FIM-CFG-1086', path, 'burst and key go with requests and period');
    if (period !== undefined) checkPeriod(period, [...path, 'period'], report);
    if (key !== undefined) checkKey(key, [...path, 'key'], report);
    limits?.forEach((limit, index) => {
      checkLimit(limit, limits.slice(0, index), [...path, 'limits', index], report);
      checkFleet(limit, [...path, 'limits', index], report);
    });
    if ((limits ?? []).filter(isGlobal).length > MAX_FLEET_LIMITS)
      report('FIM-CFG-1095', [...path, 'limits'], `at most ${MAX_FLEET_LIMITS} of one route`);
  },

  ownHeaders: ({ limits = [] }) => limits.flatMap(({ fleet }) => (fleet === undefined ? [] : fleetHeaders(fleet.slot))),

  // The id is the resource's, so that its buckets live on over edits.
  translate({ value, path }, { buckets, note, spec, enforced = [] }) {
    note([], path);
    const config: RateLimiterConfig = { id: `${buckets}/0` };
    if (value.requests !== undefined && value.period !== undefined) {
      note(['periodMs'], [...path, 'period']);
      config.requests = value.requests;
      config.periodMs = durationMs(value.period);
      if (value.burst !== undefined) config.burst = value.burst;
      if (value.key !== undefined) config.key = keyConfig(value.key);
    }
    if (value.headers === 'Always') config.headers = 'Always';
    if (value.legacyHeaders === true) config.legacyHeaders = true;
    if (value.status !== undefined) config.status = value.status;
    const { limits } = value;
    if (limits === undefined) return config;
    limits.forEach((_, index) => note(['limits', index], [...path, 'limits', index]));
    config.limits = limits.map((limit) => limitConfig(limit, limits, buckets));
    // What the service refuses is refused: a route that only observes does not ask it.
    if (spec.enforcement === 'Observe' && !enforced.includes('rateLimit')) return config;
    limits.filter(isGlobal).forEach((limit, index) => {
      const own = config.limits![limits.indexOf(limit)]!;
      config.limits![limits.indexOf(limit)] = fleetLimit(own, limit, index + 1);
    });
    return config;
  },
});

function readsBody({ key, limits = [] }: RouteRateLimit): boolean {
  return key?.field !== undefined || limits.some(limitReadsBody);
}

function limitReadsBody({ key = [], cost }: RouteNamedLimit): boolean {
  return key.some(({ field }) => field !== undefined) || (cost?.field ?? cost?.bodyBytes) !== undefined;
}

function checkPeriod(period: string, at: Path, report: Report): void {
  const ms = durationMs(period);
  if (ms < 1 || ms > MAX_LIMIT_PERIOD_MS) report('FIM-CFG-1039', at, 'from 1ms to 24h');
}

function checkKey(key: RateLimitKey, at: Path, report: Report): void {
  const { sourceAddress, clientCertificate, method, ...others } = key;
  const given = [sourceAddress === true, clientCertificate === true, method === true, ...Object.values(others)];
  if (given.filter(Boolean).length !== 1) report('FIM-CFG-1040', at);
  else if (key.field !== undefined) checkField(key.field, [...at, 'field'], report);
  else if (key.header !== undefined) checkHeader(key.header, [...at, 'header'], report);
  const groups = key.clientAddress?.groups;
  if (groups !== undefined) checkGroups(groups, [...at, 'clientAddress', 'groups'], report);
}

function checkHeader(name: string, at: Path, report: Report): void {
  if (name.toLowerCase() === 'host') report('FIM-CFG-1029', at, 'the host is no header of its own');
}

function checkField(field: string, at: Path, report: Report): void {
  const steps = fieldSteps(field);
  if (steps.length > MAX_FIELD_PATH_STEPS) report('FIM-CFG-1025', at, `at most ${MAX_FIELD_PATH_STEPS} steps`);
  else if (steps.some((step) => 'any' in step)) report('FIM-CFG-1025', at, 'one field, without wildcards');
}

/** `before`: the limits before it, among which its parent must be. */
function checkLimit(limit: RouteNamedLimit, before: readonly RouteNamedLimit[], at: Path, report: Report): void {
  const { name, algorithm = 'TokenBucket', period, burst, key = [], cost, parent, overrides = [] } = limit;
  if (name === UNNAMED) report('FIM-CFG-1086', [...at, 'name'], 'it is that of the limit without a name');
  if (before.some((other) => other.name === name)) report('FIM-CFG-1086', [...at, 'name'], 'names are unique');
  if (period !== undefined) checkPeriod(period, [...at, 'period'], report);
  else if (algorithm !== 'Concurrency') report('FIM-CFG-1086', at, `${algorithm} needs a period`);
  if (burst !== undefined && algorithm !== 'TokenBucket')
    report('FIM-CFG-1086', [...at, 'burst'], 'only a TokenBucket has one');
  key.forEach((part, index) => checkKey(part, [...at, 'key', index], report));
  if (parent !== undefined && !before.some((other) => other.name === parent))
    report('FIM-CFG-1086', [...at, 'parent'], 'no earlier limit has this name');
  const parts = keyParts(limit, before);
  if (parts > MAX_LIMIT_KEY_PARTS)
    report('FIM-CFG-1086', [...at, 'key'], `at most ${MAX_LIMIT_KEY_PARTS} parts with those of the parents`);
  overrides.forEach((override, index) => {
    if (override.key.length !== parts)
      report('FIM-CFG-1086', [...at, 'overrides', index, 'key'], `the key has ${parts} parts`);
    if (override.burst !== undefined && algorithm !== 'TokenBucket')
      report('FIM-CFG-1086', [...at, 'overrides', index, 'burst'], 'only a TokenBucket has one');
  });
  if (cost !== undefined) checkCost(cost, algorithm, [...at, 'cost'], report);
  if (limit.shape !== undefined) checkShape(limit.shape, limit, [...at, 'shape'], report);
}

function checkShape({ maxWait }: RouteLimitShape, limit: RouteNamedLimit, at: Path, report: Report): void {
  const ms = durationMs(maxWait);
  if (ms < 1 || ms > MAX_LIMIT_WAIT_MS) report('FIM-CFG-1039', [...at, 'maxWait'], 'from 1ms to 30s');
  if ((limit.algorithm ?? 'TokenBucket') !== 'TokenBucket')
    report('FIM-CFG-1086', at, 'only a TokenBucket has a shape');
  if (limit.cost !== undefined && limit.burst === undefined)
    report('FIM-CFG-1086', at, 'with a cost it needs a burst, which is the most that one request can cost');
}

/** Number of a key's parts with those of its parents. */
function keyParts({ key = [], parent }: RouteNamedLimit, before: readonly RouteNamedLimit[]): number {
  const at = before.findIndex((other) => other.name === parent);
  return key.length + (at < 0 ? 0 : keyParts(before[at]!, before.slice(0, at)));
}

function checkCost(cost: RouteLimitCost, algorithm: string, at: Path, report: Report): void {
  const { header, bodyBytes, field, bands, responseHeader } = cost;
  if (algorithm === 'Concurrency') report('FIM-CFG-1086', at, 'requests in flight have no cost');
  const given = [header, bodyBytes, field, responseHeader].filter((source) => source !== undefined).length;
  if (given !== 1 || (field === undefined) !== (bands === undefined))
    report('FIM-CFG-1086', at, 'exactly one of header, bodyBytes, field with bands, and responseHeader');
  if (field !== undefined) checkField(field, [...at, 'field'], report);
  if (header !== undefined) checkHeader(header, [...at, 'header'], report);
  bands?.forEach(({ from }, index) => {
    if (index > 0 && from <= bands[index - 1]!.from) report('FIM-CFG-1086', [...at, 'bands', index], 'bands rise');
  });
}

/** `10.0.0.0/8`. */
function rangeOf(cidr: string): { address: string; prefix: number } {
  const [address = '', prefix] = cidr.split('/');
  return { address, prefix: Number(prefix) };
}

function checkGroups(groups: readonly AddressGroup[], at: Path, report: Report): void {
  groups.forEach(({ name, cidrs }, index) => {
    if (groups.findIndex((other) => other.name === name) !== index)
      report('FIM-CFG-1086', [...at, index, 'name'], 'names are unique');
    cidrs.forEach((cidr, place) => {
      const { address, prefix } = rangeOf(cidr);
      const bits = ADDRESS_BITS[isIP(address)];
      if (bits === undefined || prefix > bits)
        report(
          'FIM-CFG-1086',
          [...at, index, 'cidrs', place],
          'an IPv4 network of 1 to 32 bits or an IPv6 network of 1 to 64',
        );
    });
  });
}

function keyConfig(key: RateLimitKey): RateLimitKeyConfig {
  if (key.header !== undefined) return { source: 'Header', header: key.header.toLowerCase() };
  if (key.sourceAddress === true) return { source: 'SourceAddress' };
  if (key.clientCertificate === true) return { source: 'ClientCertificate' };
  if (key.field !== undefined) return { source: 'Field', field: key.field };
  if (key.query !== undefined) return { source: 'Query', name: key.query };
  if (key.cookie !== undefined) return { source: 'Cookie', name: key.cookie };
  if (key.claim !== undefined) return { source: 'Claim', ...key.claim };
  if (key.method === true) return { source: 'Method' };
  if (key.path !== undefined) return { source: 'Path', ...key.path };
  const { trustedHops, groups, ...prefixes } = key.clientAddress ?? {};
  return {
    source: 'ClientAddress',
    ...prefixes,
    ...(trustedHops === undefined ? {} : { hops: trustedHops }),
    ...(groups === undefined
      ? {}
      : { groups: groups.map(({ name, cidrs }) => ({ name, ranges: cidrs.map(rangeOf) })) }),
  };
}

function limitConfig(limit: RouteNamedLimit, all: readonly RouteNamedLimit[], buckets: string): RateLimitRuleConfig {
  const { name, algorithm, requests, period = DEFAULT_LEASE, burst, key, parent, cost, overrides } = limit;
  const config: RateLimitRuleConfig = { name, id: `${buckets}/${name}`, requests, periodMs: durationMs(period) };
  if (algorithm !== undefined) config.algorithm = algorithm;
  if (burst !== undefined) config.burst = burst;
  if (limit.shape !== undefined) {
    const { maxWait, queue, overflow } = limit.shape;
    config.burst = burst ?? 1;
    config.shape = { maxWaitMs: durationMs(maxWait), queue, ...(overflow === 'Drop' ? { overflow } : {}) };
  }
  if (key !== undefined) config.key = key.map(keyConfig);
  if (parent !== undefined) config.parent = all.findIndex((other) => other.name === parent) + 1;
  if (cost !== undefined) config.cost = costConfig(cost);
  if (overrides !== undefined) config.overrides = overrides;
  if (limit.observe === true) config.observe = true;
  if (limit.refund === true) config.refund = true;
  return config;
}

function costConfig({ header, bodyBytes, field, bands, responseHeader, max }: RouteLimitCost): RateLimitCostConfig {
  const most = max === undefined ? {} : { max };
  if (header !== undefined) return { source: 'Header', header: header.toLowerCase(), ...most };
  if (bodyBytes !== undefined) return { source: 'BodyBytes', unitBytes: bodyBytes, ...most };
  if (field !== undefined) return { source: 'Field', field, bands: bands ?? [], ...most };
  return { source: 'ResponseHeader', header: (responseHeader ?? '').toLowerCase(), ...most };
}
