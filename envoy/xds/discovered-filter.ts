import type { EnvoyObject } from './envoy-object.ts';

/** Type of the configuration of a Wasm filter. */
export const WASM_FILTER = 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm';

/**
 * A filter of a listener whose configuration is discovered. There is no time after which the listener would open without
 * it. `source`: where the configuration comes from. `type`: of the configuration, or those that it may have. `standIn`: what acts until it comes;
 * absent: the listener takes no connections until then.
 */
export function discoveredFilter(
  name: string,
  source: EnvoyObject,
  type: string | readonly string[],
  standIn?: EnvoyObject,
): EnvoyObject {
  return {
    name,
    config_discovery: {
      config_source: { ...source, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      type_urls: [type].flat(),
      ...(standIn === undefined ? {} : { default_config: standIn }),
    },
  };
}
