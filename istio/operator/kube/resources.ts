// Kinds that the operator uses, with their verbs. The API client refuses any other, and the manifests grant exactly
// these.

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export interface Resource {
  group: string;
  version: string;
  plural: string;
  kind: string;
  verbs: readonly Verb[];
  /**
   * `cluster`: all namespaces, by a ClusterRole. `own`: the operator's namespace only, by a Role. `named`: by
   * Roles of others, for the objects that they name.
   */
  scope: 'cluster' | 'own' | 'named';
  /** Verbs on the status subresource. */
  statusVerbs?: readonly Verb[];
  /** Name of the only object that is read and changed. RBAC cannot restrict `create` to a name. */
  only?: string;
  /** Whether the operator works without the kind, which not every cluster has. */
  optional?: boolean;
  /** Whether objects of the kind have no namespace. */
  clusterScoped?: boolean;
}

const READ = ['list', 'watch'] as const;
/** Name of the Lease for leader election. */
export const LEASE_NAME = 'fim-operator';

export const FINANCIAL_ROUTES: Resource = {
  group: 'fim.financial',
  version: 'v1',
  plural: 'financialroutes',
  kind: 'FinancialRoute',
  verbs: READ,
  statusVerbs: ['patch'],
  scope: 'cluster',
};
export const VALIDATION_PROFILES: Resource = {
  group: 'fim.financial',
  version: 'v1',
  plural: 'validationprofiles',
  kind: 'ValidationProfile',
  verbs: READ,
  scope: 'cluster',
  optional: true,
};
export const FINANCIAL_BASELINES: Resource = {
  group: 'fim.financial',
  version: 'v1',
  plural: 'financialbaselines',
  kind: 'FinancialBaseline',
  verbs: READ,
  statusVerbs: ['patch'],
  scope: 'cluster',
  optional: true,
  clusterScoped: true,
};
export const ENVOY_FILTERS: Resource = {
  group: 'networking.istio.io',
  version: 'v1alpha3',
  plural: 'envoyfilters',
  kind: 'EnvoyFilter',
  verbs: ['get', ...READ, 'create', 'patch', 'delete'],
  scope: 'cluster',
};
export const WASM_PLUGINS: Resource = {
  group: 'extensions.istio.io',
  version: 'v1alpha1',
  plural: 'wasmplugins',
  kind: 'WasmPlugin',
  verbs: READ,
  scope: 'cluster',
  optional: true,
};
export const ISTIO_GATEWAYS: Resource = {
  group: 'networking.istio.io',
  version: 'v1',
  plural: 'gateways',
  kind: 'Gateway',
  verbs: READ,
  scope: 'cluster',
  optional: true,
};
export const GATEWAYS: Resource = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  plural: 'gateways',
  kind: 'Gateway',
  verbs: READ,
  statusVerbs: ['patch'],
  scope: 'cluster',
  optional: true,
};
export const HTTP_ROUTES: Resource = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  plural: 'httproutes',
  kind: 'HTTPRoute',
  verbs: READ,
  statusVerbs: ['patch'],
  scope: 'cluster',
  optional: true,
};
export const SERVICES: Resource = {
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  verbs: READ,
  scope: 'cluster',
};
export const NAMESPACES: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  verbs: READ,
  scope: 'cluster',
  clusterScoped: true,
};
export const PODS: Resource = {
  group: '',
  version: 'v1',
  plural: 'pods',
  kind: 'Pod',
  verbs: READ,
  statusVerbs: ['patch'],
  scope: 'cluster',
};
/**
 * Certificates that routes name. No role that comes with the operator grants these: a Role in the route's namespace does,
 * for `get` and the object's name alone. To `list` or `watch` Secrets would be to read all of them.
 */
export const SECRETS: Resource = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  verbs: ['get'],
  scope: 'named',
};
export const CONFIG_MAPS: Resource = { ...SECRETS, plural: 'configmaps', kind: 'ConfigMap' };
export const EVENTS: Resource = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  verbs: ['create'],
  scope: 'cluster',
};
export const LEASES: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  verbs: ['get', 'create', 'update'],
  scope: 'own',
  only: LEASE_NAME,
};

export const RESOURCES: readonly Resource[] = [
  FINANCIAL_ROUTES,
  VALIDATION_PROFILES,
  FINANCIAL_BASELINES,
  ENVOY_FILTERS,
  WASM_PLUGINS,
  ISTIO_GATEWAYS,
  GATEWAYS,
  HTTP_ROUTES,
  SERVICES,
  NAMESPACES,
  PODS,
  EVENTS,
  LEASES,
  SECRETS,
  CONFIG_MAPS,
];

/** `group/version`, or the version alone for the core group. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Path of a collection or, with a name, of one object. */
export function pathOf(resource: Resource, namespace?: string, name?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${resource.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
