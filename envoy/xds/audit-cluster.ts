import { AUDIT_CLUSTER } from '../route/index.ts';
import { cluster } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';

/** A collector of audit records. */
export interface AuditTerms {
  url: URL;
}

/** The cluster of the collector, by which the plugin sends records. */
export function auditCluster({ url }: AuditTerms): EnvoyObject {
  return cluster(AUDIT_CLUSTER, url);
}
