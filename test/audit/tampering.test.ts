// Each way to change a log is found and located, from the files alone.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { OpenSslDigests } from '../../services/audit/digest.ts';
import { checkpointsPath, latestPath, listSegments, readHead } from '../../services/audit/log-folder.ts';
import { folderFor, makeLog, openLog, verify } from './writers.ts';

const COUNT = 24;
let made: Promise<string> | undefined;
const originals: string[] = [];
after(() => originals.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

async function madeOnce(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fim-audit-'));
  originals.push(folder);
  await makeLog(folder, COUNT);
  return folder;
}

/** A copy of one log. */
async function logFor(t: TestContext): Promise<string> {
  const folder = folderFor(t);
  made ??= madeOnce();
  cpSync(await made, folder, { recursive: true });
  assert.deepEqual(verify(folder).findings, []);
  assert.ok(listSegments(folder).length > 3, 'several segments');
  return folder;
}

/** Changes the lines of a segment, without the empty one at the end. */
function editLines(folder: string, segment: number, edit: (lines: string[]) => string[]): number {
  const { path, first } = listSegments(folder)[segment]!;
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    path,
    edit(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
  return first;
}

const found = (folder: string, anchors: string[] = []): [string, number | undefined, number | undefined][] =>
  verify(folder, anchors).findings.map(({ kind, from, to }) => [kind, from, to]);

test('an edited value', async (t) => {
  const folder = await logFor(t);
  const first = editLines(folder, 1, (lines) => lines.with(3, lines[3]!.replace('teller-7', 'teller-8')));
  assert.deepEqual(found(folder), [['edited', first + 3, undefined]]);
});

test('the last record of all, edited: the chain does not tell, the checkpoint does', async (t) => {
  const folder = await logFor(t);
  const last = listSegments(folder).length - 1;
  editLines(folder, last, (lines) => lines.with(-1, lines.at(-1)!.replace('"kind":"stopped"', '"kind":"started"')));
  const [finding] = verify(folder).findings;
  const { size } = verify(folder);
  assert.equal(finding?.kind, 'reforged');
  assert.equal(finding?.to, size - 1);
});

test('two records that were swapped', async (t) => {
  const folder = await logFor(t);
  const first = editLines(folder, 1, (lines) => lines.with(2, lines[3]!).with(3, lines[2]!));
  assert.deepEqual(found(folder), [['moved', first + 2, undefined]]);
});

test('a record that was deleted', async (t) => {
  const folder = await logFor(t);
  const first = editLines(folder, 2, (lines) => lines.toSpliced(4, 1));
  assert.deepEqual(found(folder), [['missing', first + 4, first + 4]]);
  assert.equal(verify(folder).complete, false, 'the number is missing, too');
});

test('a record that was put in', async (t) => {
  const folder = await logFor(t);
  const first = editLines(folder, 1, (lines) => lines.toSpliced(3, 0, lines[3]!));
  assert.ok(found(folder).some(([kind, from]) => kind === 'repeated' && from === first + 3));
});

test('a segment that was deleted, and one whose records were cut', async (t) => {
  const folder = await logFor(t);
  const segments = listSegments(folder);
  rmSync(segments[1]!.path);
  assert.deepEqual(found(folder), [['missing', segments[1]!.first, segments[2]!.first - 1]]);
  rmSync(segments[0]!.path);
  assert.ok(
    found(folder).some(([kind, from, to]) => kind === 'missing' && from === 0 && to === segments[2]!.first - 1),
  );
});

test('a tail that was cut, with its checkpoints too if one is kept elsewhere', async (t) => {
  const folder = await logFor(t);
  const { size } = verify(folder);
  const elsewhere = join(folderFor(t), 'anchor');
  copyFileSync(latestPath(folder), elsewhere);
  const last = listSegments(folder).length - 1;
  editLines(folder, last, (lines) => lines.slice(0, -1));
  assert.deepEqual(found(folder), [['cut-tail', size - 1, size - 1]]);
  const path = checkpointsPath(folder);
  const notes = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const sizeOf = (line: string): number => Number((JSON.parse(line) as { note: string }).note.split('\n')[1]);
  writeFileSync(
    path,
    notes
      .filter((line) => sizeOf(line) < size)
      .map((line) => `${line}\n`)
      .join(''),
  );
  assert.deepEqual(found(folder), [], 'inside the folder nothing tells');
  assert.deepEqual(found(folder, [elsewhere]), [['cut-tail', size - 1, size - 1]]);
});

/** Writes all lines anew from a changed one on, with the right hashes. */
function reforge(folder: string, from: number, edit: (line: string) => string): void {
  const digests = new OpenSslDigests();
  let prev: string | null = null;
  for (const { path } of listSegments(folder)) {
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
    const forged = lines.map((line) => {
      const index = Number(/^\{"n":(\d+)/.exec(line)?.[1]);
      let made = prev === null || index <= from ? line : line.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`);
      if (index === from) made = edit(made);
      prev = digests.leaf(Buffer.from(made)).toString('hex');
      return made;
    });
    writeFileSync(path, forged.map((line) => `${line}\n`).join(''));
  }
}

test('a chain that was made anew is located between two checkpoints', async (t) => {
  const folder = await logFor(t);
  reforge(folder, 13, (line) => line.replace('teller-7', 'teller-8'));
  const [finding, ...more] = verify(folder).findings;
  assert.deepEqual(more, []);
  assert.equal(finding?.kind, 'reforged');
  assert.ok(finding.from! <= 13 && finding.to! >= 13 && finding.to! - finding.from! < 8, JSON.stringify(finding));
});

test('a log that was made anew as a whole, with the key, differs from the checkpoint that is kept elsewhere', async (t) => {
  const folder = await logFor(t);
  const elsewhere = join(folderFor(t), 'anchor');
  copyFileSync(latestPath(folder), elsewhere);
  const origin = readHead(folder)!.origin;
  const forged = folderFor(t);
  copyFileSync(join(folder, 'development-key.pem'), join(forged, 'development-key.pem'));
  await makeLog(forged, COUNT + 8, { origin });
  assert.deepEqual(found(forged), [], 'by itself it is in order');
  assert.equal(found(forged, [elsewhere])[0]?.[0], 'reforged');
});

test('a checkpoint of another log, and one that nobody known has signed', async (t) => {
  const [folder, other] = [await logFor(t), folderFor(t)];
  await makeLog(other, 8);
  assert.deepEqual(
    found(folder, [latestPath(other)]).map(([kind]) => kind),
    ['foreign-checkpoint'],
  );
  const forged = join(folderFor(t), 'forged');
  writeFileSync(forged, readFileSync(latestPath(folder), 'utf8').replace('time 2', 'time 3'));
  assert.deepEqual(
    found(folder, [forged]).map(([kind]) => kind),
    ['foreign-checkpoint'],
  );
  cpSync(checkpointsPath(other), checkpointsPath(folder));
  assert.ok(found(folder).some(([kind]) => kind === 'foreign-checkpoint'));
});

test('a clock that was set back', async (t) => {
  const folder = folderFor(t);
  await makeLog(folder, 8);
  const before = verify(folder).size;
  const log = await openLog(folder, { now: () => Date.now() - 3_600_000 });
  await log.close();
  const findings = verify(folder).findings;
  assert.deepEqual(
    findings.map(({ kind, from }) => [kind, from]),
    [['clock', before]],
  );
  assert.match(readFileSync(listSegments(folder).at(-1)!.path, 'utf8'), /"kind":"clock".*"back_ms":3\d{6}/);
});
