import type { PluginConfig } from '../route/index.ts';
import { MAX_ENVOY_BUFFER_BYTES } from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';

/** Name of the route configuration that the listener asks for. */
export const ROUTE_CONFIGURATION = 'fim';
export const UPSTREAM_CLUSTER = 'upstream';

/** Envoy's routes: one for all requests, to the single upstream. The plugin decides which policy applies. */
export function routeResource(config: PluginConfig): EnvoyObject {
  return {
    version_info: String(config.generation ?? 0),
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
        name: ROUTE_CONFIGURATION,
        virtual_hosts: [{ name: 'all', domains: ['*'], routes: [toUpstream()] }],
      },
    ],
  };
}

function toUpstream(): EnvoyObject {
  return {
    match: { prefix: '/' },
    // Only the listener's idle time-out ends a stream. A time-out of the whole stream would cut server-sent events.
    route: { cluster: UPSTREAM_CLUSTER, timeout: '0s' },
    request_body_buffer_limit: MAX_ENVOY_BUFFER_BYTES,
  };
}
