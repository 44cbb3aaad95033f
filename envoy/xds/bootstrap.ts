import { DEFAULT_MAX_HEAP_BYTES, REQUESTS_BEGUN_AT_ONCE } from '../limits.ts';
import type { AuditTerms } from './audit-cluster.ts';
import { auditCluster } from './audit-cluster.ts';
import { cluster } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';
import type { ListenerPlan } from './listener.ts';
import { listener } from './listener.ts';
import type { SecretFiles } from './guarded-cluster.ts';
import type { KmsCredentials } from './kms-cluster.ts';
import type { DoorPlan } from './door.ts';
import { doorListener } from './door.ts';
import { kmsCluster } from './kms-cluster.ts';
import { limitsCluster } from './limit-service.ts';
import { memoryRelease, overloadManager } from './overload.ts';
import { OCSP_CLUSTER } from './tlcp.ts';
import { UPSTREAM_CLUSTER } from './route-configuration.ts';
import { statTags } from './stat-tags.ts';

/** Settings that Envoy starts with. Settings that change at run time are in discovered files. */
export interface BootstrapPlan extends ListenerPlan {
  admin: { host: string; port: number };
  upstream: URL;
  /** Absolute path of the discovered clusters: the channels of routes. Absent: no route has some. */
  clustersFile?: string;
  kms: URL;
  /** Collector of audit records. Absent: none. */
  audit?: AuditTerms;
  /** OCSP responder. Absent: none. */
  ocsp?: URL;
  kmsCredentials?: KmsCredentials;
  kmsSecretFiles?: SecretFiles;
  /** Absolute path of the discovered listener. Absent: the listener never changes. */
  listenerFile?: string;
  /** The door for the operator of this host. Absent: none. */
  door?: DoorPlan;
  /** Envoy's heap, bytes. Default: DEFAULT_MAX_HEAP_BYTES. */
  maxHeapBytes?: number;
}

/** Envoy's bootstrap configuration. */
export function bootstrapConfig(plan: BootstrapPlan): EnvoyObject {
  return {
    node: { id: 'fim-standalone', cluster: 'fim' },
    stats_config: statTags(),
    admin: {
      address: { socket_address: { address: plan.admin.host, port_value: plan.admin.port } },
      // The admin access log would go to standard output.
      access_log: [],
    },
    overload_manager: overloadManager(plan.maxHeapBytes ?? DEFAULT_MAX_HEAP_BYTES),
    memory_allocator_manager: memoryRelease(),
    layered_runtime: {
      layers: [{ name: 'fim', static_layer: { http: { max_requests_per_io_cycle: REQUESTS_BEGUN_AT_ONCE } } }],
    },
    ...discovered(plan),
    static_resources: {
      listeners: [
        ...(plan.listenerFile === undefined ? [listener(plan)] : []),
        ...(plan.door === undefined ? [] : [doorListener(plan.door)]),
      ],
      clusters: [
        cluster(UPSTREAM_CLUSTER, plan.upstream),
        kmsCluster(plan.kms, plan.kmsCredentials, plan.kmsSecretFiles),
        ...(plan.audit === undefined ? [] : [auditCluster(plan.audit)]),
        ...(plan.ocsp === undefined ? [] : [cluster(OCSP_CLUSTER, plan.ocsp)]),
        ...(plan.limits === undefined ? [] : [limitsCluster(plan.limits)]),
      ],
    },
  };
}

/** Where the listener and the clusters of channels are discovered, as far as they are. */
function discovered({ listenerFile, clustersFile }: BootstrapPlan): EnvoyObject {
  if (listenerFile === undefined && clustersFile === undefined) return {};
  return {
    dynamic_resources: {
      ...(listenerFile === undefined ? {} : { lds_config: fileOf(listenerFile) }),
      ...(clustersFile === undefined ? {} : { cds_config: fileOf(clustersFile) }),
    },
  };
}

function fileOf(path: string): EnvoyObject {
  return { path_config_source: { path }, resource_api_version: 'V3' };
}
