// The objects that bring fim.wasm to a workload, written by hand: what istiod, pilot-agent and Envoy do of themselves
// is tested without the operator.
import type { PluginConfig } from '../../envoy/route/index.ts';
import { parseRoutes, translate } from '../../envoy/route/index.ts';
import type { KubeObject } from './stack/cluster-objects.ts';
import { NAMESPACE } from './stack/topology.ts';

const WASM = 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm';
const ROUTER = {
  filterChain: {
    filter: { name: 'envoy.filters.network.http_connection_manager', subFilter: { name: 'envoy.filters.http.router' } },
  },
};

export interface HandRendered {
  name: string;
  /** Label `app` of the workload. */
  app: string;
  context: 'GATEWAY' | 'SIDECAR_INBOUND';
  /** Address from which the agent fetches the module, and its digest. */
  moduleUrl: string;
  sha256: string;
  config: PluginConfig;
}

/** The plugin configuration of FinancialRoutes in YAML. */
export function pluginConfigOf(yaml: string, generation: number): PluginConfig {
  const { resources, errors } = parseRoutes(yaml, '');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return translate(resources, { layout: 'fused', kms: { cluster: KMS_CLUSTER }, generation }).config;
}

export const KMS_CLUSTER = 'outbound|8200||kms.fim.internal';

/** Filter and configuration of the plugin for one workload. */
export function envoyFilter({ name, app, context, moduleUrl, sha256, config }: HandRendered): KubeObject {
  const plugin = {
    name: 'fim',
    root_id: 'fim',
    failure_policy: 'FAIL_RELOAD',
    allow_on_headers_stop_iteration: true,
    vm_config: {
      vm_id: 'fim',
      runtime: 'envoy.wasm.runtime.v8',
      code: {
        remote: {
          http_uri: {
            uri: moduleUrl,
            timeout: '10s',
          },
          sha256,
        },
      },
    },
    configuration: {
      '@type': 'type.googleapis.com/google.protobuf.StringValue',
      value: JSON.stringify(config),
    },
  };
  const filter = {
    name: 'fim',
    config_discovery: {
      config_source: { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' },
      type_urls: [WASM],
    },
  };
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      workloadSelector: { labels: { app } },
      configPatches: [
        {
          applyTo: 'HTTP_FILTER',
          match: { context, listener: ROUTER },
          patch: { operation: 'INSERT_BEFORE', value: filter },
        },
        {
          applyTo: 'EXTENSION_CONFIG',
          match: { context },
          patch: { operation: 'ADD', value: { name: 'fim', typed_config: { '@type': WASM, config: plugin } } },
        },
      ],
    },
  };
}

/** The key service as the mesh knows it. */
export function kmsEntry(kms: URL): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'kms', namespace: NAMESPACE },
    spec: {
      hosts: ['kms.fim.internal'],
      location: 'MESH_EXTERNAL',
      resolution: 'STATIC',
      ports: [{ number: 8200, name: 'http', protocol: 'HTTP' }],
      endpoints: [{ address: kms.hostname, ports: { http: Number(kms.port) } }],
    },
  };
}
