// A disk that is full, and one that fails: writers are told to come back, nothing acknowledged is lost, and it goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector } from '../../services/audit/collector.ts';
import { type Disk, realDisk } from '../../services/audit/disk.ts';
import { CollectorMetrics } from '../../services/audit/metrics.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import { folderFor, messageLines, openLog, post, verify } from './writers.ts';

/** A disk that fails with a code while one is set, after half of a write. */
class FailingDisk implements Disk {
  code: string | null = null;
  private fail(): void {
    if (this.code !== null) throw Object.assign(new Error(`${this.code}: the disk`), { code: this.code });
  }
  makeFolder(path: string): Promise<void> {
    return realDisk.makeFolder(path);
  }
  remove(path: string): Promise<void> {
    return realDisk.remove(path);
  }
  async replace(path: string, bytes: Buffer): Promise<void> {
    this.fail();
    await realDisk.replace(path, bytes);
  }
  async open(path: string): ReturnType<Disk['open']> {
    const file = await realDisk.open(path);
    return {
      ...file,
      write: async (bytes, at) => {
        if (this.code !== null) await file.write(bytes.subarray(0, bytes.length >> 1), at);
        this.fail();
        await file.write(bytes, at);
      },
    };
  }
}

for (const { code, status, error } of [
  { code: 'ENOSPC', status: 507, error: 'FIM-AUD-0007' },
  { code: 'EIO', status: 503, error: 'FIM-AUD-0008' },
])
  test(`${code}: ${status}, not ready, and well again by itself`, async (t) => {
    const folder = folderFor(t);
    const disk = new FailingDisk();
    const log = await openLog(folder, { disk, segmentBytes: 4_000 });
    const collector = await Collector.start({ host: '127.0.0.1', port: 0, log, metrics: new CollectorMetrics() });
    t.after(() => collector.stop());
    const url = `http://127.0.0.1:${collector.port}`;
    const source = newSourceId();
    assert.equal((await post(url, messageLines(source, 1, 4))).status, 200);
    disk.code = code;
    for (const lines of [messageLines(source, 5, 8), messageLines(source, 5, 40)]) {
      const refused = await post(url, lines);
      assert.deepEqual([refused.status, refused.body['code'], refused.retryAfter], [status, error, '1']);
    }
    assert.equal((await fetch(`${url}/readyz`)).status, 503);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    disk.code = null;
    while ((await fetch(`${url}/readyz`)).status !== 200);
    assert.deepEqual((await post(url, messageLines(source, 5, 12))).body, { acknowledged: 12, complete: 12 });
    await collector.stop();
    await log.close();
    const report = verify(folder);
    assert.deepEqual(report.findings, []);
    assert.equal(report.complete, true);
  });
