// Changes Envoy's discovered filter files behind the controller's back, as a bug, a full disk or a third party would.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrapConfig, filterSlots } from '../../../envoy/xds/index.ts';
import type { EnvoyObject } from '../../../envoy/xds/index.ts';
import type { Harness } from '../harness.ts';

/** The file that a running Envoy discovers its one Wasm filter from. */
export class DiscoveredFile {
  readonly path: string;
  private readonly good: string;
  private version = 0;

  private constructor(path: string) {
    this.path = path;
    this.good = readFileSync(path, 'utf8');
  }

  static async of({ stack }: Harness): Promise<DiscoveredFile> {
    const dump = JSON.stringify(JSON.parse(await stack.envoy.admin.get('/config_dump?mask=bootstrap')));
    const path = /"path":"([^"]*\/fim\.json)"/.exec(dump)?.[1];
    if (path === undefined) throw new Error('no discovered filter');
    return new DiscoveredFile(path);
  }

  /** The good resource with another module, configuration or name. */
  changed({ module, text, name }: { module?: string; text?: string; name?: string }): string {
    const file = JSON.parse(this.good) as {
      version_info: string;
      resources: [
        {
          name: string;
          typed_config: {
            config: { vm_config: { code: unknown; configuration?: unknown }; configuration: { value: string } };
          };
        },
      ];
    };
    const [resource] = file.resources;
    const { config } = resource.typed_config;
    file.version_info = `changed-${++this.version}`;
    if (name !== undefined) resource.name = name;
    if (module !== undefined) config.vm_config.code = { local: { filename: module } };
    if (text !== undefined) {
      config.configuration.value = text;
      config.vm_config.configuration = { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: text };
    }
    return JSON.stringify(file);
  }

  put(text: string): void {
    writeFileSync(`${this.path}~`, text);
    renameSync(`${this.path}~`, this.path);
  }

  remove(): void {
    rmSync(this.path);
  }

  restore(): void {
    this.put(this.changed({}));
  }
}

/** A bootstrap like the harness's proxy, with its own discovered files in `folder`. */
export function bootstrapAt(folder: string, upstream: URL): EnvoyObject {
  const local = { host: '127.0.0.1', port: 0 };
  return bootstrapConfig({
    ...local,
    admin: local,
    upstream,
    kms: upstream,
    slots: filterSlots('fused'),
    pluginFile: (slot) => join(folder, `${slot.filter}.json`),
    routesFile: join(folder, 'routes.json'),
  });
}
