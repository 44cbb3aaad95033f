// One replica leads and another takes over. None leads without a lease.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { LEASE_SECONDS } from '../../istio/limits.ts';
import { KubeApi } from '../../istio/operator/kube/api.ts';
import { Leader } from '../../istio/operator/leader.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { until } from './until.ts';

interface Replica {
  leader: Leader;
  lost: string[];
  end: () => Promise<void>;
}

function replica(server: FakeApiServer, identity: string, unfit?: () => string | undefined): Replica {
  const api = new KubeApi(server.config());
  const stop = new AbortController();
  const lost: string[] = [];
  const leader = new Leader({
    api,
    namespace: 'fim-system',
    name: 'fim-operator',
    identity,
    unfit,
    onLeading: () => undefined,
    onLost: (reason) => lost.push(reason),
  });
  const running = leader.run(stop.signal);
  return {
    leader,
    lost,
    end: async () => {
      stop.abort();
      await running;
      api.close();
    },
  };
}

async function setUp(t: TestContext): Promise<FakeApiServer> {
  const server = new FakeApiServer();
  await server.start();
  t.after(() => server.stop());
  return server;
}

const holder = (server: FakeApiServer): unknown =>
  server.get('leases', 'fim-system', 'fim-operator')?.spec?.holderIdentity;

describe('the lease', () => {
  it('makes one of two lead, and the other follow at once when the first ends in order', async (t) => {
    const server = await setUp(t);
    const one = replica(server, 'one');
    await until('one leads', () => one.leader.leading);
    const two = replica(server, 'two');
    t.after(two.end);
    await until('two has looked', () => server.requests.filter((request) => request === 'get leases').length >= 2);
    assert.equal(two.leader.leading, false);
    await one.end();
    assert.equal(holder(server), '');
    await until('two leads', () => two.leader.leading);
    assert.equal(holder(server), 'two');
    assert.equal(server.get('leases', 'fim-system', 'fim-operator')?.spec?.leaseTransitions, 1);
    assert.deepEqual([one.lost, two.lost], [[], []]);
  });

  it('is not taken from one that may still lead', async (t) => {
    const server = await setUp(t);
    server.put('leases', {
      metadata: { name: 'fim-operator', namespace: 'fim-system' },
      spec: { holderIdentity: 'other', leaseDurationSeconds: LEASE_SECONDS, renewTime: '2020-01-01T00:00:00.000000Z' },
    });
    const one = replica(server, 'one');
    t.after(one.end);
    // Clocks of replicas are not comparable: only a lease that it has itself seen unchanged for the lease's time
    // counts.
    await until('two looks', () => server.requests.filter((request) => request === 'get leases').length >= 2);
    assert.equal(one.leader.leading, false);
    assert.equal(holder(server), 'other');
  });

  it('is taken when it has not been renewed for its time', async (t) => {
    const server = await setUp(t);
    server.put('leases', {
      metadata: { name: 'fim-operator', namespace: 'fim-system' },
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 1 },
    });
    const one = replica(server, 'one');
    t.after(one.end);
    await until('it leads', () => one.leader.leading);
  });

  it('that another took ends the first', async (t) => {
    const server = await setUp(t);
    const one = replica(server, 'one');
    t.after(one.end);
    await until('it leads', () => one.leader.leading);
    const lease = server.get('leases', 'fim-system', 'fim-operator')!;
    server.put('leases', { ...lease, spec: { ...lease.spec, holderIdentity: 'two' } });
    await until('it is told', () => one.lost.length === 1);
    assert.equal(one.leader.leading, false);
  });

  it('is not taken by one that does not know the cluster, and is given back by one that no longer does', async (t) => {
    const server = await setUp(t);
    let reason: string | undefined = 'not listed yet: routes';
    const one = replica(server, 'one', () => reason);
    const two = replica(server, 'two');
    await until('two leads', () => two.leader.leading);
    await two.end();
    assert.equal(holder(server), '');
    assert.equal(one.leader.leading, false);
    reason = undefined;
    await until('one leads', () => one.leader.leading);
    reason = 'out of date: routes';
    await until('it is told', () => one.lost[0] === reason);
    assert.equal(holder(server), 'one', 'until its work has ended');
    await one.end();
    assert.equal(holder(server), '');
  });
});
