import { cluster } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';

/** Cluster by which the plugin calls the KMS. The plugin's configuration names it. */
export const KMS_CLUSTER = 'fim-kms';
/** Names of the discovered secrets. */
const TOKEN_SECRET = 'fim-kms-token';
const IDENTITY_SECRET = 'fim-kms-identity';

const API = 'type.googleapis.com/envoy';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const SECRET = `${API}.extensions.transport_sockets.tls.v3.Secret`;

/**
 * Headers that can carry the token: Vault's own, and the bearer scheme (RFC 6750), which Vault and OpenBao accept too.
 */
export const TOKEN_HEADERS = ['X-Vault-Token', 'Authorization'] as const;
export type TokenHeader = (typeof TOKEN_HEADERS)[number];

/** Envoy's credentials for the KMS. Files are absolute paths, and no configuration holds their content. */
export interface KmsCredentials {
  /** File with the token. Rotation replaces it by rename. */
  tokenFile?: string;
  tokenHeader?: TokenHeader;
  /** Vault namespace. */
  namespace?: string;
  /** PEM file with the authorities trusted for the KMS. Default: the system's. */
  caFile?: string;
  /** PEM file of the client certificate and of its key. */
  certFile?: string;
  keyFile?: string;
}

/** Absolute paths for the output of `kmsSecrets`: files that name the secrets' files. */
export interface KmsSecretFiles {
  token: string;
  identity: string;
}

/**
 * The cluster of the KMS. Envoy adds the credentials on the way out, also to call-outs, so that neither plugin nor
 * config dump sees them. `whole`: what is looked up for it, and not completed.
 */
export function kmsCluster(
  url: URL,
  credentials: KmsCredentials = {},
  files: KmsSecretFiles = { token: '', identity: '' },
  whole?: string,
): EnvoyObject {
  const tls = {
    ...(credentials.caFile === undefined ? {} : { authorities: credentials.caFile }),
    ...(credentials.certFile === undefined ? {} : { identity: secretSource(IDENTITY_SECRET, files.identity) }),
  };
  const base = cluster(KMS_CLUSTER, url, tls, whole);
  const filters = [...tokenFilters(credentials, files), ...namespaceFilters(credentials)];
  if (filters.length === 0) return base;
  const options = base.typed_extension_protocol_options as { [HTTP_OPTIONS]: EnvoyObject };
  const codec: EnvoyObject = {
    name: 'envoy.filters.http.upstream_codec',
    typed_config: { '@type': `${API}.extensions.filters.http.upstream_codec.v3.UpstreamCodec` },
  };
  return {
    ...base,
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: { ...options[HTTP_OPTIONS], http_filters: [...filters, codec] },
    },
  };
}

/**
 * Discovered secrets as files that name the secrets' files. Envoy reads a file again when a rename in its folder
 * replaces it.
 */
export function kmsSecrets({ tokenFile, certFile, keyFile }: KmsCredentials): {
  token?: EnvoyObject;
  identity?: EnvoyObject;
} {
  const watched = (filename: string): EnvoyObject => ({ filename, watched_directory: { path: folderOf(filename) } });
  return {
    ...(tokenFile === undefined
      ? {}
      : { token: secret({ name: TOKEN_SECRET, generic_secret: { secret: watched(tokenFile) } }) }),
    ...(certFile === undefined || keyFile === undefined
      ? {}
      : {
          identity: secret({
            name: IDENTITY_SECRET,
            tls_certificate: {
              certificate_chain: { filename: certFile },
              private_key: { filename: keyFile },
              watched_directory: { path: folderOf(keyFile) },
            },
          }),
        }),
  };
}

function tokenFilters(
  { tokenFile, tokenHeader = 'X-Vault-Token' }: KmsCredentials,
  files: KmsSecretFiles,
): EnvoyObject[] {
  if (tokenFile === undefined) return [];
  const credential: EnvoyObject = {
    '@type': `${API}.extensions.http.injected_credentials.generic.v3.Generic`,
    credential: secretSource(TOKEN_SECRET, files.token),
    header: tokenHeader.toLowerCase(),
    ...(tokenHeader === 'Authorization' ? { header_value_prefix: 'Bearer ' } : {}),
  };
  return [
    {
      name: 'envoy.filters.http.credential_injector',
      typed_config: {
        '@type': `${API}.extensions.filters.http.credential_injector.v3.CredentialInjector`,
        overwrite: true,
        credential: { name: 'envoy.http.injected_credentials.generic', typed_config: credential },
      },
    },
  ];
}

function namespaceFilters({ namespace }: KmsCredentials): EnvoyObject[] {
  if (namespace === undefined) return [];
  const append: EnvoyObject = {
    header: { key: 'x-vault-namespace', value: namespace },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  };
  return [
    {
      name: 'envoy.filters.http.header_mutation',
      typed_config: {
        '@type': `${API}.extensions.filters.http.header_mutation.v3.HeaderMutation`,
        mutations: { request_mutations: [{ append }] },
      },
    },
  ];
}

function secretSource(name: string, path: string): EnvoyObject {
  return { name, sds_config: { path_config_source: { path }, resource_api_version: 'V3' } };
}

function secret(content: EnvoyObject): EnvoyObject {
  return { resources: [{ '@type': SECRET, ...content }] };
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
