// Selections, workloads and builds: who meets whom, and what does not keep the others out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkRoutes, type RouteResource } from '../../envoy/route/index.ts';
import {
  MAX_NAMESPACE_OBJECT_BYTES,
  MAX_NAMESPACE_RESOURCES,
  MAX_NAMESPACE_SPEC_BYTES,
  MAX_NAMESPACE_WORKLOADS,
  MAX_RESOURCE_BYTES,
  MAX_WORKLOAD_ROUTES,
  NEAR_BUDGET,
} from '../../istio/limits.ts';
import type { Applied } from '../../istio/operator/plan/applied.ts';
import { build, type Examine } from '../../istio/operator/plan/build.ts';
import { workloadName, type Selection, type TargetFacts } from '../../istio/operator/plan/selection.ts';
import { spend } from '../../istio/operator/plan/budget.ts';
import { groupRoutes } from '../../istio/operator/plan/workloads.ts';

const EMPTY: TargetFacts = { gateways: new Map(), istioGateways: new Map(), services: new Map() };

function object(
  kind: string,
  name: string,
  spec: Record<string, unknown>,
  labels: Record<string, string> = {},
): {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: Record<string, unknown>;
} {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'demo', labels }, spec };
}

function route(name: string, spec: object = {}, day = 1): RouteResource {
  const creationTimestamp = new Date(Date.UTC(2026, 0, day)).toISOString().replace('.000', '');
  const { resources, errors } = checkRoutes([
    {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name, namespace: 'demo', creationTimestamp },
      spec: { rateLimit: { requests: 1, period: '1s' }, match: { path: { value: `/${name}` } }, ...spec },
    },
  ]);
  assert.deepEqual(errors, []);
  return resources[0]!;
}

function withPods(...all: Record<string, string>[]): TargetFacts {
  return {
    ...EMPTY,
    pods: new Map(all.map((podLabels, index) => [`p${index}`, object('Pod', `p${index}`, {}, podLabels)])),
  };
}

const labels = (matchLabels: Record<string, string>): object => ({ selector: { matchLabels } });
const gateway = (name: string): object => ({
  targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name }],
});
const members = (grouping: ReturnType<typeof groupRoutes>): Record<string, string[]> =>
  Object.fromEntries(
    [...grouping.workloads].map(([name, { routes }]) => [
      name.replace(/-[0-9a-f]{8}$/, ''),
      routes.map((one) => one.key.replace('demo/', '')),
    ]),
  );

