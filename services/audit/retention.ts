// Retention: which segments stay, and how older ones go: the cut is a record of the log, durable and signed before anything goes.
import { statSync } from 'node:fs';
import type { Disk } from './disk.ts';
import { eachLine, listSegments, type Segment } from './log-folder.ts';
import { readLine } from './stored-line.ts';

/** Segments go from the oldest on when they are older or the log is larger; the one that grows always stays. */
export interface Retention {
  maxAgeMs?: number;
  maxBytes?: number;
}

/** Members of a record of kind `retention`. */
export interface Cut extends Record<string, unknown> {
  /** Records from here on stay. */
  cut_to: number;
  segments: number;
  bytes: number;
}

interface Context {
  nowMs: number;
  disk: Disk;
  /** Writes the record, durably and under a checkpoint. */
  record: (cut: Cut) => Promise<void>;
}

/** Time of a segment's first line, milliseconds. */
function beganMs(segment: Segment): number {
  let at = Number.NaN;
  eachLine(segment.path, (line) => {
    at = Date.parse(readLine(line)?.at ?? '');
    return false;
  });
  return at;
}

/** Segments that may go. One is as old as its last record, which is no younger than the first of the next one. */
function outdated(segments: readonly Segment[], { maxAgeMs, maxBytes }: Retention, nowMs: number): Segment[] {
  const sizes = segments.map(({ path }) => statSync(path).size);
  let left = sizes.reduce((sum, size) => sum + size, 0);
  const going: Segment[] = [];
  for (const [at, segment] of segments.slice(0, -1).entries()) {
    const tooMuch = maxBytes !== undefined && left > maxBytes;
    const tooOld = maxAgeMs !== undefined && nowMs - beganMs(segments[at + 1]!) > maxAgeMs;
    if (!tooMuch && !tooOld) break;
    going.push(segment);
    left -= sizes[at]!;
  }
  return going;
}

/** Cuts, and returns the first record that stays. */
export async function applyRetention(folder: string, retention: Retention, context: Context): Promise<number> {
  const segments = listSegments(folder);
  const going = outdated(segments, retention, context.nowMs);
  const first = segments[going.length]?.first ?? 0;
  if (going.length === 0) return first;
  const bytes = going.reduce((sum, { path }) => sum + statSync(path).size, 0);
  await context.record({ cut_to: first, segments: going.length, bytes });
  for (const { path } of going) await context.disk.remove(path);
  return first;
}
