// What an EnvoyFilter of ours says: the configuration that the proxies were last given.
import { canonicalHash, PLUGIN_CONFIG_VERSION, type PluginConfig } from '../../../envoy/route/index.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Selection } from './selection.ts';

export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const MANAGER = 'fim-operator';
export const WORKLOAD_LABEL = 'fim.financial/workload';
export const SELECTION_ANNOTATION = 'fim.financial/selection';
export const HASH_ANNOTATION = 'fim.financial/configuration-hash';
export const MODULE_ANNOTATION = 'fim.financial/module-sha256';
export const GENERATION_ANNOTATION = 'fim.financial/generation';
export const APPLIED_ANNOTATION = 'fim.financial/applied-at';
export const VERSION_ANNOTATION = 'fim.financial/operator-version';

export interface Applied {
  hash: string;
  moduleSha256: string;
  generation: number;
  /** Milliseconds since 1970. */
  appliedAt: number;
  selection: Selection | undefined;
  /** Undefined if it is of another form than this operator's, or not what the hash says. */
  config: PluginConfig | undefined;
  /** The configuration is of a later form than this operator knows: hands off. */
  fromLaterVersion: boolean;
}

function majorOf(version: string): number {
  return Number(version.split('.')[0]);
}

function configurationText(object: KubeObject): string | undefined {
  const patches = (object.spec?.configPatches ?? []) as { applyTo?: string; patch?: { value?: { typed_config?: { config?: { configuration?: { value?: string } } } } } }[];
  return patches.find((patch) => patch.applyTo === 'EXTENSION_CONFIG')?.patch?.value?.typed_config?.config?.configuration?.value;
}

function parse<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

/** Reads an object; never throws. A configuration that someone changed by hand is none. */
export function appliedOf(object: KubeObject): Applied {
  const annotations = object.metadata.annotations ?? {};
  const found = parse<PluginConfig>(configurationText(object));
  const major = majorOf(typeof found?.version === 'string' ? found.version : PLUGIN_CONFIG_VERSION);
  const hash = annotations[HASH_ANNOTATION] ?? '';
  let config: PluginConfig | undefined;
  if (found !== undefined && major === majorOf(PLUGIN_CONFIG_VERSION)) {
    const { generation: _, hash: __, ...body } = found;
    if (Array.isArray(found.routes) && canonicalHash(body) === hash) config = found;
  }
  return {
    hash,
    moduleSha256: annotations[MODULE_ANNOTATION] ?? '',
    generation: Number(annotations[GENERATION_ANNOTATION]) || 0,
    appliedAt: Date.parse(annotations[APPLIED_ANNOTATION] ?? '') || 0,
    selection: parse<Selection>(annotations[SELECTION_ANNOTATION]),
    config,
    fromLaterVersion: major > majorOf(PLUGIN_CONFIG_VERSION),
  };
}

/** Keys of the routes in a configuration. */
export function routeKeysOf(config: PluginConfig | undefined): Set<string> {
  return new Set((config?.routes ?? []).map((route) => route.name));
}
