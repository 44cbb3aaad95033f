// `fim up --audit-data`: messages of a real Envoy and the policies of `fim up`, in one log that verifies.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eachRecord } from '../../services/audit/log-reader.ts';
import { fim, Running } from '../standalone/command.ts';
import { folderFor, verify } from './writers.ts';

const ROUTE = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  match: {path: {type: Prefix, value: /pay}}
  validation: {fields: [{name: amount, type: number}]}
  audit: {mode: Sync, wait: 30s}
`;

test('a message that passed and one that was refused are in the log, and the policies that were in force', async (t) => {
  const folder = folderFor(t);
  const [file, data] = [join(folder, 'route.yaml'), join(folder, 'audit')];
  writeFileSync(file, ROUTE);
  const running = new Running([file, '--audit-data', data, '--concurrency', '1', '--no-tlcp']);
  t.after(() => running.child.kill('SIGKILL'));
  const { listen } = await running.event('ready');
  await running.event('applied');
  const send = (body: string): Promise<Response> =>
    fetch(`http://${listen}/pay`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  assert.equal((await send('{"amount":12}')).status, 200);
  assert.equal((await send('{"amount":"secret-4711"}')).status, 422);
  writeFileSync(file, ROUTE.replace('type: number', 'type: nothing'));
  await running.event('rejected');
  assert.equal(await running.end('SIGTERM'), 0, running.stderr);
  const records: Record<string, unknown>[] = [];
  eachRecord(data, ({ record }) => records.push(record) > 0);
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

test('a collector here and one elsewhere exclude each other', async () => {
  const { status, stderr } = await fim(['up', '--audit', 'http://127.0.0.1:9', '--audit-data', 'x']);
  assert.deepEqual([status, /--audit-data/.test(stderr)], [2, true], stderr);
});
