// Targets by part: what a route concerns at a listener, an HTTPRoute, a rule, and that it claims nothing else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { narrowMatch, type RouteMatch, type TargetRef } from '../../envoy/route/index.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import type { TargetFacts } from '../../istio/operator/plan/selection.ts';
import { matchesAt, placesOf } from '../../istio/operator/plan/targets.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

const GROUP = 'gateway.networking.k8s.io';
const LISTENERS = [
  { name: 'https', port: 443, protocol: 'HTTPS', hostname: '*.bank.cn' },
  { name: 'http', port: 80, protocol: 'HTTP', hostname: '*.bank.cn' },
  { name: 'inner', port: 8443, protocol: 'HTTPS', hostname: 'inner.example' },
  { name: 'mail', port: 25, protocol: 'TCP' },
];
const FUND = {
  hostnames: ['fund.bank.cn', 'elsewhere.example'],
  parentRefs: [{ name: 'edge', sectionName: 'https' }],
  rules: [
    { name: 'orders', matches: [{ path: { type: 'PathPrefix', value: '/orders' }, method: 'POST' }] },
    {
      name: 'rest',
      matches: [
        { path: { type: 'Exact', value: '/nav' } },
        { path: { type: 'PathPrefix', value: '/funds' }, headers: [{ name: 'X-Tenant', value: 'a' }] },
      ],
    },
  ],
};

function object(kind: string, name: string, spec: Record<string, unknown>): KubeObject {
  return { apiVersion: `${GROUP}/v1`, kind, metadata: { name, namespace: NAMESPACE }, spec };
}

const facts: TargetFacts = {
  gateways: new Map([['edge', object('Gateway', 'edge', { gatewayClassName: 'istio', listeners: LISTENERS })]]),
  istioGateways: new Map(),
  services: new Map(),
  httpRoutes: new Map([
    ['fund', object('HTTPRoute', 'fund', FUND)],
    ['away', object('HTTPRoute', 'away', { parentRefs: [{ name: 'edge', namespace: 'other' }] })],
    ['mesh', object('HTTPRoute', 'mesh', { parentRefs: [{ group: '', kind: 'Service', name: 'fund' }] })],
  ]),
};
const ref = (kind: string, name: string, sectionName?: string): TargetRef => ({
  group: GROUP,
  kind,
  name,
  ...(sectionName === undefined ? {} : { sectionName }),
});
const place = (target: TargetRef, match?: RouteMatch): ReturnType<typeof placesOf>[number] =>
  placesOf({ targetRefs: [target], ...(match === undefined ? {} : { match }) }, facts)[0]!;

