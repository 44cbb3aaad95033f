// The policy of a route with that of its canary as a shadow: it judges the same messages, without effect.
import type { PluginConfig, RouteConfig } from './plugin-config.gen.ts';

/**
 * The configuration in which the routes of one resource have the validation of `canary` as their shadow. Both have the
 * same routes in the same order, since a canary cannot differ in what it matches. `release`: identity of the shadow.
 */
export function shadowedRoutes(
  config: PluginConfig,
  canary: PluginConfig,
  name: string,
  release: string,
): RouteConfig[] {
  return config.routes.map((route, index) => {
    const other = canary.routes[index];
    if (route.name !== name || other === undefined) return route;
    // What needs keys, hands values on or writes headers has no place in it.
    const {
      mac: _,
      extracts: _handed,
      verdictHeader: _told,
      ...pbocValidator
    } = other.stages.pbocValidator ?? { rules: [] };
    return {
      ...route,
      shadow: {
        release,
        ...(other.body === undefined ? {} : { body: other.body }),
        stages: other.stages.pbocValidator === undefined ? {} : { pbocValidator },
      },
    };
  });
}

/** Where a place of a shadow stands in the configuration of the canary. Undefined: it is none of a shadow. */
export function placeOfShadow(pointer: string): string | undefined {
  const [, route, place] = /^(\/routes\/\d+)\/shadow(\/.*)?$/.exec(pointer) ?? [];
  return route === undefined ? undefined : `${route}${place ?? '/stages'}`;
}
