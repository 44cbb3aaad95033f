import { guardedCluster, guardedSecrets, type ClusterCredentials, type SecretFiles } from './guarded-cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';

/** Cluster by which the plugin calls the KMS. The plugin's configuration names it. */
export const KMS_CLUSTER = 'fim-kms';

/** Envoy's credentials for the KMS. */
export interface KmsCredentials extends ClusterCredentials {
  /** Vault namespace. */
  namespace?: string;
}

/**
 * The cluster of the KMS. Envoy adds the credentials on the way out, also to call-outs, so that neither plugin nor
 * config dump sees them. `whole`: what is looked up for it, and not completed.
 */
export function kmsCluster(
  url: URL,
  { namespace, ...credentials }: KmsCredentials = {},
  files?: SecretFiles,
  whole?: string,
): EnvoyObject {
  return guardedCluster(KMS_CLUSTER, url, {
    credentials,
    headers: namespace === undefined ? {} : { 'x-vault-namespace': namespace },
    ...(files === undefined ? {} : { files }),
    ...(whole === undefined ? {} : { whole }),
  });
}

/** Discovered secrets of the KMS's cluster: see `guardedSecrets`. */
export function kmsSecrets(credentials: KmsCredentials): { token?: EnvoyObject; identity?: EnvoyObject } {
  return guardedSecrets(KMS_CLUSTER, credentials);
}
