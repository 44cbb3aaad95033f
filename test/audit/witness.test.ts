// Another collector as witness: it signs what has grown, keeps it, and refuses the rest.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkpointKeys, readAnchors, readAnchorTerms } from '../../scripts/fim/audit-keys.ts';
import type { LogEvent } from '../../services/audit/audit-log.ts';
import { OpenSslDigests } from '../../services/audit/digest.ts';
import { listSegments, publicKeyPath } from '../../services/audit/log-folder.ts';
import { type RunningCollector, startCollector } from '../../services/audit/start-collector.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { verifyLog } from '../../services/audit/verify.ts';
import { WITNESS_PATH, witnessedPath } from '../../services/audit/witness-book.ts';
import { cosignedPath } from '../../services/audit/witness-client.ts';
import { collectorFor, folderFor, makeLog, messageLines, openLog, post, verify } from './writers.ts';

const ORIGIN = 'fim.audit/witnessed';
const digests = new OpenSslDigests();

/** A log, and a collector that is its witness. */
async function pair(t: TestContext): Promise<{
  folder: string;
  witness: RunningCollector & { folder: string };
  kept: string;
  start: (more?: object) => Promise<RunningCollector & { events: LogEvent[] }>;
}> {
  const folder = folderFor(t);
  await (await openLog(folder, { origin: ORIGIN })).close();
  const witness = await collectorFor(t, {
    witnesses: [{ origin: ORIGIN, keys: checkpointKeys(folder, undefined) }],
    tokens: () => ['w'],
  });
  const peer = { url: new URL(witness.url), token: () => 'w' };
  const start = async (more: object = {}): Promise<RunningCollector & { events: LogEvent[] }> => {
    const events: LogEvent[] = [];
    const onEvent = (event: LogEvent): number => events.push(event);
    const collector = await startCollector({ folder, segmentBytes: 3_000, witness: peer, onEvent, ...more });
    t.after(() => collector.stop());
    return { ...collector, events };
  };
  return { folder, witness, kept: witnessedPath(witness.folder, ORIGIN), start };
}

const notes = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []);

test('checkpoints are signed by the witness over restarts and segments, and verify from its file', async (t) => {
  const { folder, witness, kept, start } = await pair(t);
  const source = newSourceId();
  for (const first of [1, 31]) {
    const collector = await start();
    for (let seq = first; seq < first + 30; seq += 10) {
      assert.equal((await post(collector.url, messageLines(source, seq, seq + 9))).status, 200);
      await collector.checkpoint();
    }
    await collector.stop();
    assert.deepEqual(
      collector.events.filter(({ event }) => event === 'anchor'),
      [],
    );
  }
  assert.ok(listSegments(folder).length > 5, 'proofs go over segments');
  const newest = readFileSync(cosignedPath(folder), 'utf8');
  assert.equal((JSON.parse(notes(kept).at(-1)!) as { note: string }).note, newest);
  const check = (key: string): string[] =>
    verifyLog(folder, {
      digests,
      keys: checkpointKeys(folder, undefined),
      anchors: readAnchors(kept, readAnchorTerms({ witnessKey: publicKeyPath(key) })),
    }).findings.map(({ kind, detail }) => `${kind} ${detail}`);
  assert.deepEqual(check(witness.folder), []);
  assert.match(check(folder)[0]!, /foreign-checkpoint it has no signature of the witness/);
});

test('a log that was made anew, or cut, is refused by its witness and differs from what it kept', async (t) => {
  const { folder, kept, start } = await pair(t);
  const early = join(folderFor(t), 'early');
  const first = await start();
  await post(first.url, messageLines(newSourceId(), 1, 10));
  await first.stop();
  cpSync(folder, early, { recursive: true });
  const second = await start();
  await post(second.url, messageLines(newSourceId(), 1, 10));
  await second.stop();
  const signed = notes(kept).length;
  // Whoever has the folder and its key brings the log of before back, and goes on from there.
  const segments = join(folder, 'segments');
  for (const name of ['segments', 'checkpoints.jsonl', 'checkpoint']) {
    rmSync(join(folder, name), { recursive: true });
    cpSync(join(early, name), join(folder, name), { recursive: true });
  }
  assert.ok(existsSync(segments));
  const cut = await start();
  await cut.stop();
  const told = cut.events.findLast((event) => event.event === 'anchor');
  assert.deepEqual([told?.ok, told?.code], [false, 'FIM-AUD-0030'], JSON.stringify(cut.events));
  const third = await start();
  await post(third.url, messageLines(newSourceId(), 1, 40));
  await third.stop();
  const grown = third.events.findLast((event) => event.event === 'anchor');
  assert.deepEqual([grown?.ok, grown?.code], [false, 'FIM-AUD-0030'], JSON.stringify(third.events));
  assert.equal(notes(kept).length, signed);
  assert.deepEqual(verify(folder).findings, [], 'the folder alone looks well');
  assert.equal(verify(folder, [kept]).findings[0]?.kind, 'reforged');
});

