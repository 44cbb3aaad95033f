// Targets of the comparison: one Envoy with one worker each, that differ in what stands before the router.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkRoutes, translate } from '../../envoy/route/index.ts';
import type { PluginConfig } from '../../envoy/route/index.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { EnvoyProcess } from '../../envoy/standalone/envoy-process.ts';
import { KMS_CLUSTER, bootstrapConfig, filterSlots, pluginResource, routeResource } from '../../envoy/xds/index.ts';
import type { Layout } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { countingCommand } from './instructions.ts';
import { KEY_ID, PATH, policy } from './message.ts';
import type { SectionName } from './message.ts';
import { rustFilter } from './rust-filter.ts';

/** Ends between which the targets stand. */
export interface Surroundings {
  upstream: URL;
  kms: URL;
  /** Key of KEY_ID, base64. */
  key: string;
  /** Whether instructions are counted instead of time. */
  counts: boolean;
}

/** A proxy that answers on `port`. */
export interface Target {
  port: number;
  /** Envoy's process, and its files. */
  pid: number;
  folder: string;
  /** Processor nanoseconds that its worker has spent so far. */
  processorNanos: () => number;
  stop: () => Promise<void>;
}

/** One way to do the work of `sections`. */
export interface Subject {
  name: string;
  sections: readonly SectionName[];
  start: (around: Surroundings) => Promise<Target>;
}

/** A filter of Envoy's chain with the text of its configuration. */
export interface Filter {
  name: string;
  resource: object;
}

const NOTHING: PluginConfig = { version: '1.0', routes: [] };

/** Nanoseconds that the threads of a process whose names begin with `prefix` have run, from the kernel's scheduler. */
function threadNanos(pid: number, prefix: string): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    if (!readFileSync(`${folder}/comm`, 'utf8').startsWith(prefix)) continue;
    sum += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);
  }
  assert.ok(sum > 0, `no thread of process ${pid} is called ${prefix}…`);
  return sum;
}

/**
 * Leaves only the named filters and the router in every chain, behind `more`. The seal behind FIM refuses what other
 * filters let go on, and is not what is compared.
 */
function keepFilters(bootstrap: object, names: readonly string[], more: readonly object[]): void {
  JSON.stringify(bootstrap, (key, value: unknown) => {
    if (key !== 'http_filters') return value;
    const filters = value as { name: string }[];
    const kept = filters.filter(({ name }) => names.includes(name) || name.endsWith('router'));
    filters.splice(0, filters.length, ...(more as { name: string }[]), ...kept);
    return filters;
  });
}

/** An Envoy with one worker, whose chain is `more`, the discovered `filters` and the router. */
export async function startEnvoy(
  layout: Layout,
  filters: readonly Filter[],
  around: Surroundings,
  more: readonly object[] = [],
): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'fim-bench-'));
  const slots = filterSlots(layout).filter(({ filter }) => filters.some(({ name }) => name === filter));
  await writeFile(join(folder, 'routes.json'), JSON.stringify(routeResource(NOTHING)));
  for (const { name, resource } of filters)
    await writeFile(join(folder, `${name}.json`), JSON.stringify(resource), { mode: 0o600 });
  const bootstrap = bootstrapConfig({
    host: '127.0.0.1',
    port: 0,
    admin: { host: '127.0.0.1', port: 0 },
    slots: slots.length > 0 ? slots : filterSlots(layout),
    pluginFile: (slot) => join(folder, `${slot.filter}.json`),
    routesFile: join(folder, 'routes.json'),
    upstream: around.upstream,
    kms: around.kms,
  });
  keepFilters(
    bootstrap,
    filters.map(({ name }) => name),
    more,
  );
  const envoy = await EnvoyProcess.start({
    binary: await envoyBinary(),
    bootstrap,
    folder,
    concurrency: 1,
    ...(around.counts ? { under: countingCommand(folder) } : {}),
  });
  return {
    port: envoy.listenPort,
    pid: envoy.pid,
    folder,
    processorNanos: () => threadNanos(envoy.pid, 'wrk:worker'),
    stop: async () => {
      await envoy.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** FIM with a policy of these sections for requests of `path`. */
export function fim(name: string, layout: Layout, sections: readonly SectionName[], path = PATH): Subject {
  return {
    name,
    sections: path === PATH ? sections : [],
    async start(around) {
      const { resources, errors } = checkRoutes([policy(sections, path)]);
      const translation = translate(resources, { layout, kms: { cluster: KMS_CLUSTER }, generation: 1 });
      assert.deepEqual([...errors, ...translation.errors], []);
      const slots = filterSlots(layout);
      const used = slots.flatMap((slot, at) => {
        const { config } = translation.pluginConfigs[at]!;
        return config.routes.some(({ stages }) => Object.keys(stages ?? {}).length > 0) ? [{ slot, config }] : [];
      });
      const modules = await buildModules(
        used.map(({ slot }) => slot.module),
        (line) => console.error(line),
      );
      const filters = used.map(({ slot, config }, at) => ({
        name: slot.filter,
        resource: pluginResource(slot, modules[at]!.path, config),
      }));
      return startEnvoy(layout, filters, around);
    },
  };
}

/** Envoy with no filter but the router. */
export const bare: Subject = { name: 'no filter', sections: [], start: (around) => startEnvoy('fused', [], around) };

/** A filter of bench/chain/rust in the place of FIM's. */
export function rust(name: string, kind: 'empty' | 'chain', sections: readonly SectionName[]): Subject {
  return {
    name,
    sections,
    async start(around) {
      const slot = filterSlots('fused')[0]!;
      const settings = { key_id: KEY_ID, version: 1, key: around.key };
      const config = settings as unknown as PluginConfig; // the module is not FIM's and reads other members
      return startEnvoy(
        'fused',
        [{ name: slot.filter, resource: pluginResource(slot, await rustFilter(kind), config) }],
        around,
      );
    },
  };
}
