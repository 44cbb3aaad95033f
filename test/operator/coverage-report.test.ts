// Report of `fim coverage` on every door of a namespace, and the verb on the small API server.
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
import { trimForeign } from '../../istio/operator/plan/foreign.ts';
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
  const config = { version: PLUGIN_CONFIG_VERSION, routes: routes.map((one) => ({ name: `bank/${one}`, stages: {} })) };
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
  baselines?: KubeObject[];
  foreign?: KubeObject[];
  sidecars?: KubeObject[];
  allGateways?: KubeObject[];
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
    sidecars: named(given.sidecars),
    ...(given.baselines === undefined ? {} : { baselines: given.baselines }),
    ...(given.allGateways === undefined ? {} : { allGateways: given.allGateways }),
    foreign: (given.foreign ?? []).map(trimForeign),
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
    // If the platform lets other protocols pass, there is no such seal.
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

  const GATEWAYS: Selection = { lattice: 'gateway', terms: {} };
  const EDGE = { istio: 'edge-gateway' };
  const edge = (name: string, number: number, protocol: string, namespace = 'bank'): KubeObject =>
    object('Gateway', name, { selector: EDGE, servers: [{ port: { number, protocol } }] }, { namespace });
  const BASELINE = {
    pods: [pod('edge-0', EDGE)],
    istioGateways: [edge('edge', 8080, 'HTTP')],
    filters: [filter('fim-gateways', GATEWAYS, ['~baseline'])],
  };

  it('has what a baseline alone reaches, by the baseline that is in force', () => {
    const told = (baselines: KubeObject[]): string[] => short(report({ ...BASELINE, baselines }));
    assert.deepEqual(told([route('rules', { overrides: {} })]), ['edge:8080 Enforced ~baseline']);
    assert.deepEqual(told([route('rules'), route('later', {}, 'Unknown', 'Pending')]), [
      'edge:8080 Unproven ~baseline later: Pending',
    ]);
    assert.deepEqual(told([]), ['edge:8080 Unproven ~baseline ~baseline: it is gone']);
    const watching = report({ ...BASELINE, baselines: [route('rules', { overrides: { enforcement: 'Observe' } })] });
    assert.deepEqual(short(watching), ['edge:8080 Enforced ~baseline limits and validation only observe: ~baseline']);
    assert.deepEqual([isCovered(watching, false), isCovered(watching, true)], [true, false]);
  });

  it('has servers that a Gateway of another namespace adds to pods of this one, and says where its own has none', () => {
    const baselines = [route('rules')];
    const allGateways = [...BASELINE.istioGateways, edge('guest', 8085, 'TCP', 'other')];
    assert.deepEqual(short(report({ ...BASELINE, baselines, allGateways })), [
      'edge:8080 Enforced ~baseline',
      'other/guest:8085 Open ~baseline TCP',
    ]);
    const [own] = report({ istioGateways: [edge('edge', 8080, 'HTTP')] });
    assert.match(own!.note, /no route is for it; no pod is there: if pods of another namespace have its listeners/);
  });

  it('has the listeners of Sidecars at workloads of a route', () => {
    const ingress = [{ port: { number: 9000, protocol: 'HTTP' } }, { port: { number: 9001, protocol: 'TCP' } }];
    const sidecars = [
      object('Sidecar', 'web', { workloadSelector: { labels: { app: 'web' } }, ingress }),
      object('Sidecar', 'db', { workloadSelector: { labels: { app: 'db' } }, ingress }),
    ];
    assert.deepEqual(short(report({ ...IN_FORCE, sidecars })), [
      'web:9000 Enforced pay',
      'web:9001 Refused pay not HTTP',
    ]);
    const [, open] = report({ ...IN_FORCE, filters: [IN_FORCE.filters[0]!], sidecars });
    assert.deepEqual([open?.kind, open?.state], ['Sidecar', 'Open']);
  });

  it("names others' EnvoyFilters: those that lead past FIM as doors, those that may answer at the doors", () => {
    const patch = (name: string, applyTo: string, value: object): KubeObject => ({
      ...object('EnvoyFilter', name, {
        workloadSelector: { labels: { app: 'web' } },
        configPatches: [{ applyTo, match: { context: 'SIDECAR_INBOUND' }, patch: { operation: 'ADD', value } }],
      }),
    });
    const services = [service('web', 'web')];
    const door = report({ ...IN_FORCE, services, foreign: [patch('door', 'LISTENER', { name: 'own' })] });
    assert.deepEqual(short(door), ['web:80 Enforced pay', 'bank/door Open pay a listener of its own']);
    assert.equal(isCovered(door, false), false);
    const lua = report({ ...IN_FORCE, services, foreign: [patch('lua', 'HTTP_FILTER', { name: 'own' })] });
    assert.match(short(lua).join(), /^web:80 Enforced pay may be answered by others: bank\/lua \(a filter own/);
    assert.deepEqual([isCovered(lua, false), isCovered(lua, true)], [true, false]);
    const elsewhere = patch('door', 'LISTENER', { name: 'own' });
    elsewhere.spec!.workloadSelector = { labels: { app: 'db' } };
    assert.deepEqual(short(report({ ...IN_FORCE, services, foreign: [elsewhere] })), ['web:80 Enforced pay']);
  });

  it('is nothing to rely on where there is no door', () => {
    assert.deepEqual([isCovered([], false), isCovered([], true)], [false, false]);
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
        { env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE } },
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

  it('finds namespaces that a baseline alone reaches, and never says that nothing is covered', async (t) => {
    const { server, kubeconfig } = await cluster(t);
    const none = await fim('coverage', '--kubeconfig', kubeconfig);
    assert.deepEqual([none.status, /Nothing is covered/.test(none.stdout)], [1, true]);
    for (const name of ['bank', 'kube-system'])
      server.put('namespaces', { metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
    const spec = { overrides: { rateLimit: { requests: 100, period: '1s' } } };
    server.put('financialbaselines', {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialBaseline',
      metadata: { name: 'rules' },
      // The form in force is another.
      spec: {},
      status: {
        inForce: { generation: 1, spec: JSON.stringify(spec) },
        conditions: [{ type: 'Programmed', status: 'True', reason: 'Programmed', observedGeneration: 1 }],
      },
    });
    const labels = { istio: 'edge-gateway' };
    server.put('pods', pod('edge-0', labels));
    server.put('networking.istio.io/gateways', {
      metadata: { name: 'edge', namespace: 'bank' },
      spec: { selector: labels, servers: [{ port: { number: 8080, protocol: 'HTTP' } }] },
    });
    server.put('envoyfilters', filter('fim-gateways', { lattice: 'gateway', terms: {} }, ['~baseline']));
    const found = await fim('coverage', '--kubeconfig', kubeconfig);
    assert.match(found.stdout, /bank +IstioGateway +edge:8080 +enforced +~baseline\n/);
    assert.doesNotMatch(found.stdout, /kube-system/);
    assert.equal(found.status, 0, found.stdout);
  });

  it('speaks Chinese throughout, and goes on where a tenant may not list what is of the cluster', async (t) => {
    const { server, kubeconfig } = await cluster(t);
    fill(server);
    const annotations = { 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' };
    server.put('pods', pod('web-0', { app: 'web' }, { annotations }));
    server.put('services', service('db', 'db'));
    server.allows = (request) => request !== 'list financialbaselines';
    const args = ['coverage', '--kubeconfig', kubeconfig, '-n', 'bank'];
    const { status, stdout } = await fim('--lang', 'zh', ...args);
    assert.equal(status, 1);
    assert.match(stdout, /db:80 .*没有路由；?.*没有 Pod/s);
    assert.match(stdout, /web-0 的端口 9000绕过 sidecar/);
    assert.match(stdout, /未判断：您无权列出 financialbaselines/);
    assert.doesNotMatch(stdout.replaceAll(/[a-z.]+\/excludeInboundPorts/g, ''), /no route|past the|you may/);
    const all = await fim('coverage', '--kubeconfig', kubeconfig);
    assert.deepEqual([all.status, /FIM-UP-0040.*financialbaselines/.test(all.stderr)], [1, true]);
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
