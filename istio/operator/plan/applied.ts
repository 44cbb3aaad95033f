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
/**
 * Since when the filter is on its way out: it is in no new listener, and those that are drained still find its
 * configuration.
 */
export const RETIRED_ANNOTATION = 'fim.financial/retired-at';

/** Names of objects begin with it; the rest is the workload's. */
export const OBJECT_PREFIX = 'fim-';
/** Seals: no workload is called `seal-…`. */
export const SEAL_PREFIX = 'fim-seal-';
/**
 * Name of the object that holds the cluster of the key service; it cannot be that of a workload's, which have two parts
 * after `fim-`.
 */
export const KMS_OBJECT = 'fim-kms';
/**
 * Generations of a workload that has no object begin with the seconds since then: those of an object that was deleted
 * lie before.
 */
const FIRST_GENERATION_AT = Date.UTC(2026, 0, 1);

/** The generation of a workload's first configuration: later than all that it had before, whoever remembers them. */
export function firstGeneration(now: number): number {
  return Math.max(1, Math.floor((now - FIRST_GENERATION_AT) / 1000));
}

/** The workload whose configuration an object of ours holds; undefined if it holds none. */
export function workloadOf(name: string): string | undefined {
  return name.startsWith(OBJECT_PREFIX) && !name.startsWith(SEAL_PREFIX) && name !== KMS_OBJECT
    ? name.slice(OBJECT_PREFIX.length)
    : undefined;
}

/** The workload whose seal an object is; undefined if it is none. */
export function sealedWorkloadOf(name: string): string | undefined {
  return name.startsWith(SEAL_PREFIX) ? name.slice(SEAL_PREFIX.length) : undefined;
}

export interface Applied {
  hash: string;
  moduleSha256: string;
  generation: number;
  /** Milliseconds since 1970. */
  appliedAt: number;
  selection: Selection | undefined;
  /**
   * Undefined if it is of another form than this operator's, or not what the hash says. Read anew each time that it is
   * asked for.
   */
  readonly config: PluginConfig | undefined;
  /** Whether there is a configuration, as above. */
  isWhole: boolean;
  /** Keys of the routes in the configuration; of each the keys that its forms name. */
  routes: ReadonlyMap<string, readonly string[][]>;
  /** The configuration is of a later form than this operator knows: hands off. */
  fromLaterVersion: boolean;
  /** Since when the filter is on its way out, milliseconds since 1970; undefined: it is not. */
  retiredAt: number | undefined;
}

function majorOf(version: string): number {
  return Number(version.split('.')[0]);
}

function configurationText(object: KubeObject): string | undefined {
  const patches = (object.spec?.configPatches ?? []) as {
    applyTo?: string;
    patch?: { value?: { typed_config?: { config?: { configuration?: { value?: string } } } } };
  }[];
  return patches.find((patch) => patch.applyTo === 'EXTENSION_CONFIG')?.patch?.value?.typed_config?.config
    ?.configuration?.value;
}

function parse<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

/** Key ids in a part of a compiled route, wherever they stand: stages name them `keyId`. */
function keyIdsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([member, inner]) =>
    member === 'keyId' && typeof inner === 'string' ? [inner] : keyIdsIn(inner),
  );
}

const NO_ROUTES: Applied['routes'] = new Map();
const known = new WeakMap<KubeObject, Applied>();

/** Whether the object has been read before: doing it again costs nothing. */
export function isRead(object: KubeObject): boolean {
  return known.has(object);
}

/** Reads an object; never throws. A configuration that someone changed by hand is none. */
export function appliedOf(object: KubeObject): Applied {
  const before = known.get(object);
  if (before !== undefined) return before;
  const applied = readObject(object);
  known.set(object, applied);
  return applied;
}

/**
 * Reads `whole`, and remembers it as what `object` says: the same object, whose spec found no room. Its configuration
 * is not remembered.
 */
export function rememberApplied(object: KubeObject, whole: KubeObject): Applied {
  if (object === whole) return appliedOf(object);
  const applied: Applied = { ...readObject(whole), config: undefined };
  known.set(object, applied);
  return applied;
}

function readObject(object: KubeObject): Applied {
  const annotations = object.metadata.annotations ?? {};
  const read = (): PluginConfig | undefined => parse<PluginConfig>(specText(object));
  const found = read();
  const major = majorOf(typeof found?.version === 'string' ? found.version : PLUGIN_CONFIG_VERSION);
  const hash = annotations[HASH_ANNOTATION] ?? '';
  let routes = NO_ROUTES;
  let isWhole = false;
  if (found !== undefined && major === majorOf(PLUGIN_CONFIG_VERSION)) {
    const { generation: _, hash: __, ...body } = found;
    isWhole = Array.isArray(found.routes) && canonicalHash(body) === hash;
    if (isWhole)
      routes = new Map(
        [...Map.groupBy(found.routes, (route) => route.name)].map(([name, forms]) => [name, forms.map(keyIdsIn)]),
      );
  }
  return {
    hash,
    moduleSha256: annotations[MODULE_ANNOTATION] ?? '',
    generation: Number(annotations[GENERATION_ANNOTATION]) || 0,
    appliedAt: Date.parse(annotations[APPLIED_ANNOTATION] ?? '') || 0,
    selection: parse<Selection>(annotations[SELECTION_ANNOTATION]),
    isWhole,
    routes,
    get config() {
      return isWhole ? read() : undefined;
    },
    fromLaterVersion: major > majorOf(PLUGIN_CONFIG_VERSION),
    retiredAt: Date.parse(annotations[RETIRED_ANNOTATION] ?? '') || undefined,
  };
}

/** The text of the configuration; undefined also if the spec found no room. */
function specText(object: KubeObject): string | undefined {
  try {
    return configurationText(object);
  } catch {
    return undefined;
  }
}
