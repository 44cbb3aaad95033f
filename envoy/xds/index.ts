export { KMS_CLUSTER, bootstrapConfig } from './bootstrap.ts';
export type { BootstrapPlan } from './bootstrap.ts';
export { PEER_SCHEMES, cluster, hostOf, portOf } from './cluster.ts';
export type { EnvoyObject, EnvoyValue } from './envoy-object.ts';
export { filterSlots } from './layout.ts';
export type { FilterSlot, Layout } from './layout.ts';
export { pluginResource, wasmFilter } from './plugin-resource.ts';
export { routeResource } from './route-configuration.ts';
