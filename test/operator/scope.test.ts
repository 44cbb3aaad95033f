// Namespaces that an operator looks after: some of them, with no right in others, and no two operators the same.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { RESOURCES } from '../../istio/operator/kube/resources.ts';
import { readOptions } from '../../istio/operator/options.ts';
import { Operator } from '../../istio/operator/operator.ts';
import type { OperatorOptions } from '../../istio/operator/operator-options.ts';
import { Rig } from './rig.ts';
import { until } from './until.ts';

const LIMIT = { rateLimit: { requests: 5, period: '1s' } };
const REVISION = 'fim.financial/rev';

/** An operator of its own on the rig's API server. */
async function another(t: TestContext, rig: Rig, options: Partial<OperatorOptions>): Promise<Operator> {
  const operator = new Operator({ ...rig.options(), ...options });
  t.after(() => operator.stop());
  await operator.start();
  await operator.lead();
  return operator;
}

describe('an operator of some namespaces', () => {
  it('asks for nothing that Roles in them do not grant, and leaves others alone', async (t) => {
    const granted = new Set(
      RESOURCES.filter(({ clusterScoped }) => clusterScoped !== true).flatMap(({ plural, verbs, statusVerbs = [] }) => [
        ...verbs.map((verb) => `${verb} ${plural}`),
        ...statusVerbs.map((verb) => `${verb} ${plural}/status`),
      ]),
    );
    const rig = await Rig.start(t, (server, made) => {
      made.namespaces = ['demo', 'pay'];
      server.allows = (request, namespace) =>
        namespace !== undefined && ['demo', 'pay'].includes(namespace) && granted.has(request);
      server.put('gateway.networking.k8s.io/gateways', {
        metadata: { name: 'edge', namespace: 'demo' },
        spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
      });
    });
    for (const namespace of ['demo', 'pay', 'other']) rig.route('limit', LIMIT, '2026-01-01T00:00:00Z', namespace);
    for (const namespace of ['demo', 'pay']) await rig.condition('limit', 'Accepted', 'True', undefined, namespace);
    await rig.quiet();
    assert.deepEqual(rig.server.refused, []);
    assert.equal(rig.operator.notReady(), undefined);
    assert.deepEqual([...new Set(rig.server.all('envoyfilters').map(({ metadata }) => metadata.namespace))].sort(), [
      'demo',
      'pay',
    ]);
    assert.equal(rig.status('limit', 'other'), undefined);
  });

  it('is not ready where a Role is missing, and counts what is refused', async (t) => {
    const rig = await Rig.start(t, (_, made) => void (made.namespaces = ['demo']));
    rig.server.allows = (_, namespace) => namespace !== 'pay';
    const operator = new Operator({ ...rig.options(), namespaces: ['demo', 'pay'] });
    t.after(() => operator.stop());
    void operator.start();
    await until('refusals', () => rig.server.refused.length > 0);
    assert.match(operator.notReady() ?? '', /not listed yet: .*routes/);
    assert.ok(rig.server.refused.every((line) => line.endsWith(' pay')));
  });
});

describe('two operators side by side', () => {
  const writes = (rig: Rig): number =>
    rig.server.requests.filter((request) =>
      /^(create|update|patch|delete) (envoyfilters|financialroutes)/.test(request),
    ).length;

  it('never work on the same namespace, and a label hands one over', async (t) => {
    const rig = await Rig.start(t, (server) => {
      server.put('namespaces', { metadata: { name: 'demo' } });
      server.put('namespaces', { metadata: { name: 'pay', labels: { [REVISION]: 'canary' } } });
    });
    await another(t, rig, { revision: 'canary', version: '0.2.0' });
    for (const namespace of ['demo', 'pay']) rig.route('limit', LIMIT, '2026-01-01T00:00:00Z', namespace);
    const version = (namespace: string): string | undefined =>
      rig.filter('fim-gateways', namespace)?.metadata.annotations?.['fim.financial/operator-version'];
    await until('both are served', () => version('demo') !== undefined && version('pay') !== undefined);
    await rig.quiet();
    assert.deepEqual([version('demo'), version('pay')], ['0.1.0', '0.2.0']);

    rig.server.put('namespaces', { metadata: { name: 'demo', labels: { [REVISION]: 'canary' } } });
    await until('it is handed over', () => version('demo') === '0.2.0');
    await rig.quiet();
    const settled = writes(rig);
    rig.route('more', { ...LIMIT, match: { hosts: ['a.bank.cn'] } }, '2026-01-02T00:00:00Z');
    await until('the edit', () => rig.config('fim-gateways')?.routes.length === 2);
    await rig.quiet();
    // One object, its seal, and two statuses: nobody answers what the other wrote.
    assert.ok(writes(rig) - settled < 10, `${writes(rig) - settled} writes`);
    assert.equal(version('demo'), '0.2.0');
    rig.server.put('namespaces', { metadata: { name: 'demo' } });
    await until('it is given back', () => version('demo') === '0.1.0');
  });

  it('does not stand on the same foot: the command line has one way of sharing', () => {
    const read = (...more: string[]): unknown =>
      readOptions(['--modules', 'x', '--module-url', 'http://x', ...more], {});
    assert.match(String(read('--namespaces', 'a,b', '--revision', 'canary')), /exclude each other/);
    assert.match(String(read('--namespaces', 'a,,b')), /--namespaces/);
    assert.match(String(read('--revision', 'A b')), /--revision/);
    assert.deepEqual((read('--namespaces', 'a,b,a') as { namespaces: string[] }).namespaces, ['a', 'b']);
  });
});
