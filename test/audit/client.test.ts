// Records of a process: durable when they are settled, once, also over a collector that goes and comes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditClient, RecordRefusedError } from '../../services/audit/client.ts';
import { eachRecord } from '../../services/audit/log-reader.ts';
import { startCollector } from '../../services/audit/start-collector.ts';
import { collectorFor, folderFor, verify } from './writers.ts';

function kindsOf(folder: string, source: string): [unknown, unknown][] {
  const found: [unknown, unknown][] = [];
  eachRecord(folder, ({ record }) => {
    if (record['source'] === source) found.push([record['seq'], record['kind']]);
    return true;
  });
  return found;
}

test('records of a process are durable when they are settled, in order and without holes', async (t) => {
  const { url, folder } = await collectorFor(t);
  const client = new AuditClient({ url: new URL(url) });
  await Promise.all([client.write('policy', { route: 'pay/transfers', generation: 'g1' }), client.write('key', {})]);
  const kinds = [
    [1, 'started'],
    [2, 'policy'],
    [3, 'key'],
  ];
  assert.deepEqual(kindsOf(folder, client.source), kinds);
  await client.stop(60_000);
  assert.deepEqual(kindsOf(folder, client.source), [...kinds, [4, 'stopped']]);
});

test('a record that the collector never takes is told to its writer, and the others go on', async (t) => {
  const { url, folder } = await collectorFor(t);
  const client = new AuditClient({ url: new URL(url) });
  const bad = client.write('policy', { status: -1 });
  const good = client.write('policy', {});
  await assert.rejects(bad, RecordRefusedError);
  await good;
  await client.stop(60_000);
  assert.deepEqual(
    kindsOf(folder, client.source).map(([seq]) => seq),
    [1, 3, 4],
  );
});

test('while the collector is away records wait, and are there once it is back', async (t) => {
  const folder = folderFor(t);
  const first = await startCollector({ folder });
  const { port } = first;
  const states: boolean[] = [];
  const client = new AuditClient({ url: new URL(first.url), onState: ({ taken }) => states.push(taken) });
  await client.write('policy', {});
  await first.stop();
  const late = client.write('key', {});
  while (states.length === 0) await new Promise((turn) => setImmediate(turn));
  const second = await startCollector({ folder, port });
  await late;
  await client.stop(60_000);
  await second.stop();
  assert.deepEqual(states, [false, true]);
  const report = verify(folder);
  assert.deepEqual([report.intact, report.complete], [true, true]);
  assert.equal(report.sources.find(({ source }) => source === client.source)?.ended, true);
});
