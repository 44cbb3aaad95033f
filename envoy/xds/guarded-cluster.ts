import { cluster } from './cluster.ts';
import type { EnvoyObject } from './envoy-object.ts';

const API = 'type.googleapis.com/envoy';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const SECRET = `${API}.extensions.transport_sockets.tls.v3.Secret`;

/**
 * Headers that can carry a token: Vault's own, and the bearer scheme (RFC 6750), which Vault and OpenBao accept too.
 */
export const TOKEN_HEADERS = ['X-Vault-Token', 'Authorization'] as const;
export type TokenHeader = (typeof TOKEN_HEADERS)[number];

/** Envoy's credentials for a service. Files are absolute paths, and no configuration holds their content. */
export interface ClusterCredentials {
  /** File with the token. Rotation replaces it by rename. */
  tokenFile?: string;
  /** Default: X-Vault-Token. */
  tokenHeader?: TokenHeader;
  /** PEM file with the authorities trusted for the service. Default: the system's. */
  caFile?: string;
  /** PEM file of the client certificate and of its key. */
  certFile?: string;
  keyFile?: string;
}

/** Absolute paths for the output of `guardedSecrets`: files that name the secrets' files. */
export interface SecretFiles {
  token: string;
  identity: string;
}

export interface GuardedTerms {
  credentials?: ClusterCredentials;
  /** Default: none, for a cluster without token and client certificate. */
  files?: SecretFiles;
  /** Headers that Envoy sets on each request; its own substitutions (`%…%`) are made. */
  headers?: Readonly<Record<string, string>>;
  /** Name that is looked up for it, and not completed. Default: the host of the URL, as the machine completes it. */
  whole?: string;
}

/**
 * A cluster of a service that wants credentials. Envoy adds them on the way out, also to call-outs, so that neither
 * plugin nor config dump sees them.
 */
export function guardedCluster(
  name: string,
  url: URL,
  { credentials = {}, files = { token: '', identity: '' }, headers = {}, whole }: GuardedTerms,
): EnvoyObject {
  const tls = {
    ...(credentials.caFile === undefined ? {} : { authorities: credentials.caFile }),
    ...(credentials.certFile === undefined ? {} : { identity: secretSource(identityName(name), files.identity) }),
  };
  const base = cluster(name, url, tls, whole);
  const filters = [...tokenFilters(name, credentials, files), ...headerFilters(headers)];
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
 * Discovered secrets of a cluster as files that name the secrets' files. Envoy reads a file again when a rename in its
 * folder replaces it.
 */
export function guardedSecrets(
  name: string,
  { tokenFile, certFile, keyFile }: ClusterCredentials,
): { token?: EnvoyObject; identity?: EnvoyObject } {
  const watched = (filename: string): EnvoyObject => ({ filename, watched_directory: { path: folderOf(filename) } });
  return {
    ...(tokenFile === undefined
      ? {}
      : { token: secret({ name: tokenName(name), generic_secret: { secret: watched(tokenFile) } }) }),
    ...(certFile === undefined || keyFile === undefined
      ? {}
      : {
          identity: secret({
            name: identityName(name),
            tls_certificate: {
              certificate_chain: { filename: certFile },
              private_key: { filename: keyFile },
              watched_directory: { path: folderOf(keyFile) },
            },
          }),
        }),
  };
}

function tokenName(cluster: string): string {
  return `${cluster}-token`;
}

function identityName(cluster: string): string {
  return `${cluster}-identity`;
}

function tokenFilters(
  cluster: string,
  { tokenFile, tokenHeader = 'X-Vault-Token' }: ClusterCredentials,
  files: SecretFiles,
): EnvoyObject[] {
  if (tokenFile === undefined) return [];
  const credential: EnvoyObject = {
    '@type': `${API}.extensions.http.injected_credentials.generic.v3.Generic`,
    credential: secretSource(tokenName(cluster), files.token),
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

function headerFilters(headers: Readonly<Record<string, string>>): EnvoyObject[] {
  const mutations = Object.entries(headers).map(([key, value]): EnvoyObject => ({
    append: { header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
  }));
  if (mutations.length === 0) return [];
  return [
    {
      name: 'envoy.filters.http.header_mutation',
      typed_config: {
        '@type': `${API}.extensions.filters.http.header_mutation.v3.HeaderMutation`,
        mutations: { request_mutations: mutations },
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