describe('workloads', () => {
  it('without targets: the gateways of the namespace, never sidecars', () => {
    const [workload] = groupRoutes('demo', [route('a')], EMPTY).workloads.values();
    assert.deepEqual(workload?.selection, { lattice: 'gateway', terms: {} });
  });

  it('a Gateway also has the routes for all gateways, and takes the place of their filter', () => {
    const grouping = groupRoutes('demo', [route('all'), route('edge', gateway('edge'))], {
      ...EMPTY,
      gateways: new Map([['edge', object('Gateway', 'edge', { gatewayClassName: 'istio' })]]),
    });
    assert.deepEqual(members(grouping), { gateways: ['all'], 'gateway-edge': ['all', 'edge'] });
    assert.deepEqual(grouping.workloads.get('gateway-edge')?.wider, ['gateways']);
    assert.deepEqual(grouping.workloads.get('gateways')?.narrower, [
      { lattice: 'gateway', terms: { 'gateway.networking.k8s.io/gateway-name': 'edge' } },
    ]);
  });

  it('selections that a pod meets together have a workload of their own, and others have none', () => {
    const facts = withPods(
      { app: 'web', tier: 'front', hash: '1' },
      { app: 'web', tier: 'front', hash: '2' },
      { app: 'db' },
    );
    const grouping = groupRoutes(
      'demo',
      [route('a', labels({ app: 'web' })), route('b', labels({ tier: 'front' })), route('c', labels({ app: 'db' }))],
      facts,
    );
    assert.deepEqual(members(grouping), {
      'sidecars-web': ['a'],
      'sidecars-front': ['b'],
      'sidecars-web-front': ['a', 'b'],
      'sidecars-db': ['c'],
    });
    assert.equal(grouping.isSeen({ app: 'web', tier: 'front', hash: '3' }, facts), true);
    assert.equal(
      grouping.isSeen({ app: 'db', tier: 'front' }, facts),
      false,
      'such a pod needs a workload that is not there',
    );
    const both = [...grouping.workloads.values()].find(({ name }) => name.startsWith('sidecars-web-front'));
    assert.equal(both?.wider.length, 2);
  });

  it('a selector with the labels of an Istio Gateway means gateways', () => {
    const facts = { ...EMPTY, istioGateways: new Map([['gw', object('Gateway', 'gw', { selector: { app: 'gw' } })]]) };
    const [workload] = groupRoutes('demo', [route('a', labels({ app: 'gw' }))], facts).workloads.values();
    assert.equal(workload?.selection.lattice, 'gateway');
  });

  it('a Service means its filter chains in its waypoint, with the routes of the waypoint', () => {
    const facts = {
      ...EMPTY,
      gateways: new Map([['wp', object('Gateway', 'wp', { gatewayClassName: 'istio-waypoint' })]]),
      services: new Map([
        ['web', object('Service', 'web', { ports: [{ port: 80 }] }, { 'istio.io/use-waypoint': 'wp' })],
      ]),
    };
    const grouping = groupRoutes(
      'demo',
      [route('a', { targetRefs: [{ group: '', kind: 'Service', name: 'web' }] }), route('b', gateway('wp'), 2)],
      facts,
    );
    assert.deepEqual(members(grouping), { 'service-web': ['a', 'b'], 'waypoint-wp': ['b'] });
  });

  it('selections cannot multiply: eight of them are eight workloads, and each kind of pod that meets several one more', () => {
    const routes = Array.from({ length: 8 }, (_, index) =>
      route(`r${index}`, labels({ [`k${index}`]: 'x' }), index + 1),
    );
    assert.equal(groupRoutes('demo', routes, EMPTY).workloads.size, 8);
    const all = Object.fromEntries(routes.map((_, index) => [`k${index}`, 'x']));
    const grouping = groupRoutes('demo', routes, withPods(all, { ...all, hash: '7' }, { k0: 'x', k1: 'x' }));
    assert.equal(grouping.workloads.size, 10);
    assert.deepEqual(
      [...grouping.workloads.values()].map((one) => one.routes.length).sort((a, b) => a - b),
      [1, 1, 1, 1, 1, 1, 1, 1, 2, 8],
    );
  });

  it('every pod meets exactly one workload that no narrower one takes it from, with all routes that select it', () => {
    const random = (
      (seed: number) => () =>
        (seed = (seed * 16807) % 2147483647) / 2147483647
    )(7);
    for (let round = 0; round < 50; round++) {
      const some = (): Record<string, string> =>
        Object.fromEntries(
          ['a', 'b', 'c', 'd'].filter(() => random() < 0.5).map((name) => [name, random() < 0.5 ? '1' : '2']),
        );
      const routes = Array.from({ length: 6 }, (_, index) =>
        route(`r${index}`, labels({ z: '1', ...some() }), index + 1),
      );
      const pods = Array.from({ length: 8 }, () => ({ z: '1', ...some() }));
      const { workloads } = groupRoutes('demo', routes, withPods(...pods));
      for (const pod of pods) {
        const meets = (terms: Record<string, string>): boolean =>
          Object.entries(terms).every(([name, value]) => (pod as Record<string, string>)[name] === value);
        const selecting = routes.filter(({ spec }) => meets(spec.selector!.matchLabels)).map(({ key }) => key);
        const own = [...workloads.values()].filter(
          ({ selection, narrower }) => meets(selection.terms) && !narrower.some(({ terms }) => meets(terms)),
        );
        assert.deepEqual(
          own.map((one) => one.routes.map(({ key }) => key)),
          selecting.length === 0 ? [] : [selecting],
        );
      }
    }
  });

  it('too many workloads are refused, the older routes keep theirs, and the last are told beforehand', () => {
    const routes = Array.from({ length: MAX_NAMESPACE_WORKLOADS + 2 }, (_, index) =>
      route(`r${index}`, labels({ app: `a${index}` }), index + 1),
    );
    const grouping = groupRoutes('demo', routes, EMPTY);
    assert.equal(grouping.workloads.size, MAX_NAMESPACE_WORKLOADS);
    assert.deepEqual(
      [...grouping.overflow],
      [
        ['demo/r256', '256 workloads'],
        ['demo/r257', '256 workloads'],
      ],
    );
    assert.equal(grouping.near.size, MAX_NAMESPACE_WORKLOADS - Math.floor(NEAR_BUDGET * MAX_NAMESPACE_WORKLOADS));
  });

  it('bytes count in each workload that a route is in', () => {
    const pods = Array.from({ length: 40 }, (_, index) => ({ app: 'web', tier: `t${index}` }));
    const tiers = Array.from({ length: 40 }, (_, index) => ({
      ...route(`t${index}`, labels({ tier: `t${index}` }), 1),
      bytes: 1000,
    }));
    const wide = { ...route('wide', labels({ app: 'web' }), 2), bytes: Math.ceil(MAX_NAMESPACE_OBJECT_BYTES / 20) };
    const grouping = groupRoutes('demo', [...tiers, wide], withPods(...pods));
    assert.deepEqual([...grouping.overflow.keys()], ['demo/wide'], 'it would be in forty');
    assert.equal(grouping.workloads.size, 40, 'and leaves nothing behind');
    assert.equal(
      groupRoutes(
        'demo',
        [...tiers, { ...wide, bytes: Math.floor(MAX_NAMESPACE_OBJECT_BYTES / 50) }],
        withPods(...pods),
      ).overflow.size,
      0,
    );
  });

  it('names are good for Kubernetes, and differ', () => {
    const selections: Selection[] = [
      { lattice: 'sidecar', terms: { app: 'A.b_C' } },
      { lattice: 'sidecar', terms: { app: 'a-b-c' } },
      { lattice: 'sidecar', terms: { app: '' } },
      { lattice: 'gateway', terms: { 'gateway.networking.k8s.io/gateway-name': `${'g.'.repeat(100)}g` } },
    ];
    const names = selections.map(workloadName);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(`fim-${name}`, /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/);
  });
});

