// Requests that wait for a limit, through a real Envoy with two workers.
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Harness } from './harness.ts';

/** A custom section of WebAssembly that says nothing: the module is another. */
const OTHER_SECTION = Buffer.from([0, 2, 1, 0x61]);

const route = (name: string, limit: string, more = ''): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Exact, value: /${name}}}
  rateLimit:
${more}    limits: [{name: ${name}, ${limit}}]
`;

const ROUTES = [
  route('even', 'requests: 20, period: 1s, shape: {maxWait: 10s, queue: 30}'),
  route('tight', 'requests: 1, period: 1h, shape: {maxWait: 1s, queue: 1}', '    status: 503\n    headers: Always\n'),
  route('dropped', 'requests: 1, period: 1h, shape: {maxWait: 1s, queue: 1, overflow: Drop}'),
  // Places of clients that left on another worker pass unused: there is room for them beside those that come later.
  route('slow', 'requests: 1, period: 1s, shape: {maxWait: 30s, queue: 40}'),
].join('---\n');

describe('requests that wait', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ routes: ROUTES });
  });
  after(() => harness?.stop());

  const status = async (path: string, init: RequestInit = {}): Promise<number> => {
    const response = await fetch(`${harness.url}${path}`, init);
    await response.arrayBuffer();
    return response.status;
  };
  const counted = async (name: string): Promise<number> => {
    const [limit, outcome] = name.split('.');
    const stats = await harness.stack.envoy.admin.stats(String.raw`^wasmcustom\.fim\.limit\.`);
    return stats.get(`wasmcustom.fim.limit.requests_total{limit=${limit},outcome=${outcome}}`) ?? 0;
  };

  it('come to the upstream never sooner than the limit lets them, and what finds no room is refused at once', async () => {
    const arrivals: number[] = [];
    harness.upstream.onBegin = ({ url }) => void (url === '/even' && arrivals.push(performance.now()));
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 100 }, () => status('/even')));
    const admitted = answers.filter((answer) => answer === 200).length;
    assert.equal(admitted + answers.filter((answer) => answer === 429).length, 100);
    assert.ok(admitted >= 31, `${admitted}: one goes at once, and 30 find room`);
    assert.equal(arrivals.length, admitted);
    assert.ok(arrivals.at(-1)! - began >= (admitted - 1) * 50, 'the last one had to wait for all before it');
    await harness.poll(async () => (await counted('even.waited')) >= 30);
  });

  it('are refused with the status that was asked for, which names what is left', async () => {
    const first = await fetch(`${harness.url}/tight`);
    assert.equal(first.headers.get('ratelimit'), '"tight";r=0;t=3600');
    await first.arrayBuffer();
    const refused = await fetch(`${harness.url}/tight`);
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 3000);
    assert.deepEqual(
      (({ status: number, code }) => [number, code])((await refused.json()) as { status: number; code: string }),
      [503, 'FIM-LIM-0001'],
    );
  });

  it('or left without an answer: the stream of HTTP/2 is reset, the connection of HTTP/1 closes', async () => {
    assert.equal(await status('/dropped'), 200);
    const socket = dial(Number(new URL(harness.url).port), '127.0.0.1');
    socket.write('GET /dropped HTTP/1.1\r\nhost: fim.test\r\n\r\n');
    let bytes = 0;
    socket.on('data', (data: Buffer) => void (bytes += data.length));
    await new Promise<void>((done) => socket.on('close', () => done()).on('error', () => {}));
    assert.equal(bytes, 0);
    const session = connect(harness.url);
    const stream = session.request({ ':path': '/dropped' });
    let answered = false;
    stream.on('response', () => void (answered = true)).resume();
    await new Promise<void>((done) => stream.on('close', () => done()).on('error', () => {}));
    assert.equal(answered, false);
    const other = session.request({ ':path': '/unlimited' });
    const code = await new Promise((done) => other.on('response', (headers) => done(headers[':status'])));
    assert.equal(code, 200, 'the connection goes on');
    session.close();
  });

  it('are answered over an edit of the policy and a swap of the module, and leave when their client does', async () => {
    const gone = new AbortController();
    const leaving = Array.from({ length: 20 }, () => status('/slow', { signal: gone.signal }).catch(() => 'gone'));
    await harness.poll(async () => (await counted('slow.waited')) >= 19);
    gone.abort();
    await Promise.all(leaving);
    await harness.poll(async () => (await counted('slow.left')) >= 1);
    await harness.activeRequests(0);

    const ask = (): Promise<number>[] => Array.from({ length: 2 }, () => status('/slow'));
    const waiting = ask();
    await harness.poll(async () => (await counted('slow.waited')) >= 20);
    assert.equal((await harness.edit(ROUTES.replaceAll('headers: Always', 'legacyHeaders: true'))).event, 'applied');
    waiting.push(...ask());
    const from = harness.events.length;
    const file = join(harness.moduleFolder, 'fim.wasm');
    await writeFile(`${file}~`, Buffer.concat([await readFile(file), OTHER_SECTION]));
    await rename(`${file}~`, file);
    assert.equal((await harness.verdict(from)).event, 'applied');
    waiting.push(...ask());
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([200]));
    await harness.activeRequests(0);
  });

  it('hold an upload back in the proxy until their time', async () => {
    const body = Buffer.alloc(3_000_000, 'x');
    assert.equal(await status('/slow', { method: 'POST', body }), 200);
    assert.equal(harness.upstream.arrived.at(-1)!.body.length, body.length);
  });
});
