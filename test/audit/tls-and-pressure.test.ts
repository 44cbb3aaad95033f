// TLS, certificates of writers, and more batches than the disk takes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { AuditClient } from '../../services/audit/client.ts';
import { type Disk, realDisk } from '../../services/audit/disk.ts';
import { Collector } from '../../services/audit/collector.ts';
import { CollectorMetrics } from '../../services/audit/metrics.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { fim } from '../standalone/command.ts';
import { collectorFor, folderFor, messageLine, openLog, post, verify } from './writers.ts';

/** A certificate for 127.0.0.1 that signs itself, and its key. */
function identity(folder: string, name: string): { cert: Buffer; key: Buffer } {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const made = spawnSync('openssl', [...args, ...subject, '-keyout', key, '-out', cert], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

test('TLS: a writer that trusts the certificate is served; where certificates are asked for, none gets in without', async (t) => {
  const folder = folderFor(t);
  const [server, writer, stranger] = ['server', 'writer', 'stranger'].map((name) => identity(folder, name));
  const open = await collectorFor(t, { tls: server! });
  assert.match(open.url, /^https:/);
  const client = new AuditClient({ url: new URL(open.url), ca: server!.cert });
  await client.write('policy', { outcome: 'applied' });
  await client.stop(10_000);
  await assert.rejects(post(open.url, messageLine(newSourceId(), 1)), 'the certificate is not one of the system');
  await assert.rejects(post(open.url.replace('https:', 'http:'), messageLine(newSourceId(), 1)), 'clear text');
  assert.equal(verify(open.folder).sources.length, 2);
  const asked = ['audit', 'status', open.folder, '--collector', open.url];
  const trusting = await fim([...asked, '--collector-ca', join(folder, 'server.pem')]);
  assert.deepEqual([trusting.status, /takes records/.test(trusting.stdout)], [0, true], trusting.stderr);
  assert.equal((await fim(asked)).status, 1, 'nobody vouches for the certificate');
  assert.equal((await fim([...asked, '--collector-ca', join(folder, 'absent')])).status, 2);

  const closed = await collectorFor(t, { tls: { ...server!, ca: writer!.cert } });
  const status = (own: object): Promise<number> =>
    new Promise((done, failed) => {
      const agent = new Agent({ ca: server!.cert, maxVersion: 'TLSv1.3', ...own });
      const asked = request(`${closed.url}/readyz`, { agent }, (response) => {
        response.resume();
        done(response.statusCode!);
      });
      asked.once('error', failed);
      asked.end();
    });
  assert.equal(await status(writer!), 200);
  await assert.rejects(status({}));
  await assert.rejects(status(stranger!));
  await assert.rejects(status({ ...writer!, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
});

test('a disk that is slow puts writers off before memory runs out, and takes all of it afterwards', async (t) => {
  const folder = folderFor(t);
  let open: () => void = () => undefined;
  let gate: Promise<void> | null = null;
  const disk: Disk = {
    ...realDisk,
    open: async (path) => {
      const file = await realDisk.open(path);
      return { ...file, sync: async () => (await gate, file.sync()) };
    },
  };
  const log = await openLog(folder, { disk });
  const collector = await Collector.start({ host: '127.0.0.1', port: 0, log, metrics: new CollectorMetrics() });
  const url = `http://127.0.0.1:${collector.port}`;
  gate = new Promise((done) => (open = done));
  // Sources of 60 records of 16,000 bytes: a megabyte each, and one more than may wait.
  const batches = Array.from({ length: 72 }, () => {
    const source = newSourceId();
    return Array.from({ length: 60 }, (_, i) => messageLine(source, i + 1, { filler: 'x'.repeat(15_400) }));
  });
  const answers: Promise<{ status: number; body: Record<string, unknown>; retryAfter: string | null }>[] = [];
  const early: number[] = [];
  for (const lines of batches) answers.push(post(url, lines).finally(() => early.push(1)));
  // Those that are put off are told while the disk stands still.
  while (early.length === 0) await new Promise((turn) => setImmediate(turn));
  open();
  gate = null;
  const refused = (await Promise.all(answers))
    .map((answer, i) => ({ ...answer, lines: batches[i]! }))
    .filter(({ status }) => status !== 200);
  t.diagnostic(`${refused.length} of ${batches.length} batches were put off`);
  assert.ok(refused.length > 0 && refused.length < batches.length);
  for (const { status, body, retryAfter, lines } of refused) {
    assert.deepEqual([status, body['code'], retryAfter], [503, 'FIM-AUD-0006', '1']);
    assert.equal((await post(url, lines)).status, 200);
  }
  await collector.stop();
  await log.close();
  const report = verify(folder);
  assert.deepEqual([report.findings, report.complete, report.sources.length], [[], true, batches.length + 1]);
});
