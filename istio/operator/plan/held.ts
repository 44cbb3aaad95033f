// Keeps a route in its last served form when its current form cannot be served.
import {
  isBaselineRoute,
  type PluginConfig,
  type RouteConfig,
  type RouteResource,
} from '../../../envoy/route/index.ts';
import { RouteSource } from '../../../envoy/route/source.ts';
import type { KubeObject } from '../kube/objects.ts';

/**
 * Compiled routes of a resource in the configuration in force, ready to be ordered and merged with others. Empty if it
 * has none there.
 */
export function heldRoutes(key: string, object: KubeObject, inForce: PluginConfig | undefined): RouteResource[] {
  const compiled = (inForce?.routes ?? []).filter((route: RouteConfig) => route.name === key);
  const { namespace = 'default', name, creationTimestamp } = object.metadata;
  const yields = isBaselineRoute(key);
  const created = Date.parse(creationTimestamp ?? '');
  return compiled.map((route) => {
    const source = new RouteSource('');
    source.resource = key;
    const spec = (route.match === undefined ? {} : { match: route.match }) as RouteResource['spec'];
    return {
      key,
      namespace,
      name,
      created: Number.isNaN(created) ? Infinity : created,
      generation: undefined,
      annotations: {},
      spec,
      sections: {},
      warnings: [],
      profiles: [],
      source,
      ...(yields ? { yields } : {}),
      compiled: route,
    };
  });
}
