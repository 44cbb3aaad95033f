// Envoy starts while what it needs of FIM is missing, refused or broken: it ends, or answers 503. Once it is there,
// everything is judged.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { EnvoyAdmin } from '../../envoy/standalone/envoy-admin.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { filterSlots, pluginResource, routeResource } from '../../envoy/xds/index.ts';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import type { PluginConfig } from '../../envoy/route/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { send } from './http-client.ts';
import { RecordingUpstream } from './recording-upstream.ts';
import { compileWicked } from './wicked/compile.ts';
import { bootstrapAt } from './wicked/swap.ts';

const DEADLINE_MS = 60_000;
const CONFIG: PluginConfig = {
  version: '1.0',
  generation: 1,
  routes: [
    {
      name: 'judged',
      stages: {
        pbocValidator: {
          profile: '',
          rules: [{ path: '$.transCode', pattern: '^01', required: true, type: 'string' }],
        },
      },
    },
  ],
};
const GOOD = '{"transCode":"01000001"}';
const BAD = '{"transCode":"99"}';

let upstream: RecordingUpstream;
let folder: string;
let module: string;
let wicked: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fim-start-test-'));
  upstream = await RecordingUpstream.start();
  const [built] = await buildModules(['fim']);
  module = built!.path;
  wicked = join(folder, 'wicked.wasm');
  writeFileSync(wicked, await compileWicked());
});
after(async () => {
  await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function until(ask: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await ask().catch(() => false))) {
    assert.ok(Date.now() < deadline, 'not so in time');
    await pause(50);
  }
}

/** An Envoy that is not waited for. */
class Starting {
  readonly admin: EnvoyAdmin;
  private readonly folder: string;
  private readonly child: ChildProcess;
  /** Settles with its status when it has ended. */
  readonly ended: Promise<number | null>;

  private constructor(admin: EnvoyAdmin, folder: string, child: ChildProcess, ended: Promise<number | null>) {
    this.admin = admin;
    this.folder = folder;
    this.child = child;
    this.ended = ended;
  }

  static async with(
    name: string,
    plugin: string | undefined,
    change: (bootstrap: EnvoyObject) => EnvoyObject = (bootstrap) => bootstrap,
  ): Promise<Starting> {
    const own = join(folder, name);
    mkdirSync(own);
    writeFileSync(join(own, 'routes.json'), JSON.stringify(routeResource(CONFIG)));
    if (plugin !== undefined) writeFileSync(join(own, 'fim.json'), plugin);
    writeFileSync(join(own, 'envoy.json'), JSON.stringify(change(bootstrapAt(own, upstream.url))));
    const address = join(own, 'address');
    const child = spawn(
      await envoyBinary(),
      [
        '-c',
        join(own, 'envoy.json'),
        '--admin-address-path',
        address,
        '--concurrency',
        '2',
        '--disable-hot-restart',
        '--log-level',
        'off',
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise<number | null>((done) => child.once('exit', done));
    await until(async () => readFileSync(address, 'utf8').includes(':'));
    return new Starting(new EnvoyAdmin(new URL(`http://${readFileSync(address, 'utf8').trim()}`)), own, child, ended);
  }

  put(plugin: string): void {
    writeFileSync(join(this.folder, 'fim.json~'), plugin);
    renameSync(join(this.folder, 'fim.json~'), join(this.folder, 'fim.json'));
  }

  async answers(body: string, wanted: RegExp): Promise<boolean> {
    const url = `http://127.0.0.1:${await this.admin.listenerPort()}`;
    const replies = await Promise.all(Array.from({ length: 8 }, () => send(url, { body })));
    return replies.every((reply) => wanted.test(`${reply.status} ${reply.body}`));
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

const plugin = (file: string, config: PluginConfig = CONFIG, generation = 1): string =>
  JSON.stringify(pluginResource(filterSlots('fused')[0]!, file, { ...config, generation }));

async function judges(envoy: Starting): Promise<void> {
  await until(() => envoy.answers(BAD, /^422 .*FIM-PBOC-0001/));
  assert.ok(await envoy.answers(GOOD, /^200 /));
}

for (const [name, text] of [
  ['no resource', () => '{"version_info":"none","resources":[]}'],
  ['a module file that is missing', () => plugin(join(folder, 'nowhere.wasm'))],
  ['a configuration that the module refuses', () => plugin(module, { ...CONFIG, version: '9.0' })],
] as const) {
  test(`${name}: 503; with the right one, everything is judged`, async () => {
    const envoy = await Starting.with(name.replaceAll(' ', '-'), text());
    try {
      const { begun } = upstream;
      await until(() => envoy.answers(BAD, /^503 .*FIM-RT-0020/));
      assert.ok(await envoy.answers(GOOD, /^503 .*FIM-RT-0020/));
      assert.equal(upstream.begun, begun);
      envoy.put(plugin(module, CONFIG, 2));
      await judges(envoy);
    } finally {
      await envoy.stop();
    }
  });
}

test('a discovered file that is not there: Envoy ends', async () => {
  const envoy = await Starting.with('missing', undefined);
  assert.equal(await envoy.ended, 1);
});

test('a module that fails on workers, from the start: 503; with the right one, everything is judged', async () => {
  const file = JSON.parse(plugin(wicked)) as {
    resources: [{ typed_config: { config: { configuration: { value: string } } } }];
  };
  file.resources[0].typed_config.config.configuration.value = 'refuse-configure/1';
  const envoy = await Starting.with('refuses', JSON.stringify(file));
  try {
    const { begun } = upstream;
    await until(() => envoy.answers(BAD, /^503 .*FIM-RT-0020/));
    assert.ok(await envoy.answers(GOOD, /^503 .*FIM-RT-0020/));
    assert.equal(upstream.begun, begun);
    envoy.put(plugin(module, CONFIG, 2));
    await judges(envoy);
  } finally {
    await envoy.stop();
  }
});

test('a chain from which the filter is gone, the seal is not: 503', async () => {
  type Listener = { filter_chains: [{ filters: [{ typed_config: { http_filters: { name: string }[] } }] }] };
  const envoy = await Starting.with('gone', plugin(module), (bootstrap) => {
    const { listeners } = bootstrap.static_resources as unknown as { listeners: [Listener] };
    const manager = listeners[0].filter_chains[0].filters[0].typed_config;
    const whole = manager.http_filters;
    manager.http_filters = whole.filter(({ name }) => name !== 'fim');
    assert.equal(manager.http_filters.length, whole.length - 1);
    return bootstrap;
  });
  try {
    const { begun } = upstream;
    await until(() => envoy.answers(BAD, /^503 .*FIM-RT-0020/));
    assert.ok(await envoy.answers(GOOD, /^503 .*FIM-RT-0020/));
    assert.equal(upstream.begun, begun);
  } finally {
    await envoy.stop();
  }
});
