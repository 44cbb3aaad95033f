// Answers that clients get while a breaker is open: an answer that is ready, or the last good one to the same query.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Harness } from './harness.ts';

const route = (name: string, breaker: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  resilience: {breaker: {degradedAfter: 2, openErrorRate: 50, minRequests: 2, openFor: 1h, window: 10m, ${breaker}}}
`;
const READY = `answer: {status: 200, body: '{"busy":true,"again":{{retryAfter}},"id":"{{header:x-id}}","no":"{{header:x-no}}"}'}`;
const SET = 'faults: {statuses: [418]}, open: Snapshot';
const ROUTES = [
  route('ready', `open: Answer, ${READY}`),
  route('quotes', `${SET}, snapshot: {headers: [X-Desk]}, answer: {status: 503, contentType: text/plain, body: none}`),
  route('stale', `${SET}, snapshot: {maxAge: 1ms}`),
];

describe('answers in the place of an upstream', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ routes: ROUTES.join('---\n') });
  });
  after(() => harness?.stop());
  beforeEach(() => {
    harness.upstream.arrived.length = 0;
  });

  interface Said {
    status: number;
    type: string;
    text: string;
    headers: Headers;
  }
  /** Each on a connection of its own, so that both workers get some. */
  const ask = async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Said> => {
    const all = { connection: 'close', ...headers };
    const answer = await fetch(`${harness.url}${path}`, { ...init, headers: all, signal: AbortSignal.timeout(60_000) });
    const text = await answer.text();
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', text, headers: answer.headers };
  };
  const answers = (text: string, headers: Record<string, string> = {}): void => {
    harness.upstream.answer = (_, response) =>
      void response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(text);
  };
  /** Opens the breaker of a route. Its upstream answers no query meanwhile. */
  const open = async (path: string): Promise<void> => {
    harness.upstream.answer = (_, response) => void response.writeHead(418).end();
    const before = harness.upstream.arrived.length;
    let sent = -1;
    await harness.poll(async () => {
      await ask(`${path}/none`, {}, { method: 'POST' });
      const now = harness.upstream.arrived.length - before;
      const stays = now === sent;
      sent = now;
      return stays;
    });
  };

  it('is the one that the route has ready, filled in', async () => {
    harness.upstream.answer = (_, response) => void response.writeHead(500).end();
    await harness.poll(async () => (await ask('/ready')).status === 200);
    const said = await ask('/ready', { 'x-id': 'a"b' }, { method: 'POST', body: 'x' });
    assert.deepEqual([said.status, said.type], [200, 'application/json']);
    const { busy, again, id, no } = JSON.parse(said.text) as Record<string, unknown>;
    assert.deepEqual([busy, id, no], [true, 'a"b', '']);
    assert.equal(again, Number(said.headers.get('retry-after')));
  });

  it('is the last good one to the same query, for all workers', async () => {
    for (let i = 0; i < 20; i++) {
      answers(`{"price":${i}}`);
      assert.equal((await ask('/quotes/600000?x=1')).status, 200);
    }
    answers('{"price":"A"}');
    await ask('/quotes/1', { 'x-desk': 'a' });
    answers('{"price":"B"}');
    await ask('/quotes/1', { 'x-desk': 'b' });
    // None of these may be told to another.
    for (const [path, headers] of [
      ['/quotes/own', { authorization: 'Bearer x' }],
      ['/quotes/own', { cookie: 'a=b' }],
    ] as const)
      await ask(path, headers);
    answers('{"price":"of one"}', { 'set-cookie': 'a=b' });
    await ask('/quotes/own');
    answers('{"price":"of one"}', { 'cache-control': 'max-age=1, Private' });
    await ask('/quotes/own');
    answers('{"price":"of one"}', { vary: 'x-desk' });
    await ask('/quotes/own');
    answers('{"price":"paid"}');
    await ask('/quotes/own', {}, { method: 'POST', body: '{}' });
    answers(`{"price":"${'9'.repeat(70_000)}"}`);
    await ask('/quotes/large');
    await open('/quotes');

    const sent = harness.upstream.arrived.length;
    for (let i = 0; i < 8; i++) {
      const said = await ask('/quotes/600000?x=1');
      assert.deepEqual([said.status, said.text], [200, '{"price":19}']);
      assert.equal(said.type, 'application/json; charset=utf-8');
      assert.match(said.headers.get('age') ?? '', /^\d+$/);
      assert.match(said.headers.get('x-fim-snapshot-age-ms') ?? '', /^\d+$/);
    }
    assert.equal((await ask('/quotes/1', { 'x-desk': 'a' })).text, '{"price":"A"}');
    assert.equal((await ask('/quotes/1', { 'x-desk': 'b' })).text, '{"price":"B"}');
    for (const [path, headers, init] of [
      ['/quotes/1', {}, {}],
      ['/quotes/1', { 'x-desk': 'c' }, {}],
      ['/quotes/600000?x=2', {}, {}],
      ['/quotes/600000?x=1', {}, { method: 'POST', body: '{}' }],
      ['/quotes/600000?x=1', { authorization: 'Bearer x' }, {}],
      ['/quotes/own', {}, {}],
      ['/quotes/large', {}, {}],
    ] as const) {
      const said = await ask(path, headers, init);
      assert.deepEqual([said.status, said.type, said.text], [503, 'text/plain', 'none'], path);
    }
    assert.equal(harness.upstream.arrived.length, sent);
  });

  it('is none that is too old', async () => {
    answers('{"price":1}');
    assert.equal((await ask('/stale/1')).status, 200);
    await open('/stale');
    const said = await ask('/stale/1');
    assert.deepEqual([said.status, /FIM-RES-0001/.test(said.text)], [503, true]);
  });
});
