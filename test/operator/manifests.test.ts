// The manifests hang together: every file is named, roles are the operator's own table, pods are as restricted as their
// namespace asks.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { writeRelease } from '../../scripts/image/release.ts';
import { overloadManager } from '../../envoy/xds/overload.ts';
import { readOptions } from '../../istio/operator/options.ts';
import { RESOURCES } from '../../istio/operator/kube/resources.ts';
import { AGENT_METRICS_PORT, hasGate } from '../../istio/operator/proxies.ts';
import { BASE, assertRestricted, resourcesOf, type Manifest } from './manifest-files.ts';

const PRODUCTION = path.resolve(BASE, '../production');
const manifests = resourcesOf(BASE);
const of = (kind: string, name?: string): Manifest[] =>
  manifests.filter((manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name));

describe('the manifests', () => {
  it('hold definitions, roles, both deployments with budgets, and admission policies with bindings', () => {
    assert.ok(
      of('CustomResourceDefinition', 'financialroutes.fim.financial').length === 1 &&
        of('CustomResourceDefinition', 'validationprofiles.fim.financial').length === 1,
    );
    assert.deepEqual(
      of('PodDisruptionBudget')
        .map(({ metadata }) => metadata.name)
        .sort(),
      ['fim-modules', 'fim-operator'],
    );
    assert.equal(of('ValidatingAdmissionPolicy').length, of('ValidatingAdmissionPolicyBinding').length);
    for (const { metadata, kind } of manifests)
      if (metadata.namespace !== undefined) assert.equal(metadata.namespace, 'fim-system', kind);
  });

  it('grant exactly what the operator asks for, but objects with certificates, which others grant', () => {
    const granted = [...of('ClusterRole'), ...of('Role')]
      .flatMap(({ kind, rules = [] }) =>
        rules.flatMap(({ apiGroups, resources, verbs }) =>
          verbs.map((verb) => `${kind} ${apiGroups} ${resources} ${verb}`),
        ),
      )
      .sort();
    const lease = of('Role')[0]!.rules!.filter(({ resources }) => resources.includes('leases'));
    assert.deepEqual(
      lease.map(({ verbs, resourceNames }) => [verbs, resourceNames]),
      [
        [['create'], undefined],
        [['get', 'update'], ['fim-operator']],
      ],
      'no other lease',
    );
    const wanted = RESOURCES.flatMap(({ scope, group, plural, verbs, statusVerbs = [] }) => {
      if (scope === 'named') return [];
      const kind = scope === 'own' ? 'Role' : 'ClusterRole';
      return [
        ...verbs.map((verb) => `${kind} ${group} ${plural} ${verb}`),
        ...statusVerbs.map((verb) => `${kind} ${group} ${plural}/status ${verb}`),
      ];
    }).sort();
    assert.deepEqual(granted, wanted);
    assert.ok(granted.every((line) => !/secrets|configmaps|\*/.test(line)));
  });

  it('run two of each, not as root, on a file system that nobody writes to', () => {
    const deployments = of('Deployment');
    assert.equal(deployments.length, 2);
    for (const deployment of deployments) {
      assert.equal(deployment.spec?.replicas, 2, deployment.metadata.name);
      assertRestricted(deployment);
    }
  });

  it('go only by an act of its own: what proxies need is not deleted by mistake', () => {
    const [guard] = of('ValidatingAdmissionPolicy', 'definitions.fim.financial') as unknown as {
      spec: {
        matchConstraints: { resourceRules: { operations: string[]; resources: string[]; resourceNames?: string[] }[] };
      };
    }[];
    const guarded = guard!.spec.matchConstraints.resourceRules.flatMap(
      ({ operations, resources, resourceNames = ['*'] }) =>
        resourceNames.map((name) => `${operations} ${resources} ${name}`),
    );
    const named = (kind: string): string[] => of(kind).map(({ metadata }) => metadata.name);
    assert.deepEqual(
      guarded.sort(),
      [
        ...named('CustomResourceDefinition').map((name) => `DELETE customresourcedefinitions ${name}`),
        ...named('Deployment').map((name) => `DELETE deployments ${name}`),
        ...named('Namespace').map((name) => `DELETE namespaces ${name}`),
        'DELETE services fim-modules',
        'DELETE financialbaselines *',
      ].sort(),
    );
  });

  it('start the operator with options that it knows', () => {
    const [operator] = of('Deployment', 'fim-operator');
    const flags = readOptions(operator!.spec!.template!.spec.containers[0]!.args!, {
      FIM_NAMESPACE: 'fim-system',
      FIM_IDENTITY: 'fim-operator-0',
    });
    assert.ok(typeof flags !== 'string', String(flags));
    assert.deepEqual(
      [flags.namespace, flags.identity, flags.modules.check, flags.listen.port],
      ['fim-system', 'fim-operator-0', true, 8080],
    );
    assert.match(flags.modules.urlTemplate, /^http:\/\/fim-modules\.fim-system\.svc\/\{sha256\}\.wasm$/);
  });
});

