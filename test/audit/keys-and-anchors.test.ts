// Checkpoints signed by a key of the KMS, and kept in a file elsewhere.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KmsServer } from '../kms/kms-server.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { checkpointsPath, listSegments, publicKeyPath } from '../../services/audit/log-folder.ts';
import { startCollector } from '../../services/audit/start-collector.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { folderFor, messageLines, post, verify } from './writers.ts';

const keyOf = (): Buffer =>
  Buffer.from(generateKeyPairSync('ec', { namedCurve: 'SM2' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));

test('a key of the KMS signs, a new version too, and checkpoints of both stay valid', async (t) => {
  const folder = folderFor(t);
  const kms = new TestKms({ 1: stored('SM2-PRIVATE', keyOf()) });
  const server = await KmsServer.start(kms);
  t.after(() => server.stop());
  for (const version of [1, 2]) {
    if (version === 2) kms.versions = { ...kms.versions, 2: stored('SM2-PRIVATE', keyOf()) };
    const collector = await startCollector({ folder, key: `kms://audit/log#${version}`, kms: { url: server.url } });
    assert.equal(collector.development, false);
    assert.equal((await post(collector.url, messageLines(newSourceId(), 1, 3))).status, 200);
    await collector.stop();
  }
  assert.equal(existsSync(join(folder, 'development-key.pem')), false);
  assert.equal(readFileSync(publicKeyPath(folder), 'utf8').split('BEGIN PUBLIC KEY').length, 3);
  assert.deepEqual(verify(folder).findings, []);
  await assert.rejects(startCollector({ folder, key: 'kms://audit/log#3', kms: { url: server.url } }), /FIM-KMS-/);
  await assert.rejects(startCollector({ folder, key: 'kms://audit/log#1' }), { code: 'FIM-AUD-0022' });
});

test('a file elsewhere has each checkpoint, and a log that was cut and signed anew differs from it', async (t) => {
  const folder = folderFor(t);
  const anchorFile = join(folderFor(t), 'anchors.jsonl');
  const collector = await startCollector({ folder, anchorFile });
  const source = newSourceId();
  for (const seq of [1, 4]) {
    await post(collector.url, messageLines(source, seq, seq + 2));
    await collector.checkpoint();
  }
  await collector.stop();
  const anchors = (): string => (existsSync(anchorFile) ? readFileSync(anchorFile, 'utf8') : '');
  while (anchors().split('\n').length < 4) await new Promise((turn) => setImmediate(turn));
  assert.equal(anchors(), readFileSync(checkpointsPath(folder), 'utf8'));
  assert.deepEqual(verify(folder, [anchorFile]).findings, []);
  const { size } = verify(folder);
  // Somebody who has the folder and its key makes a log without the last records.
  const { path } = listSegments(folder)[0]!;
  writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(0, 5).join('\n').concat('\n'));
  rmSync(checkpointsPath(folder));
  await (await startCollector({ folder })).stop();
  assert.deepEqual(verify(folder).findings, []);
  const [finding] = verify(folder, [anchorFile]).findings;
  assert.ok(['cut-tail', 'reforged'].includes(finding?.kind ?? ''), JSON.stringify(finding));
  assert.ok((finding?.to ?? 0) < size);
});
