// Events that count as a fault for a breaker besides statuses, and where requests go while it is open.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { FaultProxy } from './fault-proxy.ts';
import { Harness } from './harness.ts';
import { RecordingUpstream } from './recording-upstream.ts';

const NUMBERS = 'degradedAfter: 2, openErrorRate: 50, minRequests: 2, openFor: 1h, window: 10m';
const breaker = (name: string, more: string, rest = ''): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  resilience: {breaker: {${NUMBERS}, ${more}}}
${rest}`;

/** Bytes of an ISO 8583 message, 0210, with data element 39 alone. */
const isoAnswer = (code: string): Buffer =>
  Buffer.concat([Buffer.from('0210'), Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]), Buffer.from(code)]);

describe('faults of a breaker, and its way out', () => {
  let harness: Harness;
  let main: RecordingUpstream;
  let backup: RecordingUpstream;
  let door: FaultProxy;

  before(async () => {
    main = await RecordingUpstream.start();
    backup = await RecordingUpstream.start();
    door = await FaultProxy.before(backup.url);
    harness = await Harness.start({
      routes: [
        breaker('coded', 'faults: {statuses: [429]}'),
        breaker('headed', "faults: {responseCode: {header: X-Code, values: ['91', '96']}}"),
        breaker('worded', "faults: {responseCode: {field: $.head.code, values: ['E96']}}"),
        breaker(
          'card',
          "faults: {responseCode: {field: $.DE39, values: ['91']}}",
          '  body: {format: ISO8583, contentTypes: [application/octet-stream]}\n',
        ),
        breaker('grpc', 'probes: 3'),
        breaker('chosen', 'faults: {grpcStatuses: [8]}'),
        breaker(
          'away',
          'open: Backup',
          `  channels:
    - {name: main, url: "${main.url.href}"}
    - {name: backup, url: "${door.url}", role: Backup}
  failover: {idempotencyKey: {header: Idempotency-Key}}
`,
        ),
      ].join('---\n'),
    });
  });
  after(async () => {
    await harness?.stop();
    await door?.kill();
    await Promise.all([main?.stop(), backup?.stop()]);
  });
  beforeEach(() => {
    for (const upstream of [harness.upstream, main, backup]) upstream.arrived.length = 0;
  });

  const ask = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const answer = await fetch(`${harness.url}${path}`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(60_000),
    });
    // A call of gRPC is told in a header.
    const text = (await answer.text()) + decodeURIComponent(answer.headers.get('grpc-message') ?? '');
    return /FIM-\w+-\d+/.exec(text)?.[0] ?? String(answer.status);
  };
  const opens = (path: string, headers: Record<string, string> = {}): Promise<void> =>
    harness.poll(async () => (await ask(path, headers)) === 'FIM-RES-0001');
  /** Sends what was no fault often enough to open a breaker if it were one. */
  const stays = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
    for (let i = 0; i < 4; i++) assert.equal(await ask(path, headers), '200');
  };

  it('is a status below 500 that the route names', async () => {
    harness.upstream.answer = (_, response) => void response.writeHead(404).end();
    for (let i = 0; i < 4; i++) assert.equal(await ask('/coded/status'), '404');
    harness.upstream.answer = (_, response) => void response.writeHead(429).end();
    await opens('/coded/status');
  });

  it('is a code in a header', async () => {
    for (const code of ['00', '9', '910']) {
      harness.upstream.answer = (_, response) => void response.writeHead(200, { 'x-code': code }).end();
      await stays('/headed');
    }
    harness.upstream.answer = (_, response) => void response.writeHead(200, { 'x-code': '96' }).end();
    await opens('/headed');
  });

  it('is a code in a field of the answer, which goes on as it came', async () => {
    harness.upstream.answer = (_, response) => void response.end('{"head":{"code":"E96"}}');
    await stays('/worded'); // its answers have no content type, and cannot be read
    const type = { 'content-type': 'application/json' };
    harness.upstream.answer = (_, response) => void response.writeHead(200, type).end('{"head":{"code":"000"}}');
    await stays('/worded');
    harness.upstream.answer = (_, response) => void response.writeHead(204).end();
    assert.equal(await ask('/worded'), '204');
    const text = '{"head":{"code":"E96"},"text":"余额不足"}';
    harness.upstream.answer = (_, response) => void response.writeHead(200, type).end(text);
    const answer = await fetch(`${harness.url}/worded`, { signal: AbortSignal.timeout(60_000) });
    assert.equal(await answer.text(), text);
    await opens('/worded');
  });

  it('is a response code of ISO 8583', async () => {
    const type = { 'content-type': 'application/octet-stream' };
    harness.upstream.answer = (_, response) => void response.writeHead(200, type).end(isoAnswer('00'));
    await stays('/card', type);
    harness.upstream.answer = (_, response) => void response.writeHead(200, type).end(isoAnswer('91'));
    await opens('/card', type);
  });

  it('is a status of gRPC, in trailers or in headers', async () => {
    const call = { 'content-type': 'application/grpc' };
    const trailing = (status: string): void => {
      harness.upstream.answer = (_, response) => {
        response.writeHead(200, { ...call, trailer: 'grpc-status' });
        response.write('\0\0\0\0\0');
        response.addTrailers({ 'grpc-status': status });
        response.end();
      };
    };
    for (const status of ['0', '5', '8']) {
      trailing(status);
      await stays('/grpc', call);
    }
    trailing('14');
    await opens('/grpc', call);
    trailing('14');
    await stays('/chosen', call);
    harness.upstream.answer = (_, response) => void response.writeHead(200, { ...call, 'grpc-status': '8' }).end();
    await opens('/chosen', call);
  });

  it('leads to the backups while it is open, with the probes for the active ones', async () => {
    main.answer = (_, response) => void response.writeHead(500).end();
    await harness.poll(async () => (await ask('/away')) === '200');
    const sent = main.arrived.length;
    for (let i = 0; i < 6; i++) assert.equal(await ask('/away', { 'idempotency-key': `k-${i}` }), '200');
    assert.equal(main.arrived.length, sent);
    assert.ok(backup.arrived.length >= 6);
    assert.deepEqual(
      backup.arrived.flatMap(({ headers }) => Object.keys(headers).filter((name) => name.includes('lane'))),
      [],
    );
    // What the backups answer is not counted, and what they cannot answer is said.
    backup.answer = (_, response) => void response.writeHead(500).end();
    for (let i = 0; i < 4; i++) assert.equal(await ask('/away'), '500');
    await door.kill();
    assert.match(await ask('/away'), /^FIM-RT-002[12]$/);
    assert.equal(main.arrived.length, sent);
  });
});
