// Writers that are slow, many, foreign or talk nonsense: the others are served, and nothing of theirs is lost.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { AuditRefusal } from '../../services/audit/refusal.ts';
import { readBatch } from '../../services/audit/record-reader.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { collectorFor, messageLine, messageLines, post, verify } from './writers.ts';

/** Ten thousand with FIM_TEST_CROWD=10000, where the machine has so many descriptors. */
const CROWD = Number(process.env['FIM_TEST_CROWD'] ?? 300);

/** Opens connections from a process of its own, half of them with the beginning of a batch, and holds them. */
const CROWD_PROGRAM = `
const { connect } = require('node:net');
const [port, count] = process.argv.slice(1).map(Number);
const head = 'POST /v1/batches HTTP/1.1\\r\\nhost: x\\r\\ncontent-type: application/x-ndjson\\r\\ncontent-length: 500\\r\\n\\r\\n{"v":1';
const open = (at) => {
  if (at === count) return process.stdout.write('there');
  const socket = connect({ host: '127.0.0.1', port }, () => {
    if (at % 2 === 0) socket.write(head);
    open(at + 1);
  });
  socket.on('error', () => {});
};
open(0);
`;

test('many connections that are idle, and half a batch on each: a writer among them is served', async (t) => {
  const collector = await collectorFor(t);
  const { url, port, folder } = collector;
  const crowd = spawn(process.execPath, ['-e', CROWD_PROGRAM, String(port), String(CROWD)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => crowd.kill('SIGKILL'));
  const [there] = (await once(crowd.stdout, 'data')) as [Buffer];
  assert.equal(there.toString(), 'there');
  const source = newSourceId();
  for (let seq = 1; seq < 100; seq += 10)
    assert.equal((await post(url, messageLines(source, seq, seq + 9))).status, 200);
  crowd.kill('SIGKILL');
  await collector.stop();
  const report = verify(folder);
  assert.deepEqual([report.intact, report.complete], [true, true]);
});

test('a batch that ends early, or goes on for ever, is refused and closes its connection', async (t) => {
  const { url, port } = await collectorFor(t);
  const endless = connect({ host: '127.0.0.1', port });
  endless.on('error', () => undefined);
  endless.write('POST /v1/batches HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
  let answer = '';
  endless.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
  while (!endless.destroyed && !answer.includes('FIM-AUD-0004')) {
    endless.write(chunk);
    await new Promise((turn) => setImmediate(turn));
  }
  assert.match(answer, /^HTTP\/1\.1 413 /);
  endless.destroy();
  assert.equal((await post(url, messageLine(newSourceId(), 1))).status, 200);
});

test('the reader of batches refuses or reads, whatever comes', (t) => {
  const source = newSourceId();
  const valid = Buffer.from(`${messageLines(source, 1, 3).join('\n')}\n`);
  const tokens = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\\u0000',
    '\u0000',
    '\n',
    '\r',
    '\u2028',
    '1e999',
    '-',
    'null',
  ];
  let [refused, taken] = [0, 0];
  for (let round = 0; round < 4_000; round++) {
    let body = Buffer.from(valid);
    for (let edits = 1 + (round % 3); edits > 0; edits--) {
      const at = randomBytes(4).readUInt32BE() % body.length;
      const what = round % 2 === 0 ? randomBytes(1) : Buffer.from(tokens[randomBytes(1)[0]! % tokens.length]!);
      body = Buffer.concat([body.subarray(0, at), what, body.subarray(at + (randomBytes(1)[0]! % 4))]);
    }
    try {
      const batch = readBatch(body, {});
      taken++;
      for (const { json } of batch.records) {
        assert.doesNotMatch(json, /[\p{Cc}\p{Zl}\p{Zp}]/u, body.toString('hex'));
        JSON.parse(json);
      }
    } catch (error) {
      assert.ok(error instanceof AuditRefusal, `${String(error)} ${body.toString('hex')}`);
      refused++;
    }
  }
  t.diagnostic(`${refused} refused, ${taken} read`);
  assert.ok(refused > 0 && taken > 0);
});
