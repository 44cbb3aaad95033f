// `fim up` with audit: messages of a real Envoy and what `fim up` itself does, in one log that verifies.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { eachRecord } from '../../services/audit/log-reader.ts';
import { KmsServer } from '../kms/kms-server.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { buildForUp, fim, Running } from '../standalone/command.ts';
import { collectorFor, folderFor, verify } from './writers.ts';

const route = (more: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  match: {path: {type: Prefix, value: /pay}}
  validation: {fields: [{name: amount, type: number}]}
${more}`;
before(buildForUp);

const AUDIT = '  audit: {mode: Sync, wait: 30s}\n';

function start(t: TestContext, args: readonly string[], env: Record<string, string> = {}): Running {
  const running = new Running([...args, '--concurrency', '1', '--no-tlcp'], env);
  t.after(() => running.child.kill('SIGKILL'));
  return running;
}

const send = async (listen: string, body: string): Promise<number> =>
  (await fetch(`http://${listen}/pay`, { method: 'POST', body, headers: { 'content-type': 'application/json' } }))
    .status;

function recordsOf(folder: string): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = [];
  eachRecord(folder, ({ record }) => records.push(record) > 0);
  return records;
}

test('a message that passed and one that was refused are in the log, and the policies that were in force', async (t) => {
  const folder = folderFor(t);
  const [file, data] = [join(folder, 'route.yaml'), join(folder, 'audit')];
  writeFileSync(file, route(AUDIT));
  const running = start(t, [file, '--audit-data', data]);
  const { listen } = await running.event('ready');
  await running.event('applied');
  assert.equal(await send(listen, '{"amount":12}'), 200);
  assert.equal(await send(listen, '{"amount":"secret-4711"}'), 422);
  writeFileSync(file, route(AUDIT).replace('type: number', 'type: nothing'));
  await running.event('rejected');
  assert.equal(await running.end('SIGTERM'), 0, running.stderr);
  const records = recordsOf(data);
  const of = (kind: string): Record<string, unknown>[] => records.filter((record) => record['kind'] === kind);
  assert.deepEqual(
    of('message').map(({ verdict, status }) => [verdict, status]),
    [
      ['Passed', 200],
      ['Refused', 422],
    ],
  );
  assert.deepEqual(
    of('policy').map(({ outcome }) => outcome),
    ['applied', 'rejected'],
  );
  assert.doesNotMatch(JSON.stringify(records), /secret-4711/);
  const report = verify(data);
  assert.deepEqual([report.findings, report.complete], [[], true]);
});

test('without a flag a log begins with the first route that asks for it, and says where', async (t) => {
  const folder = folderFor(t);
  const file = join(folder, 'route.yaml');
  const kms = new TestKms({ 1: stored('SM4', randomBytes(16)) });
  const server = await KmsServer.start(kms);
  t.after(() => server.stop());
  const more =
    '  encryption: {keyId: "kms://prod/fund/key-2023", request: Encrypt, response: None}\n  resilience: {breaker: {}}\n';
  writeFileSync(file, route(more));
  const args = [file, '--kms', server.url.href, '--audit-checkpoint-every', '1s'];
  const running = start(t, args, { XDG_DATA_HOME: folder });
  const { listen, door } = await running.event('ready');
  await running.event('applied');
  assert.equal(
    running.events.some(({ event }) => event === 'audit'),
    false,
  );
  writeFileSync(file, route(more + AUDIT));
  const { folder: data, developmentKey } = await running.event('audit');
  assert.equal(developmentKey, true);
  assert.deepEqual([data.startsWith(join(folder, 'fim', 'up')), existsSync(join(data, 'log.json'))], [true, true]);
  await running.event(
    'applied',
    running.events.findIndex(({ event }) => event === 'audit'),
  );
  assert.equal(await send(listen, '{"amount":12}'), 200);
  kms.versions = { ...kms.versions, 2: stored('SM4', randomBytes(16)) };
  const rotated = await running.event('rotated');
  assert.deepEqual([rotated.key, rotated.version, rotated.before], ['kms://prod/fund/key-2023', 2, 1]);
  const opened = await fim(['breaker', 'open', 'pay', '--door', door!]);
  assert.equal(opened.status, 0, opened.stderr);
  assert.equal((await running.event('breaker')).state, 'Open');
  assert.equal(await running.end('SIGTERM'), 0, running.stderr);
  const told = recordsOf(data).filter(({ kind }) => ['policy', 'message', 'key', 'breaker'].includes(String(kind)));
  assert.deepEqual(
    told.map(({ kind, outcome, verdict, state }) => [kind, outcome ?? verdict ?? state]),
    [
      ['policy', 'applied'],
      ['message', 'Passed'],
      ['key', 'rotated'],
      ['breaker', 'Open'],
    ],
  );
  assert.deepEqual(verify(data).findings, []);
});

test('two processes with one folder: the second says that it is in use', async (t) => {
  const folder = folderFor(t);
  const file = join(folder, 'route.yaml');
  writeFileSync(file, route(AUDIT));
  const running = start(t, [file, '--state', folder]);
  await running.event('applied');
  assert.ok(readdirSync(folder).includes('audit'));
  const second = await fim(['up', file, '--state', folder, '--listen', ':0', '--admin', ':0', '--json', '--no-tlcp']);
  assert.equal(second.status, 1);
  assert.match(second.stdout, /"event":"rejected".*FIM-AUD-0020/);
});

test('a collector elsewhere has the records of `fim up`, too, and its settings are not those of `fim up`', async (t) => {
  const collector = await collectorFor(t);
  const file = join(folderFor(t), 'route.yaml');
  writeFileSync(file, route(AUDIT));
  const running = start(t, [file, '--audit', collector.url]);
  const { listen } = await running.event('ready');
  await running.event('applied');
  assert.equal(await send(listen, '{"amount":12}'), 200);
  assert.equal(await running.end('SIGTERM'), 0, running.stderr);
  const kinds = recordsOf(collector.folder).map(({ kind }) => kind);
  for (const kind of ['started', 'policy', 'message', 'stopped']) assert.ok(kinds.includes(kind), kind);
  for (const more of [
    ['--audit-data', 'x'],
    ['--audit-key', 'kms://a/b'],
    ['--audit-keep-days', '3'],
  ]) {
    const { status, stderr } = await fim(['up', '--audit', 'http://127.0.0.1:9', ...more]);
    assert.deepEqual([status, stderr.includes('--audit')], [2, true], stderr);
  }
});
