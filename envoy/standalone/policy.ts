import type { NeededKey } from './needed-keys.ts';
import type { ConditionDraft, PluginConfig } from '../route/index.ts';

/**
 * A mistake, or something worth knowing, in a resource, a module or a file. It never holds a message's value or a key.
 */
export interface Problem {
  code: string;
  /** JSONPath in the resource; empty if the whole is meant. */
  path: string;
  message: string;
  /** As given on the command line; empty or absent if no file is to blame. */
  file?: string;
  /** From 1. */
  line?: number;
  column?: number;
  /** `namespace/name`. */
  resource?: string;
}

/** How one route stands, as its status in Kubernetes would say. */
export interface Condition extends ConditionDraft {
  /** `namespace/name`. */
  route: string;
}

/** What all route files together say. */
export interface Policy {
  /** One for each filter of the layout, without generation. */
  configs: PluginConfig[];
  /** Same if and only if the configurations are. */
  hash: string;
  /** Names of the resources in force, `namespace/name`. */
  routes: string[];
  /** Keys that the routes use. */
  keys: NeededKey[];
  /** Routes that may be served on loopback only (FIM-UP-0015). */
  loopbackOnly: string[];
  conditions: Condition[];
  /** Lines that cannot be honoured, conflicts and the like: allowed, and said. */
  notices: Problem[];
  /** What a module's refusal means: its code and a JSON Pointer into its configuration, at the user's line. */
  locate: (code: string, pointer: string) => Problem;
}

export type Loaded = { policy: Policy; problems?: undefined } | { policy?: undefined; problems: Problem[] };
