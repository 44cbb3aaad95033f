// Where the parts of a log are, and how they are read. Nothing here writes.
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { readCheckpoint, type SignedCheckpoint } from './checkpoint.ts';

/** Identity of a log, written once when it is made. */
export interface LogHead {
  format: 'fim-audit-log';
  version: 1;
  /** Name in checkpoints. */
  origin: string;
  created: string;
  digest: 'SM3';
}

/** A segment: the file of the records from `first` on. */
export interface Segment {
  path: string;
  first: number;
}

const NAME = /^(\d{16})\.jsonl$/;
const CHUNK_BYTES = 1024 * 1024;
const LINE_END = 0x0a;

export const headPath = (folder: string): string => join(folder, 'log.json');
export const segmentsPath = (folder: string): string => join(folder, 'segments');
export const asidePath = (folder: string): string => join(folder, 'aside');
export const checkpointsPath = (folder: string): string => join(folder, 'checkpoints.jsonl');
export const latestPath = (folder: string): string => join(folder, 'checkpoint');
export const publicKeyPath = (folder: string): string => join(folder, 'checkpoint-key.pem');
export const segmentPath = (folder: string, first: number): string =>
  join(segmentsPath(folder), `${String(first).padStart(16, '0')}.jsonl`);

/** The head of a log. Null: the folder has none. Error: FIM-AUD-0023. */
export function readHead(folder: string): LogHead | null {
  if (!existsSync(headPath(folder))) return null;
  try {
    const head = JSON.parse(readFileSync(headPath(folder), 'utf8')) as Partial<LogHead>;
    if (head.format === 'fim-audit-log' && head.version === 1 && typeof head.origin === 'string')
      return head as LogHead;
  } catch (error) {
    throw new CodedError('FIM-AUD-0023', `${headPath(folder)}: ${messageOf(error)}`);
  }
  throw new CodedError('FIM-AUD-0023', `${headPath(folder)} is of another format or version`);
}

/** The segments in order. */
export function listSegments(folder: string): Segment[] {
  if (!existsSync(segmentsPath(folder))) return [];
  return readdirSync(segmentsPath(folder))
    .flatMap((name) => {
      const found = NAME.exec(name);
      return found === null ? [] : [{ path: join(segmentsPath(folder), name), first: Number(found[1]) }];
    })
    .sort((a, b) => a.first - b.first);
}

/** All checkpoints in the order in which they were made. Lines that are none are left out and counted. */
export function readCheckpoints(folder: string): { checkpoints: SignedCheckpoint[]; malformed: number } {
  if (!existsSync(checkpointsPath(folder))) return { checkpoints: [], malformed: 0 };
  const lines = readFileSync(checkpointsPath(folder), 'utf8').split('\n');
  // The last part is what a torn write left.
  lines.pop();
  const checkpoints = lines.map((line) => checkpointOf(line));
  return {
    checkpoints: checkpoints.filter((one) => one !== null),
    malformed: checkpoints.filter((one) => one === null).length,
  };
}

/** The checkpoint of a line of the file of checkpoints. Null: it is none. */
export function checkpointOf(line: string): SignedCheckpoint | null {
  try {
    const { note } = JSON.parse(line) as { note?: unknown };
    return typeof note === 'string' ? readCheckpoint(note) : null;
  } catch {
    return null;
  }
}

/** Takes a line without its end and its place in the file; false ends the reading. */
export type LineVisitor = (line: Buffer, offset: number) => boolean;

/**
 * Reads the lines of a file one after the other. Returns where the last whole line ends, and how many bytes come
 * after it. A line is valid until the visitor returns.
 */
export function eachLine(path: string, visit: LineVisitor, from = 0): { end: number; rest: number } {
  const file = openSync(path, 'r');
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let [held, offset] = [0, from];
  try {
    for (;;) {
      if (held === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
      const read = readSync(file, buffer, held, buffer.length - held, offset + held);
      if (read === 0) return { end: offset, rest: held };
      let start = 0;
      const filled = held + read;
      for (let at = buffer.indexOf(LINE_END, held); at >= 0 && at < filled; at = buffer.indexOf(LINE_END, start)) {
        if (!visit(buffer.subarray(start, at), offset + start)) return { end: offset + start, rest: 0 };
        start = at + 1;
      }
      buffer.copyWithin(0, start, filled);
      offset += start;
      held = filled - start;
    }
  } finally {
    closeSync(file);
  }
}
