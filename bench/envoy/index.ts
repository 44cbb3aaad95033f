// Processor time that FIM adds to a stock Envoy: one worker, JSON bodies of 1 KiB and 16 KiB, limit + validate + mask +
// SM4-GCM, against the same Envoy without a filter and with a module that does nothing. Rounds alternate; the least of each is kept, since noise only adds.
// The result of a request is checked before anything is timed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createDecipheriv } from 'node:crypto';
import type { DecipherGCM } from 'node:crypto';
import { buildModules } from '../../scripts/build.ts';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { EnvoyProcess } from '../../envoy/standalone/envoy-process.ts';
import { KMS_CLUSTER, bootstrapConfig, filterSlots, pluginResource, routeResource } from '../../envoy/xds/index.ts';
import type { PluginConfig } from '../../envoy/route/plugin-config.gen.ts';
import { startQuietUpstream } from './upstream.ts';
import type { QuietUpstream } from './upstream.ts';
import { runLoad } from './load.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const KEY_ID = 'kms://bench/key';
const ROUNDS = 5;
const CONNECTIONS = 16;
const REQUESTS_PER_ROUND = new Map([
  [1024, 20_000],
  [16_384, 8_000],
]);
/** The kernel counts processor time in these, per second. */
const CLOCK_TICKS = 100;

/** What a route of the bench does to a request; stages that are left out cost nothing. */
function pluginConfig(stages: readonly string[], path = '/pay'): PluginConfig {
  const all: Record<string, unknown> = {
    rateLimiter: {
      id: 'bench',
      requests: 1_000_000_000,
      periodMs: 1000,
      key: { source: 'Header', header: 'x-client-id' },
    },
    pbocValidator: {
      request: true,
      rules: [
        { path: '$.transCode', required: true, type: 'string', pattern: '^01[0-9]{6}$' },
        { path: '$.amount', required: true, type: 'string', pattern: '^[0-9]{1,12}$' },
        { path: '$.account', required: true, type: 'string', minLength: 10, maxLength: 32 },
      ],
    },
    fieldMasker: {
      request: true,
      fields: [
        { path: '$.idNo', kind: 'IdCard', request: true, response: false },
        { path: '$.pan', kind: 'BankCard', request: true, response: false },
      ],
    },
    sm4Encryptor: { keyId: KEY_ID, request: 'Encrypt', response: 'None' },
  };
  const chosen = Object.fromEntries(stages.map((name) => [name, all[name]]));
  const config = {
    version: '1.0',
    generation: 1,
    kms: { cluster: KMS_CLUSTER },
    routes: [{ name: 'bench/all', match: { path: { type: 'Exact', value: path } }, stages: chosen }],
  };
  return config as unknown as PluginConfig;
}

/** A payment message of `bytes` bytes: the fields that the stages read, and an array of plain items. */
function payload(bytes: number): Buffer {
  const message = {
    transCode: '01123456',
    amount: '1050000',
    account: 'ACC-00112233',
    idNo: '110101199003074514',
    pan: '6222021234567894',
    items: [] as object[],
    pad: '',
  };
  while (JSON.stringify(message).length < bytes - 110)
    message.items.push({ no: message.items.length, name: 'fund-share', price: 12.5, open: true, note: 'settled T+1' });
  message.pad = 'x'.repeat(bytes - JSON.stringify(message).length);
  return Buffer.from(JSON.stringify(message));
}

function httpRequest(body: Buffer): Buffer {
  const head = `POST /pay HTTP/1.1\r\nhost: bank.example\r\ncontent-type: application/json\r\nx-client-id: c1\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

interface Target {
  name: string;
  envoy: EnvoyProcess;
  folder: string;
}

/** A filter that does nothing, compiled as FIM's modules are. */
async function buildEmpty(folder: string): Promise<string> {
  const file = join(folder, 'empty.wasm');
  const options = ['--config', 'asconfig.json', '--target', 'release'];
  await promisify(execFile)(
    process.execPath,
    ['node_modules/assemblyscript/bin/asc.js', 'bench/envoy/empty.module.ts', '-o', file, ...options],
    { cwd: ROOT },
  );
  return file;
}

/** What stands in the filter chain of a target: null, no filter at all. */
interface Filter {
  module: string;
  config: PluginConfig;
}

/**
 * Leaves only the named filters and the router in every chain: the seal behind FIM refuses what a module that does
 * nothing lets go on, and is not what is measured.
 */
function keepFilters(bootstrap: object, names: readonly string[]): void {
  JSON.stringify(bootstrap, (key, value: unknown) => {
    if (key !== 'http_filters') return value;
    const filters = value as { name: string }[];
    const kept = filters.filter(({ name }) => names.includes(name) || name.endsWith('router'));
    filters.splice(0, filters.length, ...kept);
    return filters;
  });
}

async function startTarget(name: string, filter: Filter | null, upstream: QuietUpstream, kms: URL): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'fim-bench-'));
  const slots = filterSlots('fused');
  const config = filter?.config ?? pluginConfig([]);
  await writeFile(join(folder, 'routes.json'), JSON.stringify(routeResource(config)));
  if (filter !== null)
    await writeFile(join(folder, 'plugin.json'), JSON.stringify(pluginResource(slots[0]!, filter.module, config)));
  const bootstrap = bootstrapConfig({
    host: '127.0.0.1',
    port: 0,
    admin: { host: '127.0.0.1', port: 0 },
    slots,
    pluginFile: () => join(folder, 'plugin.json'),
    routesFile: join(folder, 'routes.json'),
    upstream: new URL(`http://127.0.0.1:${upstream.port}`),
    kms,
  });
  keepFilters(bootstrap, filter === null ? [] : slots.map((slot) => slot.filter));
  return {
    name,
    envoy: await EnvoyProcess.start({ binary: await envoyBinary(), bootstrap, folder, concurrency: 1 }),
    folder,
  };
}

