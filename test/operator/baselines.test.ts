// Baselines of the platform in the operator: merged into routes, in force for requests without one, told in conditions.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadRoutes, type RouteConfig } from '../../envoy/route/index.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import type { BaselineStatus } from '../../istio/operator/plan/baseline-status.ts';
import type { Condition } from '../../istio/operator/plan/status.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

const LIMIT = { rateLimit: { requests: 100, period: '1s' } };
const RULE = { validation: { fields: [{ name: 'transCode', pattern: '^01' }] } };
const GATEWAY = { istio: 'ingressgateway' };

function put(rig: Rig, name: string, spec: object, generation = 1, created = '2026-01-01T00:00:00Z'): KubeObject {
  return rig.server.put('financialbaselines', {
    metadata: { name, generation, creationTimestamp: created },
    spec,
    status: rig.server.get('financialbaselines', '', name)?.status,
  });
}

function namespace(rig: Rig, name: string, labels: Record<string, string> = {}): void {
  rig.server.put('namespaces', { metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } } });
}

function statusOf(rig: Rig, name: string): BaselineStatus | undefined {
  return rig.server.get('financialbaselines', '', name)?.status as BaselineStatus | undefined;
}

/** Waits for a condition of a baseline. */
function condition(rig: Rig, name: string, type: string, status: string, reason?: string): Promise<Condition> {
  return until(`${name}: ${type}=${status} ${reason ?? ''}`, () =>
    statusOf(rig, name)?.conditions.find(
      (one) => one.type === type && one.status === status && (reason === undefined || one.reason === reason),
    ),
  ).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(statusOf(rig, name))}`);
  });
}

/** The routes in force at the gateways. */
function routes(rig: Rig, where = NAMESPACE): RouteConfig[] {
  return (rig.config('fim-gateways', where)?.routes ?? []) as unknown as RouteConfig[];
}

/** Waits until the gateways' configuration is as wanted. */
function inForce(rig: Rig, what: string, is: (found: RouteConfig[]) => boolean, where = NAMESPACE): Promise<true> {
  return until(what, () => (is(routes(rig, where)) ? true : undefined)).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(routes(rig, where))}`);
  });
}

const limitOf = (found: RouteConfig[], name: string): number | undefined =>
  found.find((route) => route.name === name)?.stages.rateLimiter?.requests;

