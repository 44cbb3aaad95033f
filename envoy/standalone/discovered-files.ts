import { mkdirSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AlsoTls, Lane, PluginConfig } from '../route/index.ts';
import { PLUGIN_CONFIG_VERSION } from '../route/index.ts';
import type {
  CanaryPlugin,
  EnvoyObject,
  FilterSlot,
  KmsCredentials,
  SecretFiles,
  TlcpFiles,
  TlsIdentity,
} from '../xds/index.ts';
import {
  clusterResource,
  doorConfig,
  doorSlot,
  kmsSecrets,
  pluginResource,
  routeResource,
  standingResource,
  tlcpConnectionsResource,
  tlcpRequestsResource,
  tlsSecret,
} from '../xds/index.ts';
import type { StoredModule } from './module-store.ts';
import { OrdinaryStanding } from './ordinary-standing.ts';
import type { TlcpPlan } from './tlcp-plan.ts';

/**
 * Files from which Envoy discovers its filters' configurations and its routes. Each is replaced by rename, which is
 * what Envoy watches for.
 */
export class DiscoveredFiles {
  readonly routesFile: string;
  private readonly folder: string;
  readonly clustersFile: string;
  private routesWritten = '';
  private clustersWritten = '';
  private clusterVersion = 0;
  private tlcpWritten = '';
  private listenerWritten = '';
  /** File of the module that each filter at the door has. */
  private readonly doorsWritten = new Map<string, string>();
  private readonly standing = new OrdinaryStanding();
  /** Whether the HTTP filter of national TLS is in place: it stays, for connections that are older than a change. */
  private tlcpFilter: StoredModule | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.routesFile = join(folder, 'routes.json');
    this.clustersFile = join(folder, 'clusters.json');
    mkdirSync(folder, { recursive: true });
  }

  pluginFile(slot: FilterSlot): string {
    return join(this.folder, `${slot.filter}.json`);
  }

  get tlcpFiles(): TlcpFiles {
    return {
      connections: join(this.folder, 'tlcp-connections.json'),
      requests: join(this.folder, 'tlcp-requests.json'),
    };
  }

  /**
   * Writes the filters of national TLS, if they differ. Returns whether the connections' has changed. `plan`: null if no
   * route asks for it.
   */
  async writeTlcp(plan: TlcpPlan | null, generation: number): Promise<boolean> {
    const compared = JSON.stringify(plan === null ? null : [plan.module.sha256, plan.config]);
    if (compared === this.tlcpWritten) return false;
    this.tlcpFilter = plan?.module ?? this.tlcpFilter;
    const filter = this.tlcpFilter;
    const requests = { version: PLUGIN_CONFIG_VERSION, requests: { required: plan !== null } };
    const resource = tlcpRequestsResource(generation, filter && { moduleFile: filter.file, config: requests });
    const connections = tlcpConnectionsResource(
      generation,
      plan === null ? undefined : { moduleFile: plan.module.file, config: { ...plan.config, generation } },
    );
    // Requests are refused first, then connections accepted in the new way.
    await replaceFile(this.tlcpFiles.requests, resource);
    await replaceFile(this.tlcpFiles.connections, connections);
    this.tlcpWritten = compared;
    return true;
  }

  /** The module of the filters of national TLS, which must not be removed. */
  get tlcpModule(): StoredModule | undefined {
    return this.tlcpFilter;
  }

  get listenerFile(): string {
    return join(this.folder, 'listener.json');
  }

  standingFile(name: string): string {
    return join(this.folder, `${name}.json`);
  }

  /**
   * Writes which connections of ordinary TLS hold; `terms`: those of new ones, or null. What is no longer let in is refused
   * only with `closes`: behind the new chain.
   */
  async writeStanding(terms: AlsoTls | null, closes: boolean): Promise<void> {
    for (const { name, holds } of this.standing.under(terms)) {
      if (!holds && !closes) continue;
      const resource = standingResource(name, holds ? 'holds' : 'outdated', holds);
      await replaceFile(this.standingFile(name), resource);
    }
  }

  get tlsSecretFile(): string {
    return join(this.folder, 'tls.json');
  }

  /** Writes the names of the files of ordinary TLS, not what they hold. */
  async writeTlsSecret(identity: TlsIdentity): Promise<void> {
    await replaceFile(this.tlsSecretFile, tlsSecret(identity));
  }

  /** Writes the listener if it differs. Returns whether it does. */
  async writeListener(listener: EnvoyObject): Promise<boolean> {
    const compared = JSON.stringify(listener);
    if (compared === this.listenerWritten) return false;
    await replaceFile(this.listenerFile, listener);
    this.listenerWritten = compared;
    return true;
  }

  /** Writes the names of the credential files for the KMS, not the credentials. */
  async writeKmsSecrets(credentials: KmsCredentials): Promise<SecretFiles> {
    const paths = { token: join(this.folder, 'kms-token.json'), identity: join(this.folder, 'kms-identity.json') };
    const { token, identity } = kmsSecrets(credentials);
    if (token) await replaceFile(paths.token, token);
    if (identity) await replaceFile(paths.identity, identity);
    return paths;
  }

  /** `modules` and `configs`: one for each slot. `canary`: what runs in the only one besides. */
  async writePlugins(
    slots: readonly FilterSlot[],
    modules: readonly StoredModule[],
    configs: readonly PluginConfig[],
    canary?: CanaryPlugin,
  ): Promise<void> {
    const contents = slots.map((slot, index) => pluginResource(slot, modules[index]!.file, configs[index]!, canary));
    await Promise.all(slots.map((slot, index) => replaceFile(this.pluginFile(slot), contents[index]!)));
    for (const [index, slot] of slots.entries()) await this.writeDoor(slot, modules[index]!);
  }

  /** Configuration of a slot's filter at the door. */
  doorFile(slot: FilterSlot): string {
    return this.pluginFile(doorSlot(slot));
  }

  /** The door has the code of the slot, so that it leads into the same machines. No other change concerns it. */
  private async writeDoor(slot: FilterSlot, module: StoredModule): Promise<void> {
    if (this.doorsWritten.get(slot.filter) === module.file) return;
    await replaceFile(this.doorFile(slot), pluginResource(doorSlot(slot), module.file, doorConfig()));
    this.doorsWritten.set(slot.filter, module.file);
  }

  /** Writes the channels. Returns the version that Envoy will show, or undefined if the file has not changed. */
  async writeClusters(lanes: readonly Lane[]): Promise<string | undefined> {
    const compared = JSON.stringify(clusterResource('', lanes));
    if (compared === this.clustersWritten) return undefined;
    const version = String(++this.clusterVersion);
    await replaceFile(this.clustersFile, clusterResource(version, lanes));
    this.clustersWritten = compared;
    return version;
  }

  /** Returns whether the file has changed. */
  async writeRoutes(config: PluginConfig, lanes: readonly Lane[]): Promise<boolean> {
    const resource = routeResource(config, lanes);
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
