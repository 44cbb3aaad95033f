// Processor time that a breaker, a deadline and channels add to a request that FIM's module judges anyway. Each subject is
// an Envoy with one worker; they take turns in rounds, and each is compared with the route without them of the same round.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { PluginConfig, ResilienceConfig } from '../../envoy/route/index.ts';
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

const REQUEST = Buffer.from('GET /pay HTTP/1.1\r\nhost: fim.bench\r\n\r\n');
const DEADLINE = { totalMs: 60_000, perHopMs: 100 };

/** A route with a limit that is never met, so that the module works on its requests. */
function policy(resilience: ResilienceConfig | undefined, lane: boolean): PluginConfig {
  const limits = [{ name: 'all', id: 'bench/all', requests: 1_000_000_000, periodMs: 3_600_000 }];
  const route = {
    name: 'bench/pay',
    match: { path: { type: 'Exact', value: '/pay' } },
    ...(lane ? { lane: { name: 'bench/pay' } } : {}),
    stages: { rateLimiter: { id: 'bench/pay', limits }, ...(resilience === undefined ? {} : { resilience }) },
  };
  return { version: '1.0', generation: 1, routes: [route] } as unknown as PluginConfig;
}

const PLAIN = 'a route';
const SUBJECTS: readonly { name: string; config: PluginConfig }[] = [
  { name: PLAIN, config: policy(undefined, false) },
  { name: 'with a breaker', config: policy({ id: 'bench', breaker: {} }, false) },
  { name: 'with a deadline', config: policy({ id: 'bench', deadline: DEADLINE }, false) },
  { name: 'with channels', config: policy(undefined, true) },
  { name: 'with all three', config: policy({ id: 'bench', breaker: {}, deadline: DEADLINE }, true) },
];

async function start(config: PluginConfig, around: Surroundings): Promise<Target> {
  const [slot] = filterSlots('fused');
  const [module] = await buildModules(['fim']);
  return startEnvoy('fused', [{ name: slot!.filter, resource: pluginResource(slot!, module!.path, config) }], around);
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
    for (const { name, config } of SUBJECTS) targets.set(name, await start(config, around));
    for (let round = -1; round < rounds; round++)
      for (const [name, { port, processorNanos }] of targets) {
        const before = processorNanos();
        const { statuses } = await runLoad({ port, request: REQUEST, connections: CONNECTIONS, requests: REQUESTS });
        assert.deepEqual([...statuses], [[200, REQUESTS]], name);
        // The first round fills caches.
        if (round >= 0) micros.get(name)!.push((processorNanos() - before) / REQUESTS / NANOS_PER_MICRO);
      }
  } finally {
    for (const target of targets.values()) await target.stop();
    await upstream.stop();
  }
  const plain = micros.get(PLAIN)!;
  const figures = SUBJECTS.map(({ name }) => ({
    name,
    micros: spread(micros.get(name)!),
    added: spread(micros.get(name)!.map((value, at) => value - plain[at]!)),
  }));
  console.log(
    `processor µs a request, ${rounds} rounds of ${REQUESTS} requests: median (quartiles), and added to ${PLAIN}`,
  );
  for (const { name, micros: own, added } of figures)
    console.log(
      `${name.padEnd(20)} ${own.median.toFixed(1)} (${own.lower.toFixed(1)} to ${own.upper.toFixed(1)})  ` +
        `${added.median.toFixed(1)} (${added.lower.toFixed(1)} to ${added.upper.toFixed(1)})`,
    );
  const at = args.indexOf('--json');
  if (at >= 0) await writeFile(args[at + 1]!, `${JSON.stringify(figures, null, 2)}\n`);
}
