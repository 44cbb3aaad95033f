// Reads records of a log for people and other programs.
import type { Digests } from './digest.ts';
import { eachLine, listSegments } from './log-folder.ts';
import { Frontier, TreeView } from './merkle.ts';
import { frontierOf } from './recovery.ts';
import { readLine, recordOf } from './stored-line.ts';

/** A record as it is stored. */
export interface StoredRecord {
  index: number;
  /** When the collector took it. */
  at: string;
  record: Record<string, unknown>;
  /** The whole line, without its end. */
  line: Buffer;
}

/** Calls back with each record in order; false ends the reading. Lines that are no records are left out. */
export function eachRecord(folder: string, visit: (stored: StoredRecord) => boolean): void {
  for (const { path } of listSegments(folder)) {
    let goesOn = true;
    eachLine(path, (line) => {
      const stored = readLine(line);
      const record = stored === null ? null : recordOf(line, stored);
      if (stored !== null && record !== null) goesOn = visit({ index: stored.index, at: stored.at, record, line });
      return goesOn;
    });
    if (!goesOn) return;
  }
}

/** The record of an event, by its event_id or its number in the log. Null: there is none. */
export function findRecord(folder: string, event: string): StoredRecord | null {
  let found: StoredRecord | null = null;
  const byNumber = /^\d{1,15}$/.test(event);
  eachRecord(folder, (stored) => {
    const isIt = byNumber ? stored.index === Number(event) : stored.record['event_id'] === event;
    if (isIt) found = { ...stored, line: Buffer.from(stored.line) };
    return !isIt;
  });
  return found;
}

/** The tree over the records of a folder up to a size. Null: the first segment does not begin a tree. */
export function treeOf(folder: string, digests: Digests, size: number): TreeView | null {
  let start: Frontier | null = null;
  const leaves: Buffer[] = [];
  for (const segment of listSegments(folder))
    eachLine(segment.path, (line) => {
      const stored = readLine(line);
      if (stored === null || stored.index >= size) return stored !== null;
      start ??= frontierOf(digests, segment.first, recordOf(line, stored));
      leaves.push(digests.leaf(line));
      return true;
    });
  return start === null ? null : new TreeView(digests, start, Buffer.concat(leaves));
}
