// A crash after each step of the disk, with each fate of what was not synced: what was acknowledged is there, the log
// goes on, and it verifies. Short by default; FIM_TEST_CRASH=all takes each fate at each step.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { listSegments, readCheckpoints } from '../../services/audit/log-folder.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { folderFor, messageLine, messageLines, openLog, post, read, verify } from './writers.ts';
import { FATES, RecordingDisk, replay } from './recording-disk.ts';

const KEY = 'development-key.pem';

test('a crash at any step loses nothing that was acknowledged', async (t) => {
  const folder = folderFor(t);
  const disk = new RecordingDisk(folder);
  const source = newSourceId();
  const log = await openLog(folder, { disk, segmentBytes: 2_500, retention: { maxBytes: 5_000 } });
  for (let seq = 1; seq <= 15; seq += 3) {
    await log.append(source, read(messageLines(source, seq, seq + 2)));
    disk.steps.push({ do: 'told', seq: seq + 2 });
  }
  await log.retain();
  await log.close();
  const { steps } = disk;
  assert.ok(
    steps.some((step) => step.do === 'remove'),
    'retention cuts',
  );
  const all = process.env['FIM_TEST_CRASH'] === 'all';
  let runs = 0;
  for (let count = 1; count <= steps.length; count++) {
    // Only a write that was not synced has several fates.
    const step = steps[count - 1]!.do;
    if (step === 'sync' || step === 'folder') continue; // nothing else than before
    const isOpen = step === 'write';
    for (const fate of all ? FATES : [isOpen ? FATES[count % FATES.length]! : FATES[0]]) {
      const crashed = mkdtempSync(join(tmpdir(), 'fim-audit-crash-'));
      try {
        mkdirSync(crashed, { recursive: true });
        copyFileSync(join(folder, KEY), join(crashed, KEY));
        replay(steps, count, crashed, fate);
        await goesOn(crashed, source, steps.slice(0, count), `step ${count} ${step}, ${fate}`);
        runs++;
      } finally {
        rmSync(crashed, { recursive: true, force: true });
      }
    }
  }
  t.diagnostic(`${steps.length} steps, ${runs} crashes`);
});

async function goesOn(
  folder: string,
  source: string,
  steps: readonly { do: string; seq?: number }[],
  at: string,
): Promise<void> {
  const told = steps.findLast((step) => step.do === 'told')?.seq ?? 0;
  const log = await openLog(folder, { segmentBytes: 2_500 });
  // Everything up to what was told is known: only the next one is new.
  const { taken } = await log.append(
    source,
    read([...(told > 0 ? [messageLine(source, told)] : []), messageLine(source, 99)]),
  );
  await log.close();
  assert.equal(taken, 1, `${at}: ${told} was acknowledged and is not there`);
  const report = verify(folder);
  assert.deepEqual(report.findings, [], at);
  const holes = report.sources.find((one) => one.source === source)?.holes ?? [];
  assert.ok(
    holes.every(([from]) => from > told),
    `${at}: a hole below ${told}`,
  );
}

test('a collector that is killed at once has all that it acknowledged, and writes down what it sets aside', async (t) => {
  const folder = folderFor(t);
  const source = newSourceId();
  let acknowledged = 0;
  for (const round of [1, 2]) {
    const child = spawn(
      process.execPath,
      ['scripts/fim.ts', 'audit', 'serve', '--data', folder, '--listen', '127.0.0.1:0'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    t.after(() => child.kill('SIGKILL'));
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const url = `http://${(JSON.parse(line) as { listen: string }).listen}`;
    const gone = once(child, 'exit');
    const writing = (async () => {
      for (let seq = acknowledged + 1; ; seq += 10) {
        const { body } = await post(url, messageLines(source, seq, seq + 9));
        acknowledged = Number(body['acknowledged']);
        if (acknowledged >= round * 300) child.kill('SIGKILL');
      }
    })();
    await assert.rejects(writing);
    await gone;
  }
  const log = await openLog(folder);
  await log.close();
  const report = verify(folder);
  assert.deepEqual(report.findings, []);
  const { records = 0, holes } = report.sources.find((one) => one.source === source)!;
  assert.deepEqual(holes, []);
  assert.ok(records >= acknowledged, `${records} of ${acknowledged}`);
  assert.ok(readCheckpoints(folder).checkpoints.length > 0);
  assert.match(readFileSync(join(folder, 'log.json'), 'utf8'), /fim-audit-log/);
});

test('records that a checkpoint covers are not set aside in silence: the collector does not start', async (t) => {
  const folder = folderFor(t);
  const log = await openLog(folder);
  await log.close();
  const { path } = listSegments(folder)[0]!;
  truncateSync(path, statSync(path).size - 5);
  await assert.rejects(openLog(folder), { code: 'FIM-AUD-0021' });
  assert.equal(verify(folder).intact, false);
});
