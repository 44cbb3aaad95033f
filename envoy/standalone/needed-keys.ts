import { keysOf, type KeyAlgorithm, type RouteConfig } from '../route/index.ts';

/** A key that routes use for one purpose. */
export interface NeededKey {
  /** `kms://path`. */
  id: string;
  algorithm: KeyAlgorithm;
  /** Whether it encrypts or signs messages, and does not only decrypt or verify. */
  protects: boolean;
  /** `namespace/name` of the routes that use it. */
  routes: string[];
  /** Whether it belongs to something that exists already, a certificate, so that none can be made for it. */
  imported?: boolean;
}

/** Identity of a use: a key that fits one algorithm does not fit another, but for the two halves of an SM2 key. */
export function useOf({ id, algorithm }: Pick<NeededKey, 'id' | 'algorithm'>): string {
  return `${id} ${algorithm.startsWith('SM2') ? 'SM2' : algorithm}`;
}

/** The keys of routes, each once for each algorithm that it is used with. */
export function neededKeys(routes: readonly RouteConfig[]): NeededKey[] {
  const found = new Map<string, NeededKey>();
  for (const route of routes) {
    for (const { id, algorithm, protects } of keysOf(route)) {
      const key = found.get(useOf({ id, algorithm })) ?? { id, algorithm, protects: false, routes: [] };
      key.protects ||= protects;
      if (!key.routes.includes(route.name)) key.routes.push(route.name);
      found.set(useOf(key), key);
    }
  }
  return [...found.values()];
}
