// Attacks of clients, upstreams and other parts of the proxy on limits, through a real Envoy with two workers.
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Harness } from './harness.ts';

const route = (name: string, limits: string, more = ''): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  rateLimit:
    headers: Always
    limits:
      - ${limits}
${more}`;

const ROUTES = [
  route('flight', '{name: flight, algorithm: Concurrency, requests: 1}'),
  route('checked', '{name: checked, algorithm: Concurrency, requests: 1}', '  validation: {fields: [{name: n}]}\n'),
  route('refund', '{name: refund, requests: 2, period: 1h, refund: true}'),
  route('nobody', '{name: nobody, requests: 2, period: 1h, refund: true}'),
  route('client', '{name: client, requests: 1, period: 1h, key: [{clientAddress: {trustedHops: 1}}]}'),
  route('pair', '{name: pair, requests: 1, period: 1h, key: [{header: x-a}, {header: x-b}]}'),
  route('path', '{name: path, requests: 1, period: 1h, key: [{path: {segments: 2}}]}'),
  route(
    'parent',
    '{name: up, requests: 2, period: 1h, key: [{header: x-a}]}\n      - {name: down, parent: up, requests: 1, period: 1h, key: [{header: x-b}], overrides: [{key: [a, gold], requests: 2}]}',
  ),
  route('cycle', '{name: cycle, requests: 1, period: 1h, key: [{header: x-a}]}'),
].join('---\n');

/** A custom section of WebAssembly: the module is another file, and does the same. */
const OTHER_SECTION = Buffer.from([0, 2, 1, 120]);
/** FIM_TEST_CYCLED_KEYS: as many as wanted. */
const CYCLED_KEYS = Number(process.env.FIM_TEST_CYCLED_KEYS ?? 1_000);

describe('limits under adversaries', () => {
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
  const raw = (
    path: string,
    method = 'GET',
    headers: Record<string, string | string[]> = {},
  ): Promise<IncomingMessage> =>
    new Promise((done, failed) => {
      const asked = request(`${harness.url}${path}`, { method, headers, agent: false }, (answer) => {
        answer.resume().on('end', () => done(answer));
      });
      asked.on('error', failed).end();
    });
  const free = (path: string): Promise<void> => harness.poll(async () => (await status(path)) === 200);

  it('requests in flight come back at each kind of end', async () => {
    const good = harness.upstream.answer;
    await free('/flight');
    assert.equal((await raw('/flight', 'HEAD')).statusCode, 200);
    await free('/flight');
    harness.upstream.answer = (_, response) => void response.destroy();
    assert.equal(await status('/flight'), 503);
    harness.upstream.answer = (_, response) =>
      void response.writeHead(200, { 'content-length': '9' }).write('x', () => response.destroy());
    await assert.rejects(status('/flight'));
    harness.upstream.answer = good;
    await free('/flight');
    // a client that ends before its body
    for (let i = 0; i < 3; i++) {
      const asked = request(`${harness.url}/flight`, {
        method: 'POST',
        headers: { 'content-length': '100' },
        agent: false,
      });
      asked.on('error', () => {});
      asked.write('a');
      await harness.poll(async () => harness.upstream.begun > 0);
      asked.destroy();
    }
    await free('/flight');
    // refused by a later stage
    for (let i = 0; i < 3; i++)
      assert.equal(
        await status('/checked', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }),
        422,
      );
    // HTTP/2
    const session = connect(harness.url);
    const http2 = (): Promise<number> =>
      new Promise((done, failed) => {
        const stream = session.request({ ':path': '/flight' });
        stream.on('response', (headers) => done(Number(headers[':status'])));
        stream.on('error', failed).resume().end();
      });
    await harness.poll(async () => (await http2()) === 200);
    const before = harness.upstream.begun;
    harness.upstream.answer = () => {};
    await harness.poll(async () => {
      const hung = session.request({ ':path': '/flight' });
      hung.on('error', () => {});
      hung.end();
      const took = await Promise.race([
        new Promise<boolean>((done) => hung.on('response', () => done(false))),
        harness.poll(async () => harness.upstream.begun > before).then(() => true),
      ]);
      if (took) hung.close(8);
      return took;
    });
    harness.upstream.answer = good;
    await harness.poll(async () => (await http2()) === 200);
    session.close();
  });

  it('a WebSocket is in flight until it is closed', async () => {
    await free('/flight');
    let close = (): void => {};
    harness.upstream.server.once('upgrade', (_: unknown, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
      close = () => void socket.destroy();
    });
    const asked = request(`${harness.url}/flight`, {
      agent: false,
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-version': '13',
      },
    });
    await new Promise<void>((done, failed) => {
      asked.on('upgrade', (_, socket) => {
        socket.on('error', () => {});
        done();
      });
      asked.on('response', (answer) => failed(new Error(`answered with ${answer.statusCode}`)));
      asked.on('error', failed).end();
    });
    assert.equal(await status('/flight'), 429);
    close();
    await free('/flight');
  });

  it('a client is his address, however a trusted proxy writes it', async () => {
    const from = (xff: string): Promise<number> => status('/client', { headers: { 'x-forwarded-for': xff } });
    assert.equal(await from('203.0.113.1:50001'), 200);
    assert.equal(await from('203.0.113.1:50002'), 429, 'port');
    assert.equal(await from('203.0.113.1'), 429, 'none');
    assert.equal(await from('::ffff:203.0.113.1'), 429, 'mapped');
    assert.equal(await from('[2001:db8::1]:50001'), 200);
    assert.equal(await from('[2001:db8::1]:50002'), 429);
    assert.equal(await from('2001:db8::2'), 429);
    assert.equal(await from('2001:DB8::2'), 429);
    assert.equal(await from('2001:DB9::2'), 200);
    assert.equal(await from('2001:DBA::2'), 200);
    const two = await raw('/client', 'GET', { 'x-forwarded-for': ['9.9.9.9', '203.0.113.1'] });
    assert.equal(two.statusCode, 429, 'two lines');
  });

  it('parts of keys do not run into one another, and parents take with their children', async () => {
    const by = (path: string, a?: string, b?: string): Promise<number> =>
      status(path, { headers: { ...(a === undefined ? {} : { 'x-a': a }), ...(b === undefined ? {} : { 'x-b': b }) } });
    assert.deepEqual(
      [
        await by('/pair', 'a', 'bc'),
        await by('/pair', 'ab', 'c'),
        await by('/pair', 'abc'),
        await by('/pair', undefined, 'abc'),
        await by('/pair', 'a', 'bc'),
      ],
      [200, 200, 200, 200, 429],
    );
    assert.deepEqual(
      [
        await by('/parent', 'a', 'x'),
        await by('/parent', 'a', 'x'),
        await by('/parent', 'a', 'y'),
        await by('/parent', 'a', 'z'),
        await by('/parent', 'b', 'x'),
        await by('/parent', 'b', 'gold'),
        await by('/parent', 'b', 'gold'),
      ],
      [200, 429, 200, 429, 200, 200, 429],
    );
  });

  it('spellings of a path that servers read as one are one key', async () => {
    const spellings = ['/path/x', '/path/%78', '/path/./x', '/path//x', '/path/x/', '/path/x?y', '/path/x/z'];
    const answers: number[] = [];
    for (const path of spellings) answers.push((await raw(path)).statusCode!);
    assert.deepEqual(answers, [200, 429, 429, 429, 429, 429, 429]);
    assert.equal((await raw('/path%2fx')).statusCode, 400);
  });

  it('no upstream gives tokens back, once; no upstream can say that it is none', async () => {
    const good = harness.upstream.answer;
    harness.upstream.answer = (_, response) =>
      void response
        .writeHead(503, { 'x-envoy-overloaded': 'true', 'x-envoy-response-code-details': 'no_healthy_upstream' })
        .end('no healthy upstream');
    assert.equal(await status('/refund'), 503);
    harness.upstream.answer = (_, response) => void response.destroy();
    assert.equal(await status('/refund'), 503);
    assert.equal(await status('/refund'), 429);
    harness.upstream.answer = good;
    const { port } = harness.upstream.url;
    await harness.upstream.stop();
    for (let i = 0; i < 6; i++) assert.equal(await status('/nobody'), 503);
    await new Promise<void>((done) => harness.upstream.server.listen(Number(port), '127.0.0.1', done));
    assert.deepEqual([await status('/nobody'), await status('/nobody'), await status('/nobody')], [200, 200, 429]);
    await harness.poll(async () => {
      const name = 'wasmcustom.fim.limit.refunded';
      return (await harness.stack.envoy.admin.stats(`^${name}$`)).get(name) === 6;
    });
  });

  it('requests in flight count over edits and swaps of the module, and come back after them', async () => {
    const good = harness.upstream.answer;
    await free('/flight');
    for (const change of ['policy', 'module']) {
      let end: (() => void) | undefined;
      harness.upstream.answer = (_, response) => void (end = () => response.end('late'));
      const held = status('/flight');
      await harness.poll(async () => end !== undefined);
      harness.upstream.answer = good;
      const from = harness.events.length;
      if (change === 'policy') {
        const edited = ROUTES.replaceAll('headers: Always', 'legacyHeaders: true');
        assert.equal((await harness.edit(edited)).event, 'applied');
      } else {
        const file = join(harness.moduleFolder, 'fim.wasm');
        await writeFile(`${file}~`, Buffer.concat([await readFile(file), OTHER_SECTION]));
        await rename(`${file}~`, file);
        assert.equal((await harness.verdict(from)).event, 'applied');
      }
      assert.equal(await status('/flight'), 429, change);
      end!();
      assert.equal(await held, 200);
      await free('/flight');
    }
  });

  it("keys that change all the time clear nobody's debt", async () => {
    assert.equal(await status('/cycle', { headers: { 'x-a': 'debtor' } }), 200);
    const counts = new Map<number, number>();
    const session = connect(harness.url);
    const ask = (key: string): Promise<void> =>
      new Promise((done, failed) => {
        const stream = session.request({ ':path': '/cycle', 'x-a': key });
        stream.on('response', (headers) => {
          const code = Number(headers[':status']);
          counts.set(code, (counts.get(code) ?? 0) + 1);
        });
        stream.on('close', done).on('error', failed).resume().end();
      });
    for (let i = 0; i < CYCLED_KEYS; i += 50)
      await Promise.all(Array.from({ length: 50 }, (_, at) => ask(`key-${i + at}`)));
    session.close();
    assert.equal(counts.get(200)! + (counts.get(429) ?? 0), CYCLED_KEYS);
    assert.ok(counts.get(200)! > 0.99 * CYCLED_KEYS, JSON.stringify([...counts]));
    assert.equal(await status('/cycle', { headers: { 'x-a': 'debtor' } }), 429);
    assert.equal(await status('/cycle', { headers: { 'x-a': 'somebody new' } }), 200);
  });
});
