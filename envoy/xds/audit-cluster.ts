import { AUDIT_CLUSTER } from '../route/index.ts';
import { protocolOptions } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';
import { guardedCluster, type GuardedTerms } from './guarded-cluster.ts';

/** A collector of audit records. */
export interface AuditTerms {
  url: URL;
  /** Unix socket that it listens on. Then the URL says only how it is spoken to. */
  socket?: string;
}

/** The cluster of the collector, by which the plugin sends records. */
export function auditCluster({ url, socket }: AuditTerms, terms: GuardedTerms = {}): EnvoyObject {
  if (socket === undefined) return guardedCluster(AUDIT_CLUSTER, url, terms);
  return {
    name: AUDIT_CLUSTER,
    type: 'STATIC',
    load_assignment: {
      cluster_name: AUDIT_CLUSTER,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
    },
    typed_extension_protocol_options: protocolOptions(url),
  };
}
