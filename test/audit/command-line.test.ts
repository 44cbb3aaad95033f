// `fim audit` as a user runs it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KmsServer } from '../kms/kms-server.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { sealedFor } from '../../services/audit/sealed-value.ts';
import { startCollector } from '../../services/audit/start-collector.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { collectorFor, folderFor, messageLine, openLog, post, read } from './writers.ts';

interface Ended {
  status: number;
  out: string;
  err: string;
}

const fim = (...args: string[]): Promise<Ended> => fimIn({}, ...args);

async function fimIn(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['scripts/fim.ts', 'audit', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return { status, out, err };
}

test('show, grep and export: nothing breaks a line, a cell or a terminal', async (t) => {
  const folder = folderFor(t);
  const source = newSourceId();
  const log = await openLog(folder);
  const wicked = ['=HYPERLINK("x")', '+1', '-1', '@SUM(1)', '\tx', 'a"b,c', 'e\u001b[31m\r\nf', 'g\u2028h\u202ei'];
  await log.append(source, read(wicked.map((subject_id, i) => messageLine(source, i + 1, { subject_id }))));
  await log.close();
  const shown = await fim('show', folder, '--kind', 'message');
  assert.equal(shown.out.split('\n').length, wicked.length + 1);
  assert.match(shown.out, /^[\x20-\x7e\n]*$/);
  assert.match(shown.out, /e\\u001b\[31m/);
  assert.equal((await fim('grep', '@SUM', folder)).out.split('\n').length, 2);
  assert.equal((await fim('grep', 'nobody', folder)).status, 1);
  const file = join(folder, 'out.csv');
  assert.equal((await fim('export', folder, '--format', 'csv', '--kind', 'message', '-o', file)).status, 0);
  const rows = readFileSync(file, 'utf8').split('\r\n');
  assert.equal(rows.length, wicked.length + 2);
  for (const row of rows) assert.doesNotMatch(row, /(^|,)"?[=+\-@\t]/);
  // Another reader of CSV finds the cells again.
  const reader = 'import csv,json,sys; print(json.dumps(list(csv.DictReader(open(sys.argv[1], newline="")))))';
  const cells = JSON.parse(execFileSync('python3', ['-c', reader, file], { encoding: 'utf8' })) as Record<
    string,
    string
  >[];
  assert.deepEqual(
    cells.map(({ subject_id, kind }) => [subject_id!.replace(/^'/, ''), kind]),
    wicked.map((text) => [
      text.replaceAll(
        /[\u0000-\u001f\u2028\u202e]/g,
        (c) => ({ '\t': '\\t', '\r': '\\r', '\n': '\\n' })[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
      'message',
    ]),
  );
  const lines = (await fim('export', folder, '--kind', 'message')).out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { subject_id: string }).subject_id),
    wicked,
  );
  assert.equal((await fim('export', folder, '-o', file)).status, 2, 'a file that is there is not overwritten');
});

test('a sealed field opens for who has the key, and that is recorded first', async (t) => {
  const collector = await collectorFor(t);
  const key = randomBytes(16);
  const kms = await KmsServer.start(new TestKms({ 1: stored('SM4', key) }));
  t.after(() => kms.stop());
  const source = newSourceId();
  const line = messageLine(source, 1);
  const { event_id } = JSON.parse(line) as { event_id: string };
  const nonce = randomBytes(12);
  const cipher = createCipheriv('sm4-gcm' as 'aes-128-gcm', key, nonce);
  cipher.setAAD(sealedFor(event_id, 'card'));
  const data = Buffer.concat([cipher.update('6222020000001234'), cipher.final(), cipher.getAuthTag()]);
  const sealed = {
    alg: 'SM4-GCM',
    key: 'kms://audit/seal',
    version: 1,
    nonce: nonce.toString('base64'),
    data: data.toString('base64'),
  };
  const record = { ...(JSON.parse(line) as object), data_masked: { card: sealed, other: sealed } };
  assert.equal((await post(collector.url, JSON.stringify(record))).status, 200);
  const args = ['open', event_id, collector.folder, '--kms', kms.url.href, '--reason', 'dispute 12'];
  // The collector that writes the folder is found by its note; without it somebody has to say where it is.
  const note = join(collector.folder, 'collector.json');
  const present = readFileSync(note);
  rmSync(note);
  const busy = await fim(...args, '--field', 'card');
  assert.deepEqual([busy.status, busy.out], [1, '']);
  assert.match(busy.err, /FIM-AUD-0028/);
  writeFileSync(note, present);
  const opened = await fim(...args, '--field', 'card');
  assert.deepEqual([opened.status, opened.out], [0, '6222020000001234'], opened.err);
  const moved = await fim(...args, '--field', 'other', '--collector', collector.url);
  assert.deepEqual([moved.status, moved.out], [1, '']);
  assert.match(moved.err, /FIM-AUD-0027/);
  const { out } = await fim('show', collector.folder, '--kind', 'opened', '--json');
  const records = out
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one) as Record<string, unknown>);
  assert.deepEqual(
    records.map(({ event, field, why }) => [event, field, why]),
    [
      [event_id, 'card', 'dispute 12'],
      [event_id, 'other', 'dispute 12'],
    ],
  );
  assert.doesNotMatch(out, /6222020000001234/);
});

test('verify: exit status 0, 1 and 3', async (t) => {
  const folder = folderFor(t);
  const source = newSourceId();
  const log = await openLog(folder);
  await log.append(source, read([messageLine(source, 1)]));
  await log.checkpoint();
  const whole = await fim('verify', folder);
  assert.deepEqual([whole.status, /intact/.test(whole.out)], [0, true], whole.out);
  await log.append(source, read([messageLine(source, 3)]));
  await log.close();
  const holes = await fim('verify', folder, '--json');
  assert.equal(holes.status, 3);
  assert.equal((JSON.parse(holes.out) as { intact: boolean }).intact, true);
  const key = join(folder, 'other.pem');
  const other = folderFor(t);
  await (await openLog(other)).close();
  copyFileSync(join(other, 'checkpoint-key.pem'), key);
  const foreign = await fim('verify', folder, '--key', key);
  assert.equal(foreign.status, 1);
  assert.match(foreign.out, /forged-checkpoint/);
});

test('status, and the folder that need not be named: the only log of `fim up`', async (t) => {
  const home = folderFor(t);
  const env = { XDG_DATA_HOME: home };
  const none = await fimIn(env, 'show');
  assert.deepEqual([none.status, /name the folder of a log/.test(none.err)], [2, true], none.err);
  const first = join(home, 'fim/up/a/audit');
  mkdirSync(first, { recursive: true });
  const collector = await startCollector({ folder: first });
  t.after(() => collector.stop());
  const source = newSourceId();
  assert.equal((await post(collector.url, [messageLine(source, 1), messageLine(source, 2)])).status, 200);
  await collector.checkpoint();
  const running = await fimIn(env, 'status');
  assert.equal(running.status, 0, running.err);
  assert.match(running.out, /takes records: \d+ records of 2 sources/);
  assert.match(running.out, /a development key of the folder/);
  assert.equal((await fimIn(env, 'show', '--kind', 'message')).out.split('\n').length, 3);
  assert.equal((await fimIn(env, 'verify')).status, 0);
  await collector.stop();
  const stopped = JSON.parse((await fimIn(env, 'status', '--json')).out) as Record<string, unknown>;
  assert.deepEqual([stopped['collector'], stopped['segments']], [null, 1]);
  // A collector that was killed leaves its note.
  writeFileSync(join(first, 'collector.json'), JSON.stringify({ url: 'http://127.0.0.1:9', pid: 1 }));
  const killed = await fimIn(env, 'status');
  assert.deepEqual([killed.status, /does not answer/.test(killed.out)], [1, true], killed.out);
  const second = join(home, 'fim/up/b/audit');
  mkdirSync(second, { recursive: true });
  await (await openLog(second)).close();
  const several = await fimIn(env, 'verify');
  assert.equal(several.status, 2);
  for (const folder of [first, second]) assert.ok(several.err.includes(folder), several.err);
  assert.equal((await fim('status', home)).status, 1, 'not a log');
});
