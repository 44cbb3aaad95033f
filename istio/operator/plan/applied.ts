// Reads the operator's EnvoyFilters: the configuration that the proxies were last given.
import {
  asksAudit,
  asksFleet,
  canonicalHash,
  PLUGIN_CONFIG_VERSION,
  type PluginConfig,
} from '../../../envoy/route/index.ts';
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
/** Identifies national TLS that the object puts into force. Absent: none. */
export const TLCP_ANNOTATION = 'fim.financial/national-tls-hash';
/** Time at which the filter was taken out of new listeners. Draining listeners still find its configuration. */
export const RETIRED_ANNOTATION = 'fim.financial/retired-at';

/** Prefix of object names; the workload's name follows. */
export const OBJECT_PREFIX = 'fim-';
/** Prefix of seals. No workload has a name that begins with `seal-`. */
export const SEAL_PREFIX = 'fim-seal-';
/** Objects with the clusters of the platform's services. No workload has such a name: see `workloads.ts`. */
export const KMS_OBJECT = 'fim-kms';
export const AUDIT_OBJECT = 'fim-audit';
export const LIMITS_OBJECT = 'fim-limits';
const SERVICE_OBJECTS: readonly string[] = [KMS_OBJECT, AUDIT_OBJECT, LIMITS_OBJECT];
/** Epoch of first generations. They count seconds since then, so that they exceed those of a deleted object. */
const FIRST_GENERATION_AT = Date.UTC(2026, 0, 1);
/** Generations from here on are no operator's: they count seconds and edits. */
const MAX_GENERATION = 2 ** 48;

/**
 * Generation of a workload's first configuration. It exceeds all that the workload had before, even if nobody remembers
 * them.
 */
export function firstGeneration(now: number): number {
  return Math.max(1, Math.floor((now - FIRST_GENERATION_AT) / 1000));
}

/** Name of the workload whose configuration an operator's object holds. Undefined if it holds none. */
export function workloadOf(name: string): string | undefined {
  return name.startsWith(OBJECT_PREFIX) && !name.startsWith(SEAL_PREFIX) && !SERVICE_OBJECTS.includes(name)
    ? name.slice(OBJECT_PREFIX.length)
    : undefined;
}

/** Name of the workload that a seal belongs to. Undefined if the object is no seal. */
export function sealedWorkloadOf(name: string): string | undefined {
  return name.startsWith(SEAL_PREFIX) ? name.slice(SEAL_PREFIX.length) : undefined;
}

/** Services of the platform that a configuration needs. */
export interface Needs {
  audit: boolean;
  /** Global limits. */
  limits: boolean;
}

export interface Applied {
  hash: string;
  moduleSha256: string;
  /** The later of those that the configuration and the annotation name. */
  generation: number;
  /** Whether both name the same. Otherwise someone changed one by hand. */
  isNumbered: boolean;
  /** Milliseconds since 1970. */
  appliedAt: number;
  selection: Selection | undefined;
  /** Undefined if the form is not this operator's or the hash does not match. Read from the object at each use. */
  readonly config: PluginConfig | undefined;
  /** Whether `config` is defined. */
  isWhole: boolean;
  /** Key ids by route: one list for each form of the route in the configuration. */
  routes: ReadonlyMap<string, readonly string[][]>;
  /** Services that the routes in it need besides that of keys. */
  needs: Needs;
  /** Whether a later version of the operator wrote the configuration. This operator then leaves the object alone. */
  fromLaterVersion: boolean;
  /** Identifies national TLS of the workload. Absent: none. */
  tlcpHash?: string;
  /** Time at which the filter was taken out of new listeners, milliseconds since 1970. Undefined if it was not. */
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

/** Key ids anywhere in a part of a compiled route. Stages name them `keyId`. */
function keyIdsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([member, inner]) =>
    member === 'keyId' && typeof inner === 'string' ? [inner] : keyIdsIn(inner),
  );
}

const NO_ROUTES: Applied['routes'] = new Map();
export const NEEDS_NOTHING: Needs = { audit: false, limits: false };
const known = new WeakMap<KubeObject, Applied>();

/** Whether the object has been read before, so that reading it again is free. */
export function isRead(object: KubeObject): boolean {
  return known.has(object);
}

/** Reads an object. Never throws. A configuration that someone changed by hand does not count as one. */
export function appliedOf(object: KubeObject): Applied {
  const before = known.get(object);
  if (before !== undefined) return before;
  const applied = readObject(object);
  known.set(object, applied);
  return applied;
}

/**
 * Reads `whole` and caches the result for `object`, which is the same object without its spec. The configuration itself
 * is not cached.
 */
export function rememberApplied(object: KubeObject, whole: KubeObject): Applied {
  if (object === whole) return appliedOf(object);
  const applied: Applied = { ...readObject(whole), config: undefined };
  known.set(object, applied);
  return applied;
}

/** Routes and needs of a configuration. Undefined: it has not the form of one, whoever wrote its hash. */
function contentOf(config: PluginConfig): Pick<Applied, 'routes' | 'needs'> | undefined {
  try {
    const byName = [...Map.groupBy(config.routes, (route) => route.name)];
    return {
      routes: new Map(byName.map(([name, forms]) => [name, forms.map(keyIdsIn)])),
      needs: { audit: asksAudit(config), limits: asksFleet(config) },
    };
  } catch {
    return undefined;
  }
}

function readObject(object: KubeObject): Applied {
  const annotations = object.metadata.annotations ?? {};
  const read = (): PluginConfig | undefined => parse<PluginConfig>(specText(object));
  const found = read();
  const major = majorOf(typeof found?.version === 'string' ? found.version : PLUGIN_CONFIG_VERSION);
  const hash = annotations[HASH_ANNOTATION] ?? '';
  const generations = generationsIn(found?.generation, annotations[GENERATION_ANNOTATION]);
  let routes = NO_ROUTES;
  let needs = NEEDS_NOTHING;
  let isWhole = false;
  if (found !== undefined && major === majorOf(PLUGIN_CONFIG_VERSION)) {
    const { generation: _, hash: __, ...body } = found;
    const content = canonicalHash(body) === hash ? contentOf(found) : undefined;
    isWhole = content !== undefined;
    ({ routes, needs } = content ?? { routes, needs });
  }
  return {
    hash,
    moduleSha256: annotations[MODULE_ANNOTATION] ?? '',
    generation: Math.max(0, ...generations),
    isNumbered: generations.length === 2 && generations[0] === generations[1],
    appliedAt: Date.parse(annotations[APPLIED_ANNOTATION] ?? '') || 0,
    selection: parse<Selection>(annotations[SELECTION_ANNOTATION]),
    isWhole,
    routes,
    needs,
    get config() {
      return isWhole ? read() : undefined;
    },
    fromLaterVersion: major > majorOf(PLUGIN_CONFIG_VERSION),
    ...(annotations[TLCP_ANNOTATION] === undefined ? {} : { tlcpHash: annotations[TLCP_ANNOTATION] }),
    retiredAt: Date.parse(annotations[RETIRED_ANNOTATION] ?? '') || undefined,
  };
}

/** Generations that an object names. Only those that a later one can exceed count. */
function generationsIn(configured: unknown, annotation: string | undefined): number[] {
  return [configured, Number(annotation)].filter(
    (value): value is number => Number.isInteger(value) && (value as number) > 0 && (value as number) < MAX_GENERATION,
  );
}

/** Text of the configuration. Also undefined if the spec found no room. */
function specText(object: KubeObject): string | undefined {
  try {
    return configurationText(object);
  } catch {
    return undefined;
  }
}
