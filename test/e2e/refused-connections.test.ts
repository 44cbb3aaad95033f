// A refusal of well-formed HTTP keeps the client's connection. Envoy takes 400 for an unreadable request, and closes.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';

const ROUTES = `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: { name: plain }
spec: { match: { path: { value: /plain } }, validation: { fields: [{ name: a }] } }
---
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: { name: old }
spec: { match: { path: { value: /old } }, validation: { rejectStatus: 400, fields: [{ name: a }] } }
`;

test('requests that are refused share one connection, unless the route answers 400', async (t) => {
  const harness = await Harness.start({ routes: ROUTES });
  t.after(() => harness.stop());
  const opened = async (path: string, status: number): Promise<number> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let connections = 0;
    const connect = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => (connections++, connect(options, callback));
    for (let i = 0; i < 10; i++)
      assert.equal((await send(harness.url, { path, body: '{"b":1}', agent })).status, status);
    agent.destroy();
    return connections;
  };
  assert.equal(await opened('/plain', 422), 1);
  assert.equal(await opened('/old', 400), 10);
});

const LIMITED = `
---
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: { name: limited }
spec: { match: { path: { value: /limited } }, rateLimit: { requests: 1, period: 1h } }
`;
const REFUSED = 12;

/**
 * Sends all, the first `early` bytes some time before the others, and reads until every answer has come or the
 * connection ends.
 */
async function pipeline(harness: Harness, requests: readonly string[], early: number): Promise<number[]> {
  return new Promise((done) => {
    const statuses: number[] = [];
    const all = requests.join('');
    let text = '';
    const socket = connect(harness.stack.listen.port, '127.0.0.1', () => {
      if (early === 0) return socket.write(all);
      socket.write(all.slice(0, early));
      return void harness.activeRequests(1).then(() => socket.write(all.slice(early)));
    });
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      statuses.splice(0, Infinity, ...[...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)));
      if (statuses.length === requests.length) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => done(statuses));
  });
}

function raw(path: string, body: string | null, type = 'application/json'): string {
  return body === null
    ? `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`
    : `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

test('requests that are refused in one read, one behind the other, lose neither the connection nor what is behind them', async (t) => {
  const harness = await Harness.start({ routes: ROUTES + LIMITED, concurrency: 1 });
  t.after(() => harness.stop());
  const good = raw('/plain', '{"a":"1"}');
  assert.equal((await send(harness.url, { path: '/limited', method: 'GET' })).status, 200);
  for (const [refused, status] of [
    [raw('/plain', 'hello', 'text/plain'), 415],
    [raw('/plain', '{"b":1}'), 422],
    [raw('/limited', ''), 429],
    [raw('/limited', null), 429],
    [raw('/limited', 'x'.repeat(70_000)), 429],
  ] as const) {
    const requests = [...Array.from({ length: REFUSED }, () => refused), good, refused, good];
    const statuses = [...Array.from({ length: REFUSED }, () => status), 200, status, 200];
    assert.deepEqual(await pipeline(harness, requests, 0), statuses);
    // The end of the first, the whole of the second and the third come in one read.
    if (!/content-length: [1-9]/.test(refused)) continue;
    assert.deepEqual(await pipeline(harness, requests, refused.indexOf('\r\n\r\n') + 4), statuses);
  }
  const flooded = (await harness.stack.envoy.admin.stats('http1.response_flood')).get('http1.response_flood');
  assert.equal(flooded ?? 0, 0);
});
