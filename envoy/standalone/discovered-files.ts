import { mkdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginConfig } from '../route/index.ts';
import type { EnvoyObject, FilterSlot, KmsCredentials, KmsSecretFiles } from '../xds/index.ts';
import { kmsSecrets, pluginResource, routeResource } from '../xds/index.ts';
import type { StoredModule } from './module-store.ts';

/**
 * Files from which Envoy discovers its filters' configurations and its routes. Each is replaced by rename, which is
 * what Envoy watches for.
 */
export class DiscoveredFiles {
  readonly routesFile: string;
  private readonly folder: string;
  private routesWritten = '';

  constructor(folder: string) {
    this.folder = folder;
    this.routesFile = join(folder, 'routes.json');
    mkdirSync(folder, { recursive: true });
  }

  pluginFile(slot: FilterSlot): string {
    return join(this.folder, `${slot.filter}.json`);
  }

  /** Writes the names of the credential files for the KMS, not the credentials. */
  async writeKmsSecrets(credentials: KmsCredentials): Promise<KmsSecretFiles> {
    const paths = { token: join(this.folder, 'kms-token.json'), identity: join(this.folder, 'kms-identity.json') };
    const { token, identity } = kmsSecrets(credentials);
    if (token) await replaceFile(paths.token, token);
    if (identity) await replaceFile(paths.identity, identity);
    return paths;
  }

  /** `modules` and `configs`: one for each slot. */
  async writePlugins(
    slots: readonly FilterSlot[],
    modules: readonly StoredModule[],
    configs: readonly PluginConfig[],
  ): Promise<void> {
    const contents = slots.map((slot, index) => pluginResource(slot, modules[index]!.file, configs[index]!));
    await Promise.all(slots.map((slot, index) => replaceFile(this.pluginFile(slot), contents[index]!)));
  }

  /** Returns whether the file has changed. */
  async writeRoutes(config: PluginConfig): Promise<boolean> {
    const resource = routeResource(config);
    const compared = JSON.stringify(resource.resources);
    if (compared === this.routesWritten) return false;
    await replaceFile(this.routesFile, resource);
    this.routesWritten = compared;
    return true;
  }
}

async function replaceFile(path: string, content: EnvoyObject): Promise<void> {
  await writeFile(`${path}.partial`, JSON.stringify(content), { mode: 0o600 });
  await rename(`${path}.partial`, path);
}
