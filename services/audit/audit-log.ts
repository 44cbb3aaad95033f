// The log of one folder: numbered, chained, hashed into a tree, on the disk before anybody is told.
import { join } from 'node:path';
import {
  AUDIT_CHECKPOINT_MS,
  AUDIT_CLOCK_TOLERANCE_MS,
  AUDIT_HOLE_GRACE_MS,
  AUDIT_REOPEN_MS,
  AUDIT_SEGMENT_BYTES,
  AUDIT_SEGMENT_MS,
  MAX_AUDIT_WAITING_BYTES,
} from '../limits.ts';
import { type Checkpoint, signCheckpoint } from './checkpoint.ts';
import { type Digests, OpenSslDigests } from './digest.ts';
import { type Disk, type DiskFile, realDisk } from './disk.ts';
import { FolderLock } from './folder-lock.ts';
import { checkpointsPath, latestPath, type Segment, segmentPath } from './log-folder.ts';
import { prepareHead } from './log-head.ts';
import type { Frontier } from './merkle.ts';
import { AUDIT_KINDS, type AuditRecord } from './record.gen.ts';
import type { ReadRecord } from './record-reader.ts';
import { singleLine } from './record-reader.ts';
import { cutBack, emptyState, endCheckpoints, type LogState, makeFolders, recover } from './recovery.ts';
import { AuditRefusal } from './refusal.ts';
import type { Retention } from './retention.ts';
import { applyRetention } from './retention.ts';
import type { Sm2Signer } from './sm2-signer.ts';
import { writeLine } from './stored-line.ts';
import { newSourceId, recordTime, uuidV7 } from './uuid.ts';
import { type TakenRun, WriteQueue } from './write-queue.ts';

/** Something that an operator should know. */
export type LogEvent =
  | { event: 'checkpoint'; size: number }
  | { event: 'unwritable'; full: boolean; message: string }
  | { event: 'writable' }
  /** Checkpoints cannot be kept elsewhere, or can be again. `code`: what the reason is about. */
  | { event: 'anchor'; by: 'file' | 'witness' | 'tlog'; ok: boolean; code?: string; message?: string };

export interface LogOptions {
  folder: string;
  /** The key that signs checkpoints, under the name of the log. */
  signerOf: (origin: string) => Sm2Signer;
  /** Name in checkpoints of a new log. Default: one by chance. */
  origin?: string;
  retention?: Retention;
  segmentBytes?: number;
  segmentMs?: number;
  checkpointMs?: number;
  holeGraceMs?: number;
  disk?: Disk;
  digests?: Digests;
  /** Milliseconds since 1970. */
  now?: () => number;
  onEvent?: (event: LogEvent) => void;
  /** Called with each checkpoint that is durable. */
  onCheckpoint?: (note: string, checkpoint: Checkpoint) => void;
}

/** State that a log tells of itself. */
export interface LogStatus {
  origin: string;
  /** Records that are durable. */
  size: number;
  checkpointed: number;
  sources: number;
  writable: boolean;
  full: boolean;
}

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');

export class AuditLog {
  readonly origin: string;
  private readonly options: LogOptions;
  private readonly lock: FolderLock;
  private readonly signer: Sm2Signer;
  private readonly disk: Disk;
  private readonly now: () => number;
  private readonly source = newSourceId();
  private readonly queue = new WriteQueue();
  private state: LogState;
  private durable: { segment: Segment | null; bytes: number; first: number };
  private durableTree: Frontier;
  private durableMs = 0;
  private file: DiskFile | null = null;
  private signed = { size: 0, atMs: 0, end: 0 };
  private fault: { error: Error; full: boolean } | null = null;
  private running: Promise<void> | null = null;
  private wantsCheckpoint = false;
  private timer: NodeJS.Timeout | undefined;
  private closing = false;
  /** The time of the last line as text: most lines of a batch have the same. */
  private stampMs = Number.NaN;
  private stamp = '';

  private constructor(options: LogOptions, lock: FolderLock, signer: Sm2Signer, state: LogState) {
    this.options = options;
    this.lock = lock;
    this.signer = signer;
    this.origin = signer.name;
    this.disk = options.disk ?? realDisk;
    this.now = options.now ?? Date.now;
    this.state = state;
    this.durable = { segment: state.segment, bytes: state.bytes, first: state.segment?.first ?? 0 };
    this.durableTree = state.frontier.copy();
  }

