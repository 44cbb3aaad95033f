import type { Lane, PluginConfig } from '../route/index.ts';
import { NEXT_GRPC_TIMEOUT_HEADER } from '../route/index.ts';
import { MAX_ENVOY_BUFFER_BYTES } from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';
import { laneClusterConfig, laneRoutes, unknownLane } from './lane.ts';

/** Name of the route configuration that the listener asks for. */
export const ROUTE_CONFIGURATION = 'fim';
export const UPSTREAM_CLUSTER = 'upstream';

/**
 * Envoy's routes: those to the channels of FIM's routes, by the header that the plugin sets when it lets a request go on,
 * and one for all other requests, to the single upstream.
 */
export function routeResource(config: PluginConfig, lanes: readonly Lane[] = []): EnvoyObject {
  return {
    version_info: String(config.generation ?? 0),
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
        name: ROUTE_CONFIGURATION,
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            ...(lanes.length === 0 ? {} : { request_headers_to_remove: [NEXT_GRPC_TIMEOUT_HEADER] }),
            routes: [...lanes.flatMap(laneRoutes), ...(lanes.length === 0 ? [] : [unknownLane()]), toUpstream()],
          },
        ],
      },
    ],
  };
}

/** Envoy's clusters that are discovered: the channels. */
export function clusterResource(version: string, lanes: readonly Lane[]): EnvoyObject {
  return { version_info: version, resources: lanes.map(laneClusterConfig) };
}

function toUpstream(): EnvoyObject {
  return {
    match: { prefix: '/' },
    // Only the listener's idle time-out ends a stream. A time-out of the whole stream would cut server-sent events.
    route: { cluster: UPSTREAM_CLUSTER, timeout: '0s' },
    request_body_buffer_limit: MAX_ENVOY_BUFFER_BYTES,
  };
}
