// National TLS on a listener: a Wasm network filter in front of the HTTP connection manager, and the HTTP filter of the
// same module in front of all others. Both are discovered, so that a listener can begin to speak it without a restart.
import type { TlcpListenerConfig } from '../route/index.ts';
import { canonicalJson } from '../route/index.ts';
import { WASM_FILTER } from './discovered-filter.ts';
import type { EnvoyObject } from './envoy-object.ts';
import { withoutClaims } from './claims.ts';
import { RELOAD_BACKOFF } from './plugin-resource.ts';

const NETWORK_WASM = 'type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm';
const NETWORK_NOTHING = 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC';
const HTTP_MUTATION = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';
/** Names of the filters and of their discovered configurations. */
export const TLCP_CONNECTIONS = 'fim.tlcp.connections';
export const TLCP_REQUESTS = 'fim.tlcp.requests';
/** Cluster of the OCSP responder, which the module's configuration names. */
export const OCSP_CLUSTER = 'fim-ocsp';
/** Both filters run in one machine, which this and the code decide. Ticket keys live as long as the id. */
const VM_ID = 'fim-tlcp';
/** Filter state of a connection: `1` while its request is made up, however that ends. No client can set it. */
export const TLCP_MADE_UP = 'wasm.fim.tlcp.made_up';

/** The module's way to a responder. */
export function responderAt(url: URL): { cluster: string; authority: string; path: string } {
  return { cluster: OCSP_CLUSTER, authority: url.host, path: `${url.pathname}${url.search}` };
}

/** Files of the two discovered configurations, absolute. */
export interface TlcpFiles {
  connections: string;
  requests: string;
}

/** A filter whose configuration is discovered. Until it has come, the listener takes no connections. */
function discovered(name: string, source: EnvoyObject, types: string[]): EnvoyObject {
  return {
    name,
    config_discovery: {
      config_source: { ...source, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      type_urls: types,
    },
  };
}

/** Part of national TLS: the network filter before the connection manager, or the first HTTP filter. */
export type TlcpPart = 'connections' | 'requests';

/** One of the filters. `source`: where its configuration comes from. */
export function tlcpFilter(part: TlcpPart, name: string, source: EnvoyObject): EnvoyObject {
  return discovered(
    name,
    source,
    part === 'connections' ? [NETWORK_WASM, NETWORK_NOTHING] : [WASM_FILTER, HTTP_MUTATION],
  );
}

const fileSource = (path: string): EnvoyObject => ({ path_config_source: { path } });

/** The network filter. */
export function tlcpNetworkFilter(files: TlcpFiles): EnvoyObject {
  return tlcpFilter('connections', TLCP_CONNECTIONS, fileSource(files.connections));
}

/** The first HTTP filter. */
export function tlcpHttpFilter(files: TlcpFiles): EnvoyObject {
  return tlcpFilter('requests', TLCP_REQUESTS, fileSource(files.requests));
}

/** Settings that both filters of a listener have in common: machines are shared only by filters that agree on it. */
export interface TlcpCode {
  /** Place where Envoy finds the module. */
  code: EnvoyObject;
  /** More members of both. */
  restriction?: EnvoyObject;
}

/** Typed configuration of one of the filters. `config`: its part. */
export function tlcpConfig(
  part: TlcpPart,
  name: string,
  { code, restriction = {} }: TlcpCode,
  config: TlcpListenerConfig,
): EnvoyObject {
  const plugin = {
    name,
    root_id: name,
    failure_policy: 'FAIL_RELOAD',
    reload_config: { backoff: { base_interval: RELOAD_BACKOFF } },
    allow_on_headers_stop_iteration: true,
    ...restriction,
    vm_config: { vm_id: VM_ID, runtime: 'envoy.wasm.runtime.v8', code },
    configuration: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: canonicalJson(config) },
  };
  return { '@type': part === 'connections' ? NETWORK_WASM : WASM_FILTER, config: plugin };
}

function resource(name: string, generation: number, config: EnvoyObject): EnvoyObject {
  return {
    version_info: String(generation),
    resources: [
      { '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig', name, typed_config: config },
    ],
  };
}

/** Code and configuration of one of the filters. */
export interface TlcpFilterTerms {
  /** Absolute. */
  moduleFile: string;
  config: TlcpListenerConfig;
}

const codeOf = ({ moduleFile }: TlcpFilterTerms): TlcpCode => ({ code: { local: { filename: moduleFile } } });

/** Discovered configuration of the network filter. Without terms connections pass as they are. */
export function tlcpConnectionsResource(generation: number, terms?: TlcpFilterTerms): EnvoyObject {
  return resource(
    TLCP_CONNECTIONS,
    generation,
    terms === undefined
      ? { '@type': NETWORK_NOTHING, stat_prefix: 'fim_tlcp_off.' }
      : tlcpConfig('connections', TLCP_CONNECTIONS, codeOf(terms), terms.config),
  );
}

/** Discovered configuration of the HTTP filter. Without terms requests pass, but for what clients say of themselves. */
export function tlcpRequestsResource(generation: number, terms?: TlcpFilterTerms): EnvoyObject {
  return resource(
    TLCP_REQUESTS,
    generation,
    terms === undefined ? withoutClaims() : tlcpConfig('requests', TLCP_REQUESTS, codeOf(terms), terms.config),
  );
}
