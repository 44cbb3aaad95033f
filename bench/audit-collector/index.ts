// Processor time of the collector for a record, from the socket to the disk, and of verifying it: beside a plain file that takes the
// same lines with one write and one fdatasync for each batch.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildModules } from '../../scripts/build.ts';
import { checkpointKeys } from '../../scripts/fim/audit-keys.ts';
import type { Digests } from '../../services/audit/digest.ts';
import { OpenSslDigests } from '../../services/audit/digest.ts';
import { ModuleDigests } from '../../services/audit/module-digests.ts';
import { startCollector } from '../../services/audit/start-collector.ts';
import { verifyLog } from '../../services/audit/verify.ts';
import { batchesOf } from './writer.ts';

const RECORDS = 128 * 400;
const BATCH = 128;
const AT_ONCE = 8;
const ROUNDS = 3;
const GIB = 2 ** 30;
const WRITER = join(import.meta.dirname, 'writer.ts');

interface Figures {
  subject: string;
  recordsPerSecond: number;
  bytesPerRecord: number;
  verifySecondsPerGiB?: number;
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

/** Runs `work` for each batch, AT_ONCE under way. Returns processor seconds. */
async function timed(all: readonly Buffer[], work: (batch: Buffer) => Promise<void>): Promise<number> {
  const started = process.cpuUsage();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) await work(all[next++]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return cpuSeconds(started);
}

async function collector(digests: Digests, subject: string): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'fim-bench-audit-'));
  const running = await startCollector({ folder, digests });
  const client = fork(WRITER, [running.url, ...[RECORDS, BATCH, AT_ONCE].map(String)]);
  try {
    await once(client, 'message');
    const begun = process.cpuUsage();
    client.send('begin');
    await once(client, 'message');
    const seconds = cpuSeconds(begun);
    await running.stop();
    const started = process.cpuUsage();
    const report = verifyLog(folder, { digests, keys: checkpointKeys(folder, undefined) });
    const verifySeconds = cpuSeconds(started);
    assert.deepEqual([report.intact, report.complete], [true, true]);
    assert.equal(
      report.sources.reduce((sum, { records }) => Math.max(sum, records), 0),
      RECORDS,
    );
    return {
      subject,
      recordsPerSecond: RECORDS / seconds,
      bytesPerRecord: report.bytes / report.size,
      verifySecondsPerGiB: (verifySeconds / report.bytes) * GIB,
    };
  } finally {
    client.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function plainFile(): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'fim-bench-audit-'));
  const file = await open(join(folder, 'access.log'), 'a');
  try {
    const all = batchesOf(RECORDS, BATCH);
    const seconds = await timed(all, async (batch) => {
      await file.write(batch);
      await file.datasync();
    });
    const bytes = all.reduce((sum, { length }) => sum + length, 0);
    return { subject: 'plain file', recordsPerSecond: RECORDS / seconds, bytesPerRecord: bytes / RECORDS };
  } finally {
    await file.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function best(rounds: readonly Figures[]): Figures {
  const verify = rounds.flatMap(({ verifySecondsPerGiB }) => verifySecondsPerGiB ?? []);
  return {
    ...rounds[0]!,
    recordsPerSecond: Math.round(Math.max(...rounds.map(({ recordsPerSecond }) => recordsPerSecond))),
    bytesPerRecord: Math.round(rounds[0]!.bytesPerRecord),
    ...(verify.length > 0 && { verifySecondsPerGiB: Math.round(Math.min(...verify) * 10) / 10 }),
  };
}

export async function main(args: string[]): Promise<void> {
  const [module] = await buildModules(['audit-digest']);
  const subjects: (() => Promise<Figures>)[] = [
    () => collector(new ModuleDigests(readFileSync(module!.path)), "collector, FIM's SM3 in V8"),
    () => collector(new OpenSslDigests(), "collector, OpenSSL's SM3"),
    plainFile,
  ];
  const rounds: Figures[][] = subjects.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [at, subject] of subjects.entries()) rounds[at]!.push(await subject());
  const figures = rounds.map(best);
  console.table(figures);
  const at = args.indexOf('--json');
  if (at >= 0) await writeFile(args[at + 1]!, `${JSON.stringify(figures, null, 2)}\n`);
}