/** Processor seconds of a process so far, user and system. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** The upstream must have got what the stages promise: an envelope that opens to the message, masked. */
function checkResult(body: Buffer, sent: Buffer, key: Buffer): void {
  const envelope = JSON.parse(body.toString()) as Record<string, string>;
  const decipher = createDecipheriv(
    'sm4-gcm' as 'aes-128-gcm',
    key,
    Buffer.from(envelope['iv']!, 'base64'),
  ) as DecipherGCM;
  decipher.setAAD(Buffer.from(`fim-json\nSM4-GCM\n${envelope['kid']}\n`));
  decipher.setAuthTag(Buffer.from(envelope['tag']!, 'base64'));
  const plain = Buffer.concat([decipher.update(envelope['ct']!, 'base64'), decipher.final()]).toString();
  const expected = sent
    .toString()
    .replace('110101199003074514', '110***********4514')
    .replace('6222021234567894', '622202******7894');
  assert.equal(plain, expected);
}

async function keyOf(kms: URL): Promise<Buffer> {
  const answer = (await (await fetch(new URL('/v1/secret/data/bench/key', kms))).json()) as {
    data: { data: { material: string } };
  };
  return Buffer.from(answer.data.data.material, 'base64');
}

/** Least microseconds of processor time a request, over the rounds, for each target. */
async function measure(targets: readonly Target[], request: Buffer, requests: number): Promise<Map<string, number>> {
  const least = new Map<string, number>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const { name, envoy } of targets) {
      const before = processorSeconds(envoy.pid);
      const load = await runLoad({ port: envoy.listenPort, request, connections: CONNECTIONS, requests });
      const micros = ((processorSeconds(envoy.pid) - before) * 1e6) / requests;
      assert.deepEqual([...load.statuses], [[200, requests]], `${name}: every request must be answered with 200`);
      if (round > 0) least.set(name, Math.min(least.get(name) ?? Infinity, micros));
    }
  }
  return least;
}

/** Runs the bench and prints its table; `--json FILE` keeps the figures. */
export async function main(args: readonly string[]): Promise<void> {
  const kms = new DevelopmentKms();
  const kmsUrl = await kms.start();
  kms.createKey(KEY_ID);
  const upstream = await startQuietUpstream();
  const chain = ['rateLimiter', 'pbocValidator', 'fieldMasker', 'sm4Encryptor'];
  const scratch = await mkdtemp(join(tmpdir(), 'fim-bench-'));
  const targets: Target[] = [];
  const figures: { bytes: number; micros: Record<string, number> }[] = [];
  try {
    const module = (await buildModules(['fim']))[0]!.path;
    const empty = await buildEmpty(scratch);
    const filters: Record<string, Filter | null> = {
      bare: null,
      'all stages': { module, config: pluginConfig(chain) },
      'empty module': { module: empty, config: pluginConfig([]) },
      'no route': { module, config: pluginConfig(chain, '/elsewhere') },
      ...Object.fromEntries(chain.map((stage) => [stage, { module, config: pluginConfig([stage]) }])),
    };
    for (const [name, filter] of Object.entries(filters))
      targets.push(await startTarget(name, filter, upstream, kmsUrl));
    for (const [bytes, requests] of REQUESTS_PER_ROUND) {
      const body = payload(bytes);
      await runLoad({ port: targets[1]!.envoy.listenPort, request: httpRequest(body), connections: 1, requests: 1 });
      checkResult(upstream.lastBody(), body, await keyOf(kmsUrl));
      const micros = await measure(targets, httpRequest(body), requests);
      figures.push({ bytes, micros: Object.fromEntries(micros) });
      const bare = micros.get('bare')!;
      console.log(
        `\nbodies of ${bytes} bytes, processor time of Envoy a request, least of ${ROUNDS} rounds of ${requests}`,
      );
      for (const [name, value] of micros)
        console.log(
          `  ${name.padEnd(16)} ${value.toFixed(1).padStart(7)} µs   added ${(value - bare).toFixed(1).padStart(6)} µs`,
        );
    }
    const out = args.indexOf('--json');
    if (out >= 0) await writeFile(args[out + 1]!, `${JSON.stringify({ bench: 'envoy', figures }, null, 2)}\n`);
  } finally {
    await Promise.all(targets.map(({ envoy }) => envoy.stop()));
    await Promise.all(targets.map(({ folder }) => rm(folder, { recursive: true, force: true })));
    await rm(scratch, { recursive: true, force: true });
    await upstream.stop();
    await kms.stop();
  }
}
