// Processor time that records of audit add to a request in the proxy's worker, without and with times, digests and a
// field. Each subject is an Envoy with one worker; they take turns in rounds, and each is compared with the route without
// audit of the same round. The collector is in this process, and has none of the worker's time.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AuditConfig, PluginConfig } from '../../envoy/route/index.ts';
import { KMS_CLUSTER, filterSlots, pluginResource } from '../../envoy/xds/index.ts';
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
const BODY = JSON.stringify({ card: '6222021234567890128', text: 'x'.repeat(980) });
const HEAD = 'host: fim.bench\r\ncontent-type: application/json\r\nx-user: teller-17\r\n';
const SMALL = Buffer.from(`GET /pay HTTP/1.1\r\n${HEAD}\r\n`);
const LARGE = Buffer.from(`POST /pay HTTP/1.1\r\n${HEAD}content-length: ${BODY.length}\r\n\r\n${BODY}`);

/** A route with a limit that is never met, so that the module works on its requests. */
function policy(audit: Partial<AuditConfig> | undefined): PluginConfig {
  const limits = [{ name: 'all', id: 'bench/all', requests: 1_000_000_000, periodMs: 3_600_000 }];
  const terms: AuditConfig = { cluster: KMS_CLUSTER, path: '/pay', subject: { from: 'Header', name: 'x-user' } };
  const route = {
    name: 'bench/pay',
    match: { path: { type: 'Exact', value: '/pay' } },
    stages: {
      rateLimiter: { id: 'bench/pay', limits },
      ...(audit === undefined ? {} : { audit: { ...terms, ...audit } }),
    },
  };
  return { version: '1.0', generation: 1, routes: [route] } as unknown as PluginConfig;
}

const LEAST = { digests: false, times: false };
const FIELD = { as: 'card', path: '$.card', mask: { kind: 'BankCard' } };
const SUBJECTS: readonly { name: string; plain?: string; config: PluginConfig; request: Buffer }[] = [
  { name: 'GET', config: policy(undefined), request: SMALL },
  { name: 'GET, record', plain: 'GET', config: policy(LEAST), request: SMALL },
  { name: 'GET, times', plain: 'GET', config: policy({ digests: false }), request: SMALL },
  { name: '1 KiB', config: policy(undefined), request: LARGE },
  { name: '1 KiB, record', plain: '1 KiB', config: policy(LEAST), request: LARGE },
  { name: '1 KiB, digests', plain: '1 KiB', config: policy({ times: false }), request: LARGE },
  { name: '1 KiB, a field', plain: '1 KiB', config: policy({ ...LEAST, data: [FIELD] }), request: LARGE },
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
  let records = 0;
  const collector = createServer((request, response) => {
    const [first, count] = ['first', 'count'].map((name) => Number(request.headers[`x-fim-audit-${name}`]));
    records += count!;
    request.resume().on('end', () => response.end(JSON.stringify({ acknowledged: first! + count! - 1 })));
  });
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  const around: Surroundings = {
    upstream: new URL(`http://127.0.0.1:${upstream.port}`),
    kms: new URL(`http://127.0.0.1:${(collector.address() as AddressInfo).port}`),
    key: '',
    counts: false,
  };
  const targets = new Map<string, Target>();
  const micros = new Map<string, number[]>(SUBJECTS.map(({ name }) => [name, []]));
  try {
    for (const { name, config } of SUBJECTS) targets.set(name, await start(config, around));
    for (let round = -1; round < rounds; round++)
      for (const { name, request } of SUBJECTS) {
        const { port, processorNanos } = targets.get(name)!;
        const before = processorNanos();
        const { statuses } = await runLoad({ port, request, connections: CONNECTIONS, requests: REQUESTS });
        assert.deepEqual([...statuses], [[200, REQUESTS]], name);
        // The first round fills caches.
        if (round >= 0) micros.get(name)!.push((processorNanos() - before) / REQUESTS / NANOS_PER_MICRO);
      }
  } finally {
    for (const target of targets.values()) await target.stop();
    await upstream.stop();
    collector.closeAllConnections();
    collector.close();
  }
  const audited = SUBJECTS.filter(({ plain }) => plain !== undefined).length;
  assert.ok(records > audited * rounds * REQUESTS, `${records} records`);
  const figures = SUBJECTS.map(({ name, plain }) => ({
    name,
    micros: spread(micros.get(name)!),
    added: spread(micros.get(name)!.map((value, at) => value - micros.get(plain ?? name)![at]!)),
  }));
  console.log(`processor µs a request, ${rounds} rounds of ${REQUESTS} requests: median (quartiles), and added`);
  for (const { name, micros: own, added } of figures)
    console.log(
      `${name.padEnd(16)} ${own.median.toFixed(1)} (${own.lower.toFixed(1)} to ${own.upper.toFixed(1)})  ` +
        `${added.median.toFixed(1)} (${added.lower.toFixed(1)} to ${added.upper.toFixed(1)})`,
    );
  const at = args.indexOf('--json');
  if (at >= 0) await writeFile(args[at + 1]!, `${JSON.stringify(figures, null, 2)}\n`);
}