describe('what a route concerns at a target', () => {
  it('of a listener: the hosts that it serves, and who else serves them', () => {
    const found = place(ref('Gateway', 'edge', 'https'), { hosts: ['a.bank.cn', '*.x.bank.cn', 'other.example'] });
    assert.deepEqual(found.matches, [{ hosts: ['a.bank.cn', '*.x.bank.cn'] }]);
    assert.match(found.note ?? '', /does not serve other\.example.*are served by http, too/);
    assert.deepEqual(place(ref('Gateway', 'edge', 'inner')).matches, [{ hosts: ['inner.example'] }]);
    assert.equal(place(ref('Gateway', 'edge', 'inner')).note, undefined);
  });

  it('of a whole Gateway: what the route says', () => {
    assert.equal(place(ref('Gateway', 'edge'), { hosts: ['a.bank.cn'] }).matches, undefined);
  });

  it('of an HTTPRoute: its hosts at its listener, and its matches', () => {
    assert.deepEqual(place(ref('HTTPRoute', 'fund')).matches, [
      { hosts: ['fund.bank.cn'], methods: ['POST'], path: { type: 'Prefix', value: '/orders' } },
      { hosts: ['fund.bank.cn'], path: { type: 'Exact', value: '/nav' } },
      {
        hosts: ['fund.bank.cn'],
        path: { type: 'Prefix', value: '/funds' },
        headers: [{ name: 'X-Tenant', type: 'Exact', value: 'a' }],
      },
    ]);
    assert.deepEqual(place(ref('HTTPRoute', 'fund')).selection, {
      lattice: 'gateway',
      terms: { 'gateway.networking.k8s.io/gateway-name': 'edge' },
    });
  });

  it('of a rule: its matches, within what the route says', () => {
    const match: RouteMatch = { path: { type: 'Prefix', value: '/funds/open' } };
    assert.deepEqual(place(ref('HTTPRoute', 'fund', 'rest'), match).matches, [
      {
        hosts: ['fund.bank.cn'],
        path: { type: 'Prefix', value: '/funds/open' },
        headers: [{ name: 'X-Tenant', type: 'Exact', value: 'a' }],
      },
    ]);
  });

  for (const [target, match, reason] of [
    [ref('Gateway', 'edge', 'https'), { hosts: ['other.example'] }, 'NoMatchingHostname'],
    [ref('HTTPRoute', 'fund'), { hosts: ['elsewhere.example'] }, 'NoMatchingHostname'],
    [ref('HTTPRoute', 'fund', 'orders'), { path: { type: 'Prefix', value: '/order' } }, 'NoMatchingRequest'],
    [ref('HTTPRoute', 'fund', 'orders'), { methods: ['GET'] }, 'NoMatchingRequest'],
    [ref('HTTPRoute', 'none'), undefined, 'TargetNotFound'],
    [ref('HTTPRoute', 'away'), undefined, 'UnsupportedTarget'],
    [ref('HTTPRoute', 'mesh'), undefined, 'UnsupportedTarget'],
  ] as [TargetRef, RouteMatch | undefined, string][]) {
    it(`${target.kind} ${target.name} ${target.sectionName ?? ''} with ${JSON.stringify(match)}: ${reason}, nowhere`, () => {
      const { problem, selection } = place(target, match);
      assert.deepEqual([problem?.reason, selection], [reason, undefined]);
    });
  }

  it('goes on where a listener or a rule was renamed, and says so', () => {
    const listener = place(ref('Gateway', 'edge', 'gone'), { hosts: ['a.bank.cn'] });
    assert.deepEqual([listener.problem?.reason, listener.matches], ['TargetNotFound', undefined]);
    assert.ok(listener.selection);
    const rule = place(ref('HTTPRoute', 'fund', 'gone'));
    assert.deepEqual([rule.problem?.reason, rule.matches?.length], ['TargetNotFound', 3]);
  });

  it('is what it says if one of its targets at the same proxies is whole', () => {
    const own = { targetRefs: [ref('Gateway', 'edge', 'inner'), ref('Gateway', 'edge', 'https')] };
    const both = placesOf(own, facts);
    assert.deepEqual(matchesAt(both, both[0]!.selection!), [{ hosts: ['inner.example'] }, { hosts: ['*.bank.cn'] }]);
    const whole = placesOf({ targetRefs: [...own.targetRefs, ref('Gateway', 'edge')] }, facts);
    assert.equal(matchesAt(whole, both[0]!.selection!), undefined);
  });
});

describe('two matches in one', () => {
  for (const [own, target, match, isWide] of [
    [{}, {}, {}, false],
    [{ hosts: ['*'] }, { hosts: ['a.cn'] }, { hosts: ['a.cn'] }, false],
    [{ hosts: ['*.a.cn'] }, { hosts: ['*.b.a.cn', 'c.a.cn'] }, { hosts: ['*.b.a.cn', 'c.a.cn'] }, false],
    [{ hosts: ['a.cn'] }, { hosts: ['*.a.cn'] }, undefined, false],
    [
      { path: { type: 'Exact', value: '/a/b' } },
      { path: { type: 'Prefix', value: '/a/' } },
      { path: { type: 'Exact', value: '/a/b' } },
      false,
    ],
    [{ path: { type: 'Exact', value: '/ab' } }, { path: { type: 'Prefix', value: '/a' } }, undefined, false],
    [
      { path: { type: 'Prefix', value: '/' } },
      { path: { type: 'Pattern', value: '/x[0-9]' } },
      { path: { type: 'Pattern', value: '/x[0-9]' } },
      false,
    ],
    [
      { path: { type: 'Prefix', value: '/x' } },
      { path: { type: 'Pattern', value: '/x[0-9]' } },
      { path: { type: 'Prefix', value: '/x' } },
      true,
    ],
    [
      { headers: [{ name: 'x-a', type: 'Present' }] },
      { headers: [{ name: 'X-A', type: 'Exact', value: '1' }] },
      { headers: [{ name: 'X-A', type: 'Exact', value: '1' }] },
      false,
    ],
    [
      { headers: [{ name: 'x-a', type: 'Exact', value: '2' }] },
      { headers: [{ name: 'X-A', type: 'Exact', value: '1' }] },
      undefined,
      false,
    ],
  ] as [RouteMatch, RouteMatch, RouteMatch | undefined, boolean][]) {
    it(`${JSON.stringify(own)} and ${JSON.stringify(target)}`, () =>
      assert.deepEqual(narrowMatch(own, target), match === undefined ? undefined : { match, isWide }));
  }
});

