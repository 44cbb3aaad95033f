// What `fim coverage` says of every door of a namespace, and the verb on the small API server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { canonicalHash, PLUGIN_CONFIG_VERSION } from '../../envoy/route/index.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { HASH_ANNOTATION, SELECTION_ANNOTATION } from '../../istio/operator/plan/applied.ts';
import { coverageReport, isCovered, type DoorReport } from '../../istio/operator/plan/coverage-report.ts';
import type { Selection } from '../../istio/operator/plan/selection.ts';
import { FakeApiServer } from './fake-api-server.ts';

const FIM = path.resolve(import.meta.dirname, '../../scripts/fim.ts');
const WEB: Selection = { lattice: 'sidecar', terms: { app: 'web' } };

function object(kind: string, name: string, spec: object, metadata: object = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'bank', ...metadata }, spec: { ...spec } };
}

function route(name: string, spec: object = {}, programmed = 'True', reason = 'Programmed'): KubeObject {
  const conditions = [{ type: 'Programmed', status: programmed, reason, observedGeneration: 1 }];
  return { ...object('FinancialRoute', name, spec, { generation: 1 }), status: { conditions } };
}

/** An object of the operator whose configuration has these routes. */
function filter(name: string, selection: Selection, routes: string[], patches: object[] = []): KubeObject {
  const config = { version: PLUGIN_CONFIG_VERSION, routes: routes.map((one) => ({ name: `bank/${one}` })) };
  const value = { typed_config: { config: { configuration: { value: JSON.stringify(config) } } } };
  return object(
    'EnvoyFilter',
    name,
    { configPatches: [{ applyTo: 'EXTENSION_CONFIG', patch: { value } }, ...patches] },
    {
      labels: { 'app.kubernetes.io/managed-by': 'fim-operator' },
      annotations: {
        [SELECTION_ANNOTATION]: JSON.stringify(selection),
        [HASH_ANNOTATION]: canonicalHash(config),
      },
    },
  );
}

const refusing = (selection: Selection): KubeObject =>
  filter('fim-seal-sidecars-web', selection, [], [{ patch: { value: { name: 'fim.ports.sidecars-web' } } }]);

function pod(
  name: string,
  labels: Record<string, string>,
  rest: { annotations?: object; bare?: boolean } = {},
): KubeObject {
  const containers = [{ name: 'app' }, ...(rest.bare ? [] : [{ name: 'istio-proxy' }])];
  return object('Pod', name, { containers }, { labels, annotations: rest.annotations });
}

const service = (name: string, app: string, ports: object[] = [{ name: 'http', port: 80 }]): KubeObject =>
  object('Service', name, { selector: { app }, ports });

interface Given {
  routes?: KubeObject[];
  pods?: KubeObject[];
  services?: KubeObject[];
  gateways?: KubeObject[];
  istioGateways?: KubeObject[];
  filters?: KubeObject[];
}

function report(given: Given): DoorReport[] {
  const named = (objects: KubeObject[] = []): Map<string, KubeObject> =>
    new Map(objects.map((one) => [one.metadata.name, one]));
  return coverageReport('bank', {
    routes: named(given.routes),
    pods: named(given.pods),
    services: named(given.services),
    gateways: named(given.gateways),
    istioGateways: named(given.istioGateways),
    filters: given.filters ?? [],
  });
}

const short = (reports: DoorReport[]): string[] =>
  reports.map(({ door, state, routes, note }) => `${door} ${state} ${routes.join('+') || '-'} ${note}`.trim());

const IN_FORCE = {
  routes: [route('pay')],
  pods: [pod('web-0', { app: 'web' })],
  filters: [filter('fim-sidecars-web', WEB, ['pay']), refusing(WEB)],
};

