// Records as proxies write them, and logs that are made of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { AuditLog, type LogOptions } from '../../services/audit/audit-log.ts';
import { OpenSslDigests } from '../../services/audit/digest.ts';
import { readRecord, type ReadRecord } from '../../services/audit/record-reader.ts';
import { signingKey } from '../../services/audit/signing-key.ts';
import { type RunningCollector, startCollector, type StartOptions } from '../../services/audit/start-collector.ts';
import { newSourceId, recordTime, uuidV7 } from '../../services/audit/uuid.ts';
import { verifyLog, type VerifyReport } from '../../services/audit/verify.ts';
import { checkpointKeys, readAnchors } from '../../scripts/fim/audit-keys.ts';

/** A record of a message as one line. */
export function messageLine(source: string, seq: number, more: Record<string, unknown> = {}): string {
  const now = Date.now();
  return JSON.stringify({
    v: 1,
    event_id: uuidV7(now),
    op_time: recordTime(now),
    kind: 'message',
    source,
    seq,
    subject_id: 'teller-7',
    subject_from: 'claim',
    route: 'pay/transfers',
    method: 'POST',
    path: '/transfers',
    verdict: 'Passed',
    status: 200,
    ...more,
  });
}

export function messageLines(source: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => messageLine(source, from + i));
}

export function read(lines: readonly string[]): ReadRecord[] {
  return lines.map((line) => {
    const { record, json } = readRecord(line);
    return { seq: record.seq, kind: record.kind, json };
  });
}

/** A folder that the test takes away. */
export function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fim-audit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function openLog(folder: string, more: Partial<LogOptions> = {}): Promise<AuditLog> {
  const { signerOf } = await signingKey(folder, {});
  return AuditLog.open({ folder, signerOf, ...more });
}

/** A closed log of `count` messages of one source, in several segments with a checkpoint each. */
export async function makeLog(folder: string, count: number, more: Partial<LogOptions> = {}): Promise<string> {
  const source = newSourceId();
  const log = await openLog(folder, { segmentBytes: 3_500, ...more });
  for (let seq = 1; seq <= count; seq += 4) {
    await log.append(source, read(messageLines(source, seq, Math.min(seq + 3, count))));
    await log.checkpoint();
  }
  await log.close();
  return source;
}

export function verify(folder: string, anchors: readonly string[] = []): VerifyReport {
  return verifyLog(folder, {
    digests: new OpenSslDigests(),
    keys: checkpointKeys(folder, undefined),
    anchors: anchors.flatMap((path) => readAnchors(path)),
  });
}

export async function collectorFor(
  t: TestContext,
  more: Partial<StartOptions> = {},
): Promise<RunningCollector & { folder: string }> {
  const folder = more.folder ?? mkdtempSync(join(tmpdir(), 'fim-audit-'));
  const collector = await startCollector({ folder, ...more });
  t.after(async () => {
    await collector.stop();
    if (more.folder === undefined) rmSync(folder, { recursive: true, force: true });
  });
  return { ...collector, folder };
}

/** Posts a batch. */
export async function post(
  url: string,
  lines: readonly string[] | string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; retryAfter: string | null }> {
  const response = await fetch(`${url}/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...headers },
    body: typeof lines === 'string' ? lines : `${lines.join('\n')}\n`,
  });
  return {
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
    retryAfter: response.headers.get('retry-after'),
  };
}
