// The collector's protocol: what is acknowledged is durable, what is refused says why.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { listSegments } from '../../services/audit/log-folder.ts';
import { startCollector } from '../../services/audit/start-collector.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { collectorFor, messageLine, messageLines, post, verify } from './writers.ts';

const stored = (folder: string): string =>
  listSegments(folder)
    .map(({ path }) => readFileSync(path, 'utf8'))
    .join('');

test('what is acknowledged is in the file, once, also when it is sent again', async (t) => {
  const { url, folder } = await collectorFor(t);
  const source = newSourceId();
  const lines = messageLines(source, 1, 5);
  const headers = { 'x-fim-audit-source': source, 'x-fim-audit-first': '1', 'x-fim-audit-count': '3' };
  assert.deepEqual((await post(url, lines.slice(0, 3), headers)).body, { acknowledged: 3, complete: 3 });
  for (const line of lines.slice(0, 3)) assert.equal(stored(folder).split(line).length, 2);
  assert.deepEqual((await post(url, lines.slice(0, 3))).body, { acknowledged: 3, complete: 3 });
  assert.deepEqual((await post(url, lines.slice(1))).body, { acknowledged: 5, complete: 5 });
  for (const line of lines) assert.equal(stored(folder).split(line).length, 2);
});

test('a log is whole after the collector was stopped and started', async (t) => {
  const first = await collectorFor(t);
  const source = newSourceId();
  await post(first.url, messageLines(source, 1, 3));
  await first.stop();
  const second = await collectorFor(t, { folder: first.folder });
  assert.deepEqual((await post(second.url, messageLines(source, 3, 4))).body, { acknowledged: 4, complete: 4 });
  await second.stop();
  const { intact, complete, findings, sources } = verify(first.folder);
  assert.deepEqual({ intact, complete, findings }, { intact: true, complete: true, findings: [] });
  assert.equal(sources.find((one) => one.source === source)?.records, 4);
});

test('a jump of numbers is taken, told as a gap, and filled by what comes late', async (t) => {
  const collector = await collectorFor(t, { holeGraceMs: 50, checkpointMs: 20 });
  const { url, folder } = collector;
  const source = newSourceId();
  assert.deepEqual((await post(url, messageLines(source, 4, 5))).body, { acknowledged: 5, complete: 0 });
  const before = collector.status().size;
  while (collector.status().size === before) await new Promise((turn) => setImmediate(turn));
  const gap = stored(folder)
    .split('\n')
    .find((line) => line.includes('"kind":"gap"'));
  assert.match(gap ?? '', new RegExp(`"of":"${source}","lost":3,"from_seq":1,"to_seq":3`));
  assert.deepEqual((await post(url, messageLines(source, 2, 3))).body, { acknowledged: 3, complete: 0 });
  await collector.checkpoint();
  const { intact, complete, sources } = verify(folder);
  assert.deepEqual({ intact, complete }, { intact: true, complete: false });
  assert.deepEqual(sources.find((one) => one.source === source)?.holes, [[1, 1]]);
});

