// EnvoyFilters of others: which of them reach into FIM's chain.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foreignReaches, trimForeign, trimPlugin } from '../../istio/operator/plan/foreign.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { type Selection } from '../../istio/operator/plan/selection.ts';

describe('EnvoyFilters of others', () => {
  const chain = (name: string | undefined, sub?: string): object => ({
    listener: {
      filterChain: {
        filter: { ...(name === undefined ? {} : { name }), ...(sub === undefined ? {} : { subFilter: { name: sub } }) },
      },
    },
  });
  /** The value below more members than a stack holds calls. */
  const deep = (value: object): object => {
    let outer = value;
    for (let depth = 0; depth < 100_000; depth++) outer = { own: outer };
    return outer;
  };
  const MANAGER = 'envoy.filters.network.http_connection_manager';
  const CASES: { name: string; applyTo: string; match?: object; operation: string; value?: object; kind?: string }[] = [
    {
      name: 'takes out the filter',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'fim.gateways'),
      operation: 'REMOVE',
      kind: 'takes',
    },
    {
      name: 'takes out the seal',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'fim.seal.gateways'),
      operation: 'REMOVE',
      kind: 'takes',
    },
    {
      name: 'takes out all HTTP filters',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER),
      operation: 'REMOVE',
      kind: 'takes',
    },
    {
      name: 'puts a filter of its own before the router',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'envoy.filters.http.router'),
      operation: 'INSERT_BEFORE',
      value: { name: 'own' },
      kind: 'alters',
    },
    {
      name: 'another connection manager',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'REPLACE',
      kind: 'takes',
    },
    {
      name: 'TCP before the connection manager',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'INSERT_BEFORE',
      value: {
        name: 'x',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy' },
      },
      kind: 'takes',
    },
    {
      name: 'other filters for upgrades',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { typed_config: { upgrade_configs: [] } },
      kind: 'takes',
    },
    {
      name: 'paths as they are, which FIM does not rely on',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { typed_config: { normalize_path: false, merge_slashes: true, path_with_escaped_slashes_action: 1 } },
    },
    {
      name: 'headers before any filter',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { typed_config: { early_header_mutation_extensions: [] } },
      kind: 'alters',
    },
    {
      name: 'another name for the connection manager',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { name: 'x' },
      kind: 'takes',
    },
    {
      name: 'another name for the router',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'envoy.filters.http.router'),
      operation: 'MERGE',
      value: { name: 'x' },
      kind: 'takes',
    },
    {
      name: 'settings of the router',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'envoy.filters.http.router'),
      operation: 'MERGE',
      value: { name: 'envoy.filters.http.router', typed_config: { suppress_envoy_headers: true } },
    },
    {
      name: 'the filter disabled',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'fim.gateways'),
      operation: 'MERGE',
      value: { name: 'fim.gateways', disabled: true },
      kind: 'takes',
    },
    {
      name: 'all filters disabled',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { disabled: true },
      kind: 'takes',
    },
    {
      name: 'a filter of FIM’s name',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER),
      operation: 'INSERT_FIRST',
      value: { name: 'fim.gateways' },
      kind: 'takes',
    },
    {
      name: 'FIM’s stamp, forged',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER),
      operation: 'INSERT_FIRST',
      value: { name: 'x', typed_config: { on_request_headers: [{ object_key: 'wasm.fim.seal.fim' }] } },
      kind: 'takes',
    },
    {
      name: 'a first filter of its own',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER),
      operation: 'INSERT_FIRST',
      value: { name: 'own' },
      kind: 'alters',
    },
    {
      name: 'the refusal of other protocols',
      applyTo: 'NETWORK_FILTER',
      match: chain('fim.ports.gateways'),
      operation: 'REMOVE',
      kind: 'takes',
    },
    {
      name: 'the place where other protocols are refused',
      applyTo: 'NETWORK_FILTER',
      match: chain('envoy.filters.network.tcp_proxy'),
      operation: 'REPLACE',
      value: { name: 'x' },
      kind: 'takes',
    },
    { name: 'a listener', applyTo: 'LISTENER', operation: 'REMOVE', kind: 'alters' },
    { name: 'what tells HTTP from others', applyTo: 'LISTENER_FILTER', operation: 'REMOVE', kind: 'alters' },
    {
      name: 'turns the filter off deep in a configuration of routes',
      applyTo: 'ROUTE_CONFIGURATION',
      operation: 'MERGE',
      value: { virtual_hosts: [{ routes: [{ typed_per_filter_config: { 'fim.gateways': { disabled: true } } }] }] },
      kind: 'takes',
    },
    {
      name: 'trusted hops',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { typed_config: { xff_num_trusted_hops: 1 } },
    },
    {
      name: 'turns the filter off by route',
      applyTo: 'VIRTUAL_HOST',
      operation: 'MERGE',
      value: { typed_per_filter_config: { 'fim.gateways': { disabled: true } } },
      kind: 'takes',
    },
    {
      name: 'turns the seal off by route',
      applyTo: 'HTTP_ROUTE',
      operation: 'MERGE',
      value: { typed_per_filter_config: { 'fim.seal.gateways': { disabled: true } } },
      kind: 'takes',
    },
    {
      name: 'the configuration of the filter',
      applyTo: 'EXTENSION_CONFIG',
      operation: 'ADD',
      value: { name: 'fim.gateways' },
      kind: 'takes',
    },
    { name: 'a filter chain', applyTo: 'FILTER_CHAIN', operation: 'ADD', kind: 'takes' },
    {
      name: 'turns the filter off by route, in the other spelling',
      applyTo: 'VIRTUAL_HOST',
      operation: 'MERGE',
      value: { typedPerFilterConfig: { 'fim.gateways': { disabled: true } } },
      kind: 'takes',
    },
    {
      name: 'turns the filter off by a cluster of several, in both spellings',
      applyTo: 'HTTP_ROUTE',
      operation: 'MERGE',
      value: { route: { weightedClusters: { clusters: [{ typed_per_filter_config: { 'fim.gateways': {} } }] } } },
      kind: 'takes',
    },
    {
      name: 'turns the filter off deeper than anybody writes',
      applyTo: 'VIRTUAL_HOST',
      operation: 'MERGE',
      value: deep({ typedPerFilterConfig: { 'fim.gateways': {} } }),
      kind: 'takes',
    },
    {
      name: 'other settings of routes',
      applyTo: 'HTTP_ROUTE',
      operation: 'MERGE',
      value: { route: { timeout: '3s' }, typedPerFilterConfig: { own: {} } },
    },
    {
      name: 'other filters for upgrades, in the other spelling',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { typedConfig: { upgradeConfigs: [] } },
      kind: 'takes',
    },
    {
      name: 'other filters for upgrades, with lists replaced',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE_AND_REPLACE_LIST',
      value: { typed_config: { httpFilters: [] } },
      kind: 'takes',
    },
    {
      name: 'TCP before the connection manager, in the other spelling',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'INSERT_BEFORE',
      value: {
        name: 'x',
        typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy' },
      },
      kind: 'takes',
    },
    {
      name: 'a filter of the connection',
      applyTo: 'NETWORK_FILTER',
      match: chain(MANAGER),
      operation: 'INSERT_BEFORE',
      value: { name: 'x', typed_config: { '@type': 'type.googleapis.com/own' } },
      kind: 'alters',
    },
    {
      name: 'all filters optional, in the other spelling',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER),
      operation: 'MERGE',
      value: { isOptional: true },
      kind: 'takes',
    },
    {
      name: 'what a filter of others does',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'own'),
      operation: 'MERGE',
      value: { name: 'own', typed_config: {} },
      kind: 'alters',
    },
    { name: 'a filter of others out', applyTo: 'HTTP_FILTER', match: chain(MANAGER, 'own'), operation: 'REMOVE' },
    {
      name: 'filters behind the router',
      applyTo: 'HTTP_FILTER',
      match: chain(MANAGER, 'envoy.filters.http.router'),
      operation: 'MERGE',
      value: { typedConfig: { upstreamHttpFilters: [] } },
      kind: 'alters',
    },
    { name: 'a listener of its own', applyTo: 'LISTENER', operation: 'ADD', value: { name: 'door' }, kind: 'takes' },
    { name: 'the bootstrap', applyTo: 'BOOTSTRAP', operation: 'MERGE', value: { admin: {} }, kind: 'alters' },
    {
      name: 'a key service of its own',
      applyTo: 'CLUSTER',
      operation: 'ADD',
      value: { name: 'fim-kms' },
      kind: 'alters',
    },
    { name: 'a cluster', applyTo: 'CLUSTER', operation: 'ADD' },
  ];
  const foreign = (
    { applyTo, match = {}, operation, value }: (typeof CASES)[number],
    spec: object = {},
    context = 'GATEWAY',
  ): KubeObject =>
    trimForeign({
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'theirs', namespace: 'demo' },
      spec: { ...spec, configPatches: [{ applyTo, match: { context, ...match }, patch: { operation, value } }] },
    });

  for (const entry of CASES)
    it(`${entry.kind ?? 'nothing'}: ${entry.name}`, () =>
      assert.equal(foreignReaches([foreign(entry)], { lattice: 'gateway', terms: {} })[0]?.kind, entry.kind));

  it('are judged at a waypoint by the filter that they name for it', () => {
    const targetRefs = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'own' }];
    const match = { waypoint: { filter: { name: MANAGER, subFilter: { name: 'fim.waypoint-own' } } } };
    const removing = foreign(
      { name: '', applyTo: 'HTTP_FILTER', match, operation: 'REMOVE' },
      { targetRefs },
      'WAYPOINT',
    );
    const [reach] = foreignReaches([removing], { lattice: 'waypoint', terms: { waypoint: 'own' } });
    assert.deepEqual(reach, { kind: 'takes', text: 'demo/theirs (REMOVE of filter fim.waypoint-own)' });
  });

  it('open a door to a workload by any listener of its pods', () => {
    const adding = { name: '', applyTo: 'LISTENER', operation: 'ADD', value: { name: 'door' } };
    const web: Selection = { lattice: 'sidecar', terms: { app: 'web' } };
    assert.equal(foreignReaches([foreign(adding, {}, 'SIDECAR_OUTBOUND')], web)[0]?.kind, 'takes');
    assert.deepEqual(foreignReaches([foreign(adding, {}, 'GATEWAY')], web), []);
  });

  it('have WasmPlugins beside them, where these meet the proxies', () => {
    const plugin = (spec: object): KubeObject =>
      trimPlugin({
        apiVersion: 'extensions.istio.io/v1alpha1',
        kind: 'WasmPlugin',
        metadata: { name: 'theirs', namespace: 'demo' },
        spec: { url: 'oci://example.com/own', ...spec },
      });
    const web: Selection = { lattice: 'sidecar', terms: { app: 'web' } };
    assert.deepEqual(foreignReaches([plugin({ phase: 'AUTHN' })], web), [
      { kind: 'alters', text: 'demo/theirs (a WasmPlugin in front of FIM, which may answer by itself)' },
    ]);
    assert.equal(foreignReaches([plugin({})], web).length, 1, 'of any phase');
    assert.equal(foreignReaches([plugin({ selector: { matchLabels: { app: 'web' } } })], web).length, 1);
    assert.equal(foreignReaches([plugin({ selector: { matchLabels: { app: 'db' } } })], web).length, 0);
    const outwards = plugin({ match: [{ mode: 'CLIENT' }] });
    assert.equal(foreignReaches([outwards], web).length, 0, 'of what goes out');
    assert.equal(foreignReaches([outwards], { lattice: 'gateway', terms: {} }).length, 1);
  });

  it('count where they meet the proxies', () => {
    const [removing] = CASES;
    const web: Selection = { lattice: 'sidecar', terms: { app: 'web' } };
    const count = (object: KubeObject, selection: Selection): number => foreignReaches([object], selection).length;
    assert.equal(count(foreign(removing!), web), 0, 'of another context');
    assert.equal(
      count(foreign(removing!, { workloadSelector: { labels: { app: 'db' } } }, 'ANY'), web),
      0,
      'other pods',
    );
    assert.equal(
      count(foreign(removing!, { workloadSelector: { labels: { tier: 'x' } } }, 'SIDECAR_INBOUND'), web),
      1,
      'perhaps the same pods',
    );
    assert.equal(count(foreign(removing!, {}, 'SIDECAR_INBOUND'), web), 1);
  });

  it('with targets count at these, as Istio attaches them', () => {
    const [removing] = CASES;
    const at = (...targetRefs: object[]): KubeObject => foreign(removing!, { targetRefs }, 'ANY');
    const gateway = at({ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' });
    const service = at({ group: '', kind: 'Service', name: 'ledger' });
    const ofAll = foreign(removing!, {}, 'ANY');
    const count = (object: KubeObject, selection: Selection): number => foreignReaches([object], selection).length;
    const named = (name: string): Selection => ({
      lattice: 'gateway',
      terms: { 'gateway.networking.k8s.io/gateway-name': name },
    });
    const waypoint = (service?: string): Selection => ({
      lattice: 'waypoint',
      terms: { waypoint: 'edge', ...(service === undefined ? {} : { service }) },
    });
    assert.deepEqual(
      [named('edge'), named('other'), { lattice: 'gateway', terms: {} } as const, waypoint()].map((one) =>
        count(gateway, one),
      ),
      [1, 0, 1, 1],
    );
    assert.equal(count(gateway, { lattice: 'sidecar', terms: {} }), 0);
    assert.deepEqual(
      [waypoint('ledger'), waypoint('other'), waypoint(), named('edge')].map((one) => count(service, one)),
      [1, 0, 1, 0],
    );
    assert.equal(count(ofAll, waypoint()), 0, 'a waypoint takes none without a target');
  });
});
