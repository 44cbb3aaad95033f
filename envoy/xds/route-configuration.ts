import type { PluginConfig } from '../route/index.ts';
import { MAX_ENVOY_BUFFER_BYTES } from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';

/** Name under which the listener asks for the routes. */
export const ROUTE_CONFIGURATION = 'fim';
export const UPSTREAM_CLUSTER = 'upstream';

/** Envoy's routes: one for all requests, to the one upstream. Which policy a request meets is the plugin's to say. */
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
    // Streams live as long as bytes flow (the listener's idle time-out); a whole-stream time-out would cut server-sent
    // events.
    route: { cluster: UPSTREAM_CLUSTER, timeout: '0s' },
    request_body_buffer_limit: MAX_ENVOY_BUFFER_BYTES,
  };
}
