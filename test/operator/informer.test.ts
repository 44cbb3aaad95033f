// The informer against a server that forgets, throttles, drops connections and goes away.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { KubeApi } from '../../istio/operator/kube/api.ts';
import { Informer } from '../../istio/operator/kube/informer.ts';
import { FINANCIAL_ROUTES, GATEWAYS, type Resource } from '../../istio/operator/kube/resources.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { until } from './until.ts';

interface Setup {
  server: FakeApiServer;
  informer: Informer;
  changes: string[];
  failures: string[];
}

async function setUp(t: TestContext, resource: Resource = FINANCIAL_ROUTES, prepare: (server: FakeApiServer) => void = () => undefined): Promise<Setup> {
  const server = new FakeApiServer();
  await server.start();
  prepare(server);
  const api = new KubeApi(server.config());
  const changes: string[] = [];
  const failures: string[] = [];
  const informer = new Informer({
    api, resource,
    onChange: (key, before, after) => changes.push(`${before === undefined ? 'new' : after === undefined ? 'gone' : 'changed'} ${key}`),
    onFailure: (_, reason) => failures.push(reason),
  });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    api.close();
    await server.stop();
  });
  return { server, informer, changes, failures };
}

function route(name: string, value = 1): { metadata: { name: string; namespace: string }; spec: object } {
  return { metadata: { name, namespace: 'a' }, spec: { value } };
}

describe('an informer', () => {
  it('lists in pages, then follows', async (t) => {
    const { server, informer, changes } = await setUp(t, FINANCIAL_ROUTES, (fake) => {
      fake.pageSize = 2;
      for (const name of ['r1', 'r2', 'r3', 'r4', 'r5']) fake.put('financialroutes', route(name));
    });
    await informer.whenSynced();
    assert.equal(informer.size, 5);
    assert.equal(server.requests.filter((request) => request === 'list financialroutes').length, 3);
    assert.equal(informer.get('a/r1')?.kind, 'FinancialRoute');
    server.put('financialroutes', route('r6'));
    server.put('financialroutes', route('r1', 2));
    server.remove('financialroutes', 'a', 'r2');
    await until('three changes', () => changes.length === 8);
    assert.deepEqual(changes.slice(5), ['new a/r6', 'changed a/r1', 'gone a/r2']);
    assert.deepEqual([...informer.in('a').keys()].sort(), ['r1', 'r3', 'r4', 'r5', 'r6']);
  });

  it('goes on from where it was when the server ends a watch', async (t) => {
    const { server, informer, changes } = await setUp(t, FINANCIAL_ROUTES, (fake) => fake.put('financialroutes', route('r1')));
    await informer.whenSynced();
    await until('the watch', () => server.requests.includes('watch financialroutes'));
    server.endWatches();
    server.put('financialroutes', route('r2'));
    await until('the change', () => changes.includes('new a/r2'));
    assert.equal(server.requests.filter((request) => request === 'list financialroutes').length, 1);
  });

  it('lists anew when its version has expired (410), and tells what was missed', async (t) => {
    const { server, informer, changes, failures } = await setUp(t, FINANCIAL_ROUTES, (fake) => {
      fake.put('financialroutes', route('r1'));
      fake.put('financialroutes', route('r2'));
    });
    await informer.whenSynced();
    await until('the watch', () => server.requests.includes('watch financialroutes'));
    server.endWatches(true);
    server.remove('financialroutes', 'a', 'r1');
    server.put('financialroutes', route('r2', 2));
    await until('the changes', () => changes.includes('gone a/r1') && changes.includes('changed a/r2'));
    assert.ok(failures.includes('410'));
    assert.equal(informer.size, 1);
  });

  it('waits as long as a throttling server asks (429)', async (t) => {
    const { server, informer, failures } = await setUp(t, FINANCIAL_ROUTES, (fake) => {
      fake.put('financialroutes', route('r1'));
      fake.fail('list financialroutes', 429, 1, { 'retry-after': '1' });
    });
    const began = performance.now();
    await informer.whenSynced();
    assert.ok(performance.now() - began >= 900, 'the pause was kept');
    assert.deepEqual(failures, ['429']);
    assert.equal(server.requests.filter((request) => request === 'list financialroutes').length, 2);
  });

  it('comes back after a restart of the server', async (t) => {
    const { server, informer, changes, failures } = await setUp(t, FINANCIAL_ROUTES, (fake) => fake.put('financialroutes', route('r1')));
    await informer.whenSynced();
    await until('the watch', () => server.requests.includes('watch financialroutes'));
    await server.stop();
    await until('a refused connection', () => failures.length > 0);
    server.put('financialroutes', route('r2'));
    await server.start();
    await until('the change', () => changes.includes('new a/r2'));
  });

  it('takes a kind that the cluster does not have for an empty one', async (t) => {
    const { informer, failures } = await setUp(t, GATEWAYS, (fake) => fake.without('gateway.networking.k8s.io/gateways'));
    await informer.whenSynced();
    assert.equal(informer.size, 0);
    assert.deepEqual(failures, []);
  });

  it('survives a server that answers nonsense', async (t) => {
    const { informer, failures } = await setUp(t, FINANCIAL_ROUTES, (fake) => {
      fake.put('financialroutes', route('r1'));
      fake.fail('list financialroutes', 500, 2);
    });
    await informer.whenSynced();
    assert.deepEqual(failures, ['500', '500']);
    assert.equal(informer.size, 1);
  });
});
