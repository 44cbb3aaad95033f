// Records of messages, from a real Envoy with two workers to a collector.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { CollectorDouble, type AuditLine } from './collector-double.ts';
import { Harness } from './harness.ts';

const route = (name: string, spec: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
${spec}
`;

const ROUTES = [
  route('plain', '  audit: {transaction: {header: x-txn}, subject: {header: {name: x-user, vouchedBy: the edge}}}'),
  route('checked', '  validation: {fields: [{name: amount, type: number}]}\n  audit: {}'),
  route('observed', '  enforcement: Observe\n  validation: {fields: [{name: amount, type: number}]}\n  audit: {}'),
  route('sealed', `  encryption: {keyId: "kms://prod/fund/key-2023", request: Encrypt, response: None}\n  audit: {}`),
  route('held', '  audit: {mode: Sync, wait: 30s}'),
  route('unheard', '  validation: {fields: [{name: amount, type: number}]}'),
];

const sm3 = (text: string | Buffer): string => createHash('sm3').update(text).digest('hex');

describe('records of messages', () => {
  let harness: Harness;
  let collector: CollectorDouble;
  before(async () => {
    collector = await CollectorDouble.start();
    harness = await Harness.start({ routes: ROUTES.join('---\n'), audit: { url: collector.url } });
  });
  after(async () => {
    await harness?.stop();
    await collector?.stop();
  });
  beforeEach(() => {
    harness.upstream.arrived.length = 0;
    harness.upstream.answer = (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end('{"done":true}');
  });

  const send = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${harness.url}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      signal: AbortSignal.timeout(60_000),
    });
  const recordsOf = async (path: string, count = 1): Promise<AuditLine[]> => {
    await harness.poll(() => Promise.resolve(collector.of(path).length >= count));
    return collector.of(path);
  };

  it('say who, what became of a message, how large it was, and its digests', async () => {
    const body = '{"amount":12,"name":"Li Lei"}';
    const answer = await send('/plain/x?card=6222021234567890123', body, {
      'x-txn': 'T-1',
      'x-user': 'u-17',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    });
    assert.equal(await answer.text(), '{"done":true}');
    const [record] = await recordsOf('/plain');
    assert.deepEqual(
      { ...record, event_id: '', op_time: '', source: '', seq: 0, generation: '', stage_us: {} },
      {
        v: 1,
        event_id: '',
        op_time: '',
        kind: 'message',
        source: '',
        seq: 0,
        subject_id: 'u-17',
        subject_from: 'header',
        route: 'default/plain',
        generation: '',
        method: 'POST',
        path: '/plain',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
        txn_id: 'T-1',
        verdict: 'Passed',
        status: 200,
        request: { bytes_in: body.length, bytes_out: body.length, sm3_in: sm3(body), sm3_out: sm3(body) },
        response: { bytes_in: 13, bytes_out: 13, sm3_in: sm3('{"done":true}'), sm3_out: sm3('{"done":true}') },
        stage_us: {},
      },
    );
    assert.ok(Math.abs(Date.parse(String(record!['op_time'])) - Date.now()) < 60_000);
  });

  it('of refused messages name the code, and of what came', async () => {
    const answer = await send('/checked', '{"amount":"much"}');
    assert.equal(answer.status, 422);
    await answer.text();
    const [record] = await recordsOf('/checked');
    assert.equal(record!['verdict'], 'Refused');
    assert.equal(record!['direction'], 'Request');
    assert.equal(record!['status'], 422);
    assert.match(String(record!['code']), /^FIM-PBOC-\d{4}$/);
    assert.deepEqual(record!['request'], { bytes_in: 17, bytes_out: 0, sm3_in: sm3('{"amount":"much"}') });
    assert.equal('response' in record!, false);
  });

  it('name verdicts that were only observed', async () => {
    await (await send('/observed', '{"amount":"much"}')).text();
    const [record] = await recordsOf('/observed');
    assert.equal(record!['verdict'], 'Passed');
    assert.equal((record!['observed'] as string[]).length, 1);
  });

  it('have the digest of what went beside that of what came', async () => {
    await harness.keysFetched();
    await (await send('/sealed', '{"amount":12}')).text();
    const [record] = await recordsOf('/sealed');
    const { body } = harness.upstream.arrived[0]!;
    assert.deepEqual(record!['request'], {
      bytes_in: 13,
      bytes_out: body.length,
      sm3_in: sm3('{"amount":12}'),
      sm3_out: sm3(body),
    });
  });

  it('are left by aborted messages, too', async () => {
    harness.upstream.answer = () => {};
    const socket = connect(harness.stack.listen.port, '127.0.0.1');
    const path = '/plain/left';
    socket.write(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}`);
    await harness.poll(() => Promise.resolve(harness.upstream.arrived.length === 1));
    socket.destroy();
    await harness.poll(() => Promise.resolve(collector.of('/plain').some((line) => line['verdict'] === 'Aborted')));
    const record = collector.of('/plain').find((line) => line['verdict'] === 'Aborted')!;
    assert.equal('code' in record, false);
    assert.deepEqual(record['request'], { bytes_in: 2, bytes_out: 2, sm3_in: sm3('{}'), sm3_out: sm3('{}') });
  });

  it('are sent again until they are taken, once each and without a hole', async () => {
    await collector.stop();
    await Promise.all(Array.from({ length: 20 }, async (_, n) => (await send(`/plain/again`, `{"n":${n}}`)).text()));
    const before = collector.of('/plain').length;
    let refusals = 2;
    collector.refuse = () => (refusals-- > 0 ? { status: 503, headers: { 'retry-after': '0' } } : undefined);
    await collector.listen();
    await recordsOf('/plain', before + 20);
    collector.refuse = () => undefined;
    assert.equal(collector.of('/plain').length, before + 20);
    assert.equal(collector.holes(), 0);
  });

  it('hold answers of a Sync route until they are durable', async () => {
    let asked = false;
    collector.refuse = () => {
      asked = true;
      return { status: 503, headers: { 'retry-after': '0' } };
    };
    let answered = false;
    const answer = send('/held', '{}').then(async (response) => {
      answered = true;
      return response.text();
    });
    await harness.poll(() => Promise.resolve(asked));
    assert.equal(answered, false);
    assert.equal(collector.of('/held').length, 0);
    collector.refuse = () => undefined;
    assert.equal(await answer, '{"done":true}');
    assert.equal(collector.of('/held').length, 1);
  });

  it('are as their schema says, and hold nothing of a message, nor of a route without audit', async () => {
    await (await send('/unheard', '{"amount":1}')).text();
    const schema = JSON.parse(readFileSync('services/audit/record.schema.json', 'utf8')) as object;
    const check = new Ajv2020({ strict: false }).compile(schema);
    for (const line of collector.lines) assert.ok(check(line), JSON.stringify([check.errors, line]));
    const all = collector.bodies.join('');
    for (const planted of ['6222021234567890123', 'Li Lei', 'much', '/plain/x', '/unheard'])
      assert.equal(all.includes(planted), false, planted);
    assert.equal(new Set(collector.lines.map((line) => line['event_id'])).size, collector.lines.length);
  });
});
