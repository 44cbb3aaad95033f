import { DOOR_IDLE_TIMEOUT_MS, DOOR_REQUEST_TIMEOUT_MS } from '../limits.ts';
import type { PluginConfig } from '../route/index.ts';
import { PLUGIN_CONFIG_VERSION } from '../route/index.ts';
import { connectionHardening } from './connection-hardening.ts';
import { discoveredFilter, WASM_FILTER } from './discovered-filter.ts';
import type { EnvoyObject } from './envoy-object.ts';
import type { FilterSlot } from './layout.ts';

const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

/** Who may open the door: the user that the proxy runs as. */
const OWNER_ONLY = 0o600;

export interface DoorPlan {
  /** Absolute path of the socket. */
  socket: string;
  slots: readonly FilterSlot[];
  /** Absolute path of the discovered configuration of a slot's filter at the door. */
  doorFile: (slot: FilterSlot) => string;
}

/** The filter at the door that stands for a slot. It has the slot's code and so the same machines. */
export function doorSlot(slot: FilterSlot): FilterSlot {
  return { ...slot, filter: `door.${slot.filter}` };
}

/** Configuration of such a filter: its requests are the door's. Public listeners never have this configuration. */
export function doorConfig(): PluginConfig {
  return { version: PLUGIN_CONFIG_VERSION, door: true, routes: [] };
}

/**
 * A second listener, on a unix socket, by which the operator of this host speaks to the machines of the proxy's workers.
 * What no filter knows has no route: nothing is behind the door.
 */
export function doorListener(plan: DoorPlan): EnvoyObject {
  return {
    name: 'fim.door',
    address: { pipe: { path: plan.socket, mode: OWNER_ONLY } },
    enable_reuse_port: false,
    // An operator can look while clients have all connections.
    ignore_global_conn_limit: true,
    filter_chains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            typed_config: {
              ...connectionHardening(),
              stat_prefix: 'fim.door',
              codec_type: 'HTTP1',
              request_timeout: `${DOOR_REQUEST_TIMEOUT_MS / 1000}s`,
              common_http_protocol_options: { idle_timeout: `${DOOR_IDLE_TIMEOUT_MS / 1000}s` },
              route_config: {
                name: 'fim.door',
                virtual_hosts: [
                  {
                    name: 'none',
                    domains: ['*'],
                    routes: [{ match: { prefix: '/' }, direct_response: { status: 404 } }],
                  },
                ],
              },
              http_filters: [
                ...plan.slots.map((slot) =>
                  discoveredFilter(
                    doorSlot(slot).filter,
                    { path_config_source: { path: plan.doorFile(slot) } },
                    WASM_FILTER,
                  ),
                ),
                { name: 'envoy.filters.http.router', typed_config: { '@type': ROUTER } },
              ],
            },
          },
        ],
      },
    ],
  };
}