describe('the coverage of a namespace', () => {
  it('has each port of a workload with a route: enforced, refused, open', () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'any', port: 81 },
      { name: 'tcp-old', port: 82 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ];
    const found = report({ ...IN_FORCE, services: [service('web', 'web', ports)] });
    assert.deepEqual(short(found), [
      'web:80 Enforced pay',
      'web:81 Enforced pay',
      'web:82 Refused pay not HTTP',
      'web:53 Open pay UDP',
    ]);
    assert.equal(isCovered(found, false), false);
    assert.equal(isCovered(found.slice(0, 3), true), true);
    // Where the platform lets other protocols pass, there is no such seal.
    const open = report({ ...IN_FORCE, filters: [IN_FORCE.filters[0]!], services: [service('web', 'web', ports)] });
    assert.deepEqual(short(open).slice(1, 3), ['web:81 Open pay if it is not HTTP', 'web:82 Open pay not HTTP']);
  });

  it('names what no route is for: Services, and some pods of one', () => {
    const found = report({
      ...IN_FORCE,
      pods: [
        pod('web-0', { app: 'web' }),
        pod('db-0', { app: 'db' }),
        pod('old-0', { app: 'web', old: 'y' }, { bare: true }),
      ],
      services: [service('db', 'db'), service('web', 'web'), service('none', 'none')],
    });
    assert.deepEqual(short(found), [
      'db:80 NotCovered - db-0',
      'web:80 NotCovered pay 1 of 2 pods: old-0 (no sidecar)',
      'none:80 NotCovered - no route is for it; no pod is there',
    ]);
    const narrow = { lattice: 'sidecar', terms: { app: 'web', version: '2' } } as const;
    const part = report({
      ...IN_FORCE,
      pods: [pod('web-1', { app: 'web' }), pod('web-2', { app: 'web', version: '2' })],
      filters: [filter('fim-sidecars-web-2', narrow, ['pay'])],
      services: [service('web', 'web')],
    });
    assert.deepEqual(short(part), ['web:80 NotCovered pay 1 of 2 pods: web-1']);
  });

  it('trusts no route whose Programmed is not True for its present generation', () => {
    const services = [service('web', 'web')];
    const old = route('pay');
    old.metadata.generation = 2;
    for (const [one, note] of [
      [route('pay', {}, 'False', 'ForeignPatch'), 'pay: ForeignPatch'],
      [route('pay', {}, 'Unknown', 'Pending'), 'pay: Pending'],
      [old, 'pay: not looked at since its last edit'],
    ] as const) {
      const found = report({ ...IN_FORCE, routes: [one], services });
      assert.deepEqual(short(found), [`web:80 Unproven pay ${note}`]);
      assert.equal(isCovered(found, false), false);
    }
  });

  it('says where only some requests meet a route, and where it only observes', () => {
    const services = [service('web', 'web')];
    const some = report({ ...IN_FORCE, services, routes: [route('pay', { match: { path: { value: '/pay' } } })] });
    assert.deepEqual(short(some), ['web:80 Enforced pay requests that no route takes pass']);
    const watching = report({ ...IN_FORCE, services, routes: [route('pay', { enforcement: 'Observe' })] });
    assert.deepEqual(short(watching), ['web:80 Enforced pay limits and validation only observe: pay']);
    for (const found of [some, watching]) {
      assert.equal(isCovered(found, false), true);
      assert.equal(isCovered(found, true), false);
    }
  });

  it('names ports that annotations lead past the sidecar', () => {
    const annotations = { 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' };
    const found = report({ ...IN_FORCE, pods: [pod('web-0', { app: 'web' }, { annotations })] });
    assert.deepEqual(short(found), [
      'web-0 Open pay ports 9000 of web-0 (past the sidecar: traffic.sidecar.istio.io/excludeInboundPorts)',
    ]);
  });

  it('has the listeners of gateways, and not the Services in front of them', () => {
    const listeners = [
      { name: 'web', port: 443, protocol: 'HTTPS', tls: { mode: 'Terminate' } },
      { name: 'raw', port: 444, protocol: 'TLS', tls: { mode: 'Passthrough' } },
    ];
    const labels = { 'gateway.networking.k8s.io/gateway-name': 'public' };
    const found = report({
      routes: [route('pay'), route('late')],
      pods: [pod('public-0', labels, { bare: true }), pod('edge-0', { istio: 'edge-gateway' }, { bare: true })],
      services: [{ ...service('public', ''), spec: { selector: labels, ports: [{ name: 'http', port: 80 }] } }],
      gateways: [
        object('Gateway', 'public', { listeners }),
        object('Gateway', 'way', { gatewayClassName: 'istio-waypoint', listeners }),
      ],
      istioGateways: [
        object('Gateway', 'edge', {
          selector: { istio: 'edge-gateway' },
          servers: [{ port: { number: 8443, protocol: 'HTTPS' }, tls: { mode: 'SIMPLE' } }],
        }),
      ],
      filters: [filter('fim-gateway-public', { lattice: 'gateway', terms: labels }, ['pay'])],
    });
    assert.deepEqual(short(found), [
      'public/web:443 Enforced pay',
      'public/raw:444 Open pay TLS',
      'edge:8443 NotCovered - edge-0',
    ]);
  });

  it('a filter that stands without routes, or leaves, covers nothing', () => {
    const leaving = filter('fim-sidecars-web', WEB, ['pay']);
    leaving.metadata.annotations!['fim.financial/retired-at'] = '2026-01-01T00:00:00Z';
    for (const one of [leaving, filter('fim-sidecars-web', WEB, [])])
      assert.deepEqual(short(report({ ...IN_FORCE, filters: [one], services: [service('web', 'web')] })), [
        'web:80 NotCovered - web-0',
      ]);
  });
});

