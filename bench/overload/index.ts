// A service that is asked for more than it can do, by who stands before it: nothing, FIM's queue, or what
// Envoy brings. Requests come at their times, whether or not earlier ones are answered.
import { writeFile } from 'node:fs/promises';
import type { PluginConfig, QueueConfig } from '../../envoy/route/index.ts';
import { filterSlots, pluginResource } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { startEnvoy } from '../chain/targets.ts';
import type { Surroundings, Target } from '../chain/targets.ts';
import { curves } from './curves.ts';
import type { Point } from './curves.ts';
import { offer } from './offer.ts';
import { CAPACITY, SERVERS, startBusyService } from './service.ts';

/** An answer counts if it comes within it, milliseconds. */
const BUDGET_MS = 600;
const LOADS = [0.5, 1, 1.5, 2, 3];
const DEFAULT_SECONDS = 6;

const QUEUE: QueueConfig = { inFlight: SERVERS, max: 2 * SERVERS, maxWaitMs: 250 };
const TYPES = 'type.googleapis.com/envoy.extensions.filters.http';

const ADAPTIVE = {
  name: 'envoy.filters.http.adaptive_concurrency',
  typed_config: {
    '@type': `${TYPES}.adaptive_concurrency.v3.AdaptiveConcurrency`,
    gradient_controller_config: {
      sample_aggregate_percentile: { value: 90 },
      concurrency_limit_params: { concurrency_update_interval: '0.1s' },
      min_rtt_calc_params: { interval: '60s', request_count: 50 },
    },
    enabled: { default_value: true, runtime_key: 'bench.adaptive' },
  },
};

const ADMISSION = {
  name: 'envoy.filters.http.admission_control',
  typed_config: {
    '@type': `${TYPES}.admission_control.v3.AdmissionControl`,
    enabled: { default_value: true, runtime_key: 'bench.admission' },
    sampling_window: '2s',
    success_criteria: { http_criteria: { http_success_status: [{ start: 200, end: 400 }] } },
  },
};

function policy(queue: QueueConfig): PluginConfig {
  const route = { name: 'bench/busy', stages: { resilience: { id: 'bench/busy', queue } } };
  return { version: '1.0', generation: 1, routes: [route] } as unknown as PluginConfig;
}

async function withQueue(queue: QueueConfig, around: Surroundings): Promise<Target> {
  const [slot] = filterSlots('fused');
  const [module] = await buildModules(['fim']);
  return startEnvoy(
    'fused',
    [{ name: slot!.filter, resource: pluginResource(slot!, module!.path, policy(queue)) }],
    around,
  );
}

const SUBJECTS: readonly { name: string; start: (around: Surroundings) => Promise<Target> }[] = [
  { name: 'nothing', start: (around) => startEnvoy('fused', [], around) },
  { name: 'FIM Fifo', start: (around) => withQueue(QUEUE, around) },
  { name: 'FIM Codel', start: (around) => withQueue({ ...QUEUE, codel: true }, around) },
  { name: 'adaptive_concurrency', start: (around) => startEnvoy('fused', [], around, [ADAPTIVE]) },
  { name: 'admission_control', start: (around) => startEnvoy('fused', [], around, [ADMISSION]) },
];

async function measure(target: Target, load: number, seconds: number): Promise<Point> {
  const answers = await offer(target.port, load * CAPACITY, seconds);
  const served = answers.filter(({ status }) => status === 200);
  const times = served.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return {
    load,
    goodput: served.filter(({ tookMs }) => tookMs <= BUDGET_MS).length / (seconds * CAPACITY),
    p99Ms: times[Math.floor(times.length * 0.99)] ?? 0,
    refused: answers.length - served.length,
  };
}

export async function main(args: string[]): Promise<void> {
  const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const seconds = Number(option('--seconds') ?? DEFAULT_SECONDS);
  const figures: { name: string; points: Point[] }[] = [];
  for (const { name, start } of SUBJECTS) {
    const points: Point[] = [];
    const service = await startBusyService();
    const target = await start({
      upstream: new URL(`http://127.0.0.1:${service.port}`),
      kms: new URL('http://127.0.0.1:9'),
      key: '',
      counts: false,
    });
    try {
      for (const load of LOADS) {
        await offer(target.port, CAPACITY / 4, 1);
        points.push(await measure(target, load, seconds));
        // What is left of one load would count for the next.
        service.forget();
      }
    } finally {
      await target.stop();
      await service.stop();
    }
    figures.push({ name, points });
    for (const { load, goodput, p99Ms, refused } of points)
      console.log(
        `${name.padEnd(22)} offered ${load.toFixed(1)}  goodput ${goodput.toFixed(2)}  ` +
          `p99 ${p99Ms.toFixed(0)} ms  not served ${refused}`,
      );
  }
  const json = option('--json');
  if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, null, 2)}\n`);
  const svg = option('--svg');
  if (svg !== undefined) await writeFile(svg, curves(figures));
}
