// Refusals of a Sync route: their answers go out when their records are durable, and not before.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { CollectorDouble, type AuditLine } from './collector-double.ts';
import { Harness } from './harness.ts';
import { type Reply, send } from './http-client.ts';
import { route, together } from './resources.ts';

const validation = { fields: [{ name: 'amount', type: 'number' }] };
const ROUTES = together(
  route('held', { match: { path: { value: '/held' } }, validation, audit: { mode: 'Sync', wait: '1m' } }),
  route('short', { match: { path: { value: '/short' } }, validation, audit: { mode: 'Sync', wait: '200ms' } }),
  route('answer', {
    match: { path: { value: '/answer' } },
    masking: { fields: [{ name: 'card', method: 'Full', direction: 'Response' }] },
    audit: { mode: 'Sync', wait: '1m' },
  }),
);
const BAD = '{"amount":"much"}';

describe('refusals of a Sync route', () => {
  let harness: Harness;
  let collector: CollectorDouble;
  before(async () => {
    collector = await CollectorDouble.start();
    harness = await Harness.start({ routes: ROUTES, concurrency: 1, audit: { url: collector.url } });
  });
  after(async () => {
    await harness?.stop();
    await collector?.stop();
  });
  afterEach(() => {
    collector.refuse = () => undefined;
  });

  const codeOf = ({ body }: Reply): unknown => (JSON.parse(body.toString()) as { code: unknown }).code;
  const linesOf = async (path: string, count: number): Promise<AuditLine[]> => {
    await harness.poll(() => Promise.resolve(collector.of(path).length >= count));
    return collector.of(path);
  };
  /** Sends, and refuses batches until the test has seen that there is no answer. */
  const heldBack = async (path: string, body: string): Promise<Reply> => {
    const before = collector.of(path).length;
    let asked = 0;
    collector.refuse = () => {
      asked++;
      return { status: 503, headers: { 'retry-after': '0' } };
    };
    let answered = false;
    const answer = send(harness.url, { path, body }).finally(() => (answered = true));
    await harness.poll(() => Promise.resolve(asked >= 2));
    assert.equal(answered, false);
    collector.refuse = () => undefined;
    const reply = await answer;
    assert.equal(collector.of(path).length, before + 1);
    return reply;
  };

  it('wait for their records', async () => {
    const reply = await heldBack('/held', BAD);
    assert.equal(reply.status, 422);
    const record = collector.of('/held').at(-1)!;
    assert.equal(record['code'], codeOf(reply));
    assert.equal(record['status'], 422);
    assert.deepEqual([harness.upstream.begun, record['verdict']], [0, 'Refused']);
  });

  it('of answers wait, too', async () => {
    harness.upstream.answer = (_, response) =>
      void response.writeHead(200, { 'content-type': 'text/plain' }).end('card 6222021234567890123');
    const reply = await heldBack('/answer', '{}');
    assert.equal(reply.status, 502);
    assert.equal(codeOf(reply), 'FIM-MASK-0003');
    const record = collector.of('/answer').at(-1)!;
    assert.deepEqual([record['direction'], record['code'], record['status']], ['Response', 'FIM-MASK-0003', 502]);
  });

  it('outlive a collector that is started again meanwhile', async () => {
    const count = collector.of('/held').length;
    await collector.stop();
    const answers = Array.from(
      { length: 8 },
      async () => (await send(harness.url, { path: '/held', body: BAD })).status,
    );
    const { admin } = harness.stack.envoy;
    const waiting = 'wasmcustom.fim.audit.waiting';
    await harness.poll(async () => ((await admin.stats(`^${waiting}$`)).get(waiting) ?? 0) >= 8);
    await collector.listen();
    assert.deepEqual(await Promise.all(answers), Array(8).fill(422));
    assert.equal(collector.of('/held').length, count + 8);
  });

  it('are answered by another refusal when their records are late, and the log has both', async () => {
    await collector.stop();
    const reply = await send(harness.url, { path: '/short', body: BAD });
    assert.deepEqual([reply.status, codeOf(reply)], [503, 'FIM-AUD-0104']);
    await collector.listen();
    const codes = (await linesOf('/short', 2)).map(({ code, status }) => [code, status]);
    assert.match(String(codes[0]![0]), /^FIM-PBOC-/);
    assert.deepEqual(codes.slice(1), [['FIM-AUD-0104', 503]]);
  });

  it('are recorded when the client leaves meanwhile, and the proxy goes on', async () => {
    const count = collector.of('/held').length;
    let asked = false;
    collector.refuse = () => {
      asked = true;
      return { status: 503, headers: { 'retry-after': '0' } };
    };
    const socket = connect(harness.stack.listen.port, '127.0.0.1');
    socket.write(
      `POST /held HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${BAD.length}\r\n\r\n${BAD}`,
    );
    await harness.poll(() => Promise.resolve(asked));
    socket.destroy();
    await harness.activeRequests(0);
    collector.refuse = () => undefined;
    await linesOf('/held', count + 1);
    assert.equal((await send(harness.url, { path: '/held', body: BAD })).status, 422);
    assert.equal(collector.of('/held').length, count + 2);
  });

  it('of a body that is still on its way keep the connection', async () => {
    const pieces = Array.from({ length: 8 }, () => Buffer.alloc(4096, 0x20));
    const count = collector.of('/held').length;
    const type = { 'content-type': 'text/csv' };
    const reply = await send(harness.url, { path: '/held', headers: type, body: pieces });
    assert.equal(reply.status, 415);
    assert.equal((await linesOf('/held', count + 1)).at(-1)!['status'], 415);
    assert.equal(collector.holes(), 0);
  });
});
