// Breakers and deadlines through a real Envoy with two workers.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Harness } from './harness.ts';

const route = (name: string, resilience: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  resilience: ${resilience}
`;

const BREAKER = 'breaker: {minRequests: 10, openFor: 1h}';
const ROUTES = [
  route('trips', `{${BREAKER}}`),
  route('spared', `{${BREAKER}, deadline: {total: 20s, perHop: 100ms}}`),
  route('tried', '{breaker: {minRequests: 10, openFor: 2s, probes: 3}}'),
  route('hop', '{deadline: {total: 60s, perHop: 5s}}'),
  route('hops', '{deadline: {total: 60s, perHop: 100ms}}'),
  route('steered', `{${BREAKER}}`),
  route('uploads', '{breaker: {minRequests: 4, openFor: 1h, window: 10m, slow: 6s}}'),
  route('broken', '{breaker: {degradedAfter: 2, openErrorRate: 50, minRequests: 2, openFor: 1h, window: 10m}}'),
  route('left', '{breaker: {minRequests: 3, openFor: 1h, window: 10m, slow: 50ms}}'),
  route('short', '{deadline: {total: 300ms, perHop: 100ms}}'),
];
const PROBES_MS = 2000;

describe('breakers and deadlines', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ routes: ROUTES.join('---\n') });
  });
  after(() => harness?.stop());
  beforeEach(() => {
    harness.upstream.arrived.length = 0;
    harness.upstream.answer = (_, response) => void response.writeHead(200).end('{}');
  });

  /** Each on a connection of its own, so that both workers get some. */
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${harness.url}${path}`, {
      headers: { connection: 'close', ...headers },
      signal: AbortSignal.timeout(60_000),
    });
  const outcome = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const answer = await get(path, headers);
    const text = await answer.text();
    return answer.status < 400 ? String(answer.status) : `${answer.status} ${/FIM-\w+-\d+/.exec(text)?.[0] ?? ''}`;
  };
  const outcomes = (count: number, path: string, headers: Record<string, string> = {}): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, () => outcome(path, headers)));
  const fail = (): void => {
    harness.upstream.answer = (_, response) => void response.writeHead(500).end();
  };
  const REFUSED = '503 FIM-RES-0001';

  it('opens for all workers after faults, and sends nothing more', async () => {
    assert.deepEqual(await outcomes(10, '/trips'), Array(10).fill('200'));
    fail();
    await harness.poll(async () => (await outcome('/trips')) === REFUSED);
    const sent = harness.upstream.arrived.length;
    assert.deepEqual(await outcomes(20, '/trips'), Array(20).fill(REFUSED));
    assert.equal(harness.upstream.arrived.length, sent);
    const answer = await get('/trips');
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    const wait = Number(answer.headers.get('retry-after'));
    assert.ok(wait > 0 && wait <= 3600, String(wait));
    assert.equal(await outcome('/hop'), '500 ');
  });

  it('stays open over edits, and obeys the resource', async () => {
    const edit = async (more: string): Promise<void> => {
      const text = ROUTES.join('---\n').replace('openFor: 1h}}', `openFor: 1h${more}}}`);
      assert.equal((await harness.edit(text)).event, 'applied');
    };
    await edit(', degradedAfter: 4');
    assert.deepEqual(await outcomes(8, '/trips'), Array(8).fill(REFUSED));
    await edit(', state: Closed');
    assert.deepEqual(await outcomes(8, '/trips'), Array(8).fill('200'));
    await edit('');
    assert.deepEqual(await outcomes(8, '/trips'), Array(8).fill(REFUSED));
  });

  it('sends its probes and no other request, and is normal when they end well', async () => {
    fail();
    await harness.poll(async () => (await outcome('/tried')) === REFUSED);
    const held: (() => void)[] = [];
    harness.upstream.answer = (_, response) => void held.push(() => response.writeHead(200).end('{}'));
    const asked: Promise<string>[] = [];
    let refused = 0;
    const ask = (): void =>
      void asked.push(outcome('/tried').then((text) => ((refused += text === REFUSED ? 1 : 0), text)));
    // One at a time until the first probe is sent, then many at once.
    let first = performance.now();
    await harness.poll(async () => {
      if (held.length + refused === asked.length && held.length === 0) {
        first = performance.now();
        ask();
      }
      return held.length > 0;
    });
    for (let i = 0; i < 12; i++) ask();
    await harness.poll(async () => held.length + refused === asked.length);
    // Probes of which nothing is heard for as long as it stays open are given up, and others are sent.
    if (performance.now() - first < PROBES_MS) assert.equal(held.length, 3);
    harness.upstream.answer = (_, response) => void response.writeHead(200).end('{}');
    for (const end of held) end();
    await Promise.all(asked);
    await harness.poll(async () => (await outcome('/tried')) === '200');
    assert.deepEqual(await outcomes(8, '/tried'), Array(8).fill('200'));
  });

  it('gives each hop less time, and takes less from a caller', async () => {
    const seen: { left: number; tookMs: number }[] = [];
    let asked = performance.now();
    harness.upstream.answer = ({ path, headers }, response) => {
      const left = String(headers['x-fim-deadline']);
      seen.push({ left: Number(left), tookMs: performance.now() - asked });
      asked = performance.now();
      assert.equal(headers['x-envoy-upstream-rq-timeout-ms'], undefined);
      const next = path === '/hop/1' ? '/hop/2' : '/hop/3';
      if (path === '/hop/3') response.writeHead(200).end('{}');
      else void outcome(next, { 'x-fim-deadline': left }).then((text) => response.writeHead(Number(text)).end('{}'));
    };
    assert.equal(await outcome('/hop/1'), '200');
    assert.equal(seen.length, 3);
    // What a hop takes away beside `perHop` is the time that it took itself.
    let before = 60_000;
    for (const [index, { left, tookMs }] of seen.entries()) {
      const most = before - 5000;
      assert.ok(left <= most && left >= most - tookMs - 2, `hop ${index}: ${left} of ${before} after ${tookMs} ms`);
      before = left;
    }
  });

  it('reads and shortens grpc-timeout, and ignores what is no time', async () => {
    assert.equal(await outcome('/hop', { 'grpc-timeout': '30S' }), '200');
    assert.match(String(harness.upstream.arrived[0]!.headers['grpc-timeout']), /^2[0-5][0-9]{3}m$/);
    assert.equal(await outcome('/hop', { 'x-fim-deadline': '-1', 'grpc-timeout': '5x' }), '200');
    assert.ok(Number(harness.upstream.arrived[1]!.headers['x-fim-deadline']) > 50_000);
    assert.equal(await outcome('/hop', { 'grpc-timeout': '5S' }), '504 FIM-RES-0002');
    assert.equal(await outcome('/hop', { 'x-fim-deadline': '0' }), '504 FIM-RES-0002');
    assert.equal(harness.upstream.arrived.length, 2);
  });

  it('ends a request when its time is over, at the upstream too', async () => {
    let closed = 0;
    harness.upstream.answer = (_, response) => void response.on('close', () => closed++);
    const begun = performance.now();
    assert.equal(await outcome('/short'), '504 FIM-RT-0023');
    assert.ok(performance.now() - begun >= 250);
    await harness.poll(async () => closed === 1);
  });

  it('cancels the upstream at once when the client goes', async (t) => {
    const took: number[] = [];
    for (let round = 0; round < 20; round++) {
      const client = new AbortController();
      let leftMs = 0;
      const cancelled = new Promise<number>((done) => {
        harness.upstream.answer = (_, response) => {
          response.on('close', () => done(performance.now() - leftMs));
          leftMs = performance.now();
          client.abort();
        };
      });
      await fetch(`${harness.url}/hop`, { signal: client.signal }).catch(() => undefined);
      took.push(await cancelled);
    }
    took.sort((a, b) => a - b);
    t.diagnostic(`cancelled after ${took[10]!.toFixed(1)} ms (least ${took[0]!.toFixed(1)})`);
    assert.ok(took[0]! < 50, `${took[0]} ms`);
  });

  it('takes hardly more than its hop from the time', async (t) => {
    const lost: number[] = [];
    for (let round = 0; round < 20; round++) {
      const left: number[] = [];
      harness.upstream.answer = ({ headers }, response) => {
        left.push(Number(headers['x-fim-deadline']));
        const end = (): void => void response.writeHead(200).end('{}');
        if (left.length === 3) end();
        else void get('/hops', { 'x-fim-deadline': String(left.at(-1)) }).then((answer) => answer.text().then(end));
      };
      assert.equal(await outcome('/hops', { 'x-fim-deadline': '10000' }), '200');
      lost.push(10_000 - 3 * 100 - left[2]!);
    }
    lost.sort((a, b) => a - b);
    t.diagnostic(`three hops took ${lost[10]} ms besides theirs (least ${lost[0]})`);
    assert.ok(lost[0]! >= 0 && lost[0]! <= 10, `${lost[0]} ms`);
  });

  it('lets no client say how long Envoy waits', async () => {
    harness.upstream.answer = (_, response) => void setTimeout(() => response.writeHead(200).end('{}'), 100);
    const forged = { 'x-envoy-upstream-rq-timeout-ms': '1', 'x-envoy-upstream-rq-per-try-timeout-ms': '1' };
    for (const path of ['/hop', '/steered']) assert.equal(await outcome(path, forged), '200');
  });

  it('does not open because senders are slow with the body', async () => {
    const slow = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request(`${harness.url}/uploads`, { method: 'POST', agent: false }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode!));
        }).on('error', reject);
        sent.write('a');
        setTimeout(() => sent.end('b'), 6300);
      });
    assert.deepEqual(await Promise.all(Array.from({ length: 6 }, slow)), Array(6).fill(200));
    assert.equal(await outcome('/uploads'), '200');
  });

  it('takes no answer of the proxy for one of the upstream', async () => {
    const broken = (): Promise<string> =>
      new Promise((resolve, reject) => {
        let text = '';
        const socket = connect(Number(new URL(harness.url).port), '127.0.0.1')
          .on('error', reject)
          .on('data', (piece) => (text += piece.toString()))
          .on('close', () => resolve(text.slice(9, 12)));
        socket.write('POST /broken HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n');
      });
    fail();
    assert.equal(await outcome('/broken'), '500 ');
    assert.equal(await broken(), '400');
    await harness.poll(async () => (await outcome('/broken')) === REFUSED);
    assert.equal(harness.upstream.arrived.length, 2);
  });

  it('opens by slowness also where no client waits for the answer', async () => {
    harness.upstream.answer = () => {};
    for (let i = 0; i < 3; i++)
      await assert.rejects(fetch(`${harness.url}/left`, { signal: AbortSignal.timeout(1000) }));
    await harness.poll(async () => {
      const asked = await fetch(`${harness.url}/left`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
      return asked?.status === 503;
    });
  });

  it('ends the request at the upstream when the client goes', async () => {
    let closed = 0;
    harness.upstream.answer = (_, response) => void response.on('close', () => closed++);
    const gone = new AbortController();
    const asked = fetch(`${harness.url}/hop`, { signal: gone.signal }).catch(() => 'gone');
    await harness.poll(async () => harness.upstream.arrived.length === 1);
    gone.abort();
    assert.equal(await asked, 'gone');
    await harness.poll(async () => closed === 1);
  });

  it('does not open because callers were in a hurry', async () => {
    harness.upstream.answer = () => {};
    const hurried = await outcomes(15, '/spared', { 'x-fim-deadline': '150' });
    for (const text of hurried) assert.match(text, /^504 FIM-(RT-0023|RES-0002)$/);
    harness.upstream.answer = (_, response) => void response.writeHead(200).end('{}');
    assert.equal(await outcome('/spared'), '200');
  });
});