describe('a baseline', () => {
  it('is shown by an example that is valid', () => {
    const { baselines, errors } = loadRoutes(['istio/manifests/production/bank-baseline.yaml']);
    assert.deepEqual([baselines.length, errors], [1, []]);
  });

  it('holds over routes and for requests without one, and both say so', async (t) => {
    const rig = await Rig.start(t, (server) => void server);
    namespace(rig, NAMESPACE, { tier: 'prod' });
    const proxy = await rig.pod('gateway', GATEWAY);
    put(rig, 'bank', { namespaces: { matchLabels: { tier: 'prod' } }, overrides: LIMIT });
    await inForce(rig, 'requests without a route', (found) => limitOf(found, 'demo/~baseline') === 100);
    rig.route('own', { match: { path: { value: '/a' } }, rateLimit: { requests: 1, period: '1s' } });
    await inForce(rig, 'the route', (found) => limitOf(found, 'demo/own') === 100);
    const ids = routes(rig).map(({ stages }) => stages.rateLimiter?.id);
    assert.deepEqual(ids, ['demo/~bank/0', 'demo/~bank/0'], 'more routes are not more requests');
    const told = await rig.condition('own', 'Overridden', 'True', 'Overrides');
    assert.match(told.message, /rateLimit of FinancialBaseline bank instead of the route's own/);
    await rig.quiet();
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('own', 'Programmed', 'True');
    const programmed = await condition(rig, 'bank', 'Programmed', 'True', 'Programmed');
    assert.match(programmed.message, /2 routes of 1 namespace run it/);
    assert.deepEqual([statusOf(rig, 'bank')?.namespaces, statusOf(rig, 'bank')?.routes], [1, 2]);
    assert.equal(statusOf(rig, 'bank')?.conditions.find(({ type }) => type === 'Ready')?.status, 'True');
  });

  it('stays when a route goes, and goes with itself', async (t) => {
    const rig = await Rig.start(t);
    namespace(rig, NAMESPACE);
    await rig.pod('gateway', GATEWAY);
    put(rig, 'bank', { overrides: RULE });
    rig.route('own', { enforcement: 'Observe', ...LIMIT });
    await inForce(
      rig,
      'the route',
      ([first, ...rest]) => rest.length === 0 && first?.observe === true && first.enforced?.[0] === 'pbocValidator',
    );
    rig.server.remove('financialroutes', NAMESPACE, 'own');
    await inForce(
      rig,
      'requests without a route',
      (found) => found[0]?.name === 'demo/~baseline' && found.length === 1,
    );
    rig.server.remove('financialbaselines', '', 'bank');
    await until(
      'the filter goes',
      () => rig.filter('fim-gateways')?.metadata.annotations?.['fim.financial/retired-at'],
    );
  });

  it('is for the namespaces that it selects, as their labels change', async (t) => {
    const rig = await Rig.start(t);
    namespace(rig, NAMESPACE);
    await rig.pod('gateway', GATEWAY);
    put(rig, 'bank', { namespaces: { matchLabels: { tier: 'prod' } }, overrides: LIMIT });
    rig.route('own', RULE);
    await inForce(rig, 'the route alone', (found) => found.length === 1 && limitOf(found, 'demo/own') === undefined);
    namespace(rig, NAMESPACE, { tier: 'prod' });
    await inForce(rig, 'the baseline', (found) => limitOf(found, 'demo/own') === 100);
    namespace(rig, NAMESPACE, { tier: 'test' });
    await inForce(rig, 'the route alone', (found) => found.length === 1 && limitOf(found, 'demo/own') === undefined);
  });

  it('that is no longer valid leaves its last form in force, also over a restart', async (t) => {
    const rig = await Rig.start(t);
    namespace(rig, NAMESPACE);
    await rig.pod('gateway', GATEWAY);
    put(rig, 'bank', { overrides: LIMIT });
    await condition(rig, 'bank', 'Accepted', 'True');
    await inForce(rig, 'the baseline', (found) => limitOf(found, 'demo/~baseline') === 100);
    put(rig, 'bank', { overrides: { validation: { fields: [{ name: 'a', pattern: '^(' }] } } }, 2);
    const refused = await condition(rig, 'bank', 'Accepted', 'False', 'Invalid');
    assert.match(refused.message, /FIM-OP-0040: its generation 1 stays in force\. FIM-CFG-/);
    assert.equal(limitOf(routes(rig), 'demo/~baseline'), 100);
    await rig.stopOperator();
    rig.server.remove('envoyfilters', NAMESPACE, 'fim-gateways');
    await rig.startOperator();
    await inForce(rig, 'the last form again', (found) => limitOf(found, 'demo/~baseline') === 100);
    put(rig, 'bank', { overrides: { rateLimit: { requests: 7, period: '1s' } } }, 3);
    await inForce(rig, 'the good form', (found) => limitOf(found, 'demo/~baseline') === 7);
  });

  it('that never was valid is not in force, and says so', async (t) => {
    const rig = await Rig.start(t);
    namespace(rig, NAMESPACE);
    await rig.pod('gateway', GATEWAY);
    put(rig, 'bank', { overrides: { validation: { profile: 'of-a-tenant' } } });
    const refused = await condition(rig, 'bank', 'Accepted', 'False', 'Invalid');
    assert.match(refused.message, /nothing of it is in force\. FIM-CFG-1082/);
    assert.equal(rig.filter('fim-gateways'), undefined);
  });

  it('leaves a route in force that does not go with it, and names it', async (t) => {
    const rig = await Rig.start(t);
    namespace(rig, NAMESPACE);
    await rig.pod('gateway', GATEWAY);
    rig.route('xml', { body: { format: 'XML' }, match: { path: { value: '/x' } }, ...RULE });
    await inForce(rig, 'the route', (found) => found.length === 1);
    put(rig, 'bank', { overrides: { masking: { detect: [{ kind: 'IdCard' }] } } });
    const told = await condition(rig, 'bank', 'Programmed', 'False', 'RoutesRefused');
    assert.match(told.message, /FIM-OP-0041: demo\/xml \(.*FIM-CFG-1083/);
    await rig.condition('xml', 'Accepted', 'False', 'Invalid');
    assert.deepEqual(
      routes(rig).map(({ name, stages }) => [name, Object.keys(stages)]),
      [
        ['demo/xml', ['pbocValidator']],
        ['demo/~baseline', ['fieldMasker']],
      ],
    );
  });

  it('may name keys that no namespace may name', async (t) => {
    const rig = await Rig.start(t, (_, own) => {
      own.kms.keys.set('bank/gateway', {});
      own.binding = { mode: 'claimed', bound: [] };
    });
    namespace(rig, NAMESPACE);
    await rig.pod('gateway', GATEWAY);
    put(rig, 'bank', { overrides: { encryption: { keyId: 'kms://bank/gateway', response: 'Encrypt' } } });
    rig.route('own', {
      match: { path: { value: '/a' } },
      signature: { keyId: 'kms://bank/gateway', request: 'Sign' },
    });
    await rig.condition('own', 'ResolvedRefs', 'False', 'KeyNotPermitted');
    const keys = (found: RouteConfig[]): string =>
      JSON.stringify(
        found.map(({ name, stages }) => [name, stages.sm4Encryptor?.keyId, stages.messageSignature?.keyId]),
      );
    const wanted = JSON.stringify([
      ['demo/own', 'kms://bank/gateway', 'kms://demo/fim.not-permitted'],
      ['demo/~baseline', 'kms://bank/gateway', undefined],
    ]);
    await inForce(rig, "the baseline's key in its own section only", (found) => keys(found) === wanted);
  });

  it('reaches no namespace of Kubernetes itself, and says what the root namespace of the mesh lacks', async (t) => {
    const rig = await Rig.start(t);
    for (const name of [NAMESPACE, 'kube-system', 'istio-system']) {
      namespace(rig, name);
      rig.server.put('pods', { metadata: { name: `of-${name}`, namespace: name, labels: GATEWAY }, status: {} });
    }
    put(rig, 'bank', { overrides: LIMIT });
    await inForce(rig, 'the baseline', (found) => limitOf(found, 'demo/~baseline') === 100);
    const told = await condition(rig, 'bank', 'Warnings', 'True', 'RootNamespace');
    assert.match(told.message, /FIM-OP-0042: gateways of istio-system/);
    await rig.quiet();
    for (const other of ['kube-system', 'istio-system'])
      assert.equal(rig.filter('fim-gateways', other), undefined, other);
  });

  it('goes before those that are younger, and at most so many count', async (t) => {
    const rig = await Rig.start(t);
    namespace(rig, NAMESPACE);
    await rig.pod('gateway', GATEWAY);
    for (let index = 0; index < 17; index++)
      put(
        rig,
        `b${String(index).padStart(2, '0')}`,
        { overrides: { rateLimit: { requests: 100 + index, period: '1s' } } },
        1,
        `2026-01-${String(20 - index).padStart(2, '0')}T00:00:00Z`,
      );
    await inForce(rig, 'the oldest', (found) => limitOf(found, 'demo/~baseline') === 116);
    await condition(rig, 'b00', 'Accepted', 'False', 'OverBudget');
    await condition(rig, 'b16', 'Accepted', 'True');
  });
});