test('a witness answers what is no checkpoint, of another log or by another key, and does not forget', async (t) => {
  const { folder, witness, kept } = await pair(t);
  const ask = async (body: string, token = 'w'): Promise<[number, string]> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${witness.url}${WITNESS_PATH}`, { method: 'POST', body, headers });
    return [response.status, await response.text()];
  };
  const note = readFileSync(join(folder, 'checkpoint'), 'utf8');
  const size = note.split('\n')[1]!;
  const other = folderFor(t);
  await makeLog(other, 4);
  assert.equal((await ask(`old 0\n\n${note}`, 'x'))[0], 401);
  for (const body of [
    '',
    'old 0',
    `old\n\n${note}`,
    `old 0\nAAAA\n\n${note}`,
    `old 0\n\n${note.slice(0, 40)}`,
    `old 99\n\n${note}`,
  ])
    assert.equal((await ask(body))[0], 400, body);
  assert.equal((await ask(`old 0\n\n${readFileSync(join(other, 'checkpoint'), 'utf8')}`))[0], 404);
  assert.equal((await ask(`old 0\n\n${note.replace(/^(\d+)$/m, '9')}`))[0], 403, 'not what was signed');
  assert.deepEqual(await ask(`old 1\n\n${note}`), [409, '0\n']);
  assert.equal(existsSync(kept), false);
  assert.equal((await ask(`old 0\n\n${note}`))[0], 200);
  assert.deepEqual(await ask(`old 0\n\n${note}`), [409, `${size}\n`]);
  assert.equal((await ask(`old ${size}\n\n${note}`))[0], 200, 'the same again');
  assert.equal(notes(kept).length, 1);
  const hash = createHash('sha256').update('x').digest('base64');
  assert.equal((await ask(`old ${size}\n${hash}\n\n${note}`))[0], 422);
  await witness.stop();
  const witnesses = [{ origin: ORIGIN, keys: checkpointKeys(folder, undefined) }];
  // A torn line was never answered; another last line is no reason to begin anew.
  writeFileSync(kept, `${readFileSync(kept, 'utf8')}{"note":"half`);
  const again = await startCollector({ folder: witness.folder, witnesses });
  const response = await fetch(`${again.url}${WITNESS_PATH}`, { method: 'POST', body: `old 0\n\n${note}` });
  assert.deepEqual([response.status, await response.text()], [409, `${size}\n`]);
  await again.stop();
  writeFileSync(kept, 'nonsense\n');
  await assert.rejects(startCollector({ folder: witness.folder, witnesses }), { code: 'FIM-AUD-0031' });
});

test('a witness that is away is told once, and gets the newest checkpoint when it is back', async (t) => {
  const { folder, witness, kept, start } = await pair(t);
  const port = witness.port;
  await witness.stop();
  const collector = await start();
  const source = newSourceId();
  for (const seq of [1, 4, 7]) {
    await post(collector.url, messageLines(source, seq, seq + 2));
    await collector.checkpoint();
  }
  const told = (): boolean[] => collector.events.flatMap((event) => (event.event === 'anchor' ? [event.ok] : []));
  while (told().length === 0) await new Promise((turn) => setImmediate(turn));
  const witnesses = [{ origin: ORIGIN, keys: checkpointKeys(folder, undefined) }];
  const back = await startCollector({ folder: witness.folder, port, tokens: () => ['w'], witnesses });
  await post(collector.url, messageLines(source, 10, 12));
  await collector.checkpoint();
  while (told().length === 1) await new Promise((turn) => setImmediate(turn));
  assert.deepEqual(told(), [false, true]);
  await collector.stop();
  await back.stop();
  assert.deepEqual(verify(folder, [kept]).findings, []);
  assert.ok(notes(kept).length >= 1);
});
