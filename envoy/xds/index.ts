export { bootstrapConfig } from './bootstrap.ts';
export type { BootstrapPlan } from './bootstrap.ts';
export { claimsFilterExcept } from './claims.ts';
export { CONNECTION_MANAGER, UPGRADE, connectionHardening } from './connection-hardening.ts';
export { connectionLimits, sharedConnectionLimits } from './connection-limits.ts';
export type { ConnectionLimitTerms } from './connection-limits.ts';
export { PEER_SCHEMES, cluster, hostOf, portOf } from './cluster.ts';
export { doorConfig, doorSlot } from './door.ts';
export type { DoorPlan } from './door.ts';
export { discoveredFilter, WASM_FILTER } from './discovered-filter.ts';
export type { EnvoyObject, EnvoyValue } from './envoy-object.ts';
export { TOKEN_HEADERS, guardedCluster, guardedSecrets } from './guarded-cluster.ts';
export type { ClusterCredentials, GuardedTerms, SecretFiles, TokenHeader } from './guarded-cluster.ts';
export { KMS_CLUSTER, kmsCluster, kmsSecrets } from './kms-cluster.ts';
export type { KmsCredentials } from './kms-cluster.ts';
export { filterSlots } from './layout.ts';
export type { FilterSlot, Layout } from './layout.ts';
export { auditCluster } from './audit-cluster.ts';
export type { AuditTerms } from './audit-cluster.ts';
export { LIMITS_CLUSTER, LIMITS_DOMAIN, dropQuestions, limitFilters, limitsCluster } from './limit-service.ts';
export type { LimitServiceTerms } from './limit-service.ts';
export { limitReplies, localReplies } from './local-replies.ts';
export type { LocalReplyTerms } from './local-replies.ts';
export { listenerResource } from './listener.ts';
export type { ListenerPlan } from './listener.ts';
export { standingName, standingResource, tlsSecret } from './ordinary-tls.ts';
export type { TlsIdentity } from './ordinary-tls.ts';
export { memoryRelease, overloadManager } from './overload.ts';
export { canaryName, pluginResource, wasmFilter } from './plugin-resource.ts';
export type { CanaryPlugin } from './plugin-resource.ts';
export type { Division } from './variants.ts';
export { clusterResource, routeResource } from './route-configuration.ts';
export { sealConfig, sealFilter } from './seal.ts';
export type { SealTerms } from './seal.ts';
export {
  OCSP_CLUSTER,
  responderAt,
  tlcpConfig,
  tlcpConnectionsResource,
  tlcpFilter,
  tlcpRequestsResource,
} from './tlcp.ts';
export type { TlcpFiles, TlcpPart } from './tlcp.ts';