  /**
   * Opens or makes the log of a folder. Errors: FIM-AUD-0020 (another process has it), FIM-AUD-0021 (it was damaged),
   * FIM-AUD-0023 (another format), and those of the disk.
   */
  static async open(options: LogOptions): Promise<AuditLog> {
    const { folder, disk = realDisk, digests = new OpenSslDigests() } = options;
    await makeFolders(folder, disk);
    const lock = new FolderLock(folder);
    try {
      const signer = await prepareHead(folder, options, disk);
      const { state, aside } = await recover(folder, digests, disk);
      const log = new AuditLog({ ...options, digests }, lock, signer, state);
      log.signed.end = await endCheckpoints(folder, disk);
      log.note('started', {});
      for (const remainder of aside) log.note('recovered', { ...remainder });
      await log.settled();
      log.tick();
      return log;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get status(): LogStatus {
    return {
      origin: this.origin,
      size: this.durableTree.size,
      checkpointed: this.signed.size,
      sources: this.state.ledger.size,
      writable: this.fault === null && !this.closing,
      full: this.fault?.full ?? false,
    };
  }

  get waitingBytes(): number {
    return this.queue.bytes;
  }

  /**
   * Takes the records of a source that are new, and settles when all of them are durable. Returns how many were new.
   * Error: AuditRefusal; then none of them was taken.
   */
  async append(source: string, records: readonly ReadRecord[]): Promise<{ taken: number; complete: number }> {
    this.mustBeWritable();
    if (this.queue.bytes > MAX_AUDIT_WAITING_BYTES) throw new AuditRefusal('FIM-AUD-0006', 'the disk is behind');
    for (const { seq } of records) {
      const standing = this.state.ledger.standing(source, seq);
      if (standing === 'crowded') throw new AuditRefusal('FIM-AUD-0010', 'too many sources', seq);
      if (standing === 'torn') throw new AuditRefusal('FIM-AUD-0010', 'too many holes in the numbers', seq);
    }
    const ms = this.time();
    let taken = 0;
    for (const { seq, kind, json } of records) {
      if (this.state.ledger.standing(source, seq) !== 'new') continue;
      this.write(json, source, seq, ms);
      // What its writer tells as lost is told.
      if (kind === AUDIT_KINDS.gap) this.state.ledger.tell(source);
      taken++;
    }
    await this.settled();
    return { taken, complete: this.state.ledger.completeTo(source) };
  }

  /** Writes a record of the collector itself. Settled by `settled`. */
  note(kind: string, members: Record<string, unknown>): void {
    this.mustBeWritable();
    this.writeOwn(kind, members, this.time());
  }

  /** Settles when everything that was taken so far is durable. Error: AuditRefusal. */
  async settled(): Promise<void> {
    if (this.durableTree.size >= this.state.frontier.size) return;
    const durable = this.queue.wait(this.state.frontier.size);
    this.run();
    await durable;
  }

  /** Signs what is durable, unless that is done. */
  async checkpoint(): Promise<void> {
    await this.settled();
    this.wantsCheckpoint = true;
    this.run();
    while (this.running !== null) await this.running;
    if (this.fault !== null) this.mustBeWritable();
  }

  /** Cuts what retention does not keep. Returns the record from which on there are records. */
  async retain(): Promise<number> {
    const { retention, folder } = this.options;
    if (retention === undefined) return 0;
    return applyRetention(folder, retention, {
      nowMs: this.now(),
      disk: this.disk,
      record: async (cut) => {
        this.note('retention', cut);
        await this.checkpoint();
      },
    });
  }

  async close(): Promise<void> {
    if (this.closing) return;
    clearTimeout(this.timer);
    try {
      if (this.fault === null) {
        this.note('stopped', {});
        await this.checkpoint();
      }
    } finally {
      this.closing = true;
      clearTimeout(this.timer);
      while (this.running !== null) await this.running;
      await this.file?.close().catch(() => undefined);
      this.lock.release();
    }
  }

  private mustBeWritable(): void {
    if (this.closing) throw new AuditRefusal('FIM-AUD-0006', 'the collector stops');
    if (this.fault !== null)
      throw this.fault.full
        ? new AuditRefusal('FIM-AUD-0007', 'no space is left')
        : new AuditRefusal('FIM-AUD-0008', 'the log cannot be written');
  }

  /** The time of the next line, never before that of the last; a clock that went back is written down. */
  private time(): number {
    const ms = this.now();
    const back = this.state.lastMs - ms;
    if (back <= 0) return ms;
    if (back <= AUDIT_CLOCK_TOLERANCE_MS) return this.state.lastMs;
    this.state.lastMs = ms;
    this.writeOwn('clock', { back_ms: back }, ms);
    return ms;
  }

  private writeOwn(kind: string, members: Record<string, unknown>, ms: number): void {
    this.makeRoom(JSON.stringify(members).length, ms);
    const seq = this.state.ledger.highOf(this.source) + 1;
    this.push(singleLine(JSON.stringify({ ...this.head(kind, seq, ms), ...members })), ms, false);
    this.state.ledger.add(this.source, seq, ms);
  }

  private head(kind: string, seq: number, ms: number): AuditRecord {
    return { v: 1, event_id: uuidV7(ms), op_time: recordTime(ms), kind, source: this.source, seq };
  }

  private write(json: string, source: string, seq: number, ms: number): void {
    this.makeRoom(json.length, ms);
    this.push(json, ms, false);
    this.state.ledger.add(source, seq, ms);
  }

  /** Begins the next segment if this one is full or old. */
  private makeRoom(length: number, ms: number): void {
    const { segmentBytes = AUDIT_SEGMENT_BYTES, segmentMs = AUDIT_SEGMENT_MS } = this.options;
    const { segment, bytes, beganMs } = this.state;
    if (segment === null || bytes + length > segmentBytes || ms - beganMs > segmentMs) this.beginSegment(ms);
  }

  private beginSegment(ms: number): void {
    const { state } = this;
    state.ledger.forget(ms);
    const first = state.frontier.size;
    state.segment = { path: segmentPath(this.options.folder, first), first };
    state.bytes = 0;
    state.beganMs = ms;
    const seq = state.ledger.highOf(this.source) + 1;
    const frontier = state.frontier.subtrees.map((node) => node.toString('hex'));
    const sources = state.ledger.state();
    this.push(singleLine(JSON.stringify({ ...this.head('segment', seq, ms), frontier, sources })), ms, true);
    state.ledger.add(this.source, seq, ms);
  }

  private push(json: string, ms: number, begins: boolean): void {
    const { state } = this;
    if (ms !== this.stampMs) [this.stampMs, this.stamp] = [ms, new Date(ms).toISOString()];
    const line = writeLine(state.frontier.size, this.stamp, state.prev, json);
    const leaf = this.options.digests!.leaf(line);
    // The tree before the new segment is that of the run before it.
    if (begins) this.queue.seal(state.frontier);
    state.frontier.push(leaf);
    state.prev = leaf.toString('hex');
    state.lastMs = ms;
    state.bytes += line.length + 1;
    this.queue.add(state.segment!, begins, line, state.frontier, ms);
  }

  /** Writes while something waits; one at a time. */
  private run(): void {
    if (this.running !== null || this.closing) return;
    this.running = this.drain()
      .catch((error: unknown) => this.break(error))
      .finally(() => {
        this.running = null;
        if ((!this.queue.isEmpty || this.wantsCheckpoint) && this.fault === null) this.run();
      });
  }

  private async drain(): Promise<void> {
    while (!this.queue.isEmpty || this.wantsCheckpoint) {
      this.queue.seal(this.state.frontier);
      for (const run of this.queue.take()) await this.writeRun(run);
      const { checkpointMs = AUDIT_CHECKPOINT_MS } = this.options;
      if (this.wantsCheckpoint || this.now() - this.signed.atMs >= checkpointMs) await this.sign();
      this.wantsCheckpoint = false;
    }
  }

  private async writeRun(run: TakenRun): Promise<void> {
    if (run.begins) {
      await this.sign();
      await this.file?.close();
      this.file = null;
    }
    this.file ??= await this.disk.open(run.segment.path);
    const at = run.begins ? 0 : this.durable.bytes;
    await this.file.write(Buffer.concat(run.lines, run.bytes), at);
    await this.file.sync();
    this.durable = { segment: run.segment, bytes: at + run.bytes, first: run.segment.first };
    this.durableTree = run.frontier;
    this.durableMs = run.lastMs;
    this.queue.tell(run.frontier.size);
  }

  /** Signs what is durable, unless that is done. */
  private async sign(): Promise<void> {
    const tree = this.durableTree;
    if (tree.size <= this.signed.size) return;
    const { folder, onCheckpoint, onEvent } = this.options;
    const time = new Date(this.durableMs).toISOString();
    const checkpoint = { origin: this.origin, size: tree.size, root: tree.root(), time };
    const note = signCheckpoint(checkpoint, this.signer);
    const line = Buffer.from(`${JSON.stringify({ note })}\n`);
    const file = await this.disk.open(checkpointsPath(folder));
    try {
      await file.write(line, this.signed.end);
      await file.sync();
    } finally {
      await file.close();
    }
    this.signed = { size: tree.size, atMs: this.now(), end: this.signed.end + line.length };
    await this.disk.replace(latestPath(folder), Buffer.from(note));
    onEvent?.({ event: 'checkpoint', size: tree.size });
    onCheckpoint?.(note, checkpoint);
  }

  /** A write has failed: nobody who waits is told that it is durable, and the log is tried again until it can be written. */
  private async break(error: unknown): Promise<void> {
    this.wantsCheckpoint = false;
    const full = isFull(error);
    const message = error instanceof Error ? error.message : String(error);
    this.fault = { error: error instanceof Error ? error : new Error(message), full };
    this.queue.fail(
      full ? new AuditRefusal('FIM-AUD-0007', 'no space is left') : new AuditRefusal('FIM-AUD-0008', 'a write failed'),
    );
    await this.file?.close().catch(() => undefined);
    this.file = null;
    this.options.onEvent?.({ event: 'unwritable', full, message });
    this.tick();
  }

  /** Goes back to what is durable. Throws while the disk does not let it. */
  private async reopen(): Promise<void> {
    const { folder, digests } = this.options;
    await cutBack(folder, this.durable, this.disk);
    // A batch has to fit before writers are told to come back.
    const trial = join(folder, 'trial');
    await this.disk.replace(trial, Buffer.alloc(2 * 1024 * 1024));
    await this.disk.remove(trial);
    this.signed.end = await endCheckpoints(folder, this.disk);
    this.state =
      this.durable.segment === null ? emptyState(digests!) : (await recover(folder, digests!, this.disk)).state;
    this.fault = null;
    this.options.onEvent?.({ event: 'writable' });
  }

  /** Work that comes with time: gaps, checkpoints, retention, and the disk's return. */
  private tick(): void {
    clearTimeout(this.timer);
    if (this.closing) return;
    const { checkpointMs = AUDIT_CHECKPOINT_MS } = this.options;
    const every = this.fault === null ? Math.max(20, Math.min(checkpointMs, AUDIT_REOPEN_MS)) : AUDIT_REOPEN_MS;
    this.timer = setTimeout(() => void this.onTick().finally(() => this.tick()), every);
    this.timer.unref();
  }

  private async onTick(): Promise<void> {
    try {
      if (this.fault !== null) await this.reopen();
      this.writeGaps();
      const { checkpointMs = AUDIT_CHECKPOINT_MS } = this.options;
      if (this.now() - this.signed.atMs >= checkpointMs) await this.checkpoint();
      await this.retain();
    } catch (error) {
      if (this.fault === null && !(error instanceof AuditRefusal) && !this.closing) await this.break(error);
    }
  }

  private writeGaps(): void {
    const { holeGraceMs = AUDIT_HOLE_GRACE_MS } = this.options;
    for (const { source, holes } of this.state.ledger.takeOverdue(this.now(), holeGraceMs))
      for (const [from, to] of holes)
        this.note('gap', { of: source, lost: to - from + 1, from_seq: from, to_seq: to, why: 'not received in time' });
    if (!this.queue.isEmpty) this.run();
  }
}