describe('a build', () => {
  const take: Examine = () => undefined;
  const input = { unservable: new Map(), objects: new Map(), applied: undefined, kms: undefined };

  it('leaves out the one that the module refuses, however many there are', () => {
    const refuses = (json: string): ReturnType<Examine> => {
      const index = (JSON.parse(json) as { routes: { name: string }[] }).routes.findIndex(({ name }) =>
        name.includes('poison'),
      );
      return index < 0 ? undefined : { code: 'FIM-CFG-0024', pointer: `/routes/${index}/stages/rateLimiter` };
    };
    const made = build({
      ...input,
      routes: [route('a'), route('poison1'), route('b'), route('poison2')],
      examine: refuses,
    });
    assert.deepEqual([...made.members].sort(), ['demo/a', 'demo/b']);
    assert.deepEqual([...made.refused.keys()].sort(), ['demo/poison1', 'demo/poison2']);
    assert.equal(made.refused.get('demo/poison1')?.[0]?.code, 'FIM-CFG-0024');
  });

  it('leaves all as it is when the module refuses everything without saying why', () => {
    const first = build({ ...input, routes: [route('a')], examine: take });
    const applied: Applied = {
      hash: first.hash,
      moduleSha256: '',
      generation: 1,
      appliedAt: 0,
      selection: undefined,
      config: { ...first.config, hash: first.hash },
      isWhole: true,
      routes: new Map([['demo/a', [[]]]]),
      needs: { audit: false, limits: false },
      isNumbered: true,
      fromLaterVersion: false,
      retiredAt: undefined,
    };
    const made = build({
      ...input,
      applied,
      routes: [route('a'), route('b')],
      examine: () => ({ code: 'FIM-CFG-0019', pointer: '' }),
    });
    assert.equal(made.frozen, true);
    assert.deepEqual([...made.held], ['demo/a']);
    assert.equal(made.refused.size, 2);
  });

  it('takes the oldest of too many', () => {
    const routes = Array.from({ length: MAX_WORKLOAD_ROUTES + 3 }, (_, index) =>
      route(`r${index}`, {}, MAX_WORKLOAD_ROUTES + 3 - index),
    );
    const made = build({ ...input, routes, examine: take });
    assert.equal(made.members.size, MAX_WORKLOAD_ROUTES);
    assert.deepEqual([...made.refused.keys()].sort(), ['demo/r0', 'demo/r1', 'demo/r2'], 'the youngest');
    assert.equal(made.refused.get('demo/r0')?.[0]?.code, 'FIM-CFG-1002');
  });

  it('keeps the object under the limit of the API server', () => {
    const fields = Array.from({ length: 64 }, (_, index) => ({
      path: `$.${'x'.repeat(100)}${index}`,
      pattern: `^${'[0-9]'.repeat(20)}$`,
    }));
    const routes = Array.from({ length: 120 }, (_, index) =>
      route(`r${index}`, { validation: { fields } }, 1 + (index % 300)),
    );
    const made = build({ ...input, routes, examine: take });
    assert.ok(made.members.size > 10 && made.members.size < 120, `${made.members.size} members`);
    assert.ok(JSON.stringify(JSON.stringify(made.config)).length < 1024 * 1024);
    assert.equal(made.members.size + made.refused.size, 120);
  });
});

describe('the budgets of a namespace', () => {
  const item = (key: string, created: number, bytes = 100): Parameters<typeof spend>[0][number] => ({
    key,
    created,
    bytes,
    isLeftAway: false,
  });

  it('go to the oldest', () => {
    const items = Array.from({ length: MAX_NAMESPACE_RESOURCES + 2 }, (_, index) => item(`k${index}`, -index));
    const { over, near } = spend(items);
    assert.deepEqual([...over.keys()].sort(), ['k0', 'k1']);
    assert.match(over.get('k0')!, new RegExp(`${MAX_NAMESPACE_RESOURCES} routes and profiles`));
    assert.equal(near.size, MAX_NAMESPACE_RESOURCES - NEAR_BUDGET * MAX_NAMESPACE_RESOURCES);
  });

  it('are of bytes too, and one that is too large for itself takes nothing from the others', () => {
    const size = 512 * 1024;
    const fit = MAX_NAMESPACE_SPEC_BYTES / size;
    const { over, near } = spend([
      item('giant', 0, MAX_RESOURCE_BYTES + 1),
      ...Array.from({ length: fit + 1 }, (_, index) => item(`k${index}`, index, size)),
    ]);
    assert.deepEqual([...over.keys()], ['giant', `k${fit}`]);
    assert.match(over.get('giant')!, /its spec has \d+ bytes, of \d+/);
    assert.ok(near.has(`k${fit - 1}`) && !near.has(`k${fit / 2}`));
  });
});
