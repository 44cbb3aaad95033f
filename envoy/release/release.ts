// Content of a filter: the unit that is rolled out, proven and taken back, standalone and in a mesh.
import type { PluginConfig } from '../route/index.ts';

/** A configuration and the module that runs it. */
export interface Release<Module extends ModuleContent = ModuleContent> {
  config: PluginConfig;
  /** Hash of the configuration without its generation. Equal for equal policies only. */
  hash: string;
  module: Module;
}

export interface ModuleContent {
  /** Digest of the module's bytes or, in a registry, of the image's manifest. Hex. */
  sha256: string;
}

/** Whether both run the same policy in the same module. */
export function isSameRelease(
  a: Pick<Release, 'hash' | 'module'> | undefined,
  b: Pick<Release, 'hash' | 'module'>,
): boolean {
  return a !== undefined && a.hash === b.hash && a.module.sha256 === b.module.sha256;
}

/** The configuration as it goes to proxies: modules count the generation when they have taken it. */
export function numbered({ config, hash }: Pick<Release, 'config' | 'hash'>, generation: number): PluginConfig {
  return { ...config, generation, hash };
}
