// Objects as they are applied: the whole text by file, and what must be so by name.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { canonicalHash } from '../../envoy/route/index.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { goldens } from './golden-files.ts';

interface Patch {
  applyTo: string;
  match: {
    context: string;
    listener?: { filterChain: { name?: string; filter: { name: string; subFilter?: { name: string } } } };
  };
  patch: {
    operation: string;
    value: Record<string, never> & {
      name: string;
      typed_config: { config: Plugin };
      config_discovery: { type_urls: string[]; config_source: object };
    };
  };
}

interface Plugin {
  failure_policy: string;
  allow_on_headers_stop_iteration: boolean;
  capability_restriction_config: { allowed_capabilities: Record<string, object> };
  reload_config: object;
  vm_config: { vm_id: string; code: { remote: { sha256: string; http_uri: { uri: string } } } };
  configuration: { value: string };
}

const all = goldens();
const isSeal = (name: string): boolean => name.startsWith('fim-seal-');
const patches = (object: KubeObject, applyTo: string): Patch[] =>
  (object.spec!.configPatches as Patch[]).filter((patch) => patch.applyTo === applyTo);
const config = (object: KubeObject): { routes: { name: string }[]; generation: number; hash: string } =>
  JSON.parse(patches(object, 'EXTENSION_CONFIG')[0]!.patch.value.typed_config.config.configuration.value) as ReturnType<
    typeof config
  >;
const object = (golden: string, name: string): KubeObject =>
  all
    .find((entry) => entry.name === golden)!
    .rendered.objects.find(({ metadata }) => metadata.name === name || metadata.name.startsWith(`${name}-`))!;
const routesOf = (golden: string, name: string): string[] =>
  config(object(golden, name)).routes.map((route) => route.name);

