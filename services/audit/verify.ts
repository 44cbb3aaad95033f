// Verifies a log from its files alone: nothing of the collector's state is believed.
import { readdirSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { AUDIT_CLOCK_TOLERANCE_MS } from '../limits.ts';
import { Completeness, type SourceReport } from './completeness.ts';
import { HASH_BYTES, type Digests } from './digest.ts';
import { Findings, type Finding } from './findings.ts';
import { asidePath, eachLine, listSegments, readCheckpoints, readHead, type Segment } from './log-folder.ts';
import { Frontier } from './merkle.ts';
import { frontierOf } from './recovery.ts';
import { type KeptCheckpoint, type KnownKey, Seals } from './seals.ts';
import { factsOf, NO_HASH, readLine, type StoredLine } from './stored-line.ts';

export interface VerifyOptions {
  digests: Digests;
  /** Keys whose signatures count. */
  keys: readonly KnownKey[];
  /** Checkpoints that were kept elsewhere. */
  anchors?: readonly KeptCheckpoint[];
  /** Checks the signature of each checkpoint, not only of those that the others follow from. */
  all?: boolean;
  /** Told after each segment: bytes that were read, of how many. */
  onProgress?: (bytes: number, of: number) => void;
}

export interface VerifyReport {
  origin: string;
  /** Records from here on are there. Earlier ones were cut by retention. */
  from: number;
  /** Number after the last record. */
  size: number;
  bytes: number;
  segments: number;
  checkpoints: number;
  /** Records that the last valid checkpoint covers. */
  covered: number;
  intact: boolean;
  findings: Finding[];
  complete: boolean;
  sources: SourceReport[];
  /** Files that a recovery has set aside. */
  aside: string[];
}

/** Verifies. Error: FIM-AUD-0023 (no log of a known form). */
export function verifyLog(folder: string, options: VerifyOptions): VerifyReport {
  return new Verification(folder, options).run();
}

/** A line whose number is farther away is not one of its segment. */
const MOST_MISSING = 1_000_000;

class Verification {
  private readonly folder: string;
  private readonly options: VerifyOptions;
  private readonly origin: string;
  private readonly findings = new Findings();
  private readonly completeness = new Completeness();
  private readonly seals: Seals;
  private frontier: Frontier;
  private prev = NO_HASH;
  private lastAt = '';
  private from = 0;
  private bytes = 0;
  /** The record up to which a record of retention allows a cut. */
  private cutTo = 0;

  constructor(folder: string, options: VerifyOptions) {
    this.folder = folder;
    this.options = options;
    this.origin = readHead(folder)?.origin ?? '';
    this.frontier = new Frontier(options.digests);
    const { checkpoints, malformed } = readCheckpoints(folder);
    this.seals = new Seals(this.origin, checkpoints, options, this.findings);
    if (malformed > 0)
      this.findings.add({ kind: 'malformed', detail: `${malformed} lines of the checkpoints are none` });
  }

  run(): VerifyReport {
    const segments = listSegments(this.folder);
    const all = segments.reduce((sum, { path }) => sum + statSync(path).size, 0);
    for (const [at, segment] of segments.entries()) {
      this.readSegment(segment, at === 0, at === segments.length - 1);
      this.options.onProgress?.(this.bytes, all);
    }
    const { size } = this.frontier;
    if (this.from > this.cutTo)
      this.findings.add({
        kind: 'missing',
        from: this.cutTo,
        to: this.from - 1,
        detail: 'segments are missing that no record of retention names',
      });
    this.seals.end(this.from, size);
    const sources = this.completeness.report();
    if (this.completeness.repeated > 0)
      this.findings.add({ kind: 'repeated', detail: `${this.completeness.repeated} numbers stand twice` });
    return {
      origin: this.origin,
      from: this.from,
      size,
      bytes: this.bytes,
      segments: segments.length,
      checkpoints: this.seals.count,
      covered: this.seals.covered,
      intact: this.findings.list().length === 0,
      findings: this.findings.list(),
      complete: sources.every(({ missing }) => missing === 0),
      sources,
      aside: this.aside(),
    };
  }

  private aside(): string[] {
    try {
      return readdirSync(asidePath(this.folder));
    } catch {
      return [];
    }
  }

  private readSegment(segment: Segment, isFirst: boolean, isLast: boolean): void {
    const file = basename(segment.path);
    this.bytes += statSync(segment.path).size;
    let isHead = true;
    const { rest } = eachLine(segment.path, (line, offset) => {
      const stored = readLine(line);
      const record = stored === null ? null : factsOf(line, stored);
      if (stored === null || record === null) this.malformed(file, offset);
      else {
        if (isHead) this.enterSegment(segment, record, stored, isFirst);
        this.readRecord(line, stored, record, file, offset);
      }
      isHead = false;
      return true;
    });
    if (rest > 0)
      this.findings.add({
        kind: isLast ? 'torn' : 'malformed',
        from: this.frontier.size,
        file,
        detail: `${rest} bytes at the end are no whole line`,
      });
  }

  /** Takes the tree from a segment's first record where the one before it is not there. */
  private enterSegment(segment: Segment, record: Record<string, unknown>, stored: StoredLine, isFirst: boolean): void {
    const named = frontierOf(this.options.digests, segment.first, record);
    if (named === null) {
      this.findings.add({
        kind: 'malformed',
        from: segment.first,
        file: basename(segment.path),
        detail: 'the first record of the segment does not name the tree before it',
      });
      return;
    }
    if (isFirst) {
      this.from = segment.first;
      this.completeness.start(record['sources']);
    } else if (segment.first <= this.frontier.size) return;
    else
      this.findings.add({
        kind: 'missing',
        from: this.frontier.size,
        to: segment.first - 1,
        detail: 'records before this segment are missing',
        file: basename(segment.path),
      });
    // A checkpoint of just this size has to say the same.
    this.frontier = named;
    this.prev = stored.prev;
    this.seals.see(this.frontier);
  }

  private malformed(file: string, offset: number): void {
    this.findings.add({
      kind: 'edited',
      from: this.frontier.size,
      file,
      offset,
      detail: 'the line is no record of a log',
    });
    this.frontier.push(Buffer.alloc(HASH_BYTES));
    this.prev = '';
  }

  private readRecord(
    line: Buffer,
    stored: StoredLine,
    record: Record<string, unknown>,
    file: string,
    offset: number,
  ): void {
    const expected = this.frontier.size;
    if (stored.index !== expected) this.findings.place(stored.index, expected, file, offset);
    else if (stored.prev !== this.prev && this.prev !== '' && !this.findings.isOutOfPlace(expected - 1))
      this.findings.add({
        kind: 'edited',
        from: Math.max(this.from, expected - 1),
        file,
        offset,
        detail: 'the next record names another hash of it',
      });
    if (stored.at < this.lastAt) this.clockWentBack(stored, file, offset);
    this.lastAt = stored.at;
    if (stored.index - expected > MOST_MISSING) {
      this.prev = '';
      return;
    }
    // Records that are gone leave holes in the tree; what follows is still placed by its own number.
    while (this.frontier.size < stored.index) this.frontier.push(Buffer.alloc(HASH_BYTES));
    const leaf = this.options.digests.leaf(line);
    if (stored.index >= expected) this.frontier.push(leaf);
    this.prev = leaf.toString('hex');
    this.completeness.add(record);
    if (record['kind'] === 'retention' && typeof record['cut_to'] === 'number')
      this.cutTo = Math.max(this.cutTo, record['cut_to']);
    this.seals.see(this.frontier);
  }

  private clockWentBack(stored: StoredLine, file: string, offset: number): void {
    const backMs = Date.parse(this.lastAt) - Date.parse(stored.at);
    if (backMs <= AUDIT_CLOCK_TOLERANCE_MS) return;
    this.findings.add({
      kind: 'clock',
      from: stored.index,
      file,
      offset,
      detail: `the clock goes back by ${backMs} ms`,
    });
  }
}
