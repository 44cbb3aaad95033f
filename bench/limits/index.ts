// Processor time of a limit at the proxy: FIM's, and Envoy's own local_ratelimit. Each subject is an Envoy with one worker;
// they take turns in rounds, and each is compared with the bare proxy of the same round.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { PluginConfig, RateLimitRuleConfig } from '../../envoy/route/index.ts';
import { filterSlots, pluginResource } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { runLoad } from '../chain/load.ts';
import { spread } from '../chain/spread.ts';
import { startEnvoy } from '../chain/targets.ts';
import type { Surroundings, Target } from '../chain/targets.ts';
import { startQuietUpstream } from '../chain/upstream.ts';

const DEFAULT_ROUNDS = 15;
const REQUESTS = 1000;
const CONNECTIONS = 4;
const NANOS_PER_MICRO = 1000;
/** As many as one configuration takes, with the one that is measured. */
const MANY_ROUTES = 999;
const LOCAL_LIMIT = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';

const request = (key: string): Buffer =>
  Buffer.from(`GET /limited HTTP/1.1\r\nhost: fim.bench\r\nx-client-id: ${key}\r\n\r\n`);

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

interface Subject {
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

const BARE = 'no filter';
const NATIVE = 'local_ratelimit';
const SUBJECTS: readonly Subject[] = [
  { name: BARE, start: (around) => startEnvoy('fused', [], around) },
  { name: NATIVE, start: (around, tokens) => startEnvoy('fused', [], around, [native(tokens)]) },
  limited('FIM, one bucket'),
  limited('FIM, a key', { key: [{ source: 'Header', header: 'x-client-id' }] }),
  limited('FIM, a key, 1,000 routes', { key: [{ source: 'Header', header: 'x-client-id' }] }, MANY_ROUTES),
];

/** Each subject lets in as many as it may, and no more. */
async function check(subject: Subject, around: Surroundings): Promise<void> {
  if (subject.name === BARE) return;
  const target = await subject.start(around, 7);
  try {
    const { statuses } = await runLoad({ port: target.port, request: request('a'), connections: 1, requests: 10 });
    assert.deepEqual([...statuses], [[200, 7], [429, 3]], subject.name); // prettier-ignore
  } finally {
    await target.stop();
  }
}

export async function main(args: string[]): Promise<void> {
  const asked = args.indexOf('--rounds');
  const rounds = asked < 0 ? DEFAULT_ROUNDS : Number(args[asked + 1]);
  const upstream = await startQuietUpstream();
  const around: Surroundings = {
    upstream: new URL(`http://127.0.0.1:${upstream.port}`),
    kms: new URL('http://127.0.0.1:9'),
    key: '',
    counts: false,
  };
  const targets = new Map<string, Target>();
  const micros = new Map<string, number[]>(SUBJECTS.map(({ name }) => [name, []]));
  try {
    for (const subject of SUBJECTS) await check(subject, around);
    for (const subject of SUBJECTS) targets.set(subject.name, await subject.start(around, 1_000_000_000));
    for (let round = -1; round < rounds; round++)
      for (const [name, { port, processorNanos }] of targets) {
        const before = processorNanos();
        const { statuses } = await runLoad({
          port,
          request: request('a'),
          connections: CONNECTIONS,
          requests: REQUESTS,
        });
        assert.deepEqual([...statuses], [[200, REQUESTS]], name);
        // The first round fills caches.
        if (round >= 0) micros.get(name)!.push((processorNanos() - before) / REQUESTS / NANOS_PER_MICRO);
      }
  } finally {
    for (const target of targets.values()) await target.stop();
    await upstream.stop();
  }
  const byNative = micros.get(NATIVE)!;
  const figures = SUBJECTS.map(({ name }) => ({
    name,
    micros: spread(micros.get(name)!),
    byNative: spread(micros.get(name)!.map((value, at) => value / byNative[at]!)),
  }));
  console.log(`processor µs a request, ${rounds} rounds of ${REQUESTS} requests: median (quartiles), and by ${NATIVE}`);
  for (const { name, micros: own, byNative: ratio } of figures)
    console.log(
      `${name.padEnd(28)} ${own.median.toFixed(1)} (${own.lower.toFixed(1)} to ${own.upper.toFixed(1)})  ` +
        `${ratio.median.toFixed(2)} (${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)})`,
    );
  const at = args.indexOf('--json');
  if (at >= 0) await writeFile(args[at + 1]!, `${JSON.stringify(figures, null, 2)}\n`);
}
