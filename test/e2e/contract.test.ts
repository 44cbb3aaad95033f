// The contract resource on a stock Envoy, with all stages in one module and with one filter for each.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import { Harness, KEY_ID } from './harness.ts';
import { JSON_TYPE, problemOf, send } from './http-client.ts';
import { CONTRACT } from './resources.ts';

const GOOD = '{"transCode":"01200101","amount":"100.00","memo":"季度赎回"}';

for (const layout of ['fused', 'chain'] as const) {
  describe(`contract resource, ${layout}`, () => {
    let harness: Harness;
    before(async () => (harness = await Harness.start({ routes: CONTRACT, layout })));
    after(() => harness.stop());

    test('an accepted message reaches the upstream encrypted, and opens with the key of the KMS', async () => {
      const reply = await send(harness.url, { path: '/fund/redemption?x=1', body: GOOD });
      assert.equal(reply.status, 200, reply.body.toString());
      assert.equal(reply.body.toString(), '{"ok":true}');
      const arrived = harness.upstream.arrived.at(-1)!;
      assert.equal(arrived.path, '/fund/redemption?x=1');
      assert.equal(arrived.headers['content-type'], 'application/vnd.fim.encrypted+json');
      assert.equal(Number(arrived.headers['content-length'] ?? arrived.body.length), arrived.body.length);
      assert.ok(!arrived.body.includes('01200101'));
      const body = JSON.parse(arrived.body.toString()) as { alg: string; kid: string };
      assert.deepEqual([body.alg, body.kid], ['SM4-GCM', `${KEY_ID}#1`]);
      assert.equal((await openProtected(arrived.body.toString(), harness.stack.kmsUrl)).toString(), GOOD);
    });

    test('a rejected message sends the upstream no byte, not even a connection', async () => {
      const { bytesReceived, begun } = harness.upstream;
      for (const [body, code] of [
        ['{"transCode":"02200101"}', 'FIM-PBOC-0007'],
        ['{"transCode":1200101}', 'FIM-PBOC-0006'],
        ['{"amount":"1"}', 'FIM-PBOC-0005'],
      ] as const) {
        const reply = await send(harness.url, { body });
        const problem = problemOf(reply);
        assert.equal(reply.status, 422);
        assert.equal(problem.code, 'FIM-PBOC-0001');
        assert.deepEqual(
          problem.errors?.map(({ code, path }) => [code, path]),
          [[code, '/transCode']],
        );
        assert.ok(!reply.body.includes('2200101'), 'no value in the reply');
      }
      assert.equal(harness.upstream.begun, begun);
      assert.equal(harness.upstream.bytesReceived, bytesReceived);
    });

    test('a body of another type is refused with 415', async () => {
      const { bytesReceived } = harness.upstream;
      const reply = await send(harness.url, { headers: { 'content-type': 'text/plain' }, body: GOOD });
      assert.equal(reply.status, 415);
      assert.equal(problemOf(reply).code, 'FIM-PBOC-0003');
      assert.equal(harness.upstream.bytesReceived, bytesReceived);
    });

    test('a body over the limit is refused with 413, declared or not', async () => {
      const { bytesReceived } = harness.upstream;
      const large = Buffer.from(JSON.stringify({ transCode: '01200101', memo: 'x'.repeat(1024 * 1024) }));
      const declared = await send(harness.url, { body: large });
      assert.equal(declared.status, 413);
      assert.equal(problemOf(declared).code, 'FIM-RT-0002');
      const pieces = [large.subarray(0, 700_000), large.subarray(700_000)];
      const chunked = await send(harness.url, { body: pieces });
      assert.equal(chunked.status, 413);
      assert.equal(problemOf(chunked).code, 'FIM-RT-0002');
      assert.equal(harness.upstream.bytesReceived, bytesReceived);
    });

    test('a request without a body passes as it is', async () => {
      const reply = await send(harness.url, { method: 'GET', path: '/fund/status', headers: {} });
      assert.equal(reply.status, 200);
      assert.equal(harness.upstream.arrived.at(-1)!.path, '/fund/status');
    });

    test('a POST without a body is refused', async () => {
      const reply = await send(harness.url, { headers: JSON_TYPE, body: '' });
      assert.equal(reply.status, 422);
      assert.equal(problemOf(reply).code, 'FIM-PBOC-0004');
    });

    test('keys and plaintexts are in no dump, counter or log', async () => {
      const key = await (await fetch(new URL('/v1/secret/data/prod/fund/key-2023', harness.stack.kmsUrl))).text();
      const { material } = (JSON.parse(key) as { data: { data: { material: string } } }).data.data;
      const secrets = [material, Buffer.from(material, 'base64').toString('hex'), '季度赎回', '01200101'];
      const admin = harness.stack.envoy.admin;
      for (const path of ['/config_dump?include_eds', '/stats', '/clusters?format=json', '/listeners?format=json']) {
        const text = await admin.get(path);
        assert.ok(text.length > 100, path);
        for (const secret of secrets) assert.ok(!text.includes(secret), path);
      }
      const said = harness.log.join('\n') + JSON.stringify(harness.events);
      for (const secret of secrets) assert.ok(!said.includes(secret), 'log');
    });

    test('what cannot be honoured is said as a condition', () => {
      const applied = harness.events.find((event) => event.event === 'applied')!;
      assert.deepEqual(applied.routes, ['default/fund-redemption-v2']);
      assert.ok(
        applied.conditions.some(
          ({ type, status, reason }) => type === 'Programmed' && status === 'False' && reason === 'TlcpNotTerminated',
        ),
      );
      assert.ok(applied.notices.some(({ code, line }) => code === 'FIM-CFG-1060' && line === 7));
    });
  });
}