describe('the operator at an HTTPRoute', () => {
  const spec = { rateLimit: { requests: 5, period: '1s' } };
  const prepare = (server: Rig['server']): void => {
    server.put(`${GROUP}/gateways`, {
      metadata: { name: 'edge', namespace: NAMESPACE },
      spec: { gatewayClassName: 'istio', listeners: LISTENERS },
      status: { conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }] },
    });
    server.put('httproutes', {
      metadata: { name: 'fund', namespace: NAMESPACE },
      spec: FUND,
      status: {
        parents: [{ parentRef: { name: 'edge' }, controllerName: 'istio.io/gateway-controller', conditions: [] }],
      },
    });
  };
  const conditions = (rig: Rig, collection: string, name: string): string[] => {
    const status = rig.server.get(collection, NAMESPACE, name)?.status as
      | {
          conditions?: { type: string; message: string }[];
          parents?: { controllerName: string; conditions: { type: string; message: string }[] }[];
        }
      | undefined;
    return [
      ...(status?.conditions ?? []).map(({ type, message }) => `${type} ${message}`),
      ...(status?.parents ?? []).map(
        ({ controllerName, conditions: said }) => `${controllerName} ${said.map(({ message }) => message).join()}`,
      ),
    ];
  };

  it('puts in force what the HTTPRoute serves, follows it, and says so at the targets', async (t) => {
    const rig = await Rig.start(t, prepare);
    rig.route('policy', { ...spec, targetRefs: [ref('HTTPRoute', 'fund', 'orders')] });
    rig.route('inner', { ...spec, targetRefs: [ref('Gateway', 'edge', 'inner')] }, '2026-01-02T00:00:00Z');
    const routes = await until('both in force', () => {
      const config = rig.config('fim-gateway-edge') as unknown as
        { routes: { name: string; match?: object }[] } | undefined;
      return config?.routes.length === 2 ? config.routes : undefined;
    });
    assert.deepEqual(Object.fromEntries(routes.map(({ name, match }) => [name, match])), {
      'demo/policy': { hosts: ['fund.bank.cn'], methods: ['POST'], path: { type: 'Prefix', value: '/orders' } },
      'demo/inner': { hosts: ['inner.example'] },
    });
    await rig.condition('policy', 'Accepted', 'True');
    await until('the targets tell', () => conditions(rig, 'httproutes', 'fund').length === 2);
    assert.deepEqual(
      [conditions(rig, 'httproutes', 'fund'), conditions(rig, `${GROUP}/gateways`, 'edge')],
      [
        ['istio.io/gateway-controller ', 'fim.financial/operator Affected by FinancialRoute demo/policy (orders).'],
        ['Accepted ', 'fim.financial/FinancialPolicyAffected Affected by FinancialRoute demo/inner (inner).'],
      ],
    );
    const [ancestor] = rig.status('policy')?.ancestors ?? [];
    assert.deepEqual(ancestor?.ancestorRef, { ...ref('HTTPRoute', 'fund', 'orders'), namespace: NAMESPACE });
    assert.equal(ancestor.controllerName, 'fim.financial/operator');

    const object = rig.server.get('httproutes', NAMESPACE, 'fund')!;
    rig.server.put('httproutes', { ...object, spec: { ...FUND, hostnames: ['new.bank.cn'] } });
    await until('the new host', () => JSON.stringify(rig.config('fim-gateway-edge') ?? '').includes('new.bank.cn'));
    rig.server.remove('httproutes', NAMESPACE, 'fund');
    await rig.condition('policy', 'Accepted', 'False', 'TargetNotFound');

    rig.server.remove('financialroutes', NAMESPACE, 'inner');
    await until('it is taken back', () => conditions(rig, `${GROUP}/gateways`, 'edge').length === 1);
    assert.deepEqual(conditions(rig, `${GROUP}/gateways`, 'edge'), ['Accepted ']);
  });

  it('takes its word out of an HTTPRoute that it leaves, and leaves that of others', async (t) => {
    const rig = await Rig.start(t, prepare);
    rig.route('policy', { ...spec, targetRefs: [ref('HTTPRoute', 'fund')] });
    await until('it tells', () => conditions(rig, 'httproutes', 'fund').length === 2);
    rig.server.remove('financialroutes', NAMESPACE, 'policy');
    await until('it is taken back', () => conditions(rig, 'httproutes', 'fund').length === 1);
    assert.deepEqual(conditions(rig, 'httproutes', 'fund'), ['istio.io/gateway-controller ']);
  });

  it('claims no host that the target does not serve', async (t) => {
    const rig = await Rig.start(t, prepare);
    rig.route('greedy', { ...spec, match: { hosts: ['victim.bank.cn'] }, targetRefs: [ref('HTTPRoute', 'fund')] });
    const { message } = await rig.condition('greedy', 'Accepted', 'False', 'NoMatchingHostname');
    assert.match(message, /FIM-OP-0015/);
    await rig.condition('greedy', 'Programmed', 'False', 'NoMatchingHostname');
    assert.equal(rig.filter('fim-gateway-edge'), undefined);
  });
});
