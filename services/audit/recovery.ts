// Finds the state of a log from its last segment: what is whole stays, what a crash left unfinished is set aside.
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import type { Digests } from './digest.ts';
import type { Disk } from './disk.ts';
import {
  asidePath,
  checkpointOf,
  checkpointsPath,
  eachLine,
  listSegments,
  readCheckpoints,
  type Segment,
  segmentsPath,
} from './log-folder.ts';
import { Frontier, isFrontier } from './merkle.ts';
import { SourceLedger } from './source-ledger.ts';
import { NO_HASH, readLine, recordOf } from './stored-line.ts';

/** Where a log continues. */
export interface LogState {
  /** The segment that grows, and how many bytes of it are whole. Null: there is none yet. */
  segment: Segment | null;
  bytes: number;
  frontier: Frontier;
  /** Hash of the last line, hexadecimal. */
  prev: string;
  /** Time of the last line, milliseconds. */
  lastMs: number;
  /** Time of the segment's first line, milliseconds. */
  beganMs: number;
  ledger: SourceLedger;
}

/** Bytes that were set aside. */
export interface Remainder {
  file: string;
  bytes: number;
  sm3: string;
}

/** First record of a segment, as the collector writes it. */
export interface SegmentRecord {
  kind: 'segment';
  /** Subtrees of the tree before this record, hexadecimal. */
  frontier: string[];
  sources: unknown;
}

/** State before the first record. */
export function emptyState(digests: Digests): LogState {
  return {
    segment: null,
    bytes: 0,
    frontier: new Frontier(digests),
    prev: NO_HASH,
    lastMs: 0,
    beganMs: 0,
    ledger: new SourceLedger(),
  };
}

/** The tree before a segment. Null: its first record does not say so. */
export function frontierOf(digests: Digests, first: number, record: Record<string, unknown> | null): Frontier | null {
  const { kind, frontier } = record ?? {};
  if (kind !== 'segment' || !Array.isArray(frontier)) return null;
  const nodes = frontier.map((hex) => Buffer.from(String(hex), 'hex'));
  return isFrontier(first, nodes) ? new Frontier(digests, first, nodes) : null;
}

/** Reads a segment as far as it is whole. `heads` gets the root at each size in `sizes`. Null: it has no first record. */
function readSegment(segment: Segment, digests: Digests, sizes: ReadonlySet<number>, roots: Map<number, Buffer>) {
  let state: LogState | null = null;
  const { end } = eachLine(segment.path, (line) => {
    const stored = readLine(line);
    const record = stored === null ? null : recordOf(line, stored);
    if (stored === null || record === null) return false;
    if (state === null) {
      const frontier = frontierOf(digests, segment.first, record);
      const ledger = new SourceLedger();
      if (frontier === null || stored.index !== segment.first || !ledger.restore(record['sources'])) return false;
      const at = Date.parse(stored.at);
      state = { segment, bytes: 0, frontier, prev: stored.prev, lastMs: at, beganMs: at, ledger };
      if (sizes.has(segment.first)) roots.set(segment.first, frontier.root());
    }
    if (stored.index !== state.frontier.size || stored.prev !== state.prev) return false;
    const { source, seq } = record;
    if (typeof source !== 'string' || typeof seq !== 'number') return false;
    const leaf = digests.leaf(line);
    state.frontier.push(leaf);
    state.prev = leaf.toString('hex');
    state.lastMs = Date.parse(stored.at);
    state.ledger.add(source, seq, state.lastMs);
    if (record['kind'] === 'gap' && typeof record['of'] === 'string') state.ledger.tell(record['of']);
    if (sizes.has(state.frontier.size)) roots.set(state.frontier.size, state.frontier.root());
    return true;
  });
  const found = state as LogState | null;
  if (found !== null) found.bytes = end;
  return found;
}

/**
 * The state of a log and what was set aside. Errors: FIM-AUD-0021 (what a checkpoint covers is missing or was
 * changed), and those of the disk.
 */
export async function recover(
  folder: string,
  digests: Digests,
  disk: Disk,
): Promise<{ state: LogState; aside: Remainder[] }> {
  const { checkpoints } = readCheckpoints(folder);
  const last = checkpoints.at(-1);
  const sizes = new Set(last === undefined ? [] : [last.size]);
  const roots = new Map<number, Buffer>();
  const aside: Remainder[] = [];
  for (let segments = listSegments(folder); segments.length > 0; segments = listSegments(folder)) {
    const segment = segments.at(-1)!;
    const state = readSegment(segment, digests, sizes, roots);
    const size = state?.frontier.size ?? segment.first;
    if (last !== undefined && last.size > size)
      throw new CodedError(
        'FIM-AUD-0021',
        `${basename(segment.path)} is whole up to record ${size}, and a checkpoint covers ${last.size}`,
      );
    const root = last === undefined ? undefined : roots.get(last.size);
    if (state !== null && last !== undefined && root !== undefined && !root.equals(last.root))
      throw new CodedError('FIM-AUD-0021', `the root of ${last.size} records is not that of the checkpoint`);
    const remainder = await setAside(folder, segment, state?.bytes ?? 0, disk);
    if (remainder !== null) aside.push(remainder);
    if (state !== null) return { state, aside };
    await disk.remove(segment.path);
  }
  if (last !== undefined && last.size > 0)
    throw new CodedError('FIM-AUD-0021', `there are no segments, and a checkpoint covers ${last.size} records`);
  return { state: emptyState(digests), aside };
}

/** Moves what comes after the whole lines of a segment to a file of its own. */
async function setAside(folder: string, segment: Segment, end: number, disk: Disk): Promise<Remainder | null> {
  const bytes = readFileSync(segment.path).subarray(end);
  if (bytes.length === 0) return null;
  const file = `${basename(segment.path, '.jsonl')}-${end}`;
  await disk.makeFolder(asidePath(folder));
  await disk.replace(join(asidePath(folder), file), bytes);
  const opened = await disk.open(segment.path);
  await opened.truncate(end);
  await opened.close();
  return { file, bytes: bytes.length, sm3: hash('sm3', bytes, 'hex') };
}

/** Cuts a log back to what is durable, when a write has failed in a process that lives on. */
export async function cutBack(
  folder: string,
  durable: { segment: Segment | null; bytes: number; first: number },
  disk: Disk,
): Promise<void> {
  for (const segment of listSegments(folder))
    if (durable.segment === null || segment.first > durable.segment.first) await disk.remove(segment.path);
  if (durable.segment === null) return;
  const file = await disk.open(durable.segment.path);
  await file.truncate(durable.bytes);
  await file.close();
}

/** Ends a file of checkpoints after the last one: what a crash has left behind it was never told to anybody. */
export async function endCheckpoints(folder: string, disk: Disk): Promise<number> {
  const path = checkpointsPath(folder);
  const file = await disk.open(path);
  let end = 0;
  const { end: lines, rest } = eachLine(path, (line, offset) => {
    if (checkpointOf(line.toString('utf8')) !== null) end = offset + line.length + 1;
    return true;
  });
  if (end < lines + rest) await file.truncate(end);
  await file.close();
  return end;
}

/** Makes the folders of a log. */
export async function makeFolders(folder: string, disk: Disk): Promise<void> {
  await disk.makeFolder(folder);
  await disk.makeFolder(segmentsPath(folder));
}
