import type { PluginConfig } from '../route/plugin-config.gen.ts';

/** A mistake in a resource, a module or a file. It never holds a field's value or a key. */
export interface Problem {
  code: string;
  /** JSON path in the resource, or JSON Pointer in the plugin configuration; empty if the whole is meant. */
  path: string;
  message: string;
  /** As given on the command line; absent if no file is to blame. */
  file?: string;
  /** From 1. */
  line?: number;
}

/** Something that a route asks for and does not get, or gets with a restriction. */
export interface Condition {
  route: string;
  type: string;
  status: 'True' | 'False';
  reason: string;
  code: string;
  message: string;
}

/** What all route files together say. */
export interface Policy {
  /** Without generation. */
  config: PluginConfig;
  /** Names of the resources, `namespace/name`. */
  routes: string[];
  /** `kms://` ids that the routes use. */
  keyIds: string[];
  /** Routes that may be served on loopback only (FIM-UP-0015). */
  loopbackOnly: string[];
  conditions: Condition[];
}

export type Loaded = { policy: Policy; problems?: undefined } | { policy?: undefined; problems: Problem[] };
