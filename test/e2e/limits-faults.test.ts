// Fate of what a request took from its limits when its stream ends in no good way.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { compileLimitsTrap } from '../host/compile.ts';
import { Harness } from './harness.ts';

const route = (name: string, limit: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Exact, value: /${name}}}
  rateLimit:
    limits: [{name: ${name}, ${limit}}]
`;

describe('what a request in flight took', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({
      routes: [
        route('flight', 'algorithm: Concurrency, requests: 2'),
        route('leased', 'algorithm: Concurrency, requests: 1, period: 3s'),
        route('waits', 'requests: 1, period: 10s, shape: {maxWait: 30s, queue: 5}'),
      ].join('---\n'),
      concurrency: 1,
      requestTimeoutMs: 12_000,
      moduleFiles: { 'fim.wasm': await compileLimitsTrap() },
    });
  });
  after(() => harness?.stop());

  const status = async (path: string, init: RequestInit = {}): Promise<number> => {
    const response = await fetch(`${harness.url}${path}`, init);
    await response.arrayBuffer();
    return response.status;
  };
  /** Two may be in flight again, and no third. */
  const isWhole = async (): Promise<void> => {
    const good = harness.upstream.answer;
    const ends: (() => void)[] = [];
    harness.upstream.answer = (_, response) => void ends.push(() => response.end('late'));
    const two = [status('/flight'), status('/flight')];
    await harness.poll(async () => ends.length === 2);
    assert.equal(await status('/flight'), 429);
    harness.upstream.answer = good;
    for (const end of ends) end();
    assert.deepEqual(await Promise.all(two), [200, 200]);
    await harness.activeRequests(0);
  };

  it('comes back once when the upstream resets before or in its answer', async () => {
    const good = harness.upstream.answer;
    for (let i = 0; i < 3; i++) {
      harness.upstream.answer = (_, response) => void response.socket!.destroy();
      assert.equal(await status('/flight'), 503);
      harness.upstream.answer = (_, response) => {
        response.writeHead(200, { 'content-length': '10' }).write('half');
        setImmediate(() => response.socket!.destroy());
      };
      await assert.rejects(status('/flight'));
    }
    harness.upstream.answer = good;
    await harness.activeRequests(0);
    await isWhole();
  });

  it('comes back once when the client goes away in its upload, or while the upstream hangs', async () => {
    const good = harness.upstream.answer;
    harness.upstream.answer = () => {};
    for (let i = 0; i < 3; i++) {
      const upload = request(`${harness.url}/flight`, { method: 'POST', headers: { 'content-length': '1000' } });
      upload.on('error', () => {}).write('some');
      const gone = new AbortController();
      const hangs = status('/flight', { signal: gone.signal }).catch(() => 'gone');
      await harness.activeRequests(2);
      upload.destroy();
      gone.abort();
      assert.equal(await hangs, 'gone');
      await harness.activeRequests(0);
    }
    harness.upstream.answer = good;
    await isWhole();
  });

  it('is forgotten after two leases when the machine dies, and who waited there is not left without an answer', async (t) => {
    const good = harness.upstream.answer;
    let end: (() => void) | undefined;
    harness.upstream.answer = (_, response) => void (end = () => response.end('late'));
    const held = status('/leased').catch(() => 0);
    await harness.poll(async () => end !== undefined);
    harness.upstream.answer = good;
    const waiting = Array.from({ length: 3 }, () => status('/waits').catch(() => 0));
    const stat = 'wasmcustom.fim.limit.requests_total{limit=waits,outcome=waited}';
    await harness.poll(async () => {
      const stats = await harness.stack.envoy.admin.stats(String.raw`^wasmcustom\.fim\.limit\.`);
      return (stats.get(stat) ?? 0) >= 2;
    });
    assert.notEqual(await status('/leased', { headers: { 'x-die': '1' } }), 200);
    end!();
    await held;
    // The dead machine calls nobody any more: the proxy's own time for a request ends the wait.
    const answers = await Promise.all(waiting);
    t.diagnostic(`who waited was answered ${answers.join(', ')}`);
    assert.ok(answers.includes(200) && !answers.includes(0), answers.join());
    await harness.poll(async () => (await status('/leased')) === 200);
    await harness.activeRequests(0);
  });
});
