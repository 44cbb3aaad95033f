import { keysOf, type KeyAlgorithm, type RouteConfig } from '../route/index.ts';

/** A key that routes use, with its purpose. */
export interface NeededKey {
  /** `kms://path`. */
  id: string;
  algorithm: KeyAlgorithm;
  /** Whether it encrypts or signs messages, and does not only decrypt or verify. */
  protects: boolean;
  /** `namespace/name` of the routes that use it. */
  routes: string[];
}

/** The keys of routes, each once: of two uses the first says the algorithm. */
export function neededKeys(routes: readonly RouteConfig[]): NeededKey[] {
  const found = new Map<string, NeededKey>();
  for (const route of routes) {
    for (const { id, algorithm, protects } of keysOf(route)) {
      const key = found.get(id) ?? { id, algorithm, protects: false, routes: [] };
      key.protects ||= protects;
      if (!key.routes.includes(route.name)) key.routes.push(route.name);
      found.set(id, key);
    }
  }
  return [...found.values()];
}
