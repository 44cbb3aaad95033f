// A limit that two gateways share: Envoy's own filter behind FIM asks the service that the operator is told of.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MemoryStore } from '../../services/limits/memory-store.ts';
import { LimitMetrics } from '../../services/limits/metrics.ts';
import { LimitService } from '../../services/limits/service.ts';
import { send } from '../e2e/http-client.ts';
import { OperatedMesh } from './operated-mesh.ts';
import type { Proxy } from './stack/proxy.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_800_000;
const ROUTE = `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: shared}
spec:
  match: {path: {type: Prefix, value: /shared}}
  rateLimit:
    limits:
      - {name: shared, requests: 4, period: 1h, scope: Global, onStoreFailure: Deny, key: [{header: x-client}]}
`;

describe('a limit of all gateways', () => {
  let operated: OperatedMesh;
  let service: LimitService;
  let other: Proxy;

  before(
    async () => {
      operated = await OperatedMesh.start(undefined, {
        operator: async (mesh) => {
          const parts = { store: new MemoryStore(), metrics: new LimitMetrics() };
          service = await LimitService.start({ listen: '127.0.0.1:0', ...parts });
          mesh.atEnd(() => service.stop());
          return { flags: [`--limits=h2c://127.0.0.1:${service.port}`] };
        },
      });
      other = await operated.mesh.addGateway('gw-1');
      const url = operated.mesh.gatewayUrl(other);
      await until('the second gateway leads', async () => (await send(url, { method: 'GET' })).status === 200);
    },
    { timeout: SET_UP_MS },
  );
  after(() => operated?.stop());

  /** Each test has a client of its own: a ceiling that one has used up stands in front of the question. */
  const ask = async (gateway: Proxy, client = 'counted'): ReturnType<typeof send> =>
    send(operated.mesh.gatewayUrl(gateway), {
      path: '/shared',
      method: 'GET',
      // A question of the client's own is nobody's.
      headers: { 'x-client': client, 'x-fim-limit-open-1': 'forged', 'x-fim-limit-terms-1': 'TokenBucket;q=1;p=1;b=1' },
    });

  it('counts the requests of both, and the upstream sees nothing of the question', async () => {
    await operated.apply(ROUTE);
    await operated.condition('shared', 'Programmed', 'True');
    const statuses: number[] = [];
    const says = (gateway: Proxy, status: number): Promise<unknown> =>
      until(`${gateway.pod} answers ${status}`, async () => {
        const answer = await ask(gateway);
        statuses.push(answer.status);
        return answer.status === status;
      });
    await says(operated.gateway, 200);
    await says(other, 429);
    await says(operated.gateway, 429);
    const admitted = statuses.filter((status) => status === 200).length;
    // A question that is counted and answered late is a refusal here.
    assert.ok(admitted <= 4, String(statuses));
    await until('the refusal names its code', async () => /FIM-LIM-0001/.test((await ask(other)).body.toString()));
    const seen = operated.upstream.arrived.filter(({ path }) => path === '/shared');
    assert.equal(seen.length, admitted);
    assert.ok(seen.every(({ headers }) => Object.keys(headers).every((name) => !name.startsWith('x-fim-limit-'))));
  });

  it('refuses where the limit says so while the service is away', async () => {
    await service.stop();
    const answer = await ask(operated.gateway, 'refused');
    assert.equal(answer.status, 503);
    assert.match(answer.body.toString(), /FIM-LIM-0003/);
    assert.equal((await send(operated.url, { method: 'GET' })).status, 200, 'others are not asked for');
  });

  it('and its cluster goes with the route', async () => {
    await operated.remove('shared');
    await until(
      'fim-limits has gone',
      async () => !(await operated.objects()).some(({ metadata }) => metadata.name === 'fim-limits'),
    );
  });
});