test('what can never be taken is refused with a code, and nothing of its batch is stored', async (t) => {
  const { url, folder } = await collectorFor(t);
  const source = newSourceId();
  const line = messageLine(source, 1);
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  const cases: [string, string, number, string, Record<string, string>?][] = [
    ['no JSON', '{"v":1', 400, 'FIM-AUD-0001'],
    ['no record', '{"v":1}', 400, 'FIM-AUD-0001'],
    ['a raw control character', line.replace('teller', 'tel\u0001ler'), 400, 'FIM-AUD-0001'],
    ['a list', '[]', 400, 'FIM-AUD-0001'],
    ['another version', line.replace('"v":1', '"v":2'), 400, 'FIM-AUD-0001'],
    ['a name twice', line.replace('"status":200', '"status":200,"status":500'), 400, 'FIM-AUD-0001'],
    [
      'a name twice, once escaped',
      line.replace('"status":200', '"st\\u0061tus":200,"status":500'),
      400,
      'FIM-AUD-0001',
    ],
    ['a deep one', line.replace('"status":200', `"status":200,"more":${deep}`), 400, 'FIM-AUD-0001'],
    [
      'a long one',
      line.replace('teller-7', 'x'.repeat(400)).replace('"status"', `"a":"${'x'.repeat(17_000)}","status"`),
      400,
      'FIM-AUD-0002',
    ],
    ['an empty batch', '', 400, 'FIM-AUD-0003'],
    ['two sources', `${line}\n${messageLine(newSourceId(), 2)}`, 400, 'FIM-AUD-0003'],
    ['numbers that fall', `${messageLine(source, 2)}\n${line}`, 400, 'FIM-AUD-0003'],
    ['another source in the header', line, 400, 'FIM-AUD-0003', { 'x-fim-audit-source': newSourceId() }],
    ['another count', line, 400, 'FIM-AUD-0003', { 'x-fim-audit-count': '2' }],
    ['too many', messageLines(source, 1, 257).join('\n'), 413, 'FIM-AUD-0004'],
    ['too large', 'x'.repeat(1_100_000), 413, 'FIM-AUD-0004'],
    ['another type', line, 415, 'FIM-AUD-0011', { 'content-type': 'application/json' }],
    ['compressed', line, 415, 'FIM-AUD-0011', { 'content-encoding': 'gzip' }],
  ];
  for (const [name, body, status, code, headers] of cases) {
    const answer = await post(url, body, headers);
    assert.deepEqual([answer.status, answer.body['code']], [status, code], name);
    assert.doesNotMatch(JSON.stringify(answer.body), /teller/, `${name}: no value in the answer`);
  }
  assert.doesNotMatch(stored(folder), /teller/);
});

test('members that are not named are kept, and nothing in a record ends a line or moves a cursor', async (t) => {
  const { url, folder } = await collectorFor(t);
  const source = newSourceId();
  const wicked = 'a\u0085b\u2028c\u202ed\u009b31me\u{e0041}f';
  const line = messageLine(source, 1, { subject_id: wicked, later: { member: [1, wicked] } });
  assert.equal((await post(url, line)).status, 200);
  const kept = stored(folder)
    .split('\n')
    .find((one) => one.includes('"later"'));
  assert.match(kept ?? '', /^[\x20-\x7e]*$/);
  assert.deepEqual((JSON.parse(kept ?? '') as { r: unknown }).r, JSON.parse(line));
});

test('writers without a token are not taken; looking at health needs none', async (t) => {
  const { url } = await collectorFor(t, { tokens: () => ['old', 'new'] });
  const line = messageLine(newSourceId(), 1);
  for (const headers of [{}, { authorization: 'Bearer other' }, { authorization: 'Basic new' }])
    assert.deepEqual((await post(url, line, headers as Record<string, string>)).body['code'], 'FIM-AUD-0005');
  for (const token of ['old', 'new'])
    assert.equal((await post(url, line, { authorization: `Bearer ${token}` })).status, 200);
  assert.equal((await fetch(`${url}/v1/status`)).status, 401);
  for (const path of ['healthz', 'readyz', 'metrics']) assert.equal((await fetch(`${url}/${path}`)).status, 200, path);
});

test('a second collector does not get the folder, and gets it when the first has gone', async (t) => {
  const collector = await collectorFor(t);
  const { folder } = collector;
  await assert.rejects(startCollector({ folder }), { code: 'FIM-AUD-0020' });
  await collector.stop();
  const second = await collectorFor(t, { folder });
  assert.equal((await post(second.url, messageLine(newSourceId(), 1))).status, 200);
  await second.stop();
});

test('numbers that their writer gives up are missing once, and no second gap tells them', async (t) => {
  const collector = await collectorFor(t, { holeGraceMs: 0, checkpointMs: 20 });
  const source = newSourceId();
  const gap = { kind: 'gap', lost: 2, from_seq: 2, to_seq: 3, why: 'no room' };
  const lines = [messageLine(source, 1), messageLine(source, 4, gap)];
  assert.equal((await post(collector.url, lines)).status, 200);
  const other = newSourceId();
  await post(collector.url, messageLines(other, 2, 2));
  const gaps = (): string[] => stored(collector.folder).match(/"of":"[0-9a-f]{32}"/g) ?? [];
  while (gaps().length === 0) await new Promise((turn) => setImmediate(turn));
  assert.deepEqual(gaps(), [`"of":"${other}"`]);
  const { sources } = verify(collector.folder);
  const { missing, lost } = sources.find((one) => one.source === source)!;
  assert.deepEqual({ missing, lost }, { missing: 2, lost: 2 });
});