describe('the overlay for some namespaces', () => {
  const folder = path.resolve(BASE, '../namespaced');
  const { patches } = parse(readFileSync(path.join(folder, 'kustomization.yaml'), 'utf8')) as {
    patches: { target?: { kind: string; name: string }; patch: string }[];
  };

  it('takes the ClusterRole away, and names the namespaces to the operator', () => {
    const removed = patches
      .filter(({ target }) => target === undefined)
      .map(({ patch }) => parse(patch) as { kind: string; metadata: { name: string }; $patch: string });
    assert.deepEqual(
      removed.map(({ kind, metadata, $patch }) => [kind, metadata.name, $patch, of(kind, metadata.name).length]),
      [
        ['ClusterRole', 'fim-operator', 'delete', 1],
        ['ClusterRoleBinding', 'fim-operator', 'delete', 1],
      ],
    );
    assert.equal(of('ClusterRole').length + of('ClusterRoleBinding').length, removed.length, 'none is left');
    const added = patches.find(({ target }) => target?.name === 'fim-operator');
    const [step] = parse(added?.patch ?? '') as { path: string; value: string }[];
    assert.equal(step?.path, '/spec/template/spec/containers/0/args/-');
    const [operator] = of('Deployment', 'fim-operator');
    const flags = readOptions([...operator!.spec!.template!.spec.containers[0]!.args!, step.value], {});
    assert.deepEqual(typeof flags === 'string' ? flags : flags.namespaces, ['fund', 'pay']);
    assert.ok(resourcesOf(folder).length === manifests.length);
  });

  it('brings a Role for each of them that grants what is in namespaces, and nothing else', () => {
    const tenant = resourcesOf(path.join(folder, 'tenant'));
    assert.deepEqual(
      tenant.map(({ kind, metadata }) => [kind, metadata.namespace]),
      [
        ['Role', undefined],
        ['RoleBinding', undefined],
      ],
    );
    const [cluster] = of('ClusterRole');
    assert.deepEqual(
      tenant[0]?.rules,
      cluster?.rules?.filter(({ resources }) => !/namespaces|baselines/.test(resources.join())),
    );
  });
});

describe('names that clusters may have otherwise', () => {
  it('are settings: no manifest and no code says the domain of the cluster but as a default', () => {
    const found: string[] = [];
    const look = (folder: string): void => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) look(file);
        else if (
          /\.(ts|yaml)$/.test(entry.name) &&
          /cluster\.local/.test(readFileSync(file, 'utf8').replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, ''))
        )
          found.push(path.relative(BASE, file));
      }
    };
    for (const folder of ['../..', '../../../envoy', '../../../scripts']) look(path.resolve(BASE, folder));
    assert.deepEqual(found, ['../../operator/plan/envoy-filter.ts']);
  });
});

describe('the command line of the operator', () => {
  it('takes how the modules deal with the KMS', () => {
    const flags = readOptions(
      ['--modules', 'x', '--module-url', 'http://x', '--kms-path-prefix', '/v1/kv/data/', '--kms-hold-ms', '800'],
      { FIM_KMS_TRANSIT_MOUNT: 'keys' },
    );
    assert.ok(typeof flags !== 'string', String(flags));
    assert.deepEqual(
      [flags.kms.settings, flags.kms.metadataPrefix],
      [{ pathPrefix: '/v1/kv/data/', transitMount: 'keys', holdMs: 800 }, '/v1/kv/metadata/'],
    );
  });

  for (const [args, problem] of [
    [[], /are needed/],
    [['--modules', 'x', '--module-url', 'ftp://x'], /no http/],
    [['--what'], /--what/],
    [['--modules', 'x', '--module-url', 'http://x', '--listen', 'x'], /HOST:PORT/],
    [['--modules', 'x', '--module-url', 'http://x', '--kms', 'file://x'], /--kms/],
    [['--modules', 'x', '--module-url', 'http://x', '--kms-cluster', 'outbound|8200||vault.keys.svc'], /Istio/],
    [['--modules', 'x', '--module-url', 'http://x', '--kms-path-prefix', 'kv'], /--kms-path-prefix/],
    [['--modules', 'x', '--module-url', 'http://x', '--kms-refresh-ms', '5'], /--kms-refresh-ms/],
  ] as [string[], RegExp][]) {
    it(`refuses ${args.join(' ') || 'nothing'}`, () => assert.match(String(readOptions(args, {})), problem));
  }
});

