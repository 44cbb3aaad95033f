// Proofs that somebody else checks, with OpenSSL and Python alone.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { OpenSslDigests } from '../../services/audit/digest.ts';
import { listSegments, publicKeyPath } from '../../services/audit/log-folder.ts';
import { proveInclusion } from '../../services/audit/proof.ts';
import { checkpointKeys } from '../../scripts/fim/audit-keys.ts';
import { folderFor, makeLog, openLog, verify } from './writers.ts';

const CHECKER = 'services/audit/check-proof.py';

const check = (proof: string, key: string): ReturnType<typeof spawnSync> =>
  spawnSync('python3', [CHECKER, proof, key], { encoding: 'utf8' });

test('a proof of any record holds for OpenSSL and forty lines of Python, and a changed one does not', async (t) => {
  assert.ok(readFileSync(CHECKER, 'utf8').trimEnd().split('\n').length <= 40);
  const folder = folderFor(t);
  await makeLog(folder, 10);
  const key = join(folder, 'elsewhere.pem');
  copyFileSync(publicKeyPath(folder), key);
  const { size } = verify(folder);
  const options = { digests: new OpenSslDigests(), keys: checkpointKeys(folder, key) };
  const file = join(folder, 'proof.json');
  for (const index of [0, 5, size - 1]) {
    writeFileSync(file, JSON.stringify(proveInclusion(folder, String(index), options)));
    const { status, stdout, stderr } = check(file, key);
    assert.equal(status, 0, String(stderr));
    assert.match(String(stdout), new RegExp(`^record ${index} is one of ${size} of fim.audit/`));
  }
  const proof = proveInclusion(folder, '5', options);
  const forged: Record<string, object> = {
    line: { line: proof.line.replace('teller-7', 'teller-8') },
    place: { index: 6 },
    path: { path: proof.path.with(0, '00'.repeat(32)) },
    'shorter path': { path: proof.path.slice(1) },
    size: { size: proof.size + 1 },
    time: { checkpoint: proof.checkpoint.replace('time 2', 'time 3') },
  };
  for (const [what, change] of Object.entries(forged)) {
    writeFileSync(file, JSON.stringify({ ...proof, ...change }));
    assert.notEqual(check(file, key).status, 0, what);
  }
  const other = folderFor(t);
  await (await openLog(other)).close();
  writeFileSync(file, JSON.stringify(proof));
  assert.notEqual(check(file, publicKeyPath(other)).status, 0, 'another key');
});

test('a record is proved by its event_id, also after a cut; what is not under a checkpoint is not proved', async (t) => {
  const folder = folderFor(t);
  await makeLog(folder, 24);
  const log = await openLog(folder, { retention: { maxBytes: 6_000 } });
  const from = await log.retain();
  assert.ok(from > 0);
  const keys = checkpointKeys(folder, undefined);
  const digests = new OpenSslDigests();
  const line = readFileSync(listSegments(folder).at(-1)!.path, 'utf8').split('\n')[1]!;
  const { event_id } = (JSON.parse(line) as { r: { event_id: string } }).r;
  const file = join(folder, 'proof.json');
  writeFileSync(file, JSON.stringify(proveInclusion(folder, event_id, { digests, keys })));
  execFileSync('python3', [CHECKER, file, publicKeyPath(folder)]);
  assert.throws(() => proveInclusion(folder, '0', { digests, keys }), { code: 'FIM-AUD-0025' });
  const { size } = verify(folder);
  log.note('started', {});
  await log.settled();
  assert.throws(() => proveInclusion(folder, String(size), { digests, keys }), { code: 'FIM-AUD-0026' });
  await log.close();
  assert.deepEqual(verify(folder).findings, [], 'a recorded cut is no finding');
});
