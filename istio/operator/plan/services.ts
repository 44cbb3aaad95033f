// The platform's services as clusters of a namespace's proxies, each by an object of its own. They are FIM's: no Service,
// ServiceEntry or DestinationRule of a tenant leads them elsewhere.
import {
  auditCluster,
  cluster,
  kmsCluster,
  limitsCluster,
  OCSP_CLUSTER,
  type ClusterCredentials,
  type EnvoyObject,
} from '../../../envoy/xds/index.ts';
import { HEADER_PROXY } from '../../../services/audit/record.gen.ts';
import type { KubeObject } from '../kube/objects.ts';
import { AUDIT_OBJECT, KMS_OBJECT, LIMITS_OBJECT, VERSION_ANNOTATION } from './applied.ts';
import { BASE_PRIORITY, CLUSTER_DOMAIN, managed } from './envoy-filter.ts';
import { serviceAddress } from './service-address.ts';

/**
 * Files that the proxies' pods hold in a folder: `token` with `token.json`, `ca.crt`, `tls.crt` and `tls.key` with
 * `identity.json`.
 */
export const PROXY_FILES = ['token', 'ca', 'identity'] as const;
export type ProxyFile = (typeof PROXY_FILES)[number];

/** Access of proxies to a service, with their credentials. */
export interface ServiceAccess {
  url: URL;
  /** Absolute path in the proxies' file systems. */
  folder: string;
  files: readonly ProxyFile[];
}

export interface KmsAccess extends ServiceAccess {
  /** Vault namespace. */
  vaultNamespace?: string;
  /** OCSP responder of national TLS, which goes the same way. */
  ocsp?: URL;
}

/** Credentials of a cluster, from the files of an access. */
function credentialsOf({ folder, files }: ServiceAccess): {
  credentials: ClusterCredentials;
  files: { token: string; identity: string };
} {
  const at = (name: string): string => `${folder}/${name}`;
  const has = (file: ProxyFile): boolean => files.includes(file);
  return {
    credentials: {
      ...(has('token') ? { tokenFile: at('token') } : {}),
      ...(has('ca') ? { caFile: at('ca.crt') } : {}),
      ...(has('identity') ? { certFile: at('tls.crt'), keyFile: at('tls.key') } : {}),
    },
    files: { token: at('token.json'), identity: at('identity.json') },
  };
}

function patch(context: string, value: EnvoyObject): EnvoyObject {
  return { applyTo: 'CLUSTER', match: { context }, patch: { operation: 'ADD', value } };
}

function serviceObject(namespace: string, name: string, version: string, configPatches: EnvoyObject[]): KubeObject {
  const annotations = { [VERSION_ANNOTATION]: version };
  return managed(namespace, name, {}, annotations, { priority: BASE_PRIORITY, configPatches });
}

/** Cluster by which the plugin calls the key service, for all proxies of a namespace. */
export function kmsObject(
  namespace: string,
  { vaultNamespace, ocsp, ...access }: KmsAccess,
  version: string,
  clusterDomain = CLUSTER_DOMAIN,
): KubeObject {
  const { credentials, files } = credentialsOf(access);
  const own = { ...(vaultNamespace === undefined ? {} : { namespace: vaultNamespace }), ...credentials };
  const value = kmsCluster(access.url, own, files, serviceAddress(access.url, clusterDomain));
  const responder = ocsp && patch('GATEWAY', cluster(OCSP_CLUSTER, ocsp, {}, serviceAddress(ocsp, clusterDomain)));
  return serviceObject(namespace, KMS_OBJECT, version, [
    patch('GATEWAY', value),
    patch('SIDECAR_OUTBOUND', value),
    ...(responder ? [responder] : []),
  ]);
}

/** Who a proxy is, as its own Envoy says it to the collector: Istio gives each its pod's name. */
const PROXY_NAME = '%ENVIRONMENT(POD_NAME)%.%ENVIRONMENT(POD_NAMESPACE)%';

/** Cluster by which the plugin sends audit records, for all proxies of a namespace. */
export function auditObject(
  namespace: string,
  access: ServiceAccess,
  version: string,
  clusterDomain = CLUSTER_DOMAIN,
): KubeObject {
  const { credentials, files } = credentialsOf(access);
  const value = auditCluster(access, {
    credentials: { ...credentials, tokenHeader: 'Authorization' },
    files,
    headers: { [HEADER_PROXY]: PROXY_NAME },
    whole: serviceAddress(access.url, clusterDomain),
  });
  return serviceObject(namespace, AUDIT_OBJECT, version, [patch('GATEWAY', value), patch('SIDECAR_OUTBOUND', value)]);
}

/** Cluster by which Envoy asks the service that counts global limits, for all proxies of a namespace. */
export function limitsObject(namespace: string, url: URL, version: string, clusterDomain = CLUSTER_DOMAIN): KubeObject {
  const value = limitsCluster({ url }, serviceAddress(url, clusterDomain));
  return serviceObject(namespace, LIMITS_OBJECT, version, [patch('GATEWAY', value), patch('SIDECAR_OUTBOUND', value)]);
}