describe('fim coverage', () => {
  async function cluster(t: TestContext): Promise<{ server: FakeApiServer; kubeconfig: string }> {
    const server = new FakeApiServer();
    await server.start();
    const folder = mkdtempSync(path.join(tmpdir(), 'fim-coverage-'));
    t.after(async () => {
      await server.stop();
      rmSync(folder, { recursive: true });
    });
    const kubeconfig = path.join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, server.config().exportConfig());
    return { server, kubeconfig };
  }

  function fim(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    return new Promise((done) => {
      const child = execFile(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', FIM, ...args],
        { env: { PATH: process.env.PATH } },
        (_, stdout, stderr) => done({ status: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  function fill(server: FakeApiServer): void {
    server.put('financialroutes', route('pay'));
    server.put('pods', IN_FORCE.pods[0]!);
    server.put('services', service('web', 'web'));
    for (const one of IN_FORCE.filters) server.put('envoyfilters', one);
  }

  it('has a table, JSON, two languages and an exit status', async (t) => {
    const { server, kubeconfig } = await cluster(t);
    fill(server);
    const table = await fim('coverage', '--kubeconfig', kubeconfig);
    assert.deepEqual([table.status, table.stderr], [0, '']);
    assert.equal(
      table.stdout,
      'NAMESPACE  KIND     PORT    STATE     ROUTES  WHY\nbank       Service  web:80  enforced  pay\n',
    );
    server.put('services', service('db', 'db'));
    const { status, stdout } = await fim('coverage', '--kubeconfig', kubeconfig, '--format', 'json');
    const { covered, namespaces, doors } = JSON.parse(stdout) as {
      covered: boolean;
      namespaces: string[];
      doors: DoorReport[];
    };
    assert.deepEqual([status, covered, namespaces], [1, false, ['bank']]);
    assert.deepEqual(
      doors.map(({ door, state }) => [door, state]),
      [
        ['db:80', 'NotCovered'],
        ['web:80', 'Enforced'],
      ],
    );
    const chinese = await fim('--lang', 'zh', 'coverage', '--kubeconfig', kubeconfig, '-n', 'bank', 'empty');
    assert.match(chinese.stdout, /^命名空间 +类型/);
    assert.match(chinese.stdout, /db:80 +未覆盖/);
    assert.match(chinese.stdout, /empty：没有端口或监听器/);
  });

  it('says what it cannot read', async (t) => {
    const { server, kubeconfig } = await cluster(t);
    fill(server);
    const wrong = await fim('coverage', '--kubeconfig', kubeconfig, '--format', 'yaml');
    assert.deepEqual([wrong.status, /FIM-UP-0020/.test(wrong.stderr)], [2, true]);
    const none = await fim('coverage', '--kubeconfig', `${kubeconfig}.none`);
    assert.deepEqual([none.status, /FIM-UP-0040/.test(none.stderr)], [1, true]);
    const context = await fim('coverage', '--kubeconfig', kubeconfig, '--context', 'other');
    assert.match(context.stderr, /FIM-UP-0040.*no context other/);
    server.allows = (request) => request !== 'list pods';
    const forbidden = await fim('coverage', '--kubeconfig', kubeconfig);
    assert.equal(forbidden.status, 1);
    assert.match(forbidden.stderr, /FIM-UP-0040.*pods: /);
  });
});
