// The cost of a canary to requests, and with `--times` how soon a bad one is gone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { PluginConfig } from '../../envoy/route/index.ts';
import type { CanaryPlugin } from '../../envoy/xds/index.ts';
import { filterSlots, pluginResource } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { runLoad } from '../chain/load.ts';
import { spread } from '../chain/spread.ts';
import { startEnvoy } from '../chain/targets.ts';
import type { Surroundings, Target } from '../chain/targets.ts';
import { startQuietUpstream } from '../chain/upstream.ts';
import { printTimes } from './times.ts';

const DEFAULT_ROUNDS = 15;
const REQUESTS = 1000;
const CONNECTIONS = 4;
const NANOS_PER_MICRO = 1000;
const BYTES_PER_MEBIBYTE = 1024 * 1024;

const BODY = JSON.stringify({ transCode: '01000000', memo: 'x'.repeat(980) });
const HEAD = `POST /pay HTTP/1.1\r\nhost: fim.bench\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n`;

type Variant = NonNullable<PluginConfig['variant']>;

/** A route that validates bodies of 1 KiB. */
function policy(more: { variant?: Variant; shadow?: boolean } = {}): PluginConfig {
  const pbocValidator = { rules: [{ path: '$.transCode', required: true, pattern: '^01[0-9]{6}$' }] };
  const route = {
    name: 'bench/pay',
    match: { path: { type: 'Exact', value: '/pay' } },
    stages: { pbocValidator },
    ...(more.shadow === true ? { shadow: { release: 'bench', stages: { pbocValidator } } } : {}),
  };
  const variant = more.variant === undefined ? {} : { variant: more.variant };
  return { version: '1.0', generation: 1, ...variant, routes: [route] } as PluginConfig;
}

interface Subject {
  name: string;
  config: PluginConfig;
  /** Whether a canary runs beside it. */
  canary: boolean;
  /** Header lines besides. */
  headers: string;
}

const variant = (name: Variant['name']): Variant => ({ name, route: 'bench/pay' });
const PLAIN = 'no canary';
const SUBJECTS: readonly Subject[] = [
  { name: PLAIN, config: policy(), canary: false, headers: '' },
  { name: 'stable beside a canary', config: policy({ variant: variant('stable') }), canary: true, headers: '' },
  {
    name: 'the canary, by header',
    config: policy({ variant: variant('stable') }),
    canary: true,
    headers: 'x-canary: v2\r\n',
  },
  { name: 'with a shadow', config: policy({ shadow: true }), canary: false, headers: '' },
];

async function start({ config, canary }: Subject, around: Surroundings): Promise<Target> {
  const [slot] = filterSlots('fused');
  const [module] = await buildModules(['fim']);
  const plugin: CanaryPlugin = {
    moduleFile: module!.path,
    config: policy({ variant: variant('canary') }),
    division: { header: { name: 'x-canary', value: 'v2', setBy: 'the bench' }, hash: { header: 'x-user' }, share: 5 },
  };
  const resource = pluginResource(slot!, module!.path, config, canary ? plugin : undefined);
  return startEnvoy('fused', [{ name: slot!.filter, resource }], around);
}

function mebibytesOf({ pid }: Target): number {
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / BYTES_PER_MEBIBYTE;
}

export async function main(args: string[]): Promise<void> {
  if (args.includes('--times')) return printTimes();
  const asked = args.indexOf('--rounds');
  const rounds = asked < 0 ? DEFAULT_ROUNDS : Number(args[asked + 1]);
  const upstream = await startQuietUpstream();
  const around: Surroundings = {
    upstream: new URL(`http://127.0.0.1:${upstream.port}`),
    kms: new URL('http://127.0.0.1:9'),
    key: '',
    counts: false,
  };
  const targets = new Map<Subject, Target>();
  const micros = new Map<string, number[]>(SUBJECTS.map(({ name }) => [name, []]));
  const mebibytes = new Map<string, number>();
  try {
    for (const subject of SUBJECTS) targets.set(subject, await start(subject, around));
    for (let round = -1; round < rounds; round++)
      for (const [{ name, headers }, { port, processorNanos }] of targets) {
        const request = Buffer.from(`${HEAD}${headers}\r\n${BODY}`);
        const before = processorNanos();
        const { statuses } = await runLoad({ port, request, connections: CONNECTIONS, requests: REQUESTS });
        assert.deepEqual([...statuses], [[200, REQUESTS]], name);
        // The first round fills caches.
        if (round >= 0) micros.get(name)!.push((processorNanos() - before) / REQUESTS / NANOS_PER_MICRO);
      }
    for (const [{ name }, target] of targets) mebibytes.set(name, mebibytesOf(target));
  } finally {
    for (const target of targets.values()) await target.stop();
    await upstream.stop();
  }
  const plain = micros.get(PLAIN)!;
  const figures = SUBJECTS.map(({ name }) => ({
    name,
    micros: spread(micros.get(name)!),
    added: spread(micros.get(name)!.map((value, at) => value - plain[at]!)),
    mebibytes: mebibytes.get(name)!,
  }));
  console.log(
    `processor µs a request, ${rounds} rounds of ${REQUESTS} requests: median (quartiles), added to ${PLAIN}; memory of the proxy`,
  );
  for (const { name, micros: own, added, mebibytes: size } of figures)
    console.log(
      `${name.padEnd(24)} ${own.median.toFixed(1)} (${own.lower.toFixed(1)} to ${own.upper.toFixed(1)})  ` +
        `${added.median.toFixed(1)} (${added.lower.toFixed(1)} to ${added.upper.toFixed(1)})  ${size.toFixed(0)} MiB`,
    );
  const at = args.indexOf('--json');
  if (at >= 0) await writeFile(args[at + 1]!, `${JSON.stringify(figures, null, 2)}\n`);
}
