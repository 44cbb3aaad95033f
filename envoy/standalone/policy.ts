import type { NeededKey } from './needed-keys.ts';
import type { ConditionDraft, InheritedSection, Lane, ListenerTls, PluginConfig, RouteCanary } from '../route/index.ts';

/** An error or warning about a resource, a module or a file. It never contains a message's value or a key. */
export interface Problem {
  code: string;
  /** JSONPath in the resource. Empty for the whole. */
  path: string;
  message: string;
  /** As given on the command line. Empty or absent if no file is the cause. */
  file?: string;
  /** From 1. */
  line?: number;
  column?: number;
  /** `namespace/name`. */
  resource?: string;
}

/** State of one route, as in its Kubernetes status. */
export interface Condition extends ConditionDraft {
  /** `namespace/name`. */
  route: string;
}

/** The canary of a route, and all routes as it has them. */
export interface CanaryPolicy {
  /** `namespace/name`. */
  route: string;
  /** Identity of what differs: policy and module. */
  release: string;
  /** Identity of the route's own policy. */
  base: string;
  terms: RouteCanary;
  variant: Policy;
  /** The policy in force with the canary's as its shadow. Absent: requests are divided. */
  shadowed?: Policy;
  /** Release of the module. Absent: the current one. */
  module?: { release: string; sha256?: string };
}

/** Policy of all route files together. */
export interface Policy {
  /** One for each filter of the layout, without generation. */
  configs: PluginConfig[];
  /** Equal for equal configurations only. */
  hash: string;
  /** `namespace/name` of the resources in force. */
  routes: string[];
  /** Keys that the routes use. */
  keys: NeededKey[];
  /** Routes that may only be served on loopback (FIM-UP-0015). */
  loopbackOnly: string[];
  conditions: Condition[];
  /** Sections that routes have of baselines, by the route's name. */
  inherited: Record<string, InheritedSection[]>;
  /** Channels of the routes that have some. */
  lanes: Lane[];
  /** National TLS of the listener. Null: none, or it is not terminated. */
  tls: ListenerTls | null;
  /** The canary of a route. Absent: none has one. */
  canary?: CanaryPolicy;
  /** Warnings: settings that cannot be honoured, conflicts and the like. */
  notices: Problem[];
  /**
   * Converts a module's refusal (its code and a JSON Pointer into its configuration) into a problem at the user's line.
   */
  locate: (code: string, pointer: string) => Problem;
}

export type Loaded = { policy: Policy; problems?: undefined } | { policy?: undefined; problems: Problem[] };
