// Channels through a real Envoy with two workers: which one a request takes, and which when one fails.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../../scripts/fim/project.ts';
import { FaultProxy } from './fault-proxy.ts';
import { Harness } from './harness.ts';
import { RecordingUpstream } from './recording-upstream.ts';

const LANE_HEADER = 'x-fim-lane';

const route = (name: string, spec: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
${spec}`;

/** A place that requests may go to, with what stands before it. */
interface Place {
  upstream: RecordingUpstream;
  door: FaultProxy;
}

async function place(): Promise<Place> {
  const upstream = await RecordingUpstream.start();
  return { upstream, door: await FaultProxy.before(upstream.url) };
}

const keys = ({ upstream }: Place): string[] =>
  upstream.arrived.map(({ headers }) => String(headers['idempotency-key'] ?? ''));

describe('channels', () => {
  let harness: Harness;
  let main: Place;
  let backup: Place;
  let places: Place[];

  // No try of a busy machine takes so long; where tries have to end by time, a test asks for less.
  const spec = (more = '', perTry = '20s'): string => `  channels:
    - {name: main, url: "${main.door.url}"}
    - {name: backup, url: "${backup.door.url}", role: Backup}
  failover: {perTry: ${perTry}, holdDown: 1s, idempotencyKey: {header: Idempotency-Key}}
${more}`;

  before(async () => {
    places = [main, backup] = [await place(), await place()];
    harness = await Harness.start({
      routes: [
        route('pay', spec()),
        route('silent', spec('', '3s')),
        route('judged', spec('  validation: {fields: [{name: amount}]}\n')),
        route('plain', '  validation: {fields: [{name: amount}]}\n'),
      ].join('---\n'),
    });
  });
  after(async () => {
    await harness?.stop();
    for (const { upstream, door } of places ?? []) await Promise.all([door.kill(), upstream.stop()]);
  });
  beforeEach(() => {
    for (const { upstream, door } of places) {
      upstream.arrived.length = 0;
      door.fault = {};
    }
    harness.upstream.arrived.length = 0;
  });

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${harness.url}${path}`, { headers, signal: AbortSignal.timeout(60_000) });
  const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${harness.url}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(60_000),
    });
  /** Waits until a channel that was held down is in use again. */
  const isBack = ({ upstream }: Place): Promise<void> =>
    harness.poll(async () => {
      const before = upstream.arrived.length;
      await (await get('/pay')).text();
      return upstream.arrived.length > before;
    });
  /** Kills doors, and waits until Envoy knows of no connection to them: a request on a dying one is another test's. */
  const kill = async (...doors: FaultProxy[]): Promise<void> => {
    await Promise.all(doors.map((door) => door.kill()));
    await harness.poll(async () => {
      const lines = (await harness.stack.envoy.admin.get('/clusters')).split('\n');
      return doors.every(({ url }) => {
        const open = lines.filter((line) => line.includes(`::${new URL(url).host}::cx_active::`));
        return open.length > 0 && open.every((line) => line.endsWith('::0'));
      });
    });
  };

  it('leads the requests of a route to its channels, and others to the upstream', async () => {
    assert.equal((await get('/pay/1')).status, 200);
    assert.equal((await post('/judged', '{"amount":"1"}')).status, 200);
    assert.equal((await post('/plain', '{"amount":"1"}')).status, 200);
    assert.deepEqual(
      main.upstream.arrived.map(({ path }) => path),
      ['/pay/1', '/judged'],
    );
    assert.equal(backup.upstream.arrived.length, 0);
    assert.deepEqual(
      harness.upstream.arrived.map(({ path }) => path),
      ['/plain'],
    );
  });

  it('sends nothing that was refused', async () => {
    assert.equal((await post('/judged', '{}')).status, 422);
    assert.equal(main.upstream.arrived.length + backup.upstream.arrived.length, 0);
  });

  it('takes no word of a client about where a request goes, nor how often it is tried', async () => {
    const forged = { [LANE_HEADER]: 'default/pay~', X_Fim_Lane: 'default/pay~', 'x-envoy-retry-on': '5xx' };
    assert.equal((await post('/plain', '{"amount":"1"}', forged)).status, 200);
    assert.equal((await get('/elsewhere', { [LANE_HEADER]: 'default/pay' })).status, 200);
    assert.equal(main.upstream.arrived.length, 0);
    assert.equal(harness.upstream.arrived.length, 2);
    assert.equal((await get('/pay', forged)).status, 200);
    for (const { headers } of [...main.upstream.arrived, ...harness.upstream.arrived])
      assert.deepEqual(
        Object.keys(headers).filter((name) => /lane|retry/i.test(name)),
        [],
      );
  });

  it('tells by command how the channels stand, and which take requests', async () => {
    const admin = harness.stack.envoy.admin.base.host;
    const status = async (): Promise<string> => {
      const words = ['scripts/fim.mjs', 'channels', 'status', '--admin', admin];
      return (await promisify(execFile)(process.execPath, words, { cwd: ROOT })).stdout;
    };
    await isBack(main);
    const before = await status();
    assert.match(before, /^default\/pay\n {2}→ main {2}[\d.]+:\d+ {2}well {2}\(0 under way, \d+ of \d+ failed\)$/m);
    assert.match(before, /^default\/pay\n.*\n {4}backup {2}[\d.]+:\d+ {2}well /m);
    await kill(main.door);
    let said = '';
    await harness.poll(async () => {
      for (let i = 0; i < 3; i++) await (await get('/pay')).text();
      said = await status();
      return said.includes('held down');
    });
    assert.match(said, /^default\/pay\n {4}main .* held down .*\n {2}→ backup /m);
    await main.door.start();
    await isBack(main);
    const closed = promisify(execFile)(
      process.execPath,
      ['scripts/fim.mjs', 'channels', 'status', '--admin', '127.0.0.1:9'],
      { cwd: ROOT },
    );
    await assert.rejects(closed, /FIM-UP-0061/);
  });

  it('goes to the backup when the channel is gone, without a failed request, and back', async () => {
    await kill(main.door);
    try {
      for (let i = 0; i < 20; i++) assert.equal((await post('/pay', '{}')).status, 200, `request ${i}`);
      assert.equal(backup.upstream.arrived.length, 20);
    } finally {
      await main.door.start();
    }
    await isBack(main);
  });

  it('tries a request again that bears an idempotency key, and no other, where the answer is lost', async () => {
    main.door.fault = { cutAnswers: true };
    const twice = await post('/pay', '{}', { 'idempotency-key': 'a-1' });
    assert.equal(twice.status, 200);
    assert.deepEqual([keys(main), keys(backup)], [['a-1'], ['a-1']]);
    const once = await post('/pay', '{}');
    assert.equal(once.status, 503);
    assert.equal(((await once.json()) as { code: string }).code, 'FIM-RT-0022');
    const blank = await post('/pay', '{}', { 'idempotency-key': ' ' });
    assert.equal(blank.status, 503);
    assert.equal(main.upstream.arrived.length, 3);
    assert.equal(backup.upstream.arrived.length, 1);
    main.door.fault = {};
    await isBack(main);
  });

  it('holds a channel down that takes requests and loses them, one after the other', async () => {
    main.door.fault = { cutAnswers: true };
    await harness.poll(async () => {
      const before = main.upstream.arrived.length;
      assert.equal((await get('/pay')).status, 200);
      return main.upstream.arrived.length === before;
    });
    main.door.fault = {};
    await isBack(main);
  });

  it('tries again what a gateway refuses, and not what the service says', async () => {
    main.upstream.answer = (_, response) => void response.writeHead(503).end();
    assert.equal((await get('/pay')).status, 200);
    assert.equal(backup.upstream.arrived.length, 1);
    assert.equal((await post('/pay', '{}')).status, 503);
    main.upstream.answer = (_, response) => void response.writeHead(500).end();
    assert.equal((await get('/pay')).status, 500);
    main.upstream.answer = (_, response) => void response.writeHead(200).end();
    assert.equal(backup.upstream.arrived.length, 1);
    await isBack(main);
  });

  it('goes to the backup when nothing comes back', async () => {
    main.door.fault = { blackhole: true };
    const sent = Array.from({ length: 6 }, (_, i) => `b-${i}`);
    const answers = await Promise.all(sent.map((key) => post('/silent', '{}', { 'idempotency-key': key })));
    assert.deepEqual(
      answers.map(({ status }) => status),
      sent.map(() => 200),
    );
    assert.deepEqual(keys(backup).sort(), sent);
    assert.equal(main.upstream.arrived.length, 0);
  });

  it('answers 503 with a code when all are gone, and asks nobody else', async () => {
    await kill(main.door, backup.door);
    try {
      for (let i = 0; i < 8; i++) {
        const answer = await get('/pay');
        assert.equal(answer.status, 503);
        assert.equal(((await answer.json()) as { code: string }).code, 'FIM-RT-0021');
      }
      assert.equal(harness.upstream.arrived.length, 0);
    } finally {
      await Promise.all([main.door.start(), backup.door.start()]);
    }
    await isBack(main);
  });

  it('takes up an edit of the channels live, with requests under way', async () => {
    let going = true;
    const statuses: number[] = [];
    const load = Promise.all(
      [1, 2, 3].map(async () => {
        while (going) statuses.push((await get('/pay')).status);
      }),
    );
    try {
      const swapped = `  channels: [{name: other, url: "${backup.door.url}"}]\n`;
      const applied = await harness.edit(route('pay', swapped));
      assert.equal(applied.event, 'applied');
      await harness.poll(async () => statuses.length > 20);
    } finally {
      going = false;
      await load;
    }
    assert.deepEqual([...new Set(statuses)], [200]);
    const before = backup.upstream.arrived.length;
    assert.equal((await get('/pay')).status, 200);
    assert.equal(backup.upstream.arrived.length, before + 1);
    assert.equal((await harness.edit(route('pay', ''))).event, 'applied');
    assert.equal((await get('/pay')).status, 200);
    assert.equal(harness.upstream.arrived.length, 1);
  });
});
