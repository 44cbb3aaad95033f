import { MAX_DOWNSTREAM_CONNECTIONS } from '../limits.ts';
import { cluster } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';
import type { ListenerPlan } from './listener.ts';
import { listener } from './listener.ts';
import type { KmsCredentials, KmsSecretFiles } from './kms-cluster.ts';
import { kmsCluster } from './kms-cluster.ts';
import { UPSTREAM_CLUSTER } from './route-configuration.ts';

/** All that Envoy is started with. What changes while it runs is discovered from files that this names. */
export interface BootstrapPlan extends ListenerPlan {
  admin: { host: string; port: number };
  upstream: URL;
  kms: URL;
  kmsCredentials?: KmsCredentials;
  kmsSecretFiles?: KmsSecretFiles;
}

/** Envoy's bootstrap configuration. */
export function bootstrapConfig(plan: BootstrapPlan): EnvoyObject {
  return {
    node: { id: 'fim-standalone', cluster: 'fim' },
    admin: {
      address: { socket_address: { address: plan.admin.host, port_value: plan.admin.port } },
      // Its own access log would go to standard output.
      access_log: [],
    },
    overload_manager: {
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            max_active_downstream_connections: MAX_DOWNSTREAM_CONNECTIONS,
          },
        },
      ],
    },
    static_resources: {
      listeners: [listener(plan)],
      clusters: [cluster(UPSTREAM_CLUSTER, plan.upstream), kmsCluster(plan.kms, plan.kmsCredentials, plan.kmsSecretFiles)],
    },
  };
}