interface Policy {
  metadata: { name: string };
  spec: {
    podSelector: { matchLabels?: Record<string, string> };
    policyTypes: string[];
    ingress?: Flow[];
    egress?: Flow[];
  };
}

interface Flow {
  from?: object[];
  to?: object[];
  ports?: { protocol: string; port: number }[];
}

describe('the overlay for production', () => {
  const all = resourcesOf(PRODUCTION);
  const policies = all.filter(({ kind }) => kind === 'NetworkPolicy') as unknown as Policy[];
  const allows = (app: string, direction: 'ingress' | 'egress'): number[] =>
    policies
      .filter(({ spec }) => spec.podSelector.matchLabels?.app === app)
      .flatMap(({ spec }) => (spec[direction] ?? []).flatMap(({ ports = [] }) => ports.map(({ port }) => port)))
      .sort((a, b) => a - b);

  it('lists every flow, and nothing else comes in or goes out', () => {
    assert.deepEqual(
      [allows('fim-operator', 'ingress'), allows('fim-modules', 'ingress'), allows('fim-modules', 'egress')],
      [[8080], [8080], [53, 53, 8080]],
    );
    assert.deepEqual(allows('fim-operator', 'egress'), [53, 53, 443, 6443, 8080, 8200, 9466, 15_020]);
    for (const { metadata, spec } of policies)
      for (const { from, ports } of spec.ingress ?? [])
        assert.ok(from !== undefined && ports !== undefined, `${metadata.name} is open to all`);
    const [whole] = policies.filter(({ spec }) => spec.podSelector.matchLabels === undefined);
    assert.deepEqual(
      [whole?.spec.policyTypes, whole?.spec.ingress],
      [['Ingress'], undefined],
      'what no policy names is closed',
    );
    const metrics = policies.find(({ metadata }) => metadata.name === 'fim-operator')!.spec.ingress![0]!.from;
    assert.deepEqual(metrics, [{ namespaceSelector: { matchLabels: { 'fim.financial/scrapes': 'true' } } }]);
  });

  it('opens what the code dials, and the code dials nothing else', () => {
    const operator = path.resolve(BASE, '../../operator');
    const dials: Record<string, readonly number[]> = {
      // The API server, by a Service or directly.
      'kube/api.ts': [443, 6443],
      // Counters of agents.
      'proxies.ts': [AGENT_METRICS_PORT],
      // Metadata of keys.
      'key-directory.ts': [8200],
      // Which proxies the collector has records of.
      'audit-directory.ts': [9466],
      // Whether the module is served: the Service's port leads to the pod's.
      'module-source.ts': [8080],
    };
    const dialling: string[] = [];
    const look = (folder: string): void => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) look(file);
        else if (
          /\bfetch\(|\brequest\b.* from 'node:https?'|^import (?!type).* from 'node:(?:net|tls|http2|dgram|dns)'|from 'undici'/m.test(
            readFileSync(file, 'utf8'),
          )
        )
          dialling.push(path.relative(operator, file));
      }
    };
    look(operator);
    assert.deepEqual(dialling.sort(), Object.keys(dials).sort());
    const names = [53, 53];
    assert.deepEqual(
      allows('fim-operator', 'egress'),
      [...names, ...Object.values(dials).flat()].sort((a, b) => a - b),
    );
    const server = path.resolve(BASE, '../../module-server');
    assert.deepEqual(
      readdirSync(server).filter((file) => /\bfetch\(|\brequest\(/.test(readFileSync(path.join(server, file), 'utf8'))),
      ['peers.ts'],
      'the module server asks its other replicas alone',
    );
  });

  it('scrapes and alerts by metrics that there are', () => {
    const rules = all.find(({ kind }) => kind === 'PrometheusRule') as unknown as {
      spec: { groups: { rules: { alert: string; expr: string }[] }[] };
    };
    const source = readFileSync(path.resolve(BASE, '../../operator/metrics.ts'), 'utf8');
    const named = new Set(
      rules.spec.groups.flatMap((group) => group.rules.flatMap(({ expr }) => expr.match(/fim_operator_\w+/g) ?? [])),
    );
    assert.ok(named.size > 4);
    for (const name of named) assert.ok(source.includes(`'${name}'`), name);
    assert.ok(all.some(({ kind }) => kind === 'PodMonitor') && all.some(({ kind }) => kind === 'PriorityClass'));
  });

  it('is written with digests and a bill of materials, and not with a placeholder', (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'fim-release-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
    const image = (name: string, letter: string): object => ({
      digest: digest(letter),
      annotations: { 'org.opencontainers.image.ref.name': name },
    });
    const target = path.join(folder, 'out');
    const write = (images: object[], publicKey?: string): void => {
      writeFileSync(path.join(folder, 'index.json'), JSON.stringify({ manifests: images }));
      writeRelease({ images: folder, target, registry: 'registry.bank.cn/fim', publicKey });
    };
    assert.throws(() => write([image('operator', 'a')]), /no modules/);
    write(
      [image('operator', 'a'), image('modules', 'b')],
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
    );
    const { images } = parse(readFileSync(path.join(target, 'manifests/production/kustomization.yaml'), 'utf8')) as {
      images: object[];
    };
    assert.deepEqual(images, [
      { name: 'fim-operator', newName: 'registry.bank.cn/fim/fim-operator', digest: digest('a') },
      { name: 'fim-modules', newName: 'registry.bank.cn/fim/fim-modules', digest: digest('b') },
    ]);
    const policy = parse(readFileSync(path.join(target, 'manifests/production/image-policy.yaml'), 'utf8')) as {
      spec: { images: { glob: string }[]; authorities: { key: { data: string } }[] };
    };
    assert.deepEqual(
      [policy.spec.images[0]?.glob, policy.spec.authorities[0]?.key.data.trim().split('\n').length],
      ['registry.bank.cn/fim/fim-*', 3],
    );
    assert.deepEqual(
      resourcesOf(path.join(target, 'manifests/production')).length,
      all.length,
      'it hangs together where it is written',
    );
    const { components } = JSON.parse(readFileSync(path.join(target, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string; purl?: string; hashes?: { alg: string; content: string }[] }[];
    };
    const found = components.find(({ name }) => name === 'prom-client');
    assert.match(found?.purl ?? '', /^pkg:npm\/prom-client@\d/);
    assert.match(found?.hashes?.[0]?.content ?? '', /^[0-9a-f]{128}$/);
    assert.ok(
      components.every(({ name, version }) => name !== '' && version !== '') &&
        components.some(({ name }) => name === 'node'),
    );
  });
});

describe('the command line of the operator', () => {
  const read = (text: string): number | undefined => {
    const options = readOptions(['--modules', '/m', '--module-url', 'http://m/', '--request-timeout', text], {});
    return typeof options === 'string' ? undefined : options.requestTimeoutMs;
  };

  it('has a time for requests to arrive', () => {
    const cases: [string, number | undefined][] = [
      ['30s', 30_000],
      ['10m', 600_000],
      ['24h', 86_400_000],
      ['off', 0],
      ['25h', undefined],
      ['0s', undefined],
      ['30', undefined],
    ];
    for (const [text, milliseconds] of cases) assert.equal(read(text), milliseconds, text);
    const options = readOptions(['--modules', '/m', '--module-url', 'http://m/'], {});
    assert.equal(typeof options === 'object' && options.requestTimeoutMs, 120_000);
  });
});

describe('the readiness gate for proxies', () => {
  it('is the condition that the operator sets', () => {
    const { spec } = parse(readFileSync(path.join(BASE, '../proxies/readiness-gate.yaml'), 'utf8')) as {
      spec: { template: { spec: object } };
    };
    assert.ok(hasGate({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'any' }, spec: { ...spec.template.spec } }));
  });
});

describe('the bootstrap for proxies', () => {
  it('has the overload manager that standalone proxies have, but for what Istio has itself', () => {
    const file = path.join(BASE, '../proxies/overload-bootstrap.yaml');
    const { data } = parse(readFileSync(file, 'utf8')) as { data: Record<string, string> };
    const { resource_monitors: monitors, ...rest } = overloadManager(768 * 1024 ** 2);
    const own = (monitors as { name: string }[]).filter(({ name }) => !name.includes('global_downstream'));
    assert.deepEqual(JSON.parse(data['custom_bootstrap.json']!), {
      overload_manager: { ...rest, resource_monitors: own },
    });
  });
});
