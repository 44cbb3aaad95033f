// The first filter of a listener and its last, with Istio's own drainDuration: connections that are open then go on for
// a while with the old listener.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { describeLoad, Load } from './stack/load.ts';
import { NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const CONNECTIONS = 9;
/** Istio's own. */
const DRAIN = '45s';
/** For that, and what the operator and a busy machine need. */
const DRAINED_MS = 150_000;
const GOOD = '{"account":"1234"}';
const BAD = '{"account":"12"}';
const ROUTE = route('first', {
  match: { path: { type: 'Prefix', value: '/pay' } },
  validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] },
});

/** Connections of clients, each used once and then idle. */
class Idle {
  readonly agents = Array.from({ length: CONNECTIONS }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Sends one request on each connection. Returns the statuses. */
  async use(body: string): Promise<number[]> {
    return Promise.all(this.agents.map(async (agent) => (await send(this.url, { body, path: '/pay', agent })).status));
  }

  close(): void {
    for (const agent of this.agents) agent.destroy();
  }
}

describe('the first filter of a listener, and its last', () => {
  let stack: OperatedMesh;
  const names = async (): Promise<string[]> => (await stack.objects()).map(({ metadata }) => metadata.name).sort();
  const label = (value: string | null): Promise<unknown> =>
    stack.mesh.api.send(
      'PATCH',
      `/api/v1/namespaces/${NAMESPACE}`,
      { metadata: { labels: { 'fim.financial/standing': value } } },
      'application/merge-patch+json',
    );
  const programmed = (): Promise<string | undefined> =>
    stack.conditions('first').then(({ Programmed }) => Programmed?.status);

  before(async () => void (stack = await OperatedMesh.start(undefined, { drainDuration: DRAIN })), {
    timeout: SET_UP_MS,
  });
  after(() => stack?.stop());

  it('connections from before: not Programmed while one could pass an unchecked request, and none does after', async (t) => {
    const idle = new Idle(stack.url);
    t.after(() => idle.close());
    assert.deepEqual(new Set(await idle.use(BAD)), new Set([200]));
    const load = new Load({ url: `${stack.url}/pay`, body: GOOD, connections: 2, pauseMs: 5 });
    t.after(() => load.stop());
    const began = performance.now();
    await stack.apply(ROUTE);
    await until(
      'new connections are judged',
      async () => (await send(stack.url, { body: BAD, path: '/pay' })).status === 422,
    );
    await until('the status says what it waits for, and how long at most', async () => {
      const { Programmed } = await stack.conditions('first');
      return Programmed?.reason === 'Pending' && /listener.* of gw-0 .* drained: at most/.test(Programmed.message);
    });
    await until('Programmed', async () => (await programmed()) === 'True', DRAINED_MS);
    t.diagnostic(`Programmed after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    assert.deepEqual(new Set(await idle.use(BAD)), new Set([422]), 'after Programmed=True every connection is judged');
    const report = await load.stop();
    t.diagnostic(describeLoad(report));
    assert.deepEqual(report.failures, {}, 'no request fails while the first route is applied');
  });

  it('where a filter stands, the first route is in force on open connections at once', async (t) => {
    await label('gateways');
    const load = new Load({ url: `${stack.url}/pay`, body: GOOD, connections: 2, pauseMs: 5 });
    t.after(() => load.stop());
    await stack.remove('first');
    await until(
      'the filter stands without a route',
      async () => (await send(stack.url, { body: BAD, path: '/pay' })).status === 200,
    );
    assert.deepEqual(await names(), ['fim-gateways', 'fim-seal-gateways']);
    const idle = new Idle(stack.url);
    t.after(() => idle.close());
    assert.deepEqual(new Set(await idle.use(BAD)), new Set([200]));
    const began = performance.now();
    await stack.apply(ROUTE);
    await stack.condition('first', 'Programmed', 'True');
    assert.deepEqual(new Set(await idle.use(BAD)), new Set([422]), 'the very connections from before');
    t.diagnostic(`Programmed after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    assert.deepEqual((await load.stop()).failures, {});
  });

  it('the last route goes without a failed request, and nothing is left behind', async (t) => {
    const load = new Load({ url: `${stack.url}/pay`, body: GOOD, connections: 4, pauseMs: 5 });
    t.after(() => load.stop());
    await label(null);
    await stack.remove('first');
    await until('no object is left', async () => (await names()).length === 0, DRAINED_MS);
    assert.equal((await send(stack.url, { body: BAD, path: '/pay' })).status, 200);
    const report = await load.stop();
    t.diagnostic(describeLoad(report));
    assert.deepEqual(report.failures, {});
  });
});
