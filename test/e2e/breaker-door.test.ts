// `fim breaker` as an operator calls it: how breakers of a running proxy stand, and how they are set by hand.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Door } from '../../envoy/standalone/door.ts';
import { ROOT } from '../../scripts/fim/project.ts';
import { compileLimitsTrap } from '../host/compile.ts';
import { Harness } from './harness.ts';

const ROUTES = (more = ''): string =>
  [
    `pay
spec:
  match: {path: {type: Prefix, value: /pay}}
  resilience: {breaker: {degradedAfter: 2, openErrorRate: 50, minRequests: 4, openFor: 1h, window: 10m${more}}}
`,
    `fixed
spec:
  match: {path: {type: Prefix, value: /fixed}}
  resilience: {breaker: {state: Open}}
`,
  ]
    .map((text) => `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata:\n  name: ${text}`)
    .join('---\n');

interface Said {
  status: number;
  out: string;
  err: string;
}

describe('breakers by command', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ routes: ROUTES() });
  });
  after(() => harness?.stop());

  const breaker = (...words: string[]): Promise<Said> =>
    new Promise((done) => {
      const all = ['scripts/fim.mjs', 'breaker', ...words, '--door', harness.stack.door!];
      execFile(process.execPath, all, { cwd: ROOT }, (error, out, err) =>
        done({ status: error === null ? 0 : Number(error.code), out, err }),
      );
    });
  /** Each on a connection of its own, so that both workers get some. */
  const statuses = (count: number, path = '/pay'): Promise<number[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const answer = await fetch(`${harness.url}${path}`, { headers: { connection: 'close' } });
        await answer.text();
        return answer.status;
      }),
    );
  const all = (status: number): number[] => Array.from({ length: 8 }, () => status);

  it('tells how they stand', async () => {
    assert.deepEqual(await statuses(8), all(200));
    const said = await breaker('status');
    assert.equal(said.err, '');
    assert.match(said.out, /^default\/pay {2}Normal {2}\(0 faults of 8 in the window\)$/m);
    assert.match(said.out, /^default\/fixed {2}Open {2}\(set by the resource\)$/m);
  });

  it('opens one for all workers, and keeps it so over edits and new modules', async () => {
    assert.match((await breaker('open', 'pay')).out, /^default\/pay {2}Open {2}\(set by command;/);
    assert.deepEqual(await statuses(8), all(503));
    assert.equal((await harness.edit(ROUTES(', probes: 2'))).event, 'applied');
    assert.deepEqual(await statuses(8), all(503));
    const from = harness.events.length;
    // An empty custom section makes it another module.
    await appendFile(join(harness.moduleFolder, 'fim.wasm'), Buffer.from([0, 2, 1, 120]));
    assert.equal((await harness.verdict(from)).event, 'applied');
    assert.deepEqual(await statuses(8), all(503));
  });

  it('closes one whatever becomes of its requests, and lets results decide again', async () => {
    harness.upstream.answer = (_, response) => void response.writeHead(500).end();
    assert.match((await breaker('close', 'default/pay')).out, /Normal {2}\(set by command/);
    assert.deepEqual(await statuses(8), all(500));
    assert.deepEqual(await statuses(8), all(500));
    assert.equal((await breaker('reset', 'pay', '--json')).out.includes('"set":"No","requests":0,"faults":0'), true);
    await harness.poll(async () => (await statuses(1))[0] === 503);
    assert.match(
      (await breaker('status')).out,
      /default\/pay {2}Open {2}\([4-9] faults of [4-9] .*probes in 3[56]\d\d\.\d s\)/,
    );
    assert.equal((await breaker('reset', 'pay')).status, 0);
    harness.upstream.answer = (_, response) => void response.writeHead(200).end();
    assert.deepEqual(await statuses(8), all(200));
  });

  it('refuses what it cannot do', async () => {
    const unknown = await breaker('open', 'nobody');
    assert.deepEqual([unknown.status, /FIM-RES-0003/.test(unknown.err)], [1, true]);
    const fixed = await breaker('close', 'fixed');
    assert.deepEqual([fixed.status, /FIM-RES-0004/.test(fixed.err)], [1, true]);
    const asked = await fetch(`${harness.url}/breaker/open/default/pay`, { method: 'POST' });
    await asked.text();
    assert.deepEqual(await statuses(8), all(200));
  });
});

it('a breaker outlives the machine of its worker', async (t) => {
  const moduleFiles = { 'fim.wasm': await compileLimitsTrap() };
  const harness = await Harness.start({ routes: ROUTES(), concurrency: 1, moduleFiles });
  t.after(() => harness.stop());
  await new Door(harness.stack.door!).ask({ path: '/breaker/open/default/pay', method: 'POST' });
  const code = async (headers: Record<string, string> = {}): Promise<string> => {
    const answer = await fetch(`${harness.url}/pay`, { headers });
    return /FIM-\w+-\d+/.exec(await answer.text())?.[0] ?? String(answer.status);
  };
  assert.equal(await code(), 'FIM-RES-0001');
  assert.notEqual(await code({ 'x-die': 'now' }), 'FIM-RES-0001');
  await harness.poll(async () => (await code()) === 'FIM-RES-0001');
  assert.equal(harness.upstream.arrived.length, 0);
});
