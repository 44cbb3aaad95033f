// The informer against a server that forgets, throttles, drops connections and goes away.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { MAX_ITEM_BYTES, MAX_PAGE_BYTES } from '../../istio/limits.ts';
import { KubeApi } from '../../istio/operator/kube/api.ts';
import { Informer } from '../../istio/operator/kube/informer.ts';
import { ListStream } from '../../istio/operator/kube/list-stream.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { FINANCIAL_ROUTES, GATEWAYS, type Resource } from '../../istio/operator/kube/resources.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { until } from './until.ts';

interface Setup {
  server: FakeApiServer;
  informer: Informer;
  changes: string[];
  failures: string[];
}

async function setUp(
  t: TestContext,
  resource: Resource = FINANCIAL_ROUTES,
  prepare: (server: FakeApiServer) => void = () => undefined,
  trim?: (object: KubeObject) => KubeObject,
  mostInNamespace?: number,
  staleMs?: number,
): Promise<Setup> {
  const server = new FakeApiServer();
  await server.start();
  prepare(server);
  const api = new KubeApi(server.config());
  const changes: string[] = [];
  const failures: string[] = [];
  const informer = new Informer({
    api,
    resource,
    trim,
    mostInNamespace,
    staleMs,
    onChange: (key, before, after) =>
      changes.push(`${before === undefined ? 'new' : after === undefined ? 'gone' : 'changed'} ${key}`),
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
    const { server, informer, changes } = await setUp(t, FINANCIAL_ROUTES, (fake) =>
      fake.put('financialroutes', route('r1')),
    );
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
    const { server, informer, changes, failures } = await setUp(t, FINANCIAL_ROUTES, (fake) =>
      fake.put('financialroutes', route('r1')),
    );
    await informer.whenSynced();
    await until('the watch', () => server.requests.includes('watch financialroutes'));
    await server.stop();
    await until('a refused connection', () => failures.length > 0);
    server.put('financialroutes', route('r2'));
    await server.start();
    await until('the change', () => changes.includes('new a/r2'));
  });

  it('is out of date when the server has not been reached for a while, and no more when it has', async (t) => {
    const { server, informer, failures } = await setUp(
      t,
      FINANCIAL_ROUTES,
      (fake) => fake.put('financialroutes', route('r1')),
      undefined,
      undefined,
      300,
    );
    await informer.whenSynced();
    await until('the watch', () => server.requests.includes('watch financialroutes'));
    assert.equal(informer.stale, false);
    await server.stop();
    await until('a failure', () => failures.length > 0);
    await until('that it is told', () => informer.stale);
    server.put('financialroutes', route('r2'));
    await server.start();
    await until('the change', () => informer.get('a/r2'));
    assert.equal(informer.stale, false);
  });

  it('takes a kind that the cluster does not have for an empty one', async (t) => {
    const { informer, failures } = await setUp(t, GATEWAYS, (fake) =>
      fake.without('gateway.networking.k8s.io/gateways'),
    );
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

  it('lists any number of bytes, a few megabytes at a time', { timeout: 60_000 }, async (t) => {
    const text = 'x'.repeat(1_300_000);
    const count = Math.ceil((1.5 * MAX_PAGE_BYTES) / text.length);
    const { server, informer, failures } = await setUp(
      t,
      FINANCIAL_ROUTES,
      (fake) => {
        for (let index = 0; index < count; index++)
          fake.put('financialroutes', { metadata: { name: `giant-${index}`, namespace: 'a' }, spec: { text } });
      },
      ({ metadata, apiVersion, kind }) => ({ apiVersion, kind, metadata }),
    );
    await informer.whenSynced();
    assert.equal(informer.size, count);
    assert.deepEqual(failures, []);
    const lists = server.queries
      .filter((query) => query.get('limit') !== null)
      .map((query) => Number(query.get('limit')));
    assert.ok(lists.length > 2 && Math.max(...lists.slice(1)) <= 4, `limits ${lists.join(', ')}`);
  });

  it('breaks off a page that is too long and asks for fewer objects', { timeout: 60_000 }, async (t) => {
    const { server, informer, failures } = await setUp(
      t,
      FINANCIAL_ROUTES,
      (fake) => {
        for (let index = 0; index < 24; index++)
          fake.put('financialroutes', {
            metadata: { name: `giant-${index}`, namespace: 'a' },
            spec: { text: 'x'.repeat(3_000_000) },
          });
      },
      ({ metadata, apiVersion, kind }) => ({ apiVersion, kind, metadata }),
    );
    await informer.whenSynced();
    assert.deepEqual(failures, ['TooLong']);
    assert.equal(informer.size, 24);
    assert.equal(server.requests.filter((request) => request === 'list financialroutes').length > 2, true);
  });

  it(
    'passes over an object that is too long to be read, in a list and in a watch, and goes on',
    { timeout: 60_000 },
    async (t) => {
      const { server, informer } = await setUp(t, FINANCIAL_ROUTES, (fake) => {
        fake.put('financialroutes', {
          metadata: { name: 'giant', namespace: 'a' },
          spec: { text: 'x'.repeat(MAX_ITEM_BYTES) },
        });
        fake.put('financialroutes', route('r1'));
      });
      await informer.whenSynced();
      assert.deepEqual([informer.size, informer.unreadable], [1, 1]);
      await until('the watch', () => server.requests.includes('watch financialroutes'));
      server.put('financialroutes', {
        metadata: { name: 'giant-2', namespace: 'a' },
        spec: { text: 'y'.repeat(2 * MAX_ITEM_BYTES) },
      });
      server.put('financialroutes', route('r2'));
      await until('the other', () => informer.get('a/r2'));
      assert.deepEqual([informer.size, informer.unreadable], [2, 2]);
    },
  );

  it('keeps so many objects of a namespace, counts the rest, and takes them when there is room', async (t) => {
    const { server, informer } = await setUp(
      t,
      FINANCIAL_ROUTES,
      (fake) => {
        for (let index = 0; index < 12; index++) fake.put('financialroutes', route(`r${index}`));
        fake.put('financialroutes', { ...route('other'), metadata: { name: 'other', namespace: 'b' } });
      },
      undefined,
      10,
    );
    await informer.whenSynced();
    assert.deepEqual([informer.in('a').size, informer.leftOut('a'), informer.in('b').size], [10, 2, 1]);
    await until('the watch', () => server.requests.includes('watch financialroutes'));
    server.put('financialroutes', route('r12'));
    await until('one more', () => informer.leftOut('a') === 3);
    server.remove('financialroutes', 'a', 'r12');
    await until('one less', () => informer.leftOut('a') === 2);
    for (const name of ['r0', 'r1', 'r2']) server.remove('financialroutes', 'a', name);
    await until('the rest', () => informer.get('a/r10') && informer.get('a/r11') && informer.leftOut('a') === 0);
    assert.equal(informer.in('a').size, 9);
  });
});

describe('the text of a list', () => {
  const list = {
    kind: 'List',
    metadata: { resourceVersion: '7', continue: 'items' },
    apiVersion: 'v1',
    items: [{ metadata: { name: 'a"}]\\', n: [1, { items: [{}] }] } }, {}, { s: '{"items":[' }, { u: '密钥\u0000' }],
  };

  it('is split into the same items wherever the bytes are cut', () => {
    const bytes = Buffer.from(JSON.stringify(list));
    for (const size of [1, 2, 3, 7, 64, bytes.length]) {
      const items: unknown[] = [];
      const stream = new ListStream({
        onItem: (text) => items.push(JSON.parse(text)),
        onLongItem: () => assert.fail('none is long'),
      });
      for (let at = 0; at < bytes.length; at += size) {
        assert.equal(stream.isWhole, false);
        stream.write(bytes.subarray(at, at + size));
      }
      assert.equal(stream.isWhole, true);
      assert.deepEqual(items, list.items, `in pieces of ${size}`);
      assert.deepEqual(JSON.parse(stream.metadata), list.metadata);
    }
  });
});
