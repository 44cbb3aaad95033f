// Masking and limits of the second sample.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Harness } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { CARD_QUERY, CONTRACT, route, together } from './resources.ts';

const TOLD = route('told', {
  match: { path: { value: '/told' } },
  rateLimit: { requests: 3, period: '3h', headers: 'Always' },
});
const RECORD =
  '{"holder":{"name":"张三丰","phone":"13800138000"},"cardNo":"6222021234567894","list":["11010519491231002X"],"note":"4111111111111111","n":12345}';

for (const layout of ['fused', 'chain'] as const) {
  describe(`card query, ${layout}`, () => {
    let harness: Harness;
    before(async () => {
      harness = await Harness.start({ routes: together(CONTRACT, CARD_QUERY, TOLD), layout });
      harness.upstream.answer = (_request, response) =>
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(RECORD) })
          .end(RECORD);
    });
    after(() => harness.stop());

    test('numbers in a response are masked by name, path and content', async () => {
      const reply = await send(harness.url, {
        method: 'GET',
        path: '/card/query',
        headers: { 'x-client-id': 'masking' },
      });
      assert.equal(reply.status, 200);
      const text = reply.body.toString();
      for (const secret of ['张三丰', '13800138000', '6222021234567894', '11010519491231002X', '4111111111111111'])
        assert.ok(!text.includes(secret), text);
      const record = JSON.parse(text) as { holder: { name: string; phone: string }; cardNo: string; n: number };
      assert.equal(record.holder.name, '张**');
      assert.equal(record.holder.phone, '138****8000');
      assert.equal(record.cardNo, '622202******7894');
      assert.equal(record.n, 12345);
      assert.equal(Number(reply.headers['content-length'] ?? reply.body.length), reply.body.length);
    });

    test('a request that meets the contract route is not masked, one that meets this route is not validated', async () => {
      assert.equal((await send(harness.url, { path: '/fund', body: '{"transCode":"x"}' })).status, 422);
      assert.equal(
        (
          await send(harness.url, {
            path: '/card',
            headers: { 'content-type': 'application/json', 'x-client-id': 'other' },
            body: '{"transCode":"x"}',
          })
        ).status,
        200,
      );
      assert.equal(harness.upstream.arrived.at(-1)!.body.toString(), '{"transCode":"x"}');
    });

    test('a limit is one for all workers', async () => {
      const started = performance.now();
      const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
      const ask = (agent: Agent): Promise<number> =>
        send(harness.url, { method: 'GET', path: '/card/limit', headers: { 'x-client-id': 'one' }, agent }).then(
          (reply) => reply.status,
        );
      const statuses = (
        await Promise.all(
          agents.map(async (agent) => [
            await ask(agent),
            ...(await Promise.all(Array.from({ length: 19 }, () => ask(agent)))),
          ]),
        )
      ).flat();
      const seconds = (performance.now() - started) / 1000;
      for (const agent of agents) agent.destroy();
      const passed = statuses.filter((status) => status === 200).length;
      assert.equal(statuses.filter((status) => status === 429).length, statuses.length - passed);
      assert.ok(
        passed >= 20 && passed <= 20 + Math.ceil(seconds * 10) + 1,
        `${passed} of ${statuses.length} in ${seconds.toFixed(2)} s`,
      );
      const workers = await harness.stack.envoy.admin.stats(
        String.raw`^listener\..*\.worker_\d+\.downstream_cx_total$`,
      );
      assert.equal([...workers.values()].filter((count) => count > 0).length, 2, 'both workers had a part');
    });

    test('a limited request is told when to come again, and another client is not limited', async () => {
      const ask = (client: string): Promise<Awaited<ReturnType<typeof send>>> =>
        send(harness.url, { method: 'GET', path: '/card/x', headers: { 'x-client-id': client } });
      let reply = await ask('two');
      for (let i = 0; i < 60 && reply.status !== 429; i++) reply = await ask('two');
      assert.equal(reply.status, 429);
      assert.equal(problemOf(reply).code, 'FIM-LIM-0001');
      assert.ok(Number(reply.headers['retry-after']) >= 1);
      const other = await ask('three');
      assert.equal(other.status, 200);
      assert.equal(other.headers.ratelimit, undefined, 'nobody asked for it');
    });

    test('what is left of a limit is told with each answer, if asked for', async () => {
      for (const [status, left] of [
        [200, 2],
        [200, 1],
        [200, 0],
        [429, 0],
      ] as const) {
        const { headers, status: got } = await send(harness.url, { method: 'GET', path: '/told' });
        assert.equal(got, status);
        const [, remaining, seconds] = /^"default";r=(\d+);t=(\d+)$/.exec(String(headers.ratelimit)) ?? [];
        assert.equal(Number(remaining), left);
        assert.ok(Number(seconds) > 3_000 && Number(seconds) <= 3_600, seconds);
        assert.equal(headers['ratelimit-policy'], '"default";q=3;w=10800');
      }
    });
  });
}
