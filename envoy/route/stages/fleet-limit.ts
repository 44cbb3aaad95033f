// Limits that all Envoys share. One place decides what becomes of a request while their service does not answer: its
// ceiling, and whether the question goes by the filter that then refuses or by the one that lets pass.
import { MAX_LIMIT_REQUESTS, OPEN_CEILING_FACTOR } from '../../limits.ts';
import { durationMs } from '../duration.ts';
import type { RouteNamedLimit } from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type { PluginConfig, RateLimitRuleConfig } from '../plugin-config.gen.ts';
import type { RouteResource } from '../resource.ts';
import type { Report } from '../schema-check.ts';

/** Names of the headers of one question, and of the descriptor's entries that they become. */
export const FLEET_HEADERS = {
  open: 'x-fim-limit-open-',
  closed: 'x-fim-limit-closed-',
  terms: 'x-fim-limit-terms-',
  key: 'x-fim-limit-key-',
  cost: 'x-fim-limit-cost-',
} as const;

/** The headers of the question with this number, 1 and up. */
export function fleetHeaders(slot: number): string[] {
  return Object.values(FLEET_HEADERS).map((header) => `${header}${slot}`);
}

export function isGlobal({ scope }: RouteNamedLimit): boolean {
  return scope === 'Global';
}

/** Whether a resource has global limits, its own or of a baseline. */
export function hasGlobalLimits({ sections }: Pick<RouteResource, 'sections'>): boolean {
  return sections.rateLimit?.value.limits?.some(isGlobal) === true;
}

/** Whether a plugin's routes have global limits. */
export function asksFleet({ routes }: PluginConfig): boolean {
  return routes.some(({ stages }) => stages.rateLimiter?.limits?.some(({ fleet }) => fleet !== undefined));
}

export function checkFleet(limit: RouteNamedLimit, at: Path, report: Report): void {
  const { algorithm, ceiling, onStoreFailure = 'Local', requests, cost } = limit;
  if (!isGlobal(limit)) {
    if (ceiling !== undefined || onStoreFailure !== 'Local')
      report('FIM-CFG-1095', at, 'ceiling and onStoreFailure go with scope: Global');
    return;
  }
  const without = [
    algorithm === 'Concurrency' ? 'Concurrency' : undefined,
    limit.shape === undefined ? undefined : 'shape',
    limit.observe === true ? 'observe' : undefined,
    limit.refund === true ? 'refund' : undefined,
    cost?.responseHeader === undefined ? undefined : 'cost.responseHeader',
  ].filter((name) => name !== undefined);
  if (without.length > 0) report('FIM-CFG-1095', at, `${without.join(' and ')} does not go with scope: Global`);
  if (onStoreFailure === 'Local' && ceiling !== undefined && ceiling > requests)
    report('FIM-CFG-1095', [...at, 'ceiling'], 'it decides alone while the service is gone: at most `requests`');
}

/** The rule of a global limit: its numbers as the service reads them, and the ceiling of one Envoy as its own. */
export function fleetLimit(rule: RateLimitRuleConfig, limit: RouteNamedLimit, slot: number): RateLimitRuleConfig {
  const { ceiling, onStoreFailure = 'Local' } = limit;
  const factor = onStoreFailure === 'Allow' ? OPEN_CEILING_FACTOR : 1;
  const most = (number: number): number => Math.min(number * factor, MAX_LIMIT_REQUESTS);
  const { burst, ...others } = rule;
  return {
    ...others,
    requests: ceiling ?? most(rule.requests),
    ...(ceiling === undefined && burst !== undefined ? { burst: most(burst) } : {}),
    fleet: {
      slot,
      ...(onStoreFailure === 'Deny' ? { closed: true } : {}),
      terms: fleetTerms(limit, rule.requests, burst),
    },
    ...(rule.overrides === undefined
      ? {}
      : {
          overrides: rule.overrides.map((override) => ({
            ...override,
            requests: most(override.requests),
            ...(override.burst === undefined ? {} : { burst: most(override.burst) }),
            terms: fleetTerms(limit, override.requests, override.burst),
          })),
        }),
  };
}

/** `TokenBucket;q=100;p=60000;b=20`: so many in so many milliseconds, and at once. `SlidingWindow` has no `b`. */
export function fleetTerms(
  { algorithm = 'TokenBucket', period = '' }: RouteNamedLimit,
  requests: number,
  burst?: number,
): string {
  const base = `${algorithm};q=${requests};p=${durationMs(period)}`;
  return algorithm === 'TokenBucket' ? `${base};b=${burst ?? requests}` : base;
}