describe('goldens', () => {
  for (const { name, text, written, file } of all) {
    it(`${name} is as written`, () =>
      assert.equal(text, written, `node test/operator/golden-files.ts writes ${file}; look at what changed`));
  }

  it('every workload: held headers, reload, restriction, stable machine, content by hash, nothing passes before the first configuration', () => {
    for (const { rendered } of all) {
      for (const made of rendered.objects.filter(({ metadata }) => !/^fim-(?:kms$|audit$|seal-)/.test(metadata.name))) {
        const [extension] = patches(made, 'EXTENSION_CONFIG');
        const plugin = extension!.patch.value.typed_config.config;
        assert.deepEqual(
          [
            plugin.failure_policy,
            plugin.allow_on_headers_stop_iteration,
            plugin.vm_config.vm_id,
            plugin.vm_config.code.remote.sha256.length,
          ],
          ['FAIL_RELOAD', true, 'fim', 64],
        );
        assert.ok(
          Object.keys(plugin.capability_restriction_config.allowed_capabilities).length > 0 && plugin.reload_config,
        );
        const inserted = patches(made, 'HTTP_FILTER').filter(({ patch }) => patch.operation === 'INSERT_BEFORE');
        for (const { match, patch } of inserted) {
          assert.equal(match.listener?.filterChain.filter.subFilter?.name, 'envoy.filters.http.router');
          assert.equal(patch.value.name, extension!.patch.value.name);
          assert.deepEqual(patch.value.config_discovery.config_source, {
            ads: {},
            initial_fetch_timeout: '0s',
            resource_api_version: 'V3',
          });
          assert.deepEqual(patch.value.config_discovery.type_urls, [
            'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm',
          ]);
        }
        assert.ok(inserted.length > 0);
        const { generation, hash, ...body } = config(made);
        assert.equal(generation, 1);
        assert.equal(hash, canonicalHash(body));
        assert.equal(made.metadata.annotations?.['fim.financial/configuration-hash'], hash);
      }
    }
  });

  it('every workload: a seal of its own behind its filter, by another object, that asks for the stamp and closes the whole listener if it has no configuration', () => {
    for (const { rendered } of all) {
      for (const seal of rendered.objects.filter(({ metadata }) => isSeal(metadata.name))) {
        const filter = rendered.objects.find(
          ({ metadata }) => metadata.name === seal.metadata.name.replace('seal-', ''),
        )!;
        assert.deepEqual(
          [seal.spec!.workloadSelector, seal.spec!.targetRefs],
          [filter.spec!.workloadSelector, filter.spec!.targetRefs],
        );
        assert.ok(
          Number(seal.spec!.priority) > Number(filter.spec!.priority),
          'inserted later before the router, it stands behind',
        );
        const [inserted] = patches(seal, 'HTTP_FILTER');
        assert.deepEqual(
          inserted!.match,
          patches(filter, 'HTTP_FILTER').find(({ patch }) => patch.operation === 'INSERT_BEFORE')!.match,
        );
        const { default_config: fallback } = (
          inserted!.patch.value as unknown as {
            config_discovery: { default_config: { matcher: { on_no_match: { action: { name: string } } } } };
          }
        ).config_discovery;
        assert.equal(fallback.matcher.on_no_match.action.name, 'fim-unsealed');
        assert.match(JSON.stringify(patches(seal, 'EXTENSION_CONFIG')), /wasm\.fim\.seal\.fim/);
      }
      assert.equal(
        rendered.objects.filter(({ metadata }) => isSeal(metadata.name)).length,
        rendered.objects.filter(({ metadata }) => !/^fim-(?:kms$|audit$|seal-)/.test(metadata.name)).length,
      );
    }
  });

  it('contract: the gateways of the namespace, with a cluster for the key service', () => {
    assert.deepEqual(
      all.find(({ name }) => name === 'contract')!.rendered.objects.map(({ metadata }) => metadata.name),
      ['fim-gateways', 'fim-seal-gateways', 'fim-kms'],
    );
    const kms = JSON.stringify(object('contract', 'fim-kms').spec);
    for (const part of [
      'credential_injector',
      '/etc/fim/kms/token.json',
      '/etc/fim/kms/identity.json',
      '/etc/fim/kms/ca.crt',
      'vault.kms.svc',
    ])
      assert.ok(kms.includes(part), part);
    const spec = object('contract', 'fim-gateways').spec!;
    assert.deepEqual([spec.workloadSelector, spec.targetRefs], [undefined, undefined]);
    assert.ok((spec.configPatches as Patch[]).every(({ match }) => match.context === 'GATEWAY'));
  });

  it('gateways: one Gateway has the routes of all, and removes their filter', () => {
    assert.deepEqual(routesOf('gateways', 'fim-gateways'), ['demo/all']);
    const edge = object('gateways', 'fim-gateway-edge');
    assert.deepEqual(
      config(edge).routes.map(({ name }) => name),
      ['demo/edge', 'demo/all'],
    );
    assert.deepEqual(edge.spec!.targetRefs, [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }]);
    const [removed, inserted] = patches(edge, 'HTTP_FILTER');
    assert.deepEqual(
      [
        removed!.patch.operation,
        removed!.match.listener!.filterChain.filter.subFilter!.name,
        inserted!.patch.operation,
      ],
      ['REMOVE', 'fim.gateways', 'INSERT_BEFORE'],
    );
    assert.ok(
      Number(edge.spec!.priority) > Number(object('gateways', 'fim-gateways').spec!.priority),
      'what is removed is there by then',
    );
  });

  it('sidecars: inbound only, three workloads, the narrowest removes both others', () => {
    const { objects } = all.find(({ name }) => name === 'sidecars')!.rendered;
    assert.equal(objects.filter(({ metadata }) => !isSeal(metadata.name)).length, 3);
    for (const made of objects)
      assert.ok((made.spec!.configPatches as Patch[]).every(({ match }) => match.context === 'SIDECAR_INBOUND'));
    const both = objects.find(({ metadata }) => metadata.name.startsWith('fim-sidecars-web-front'))!;
    assert.deepEqual(both.spec!.workloadSelector, { labels: { app: 'web', tier: 'front' } });
    assert.deepEqual(
      patches(both, 'HTTP_FILTER')
        .filter(({ patch }) => patch.operation === 'REMOVE')
        .map(({ match }) => match.listener!.filterChain.filter.subFilter!.name.endsWith('.claims')),
      [false, false, true, true],
      'the policies, and what removes claims',
    );
    assert.equal(config(both).routes.length, 2);
  });

  it('waypoint: the chains of the Service, each of its ports', () => {
    const made = object('waypoint', 'fim-service-ledger');
    assert.deepEqual(made.spec!.targetRefs, [{ group: '', kind: 'Service', name: 'ledger' }]);
    assert.deepEqual(
      patches(made, 'HTTP_FILTER').map(({ match, patch }) => [patch.operation, match.listener?.filterChain.name]),
      ['INSERT_BEFORE', 'INSERT_FIRST'].flatMap((operation) =>
        [80, 9090].map((port) => [operation, `inbound-vip|${port}|http|ledger.demo.svc.cluster.local`]),
      ),
    );
  });

  it('conflict: the older alone', () => {
    assert.deepEqual(routesOf('conflict', 'fim-gateways'), ['demo/old']);
    assert.deepEqual(
      all.find(({ name }) => name === 'conflict')!.rendered.conflicts.map(({ route }) => route),
      ['demo/young'],
    );
  });
});
