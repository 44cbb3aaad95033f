// Two Envoys, two services and one Redis, which is stopped under load: together they admit one limit while it answers,
// and each at most its ceiling while it does not.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LimitMetrics } from '../../../services/limits/metrics.ts';
import { RedisStore } from '../../../services/limits/redis-store.ts';
import { LimitService } from '../../../services/limits/service.ts';
import { Harness } from '../../e2e/harness.ts';
import { Redis } from './redis.ts';

const SET_UP_MS = 600_000;
/** On a loaded machine a good service may take longer than a proxy waits by default. */
const ANSWER_MS = 10_000;

const route = (name: string, limit: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Exact, value: /${name}}}
  rateLimit:
    limits: [{name: ${name}, period: 1h, scope: Global, ${limit}}]
`;
const ROUTES = [
  route('fleet', 'requests: 20'),
  route('local', 'requests: 20, ceiling: 4'),
  route('deny', 'requests: 1000, onStoreFailure: Deny'),
  route('allow', 'requests: 2, onStoreFailure: Allow, ceiling: 6'),
].join('---\n');
const HEALTHY = 'cluster.fim-limits.membership_healthy';

describe('two Envoys on one Redis', () => {
  let redis: Redis;
  const services: LimitService[] = [];
  const fleet: Harness[] = [];

  before(
    async () => {
      redis = await Redis.start();
      for (let i = 0; i < 2; i++) {
        const store = await RedisStore.open({ url: redis.url, answerMs: 1_000 });
        const service = await LimitService.start({ listen: '127.0.0.1:0', store, metrics: new LimitMetrics() });
        services.push(service);
        const limits = { url: new URL(`h2c://127.0.0.1:${service.port}`), answerMs: ANSWER_MS };
        fleet.push(await Harness.start({ routes: ROUTES, limits, concurrency: 1 }));
      }
    },
    { timeout: SET_UP_MS },
  );
  after(async () => {
    redis?.resume();
    for (const harness of fleet) await harness.stop();
    for (const service of services) await service.stop();
    await redis?.stop();
  });

  const healthyAre = async (wanted: number): Promise<void> => {
    for (const harness of fleet)
      await harness.poll(async () => (await harness.stack.envoy.admin.stats(`^${HEALTHY}$`)).get(HEALTHY) === wanted);
  };
  const statuses = async (count: number, path: string): Promise<number[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const response = await fetch(`${fleet[index % 2]!.url}${path}`);
        await response.arrayBuffer();
        return response.status;
      }),
    );
  const admitted = async (count: number, path: string): Promise<number> =>
    (await statuses(count, path)).filter((status) => status === 200).length;

  it('admit together what one limit has', async () => {
    await healthyAre(1);
    assert.equal(await admitted(80, '/fleet'), 20);
  });

  it('Redis stopped: each limit does as it says, the ceilings hold, and all is well again after', async (t) => {
    redis.pause();
    await healthyAre(0);
    assert.equal(await admitted(40, '/local'), 8, 'two ceilings of 4');
    assert.equal(await admitted(40, '/allow'), 12, 'two ceilings of 6');
    assert.deepEqual([...new Set(await statuses(10, '/deny'))], [503]);
    redis.resume();
    const since = performance.now();
    await healthyAre(1);
    t.diagnostic(`well again ${Math.round(performance.now() - since)} ms after Redis went on`);
    await fleet[0]!.poll(async () => (await statuses(2, '/deny')).every((status) => status === 200));
    t.diagnostic(`counted again ${Math.round(performance.now() - since)} ms after Redis went on`);
    assert.equal(await admitted(20, '/fleet'), 0, 'what was used is still used');
  });
});
