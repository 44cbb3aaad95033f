// The subjects of the comparison: one Envoy with one worker each, that differ in what limits requests.
import type { PluginConfig, RateLimitRuleConfig } from '../../envoy/route/index.ts';
import { filterSlots, pluginResource } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { startEnvoy } from '../chain/targets.ts';
import type { Surroundings, Target } from '../chain/targets.ts';

/** As many as one configuration takes, with the one that is measured. */
const MANY_ROUTES = 999;
const LOCAL_LIMIT = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';

/** Envoy's own token bucket, that refuses beyond `tokens` an hour. */
const native = (tokens: number): object => ({
  name: 'envoy.filters.http.local_ratelimit',
  typed_config: {
    '@type': LOCAL_LIMIT,
    stat_prefix: 'bench',
    token_bucket: { max_tokens: tokens, tokens_per_fill: tokens, fill_interval: '3600s' },
    filter_enabled: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
    filter_enforced: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
  },
});

function policy(rules: RateLimitRuleConfig[], routes = 0): PluginConfig {
  const route = (path: string, limits: RateLimitRuleConfig[]): object => ({
    name: `bench${path}`,
    match: { path: { type: 'Exact', value: path } },
    stages: { rateLimiter: { id: `bench${path}`, limits } },
  });
  const others = Array.from({ length: routes }, (_, at) => route(`/other-${at}`, [rule('other', 1000)]));
  return { version: '1.0', generation: 1, routes: [...others, route('/limited', rules)] } as unknown as PluginConfig;
}

const rule = (name: string, requests: number, more: object = {}): RateLimitRuleConfig =>
  ({ name, id: `bench/${name}`, requests, periodMs: 3_600_000, ...more }) as RateLimitRuleConfig;

export interface Subject {
  name: string;
  start: (around: Surroundings, tokens: number) => Promise<Target>;
}

const limited = (name: string, more: object = {}, routes = 0): Subject => ({
  name,
  async start(around, tokens) {
    const slot = filterSlots('chain').find(({ module }) => module === 'rate-limiter')!;
    const [module] = await buildModules(['rate-limiter']);
    const config = policy([rule('limited', tokens, more)], routes);
    return startEnvoy('chain', [{ name: slot.filter, resource: pluginResource(slot, module!.path, config) }], around);
  },
});

export const BARE = 'no filter';
export const NATIVE = 'local_ratelimit';
export const SUBJECTS: readonly Subject[] = [
  { name: BARE, start: (around) => startEnvoy('fused', [], around) },
  { name: NATIVE, start: (around, tokens) => startEnvoy('fused', [], around, [native(tokens)]) },
  limited('FIM, one bucket'),
  limited('FIM, a key', { key: [{ source: 'Header', header: 'x-client-id' }] }),
  limited('FIM, a key, 1,000 routes', { key: [{ source: 'Header', header: 'x-client-id' }] }, MANY_ROUTES),
];
