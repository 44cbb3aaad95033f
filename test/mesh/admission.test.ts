// Requests of an administrator and a tenant that the admission policies refuse, on a real API server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import type { KubeObject } from './stack/cluster-objects.ts';
import { Mesh } from './stack/mesh.ts';
import { NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_800_000;
const MANAGED = { 'app.kubernetes.io/managed-by': 'fim-operator' };

function route(namespace: string, annotations: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name: 'tried', namespace, annotations },
    spec: { rateLimit: { requests: 1, period: '1s' } },
  };
}

function filter(name: string, labels: Record<string, string>): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace: NAMESPACE, labels },
    spec: { priority: 1 },
  };
}

describe('the admission policies', () => {
  let mesh: Mesh;
  let tenant: string;
  /** The same rights, and the verb that lets him patch chains. */
  let trusted: string;
  let operator: string;

  /**
   * Response of the API server to a tenant who may write routes and EnvoyFilters of the namespace. Empty if it accepts.
   */
  const asTenant = (args: string[], object?: KubeObject): Promise<string> => as(tenant, args, object);
  /** The same, to the operator's service account with its role from the manifests. */
  const asOperator = (args: string[], object?: KubeObject): Promise<string> => as(operator, args, object);

  function as(kubeconfig: string, args: string[], object?: KubeObject): Promise<string> {
    return new Promise((done) => {
      const child = execFile(mesh.programs.kubectl, ['--kubeconfig', kubeconfig, ...args], (error, _, stderr) =>
        // A `no` of `auth can-i` is on its standard output.
        done(error === null ? '' : stderr || error.message),
      );
      child.stdin?.end(object === undefined ? '' : JSON.stringify(object));
    });
  }

  const refusal = (object: KubeObject): Promise<string> =>
    mesh.objects.apply(object).then(
      () => '',
      (error: Error) => error.message,
    );

  before(
    async () => {
      mesh = await Mesh.start();
      const metadata = { name: 'tenant', namespace: NAMESPACE };
      const rules = [
        { apiGroups: ['networking.istio.io'], resources: ['envoyfilters'], verbs: ['*'] },
        { apiGroups: ['extensions.istio.io'], resources: ['wasmplugins'], verbs: ['*'] },
        // Not by a Role, whatever it has.
        { apiGroups: ['fim.financial'], resources: ['*'], verbs: ['*'] },
      ];
      await mesh.objects.applyAll([
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
        { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata,
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
          subjects: [
            { kind: 'ServiceAccount', ...metadata },
            { kind: 'ServiceAccount', ...metadata, name: 'trusted' },
          ],
        },
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: 'trusted' } },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: 'patch-chains' },
          rules: [{ apiGroups: ['fim.financial'], resources: ['financialbaselines'], verbs: ['patch-chains'] }],
        },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRoleBinding',
          metadata: { name: 'patch-chains' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'patch-chains' },
          subjects: [{ kind: 'ServiceAccount', ...metadata, name: 'trusted' }],
        },
      ]);
      trusted = await mesh.kubeconfigOf(NAMESPACE, 'trusted');
      tenant = await mesh.kubeconfigOf(NAMESPACE, 'tenant');
      operator = await mesh.kubeconfigOf('fim-system', 'fim-operator');
      // A policy acts some time after it is made.
      await until(
        'the policies act',
        async () =>
          (await refusal(route('istio-system'))) !== '' &&
          (await asTenant(['create', '-f', '-'], filter('probe', MANAGED))) !== '' &&
          (await asOperator(['create', '-f', '-'], filter('probe', MANAGED))) !== '',
      );
    },
    { timeout: SET_UP_MS },
  );
  after(() => mesh?.stop());

  it('no route in the root namespace of the mesh', async () => {
    assert.match(await refusal(route('istio-system')), /FIM-OP-0002/);
    assert.equal(await refusal(route(NAMESPACE)), '');
  });

  it('no annotation of ours that means nothing', async () => {
    assert.match(await refusal(route(NAMESPACE, { 'fim.financial/accept-misisng-tlcp': 'true' })), /unknown/);
    assert.match(await refusal(route(NAMESPACE, { 'fim.financial/accept-missing-tlcp': 'yes' })), /"true" or "false"/);
    assert.equal(
      await refusal(route(NAMESPACE, { 'fim.financial/accept-missing-tlcp': 'true', 'example.com/own': 'x' })),
      '',
    );
  });

  it('no tenant touches what the operator has made, and every one keeps his own', async () => {
    await mesh.objects.apply(filter('fim-gateways', MANAGED));
    assert.match(await asTenant(['create', '-f', '-'], filter('forged', MANAGED)), /made by the operator/);
    assert.match(await asTenant(['delete', 'envoyfilter', 'fim-gateways', '-n', NAMESPACE]), /made by the operator/);
    assert.match(
      await asTenant(['label', 'envoyfilter', 'fim-gateways', '-n', NAMESPACE, 'app.kubernetes.io/managed-by-']),
      /made by the operator/,
    );
    assert.equal(await asTenant(['create', '-f', '-'], filter('own', { app: 'x' })), '');
    assert.equal(await asTenant(['delete', 'envoyfilter', 'own', '-n', NAMESPACE]), '');
  });

  describe('EnvoyFilters of tenants that reach into chains', () => {
    const MANAGER = 'envoy.filters.network.http_connection_manager';
    const chain = (name: string | undefined, sub?: string): object => ({
      context: 'GATEWAY',
      listener: {
        filterChain: {
          filter: {
            ...(name === undefined ? {} : { name }),
            ...(sub === undefined ? {} : { subFilter: { name: sub } }),
          },
        },
      },
    });
    const patched = (applyTo: string, match: object, operation: string, value?: object): KubeObject => ({
      ...filter('reaching', {}),
      spec: { configPatches: [{ applyTo, match, patch: { operation, ...(value === undefined ? {} : { value }) } }] },
    });
    const DENIED: Record<string, KubeObject> = {
      'the filter': patched('HTTP_FILTER', chain(MANAGER, 'fim.gateways'), 'REMOVE'),
      'the seal': patched('HTTP_FILTER', chain(MANAGER, 'fim.seal.gateways'), 'REMOVE'),
      'all filters': patched('HTTP_FILTER', chain(MANAGER), 'REMOVE'),
      'the router': patched('HTTP_FILTER', chain(MANAGER, 'envoy.filters.http.router'), 'REPLACE', { name: 'x' }),
      'the connection manager': patched('NETWORK_FILTER', chain(MANAGER), 'REPLACE', { name: MANAGER }),
      'the filter disabled': patched('HTTP_FILTER', chain(MANAGER, 'fim.gateways'), 'MERGE', { disabled: true }),
      'the filter optional': patched('HTTP_FILTER', chain(MANAGER, 'fim.gateways'), 'MERGE', { is_optional: true }),
      'all filters disabled': patched('HTTP_FILTER', chain(MANAGER), 'MERGE', { disabled: true }),
      'another filter in its place': patched('HTTP_FILTER', chain(MANAGER, 'fim.gateways'), 'REPLACE', { name: 'own' }),
      'another filter before it by name': patched('HTTP_FILTER', chain(MANAGER, 'fim.gateways'), 'INSERT_BEFORE', {
        name: 'own',
      }),
      'a first filter of our name': patched('HTTP_FILTER', chain(MANAGER), 'INSERT_FIRST', { name: 'fim.gateways' }),
      'the stamp, forged': patched('HTTP_FILTER', chain(MANAGER), 'INSERT_FIRST', {
        name: 'own',
        typed_config: { on_request_headers: [{ object_key: 'wasm.fim.seal.fim' }] },
      }),
      'another name for the router': patched('HTTP_FILTER', chain(MANAGER, 'envoy.filters.http.router'), 'MERGE', {
        name: 'own',
      }),
      'another name for the connection manager': patched('NETWORK_FILTER', chain(MANAGER), 'MERGE', { name: 'own' }),
      'the refusal of other protocols': patched('NETWORK_FILTER', chain('fim.ports.sidecars-web'), 'REMOVE'),
      'the TCP proxy': patched('NETWORK_FILTER', chain('envoy.filters.network.tcp_proxy'), 'REPLACE', { name: 'own' }),
      'no filter chain': patched('FILTER_CHAIN', { context: 'GATEWAY' }, 'REMOVE'),
      'off by a route of a virtual host': patched('VIRTUAL_HOST', { context: 'GATEWAY' }, 'MERGE', {
        routes: [{ name: 'x', typed_per_filter_config: { 'fim.gateways': { disabled: true } } }],
      }),
      'off by the whole of the routes': patched('ROUTE_CONFIGURATION', { context: 'GATEWAY' }, 'MERGE', {
        virtual_hosts: [{ name: 'x', typed_per_filter_config: { 'fim.seal.gateways': { disabled: true } } }],
      }),
      'other filters for upgrades': patched('NETWORK_FILTER', chain(MANAGER), 'MERGE', {
        typed_config: { upgrade_configs: [] },
      }),
      'TCP before it': patched('NETWORK_FILTER', chain(MANAGER), 'INSERT_BEFORE', {
        name: 'x',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy' },
      }),
      'a filter chain': patched('FILTER_CHAIN', { context: 'SIDECAR_INBOUND' }, 'ADD', { name: 'x' }),
      'a configuration of our name': patched('EXTENSION_CONFIG', { context: 'GATEWAY' }, 'ADD', {
        name: 'fim.gateways',
      }),
      'off by route': patched('VIRTUAL_HOST', { context: 'GATEWAY' }, 'MERGE', {
        typed_per_filter_config: { 'fim.gateways': { disabled: true } },
      }),
      'off by route, in the other spelling': patched('VIRTUAL_HOST', { context: 'GATEWAY' }, 'MERGE', {
        typedPerFilterConfig: { 'fim.gateways': { disabled: true }, 'fim.seal.gateways': { disabled: true } },
      }),
      'off by route, at a sidecar': patched('VIRTUAL_HOST', { context: 'SIDECAR_INBOUND' }, 'MERGE', {
        typedPerFilterConfig: { 'fim.sidecars-web': { disabled: true } },
      }),
      'off by a cluster of several': patched('HTTP_ROUTE', { context: 'GATEWAY' }, 'MERGE', {
        route: { weighted_clusters: { clusters: [{ typed_per_filter_config: { 'fim.gateways': {} } }] } },
      }),
      'off by a cluster of several, in both spellings': patched('HTTP_ROUTE', { context: 'GATEWAY' }, 'MERGE', {
        route: { weightedClusters: { clusters: [{ typed_per_filter_config: { 'fim.gateways': {} } }] } },
      }),
      'off by the matcher of a virtual host': patched('VIRTUAL_HOST', { context: 'GATEWAY' }, 'MERGE', {
        matcher: { on_no_match: { action: { typed_config: { typedPerFilterConfig: { 'fim.gateways': {} } } } } },
      }),
      'an answer of their own': patched('HTTP_FILTER', chain(MANAGER), 'INSERT_FIRST', { name: 'own' }),
      'an answer of their own, at any proxy': patched('HTTP_FILTER', {}, 'INSERT_FIRST', { name: 'own' }),
      'an answer of their own, at a waypoint': patched(
        'HTTP_FILTER',
        { context: 'WAYPOINT', waypoint: { filter: { name: MANAGER } } },
        'INSERT_FIRST',
        { name: 'own' },
      ),
      'a filter before the router': patched(
        'HTTP_FILTER',
        chain(MANAGER, 'envoy.filters.http.router'),
        'INSERT_BEFORE',
        {
          name: 'own',
        },
      ),
      'a filter of others out': patched('HTTP_FILTER', chain(MANAGER, 'own'), 'REMOVE'),
      'a listener': patched('LISTENER', { context: 'SIDECAR_INBOUND' }, 'ADD', { name: 'door' }),
      'a listener among those that go out': patched('LISTENER', { context: 'SIDECAR_OUTBOUND' }, 'ADD', { name: 'x' }),
      'no listener filters': patched('LISTENER_FILTER', { context: 'SIDECAR_INBOUND' }, 'REMOVE'),
      'the bootstrap': patched('BOOTSTRAP', {}, 'MERGE', { admin: {} }),
      'other filters for upgrades, in the other spelling': patched('NETWORK_FILTER', chain(MANAGER), 'MERGE', {
        typedConfig: { upgradeConfigs: [] },
      }),
      'TCP before it, in the other spelling': patched('NETWORK_FILTER', chain(MANAGER), 'INSERT_BEFORE', {
        name: 'x',
        typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy' },
      }),
      'settings of the connection manager': patched('NETWORK_FILTER', chain(MANAGER), 'MERGE', {
        typed_config: { merge_slashes: true },
      }),
      'a key service of their own': patched('CLUSTER', { context: 'GATEWAY' }, 'ADD', { name: 'fim-kms' }),
      'another cluster for a Service': patched('CLUSTER', { context: 'GATEWAY' }, 'ADD', {
        name: 'outbound|8200||vault.demo.svc.cluster.local',
      }),
      'what goes out elsewhere': patched('CLUSTER', { context: 'GATEWAY' }, 'MERGE', { load_assignment: {} }),
      'another name for a cluster': patched(
        'CLUSTER',
        { context: 'SIDECAR_INBOUND', cluster: { name: 'inbound|8000||' } },
        'MERGE',
        { name: 'fim-kms' },
      ),
      'one of two patches': {
        ...filter('reaching', {}),
        spec: {
          configPatches: [
            { applyTo: 'CLUSTER', patch: { operation: 'ADD', value: { name: 'own' } } },
            { applyTo: 'BOOTSTRAP', patch: { operation: 'MERGE', value: {} } },
          ],
        },
      },
    };
    const TAKEN: Record<string, KubeObject> = {
      'a cluster': patched('CLUSTER', { context: 'GATEWAY' }, 'ADD', { name: 'own' }),
      'how the workload itself is reached': patched(
        'CLUSTER',
        { context: 'SIDECAR_INBOUND', cluster: { name: 'inbound|8000||' } },
        'MERGE',
        { connectTimeout: '3s' },
      ),
      'a filter of what goes out': patched('HTTP_FILTER', { context: 'SIDECAR_OUTBOUND' }, 'INSERT_FIRST', {
        name: 'own',
        typed_config: {},
      }),
      'nothing at all': filter('reaching', {}),
    };
    const remove = ['delete', 'envoyfilter', 'reaching', '-n', NAMESPACE];

    for (const [name, object] of Object.entries(DENIED)) {
      it(`denied: ${name}`, async () => assert.match(await asTenant(['create', '-f', '-'], object), /FIM-OP-0013/));
    }
    for (const [name, object] of Object.entries(TAKEN)) {
      it(`taken: ${name}`, async () => {
        assert.equal(await asTenant(['create', '-f', '-'], object), '');
        assert.equal(await asTenant(remove), '');
      });
    }

    it('denied: a change of one that was taken', async () => {
      assert.equal(await asTenant(['create', '-f', '-'], TAKEN['a cluster']), '');
      assert.match(
        await asTenant(['replace', '-f', '-'], DENIED['off by route']),
        /FIM-OP-0013: MERGE of VIRTUAL_HOST/,
      );
      assert.equal(await asTenant(remove), '');
    });

    it('taken of whoever has the verb, and removed by whoever may', async () => {
      assert.equal(await as(trusted, ['create', '-f', '-'], DENIED['a filter before the router']), '');
      assert.equal(await asTenant(remove), '');
      assert.match(await as(trusted, ['create', '-f', '-'], filter('forged', MANAGED)), /made by the operator/);
    });

    it('denied, of any phase: WasmPlugins', async () => {
      for (const phase of ['AUTHN', 'AUTHZ', 'STATS']) {
        const plugin: KubeObject = {
          apiVersion: 'extensions.istio.io/v1alpha1',
          kind: 'WasmPlugin',
          metadata: { name: 'reaching', namespace: NAMESPACE },
          spec: { url: 'oci://example.com/own', phase },
        };
        assert.match(await asTenant(['create', '-f', '-'], plugin), /FIM-OP-0013/);
        assert.equal(await as(trusted, ['create', '-f', '-'], plugin), '');
        assert.equal(await asTenant(['delete', 'wasmplugin', 'reaching', '-n', NAMESPACE]), '');
      }
    });
  });

  describe('the operator, whatever its role lets it do', () => {
    const own = (name: string): string[] => ['envoyfilter', name, '-n', NAMESPACE];

    it('makes, changes and deletes what is its own', async () => {
      assert.equal(await asOperator(['create', '-f', '-'], filter('fim-own', MANAGED)), '');
      assert.equal(await asOperator(['label', ...own('fim-own'), 'more=1']), '');
      assert.equal(await asOperator(['delete', '--wait=false', ...own('fim-own')]), '');
    });

    it('makes none of another name, and none without its label', async () => {
      assert.match(await asOperator(['create', '-f', '-'], filter('ingress', MANAGED)), /begin with fim-/);
      assert.match(await asOperator(['create', '-f', '-'], filter('fim-unlabelled', {})), /have app/);
      const other = { 'app.kubernetes.io/managed-by': 'Helm' };
      assert.match(await asOperator(['create', '-f', '-'], filter('fim-of-another', other)), /have app/);
    });

    it('changes and deletes none of others, and does not give its own away', async () => {
      await mesh.objects.apply(filter('fim-of-somebody', { app: 'x' }));
      await mesh.objects.apply(filter('own', { app: 'x' }));
      await mesh.objects.apply(filter('fim-kept', MANAGED));
      const take = 'app.kubernetes.io/managed-by=fim-operator';
      assert.match(await asOperator(['label', ...own('fim-of-somebody'), take]), /of others/);
      assert.match(await asOperator(['delete', ...own('fim-of-somebody')]), /of others/);
      assert.match(await asOperator(['delete', ...own('own')]), /begin with fim-|of others/);
      assert.match(await asOperator(['label', ...own('fim-kept'), 'app.kubernetes.io/managed-by-']), /have app/);
      assert.equal(await asOperator(['delete', '--wait=false', ...own('fim-kept')]), '');
    });

    it('has no right to what it does not need', async () => {
      const allowed = async (...args: string[]): Promise<boolean> =>
        (await asOperator(['auth', 'can-i', ...args])) === '';
      for (const may of [
        ['list', 'financialbaselines'],
        ['patch', 'financialbaselines', '--subresource=status'],
        ['patch', 'financialroutes', '--subresource=status', '-n', NAMESPACE],
        ['create', 'envoyfilters', '-n', NAMESPACE],
        ['update', 'leases/fim-operator', '-n', 'fim-system'],
      ])
        assert.ok(await allowed(...may), may.join(' '));
      for (const mayNot of [
        ['create', 'financialbaselines'],
        ['patch', 'financialbaselines'],
        ['delete', 'financialbaselines'],
        ['patch', 'financialroutes', '-n', NAMESPACE],
        ['delete', 'financialroutes', '-n', NAMESPACE],
        ['get', 'secrets', '-n', NAMESPACE],
        ['get', 'configmaps', '-n', NAMESPACE],
        ['create', 'pods', '-n', NAMESPACE],
        ['patch', 'namespaces'],
        ['update', 'leases/another', '-n', 'fim-system'],
        ['update', 'leases/fim-operator', '-n', NAMESPACE],
        ['patch', 'validatingadmissionpolicies'],
        ['patch', 'customresourcedefinitions'],
        ['patch', 'clusterroles'],
      ])
        assert.ok(!(await allowed(...mayNot)), mayNot.join(' '));
    });
  });

  describe('what goes by an act of its own only', () => {
    const GUARDED: Record<string, Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>> = {
      'the definition of profiles': {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'validationprofiles.fim.financial' },
      },
      'a baseline': { apiVersion: 'fim.financial/v1', kind: 'FinancialBaseline', metadata: { name: 'bank' } },
      'the definition of baselines': {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'financialbaselines.fim.financial' },
      },
      'the operator': {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'fim-operator', namespace: 'fim-system' },
      },
      'the module server': {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'fim-modules', namespace: 'fim-system' },
      },
      'its Service': { apiVersion: 'v1', kind: 'Service', metadata: { name: 'fim-modules', namespace: 'fim-system' } },
      'the definition of routes': {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'financialroutes.fim.financial' },
      },
      'the namespace': { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fim-system' } },
    };

    before(async () => {
      await mesh.objects.apply({
        ...GUARDED['a baseline']!,
        spec: { overrides: { rateLimit: { requests: 1, period: '1s' } } },
      });
    });

    it('are no namesakes elsewhere', async () => {
      const metadata = { name: 'fim-modules', namespace: NAMESPACE };
      const namesake = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }] } };
      await mesh.objects.apply(namesake);
      assert.equal((await mesh.objects.remove(namesake)).status, 200);
    });

    for (const [name, object] of Object.entries(GUARDED))
      it(`is ${name}`, async () => {
        const refused = await mesh.objects.remove(object);
        assert.match(`${refused.status} ${refused.body.message}`, /allow-removal/);
        const annotated = await mesh.api.send(
          'PATCH',
          await mesh.objects.path(object),
          { metadata: { annotations: { 'fim.financial/allow-removal': 'true' } } },
          'application/merge-patch+json',
        );
        assert.equal(annotated.status, 200, annotated.body.message ?? '');
        assert.equal((await mesh.objects.remove(object)).status, 200);
      });
  });
});
