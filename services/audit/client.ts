// Records of a process: numbered, sent in batches, sent again until the collector has them on its disk.
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { AUDIT_CLIENT_MS, AUDIT_CLIENT_PAUSE_MS, MAX_CLIENT_RECORDS } from '../limits.ts';
import {
  type AuditRecord,
  BATCH_PATH,
  BATCH_TYPE,
  HEADER_COUNT,
  HEADER_FIRST,
  HEADER_SOURCE,
  MAX_BATCH_BYTES,
  MAX_BATCH_RECORDS,
} from './record.gen.ts';
import { newSourceId, recordTime, uuidV7 } from './uuid.ts';

export interface ClientOptions {
  /** `http://HOST:PORT` or `https://…` of the collector. */
  url: URL;
  /** Unix socket of the collector. Then the URL says only how it is spoken to. */
  socket?: string;
  token?: () => string | undefined;
  /** Authorities of the collector's certificate, PEM. */
  ca?: Buffer;
  /** Told when the collector stops and begins to take records; `code` is its reason. */
  onState?: (state: { taken: boolean; code?: string }) => void;
}

/** Members of a record that a process gives. */
export type Members = Omit<Partial<AuditRecord>, 'v' | 'source' | 'seq' | 'kind'> & Record<string, unknown>;

interface Waiting {
  seq: number;
  line: string;
  done: () => void;
  failed: (error: Error) => void;
}

/** A refusal that sending again does not change. */
export class RecordRefusedError extends Error {}

/** One source of records. Starts with a record of kind `started`. */
export class AuditClient {
  readonly source = newSourceId();
  private readonly options: ClientOptions;
  private readonly waiting: Waiting[] = [];
  private seq = 0;
  private dropped = 0;
  private running: Promise<void> | null = null;
  private stopped = false;
  private taken = true;
  private wake: (() => void) | null = null;

  constructor(options: ClientOptions, about: Members = {}) {
    this.options = options;
    this.write('started', about).catch(() => undefined);
  }

  /** Settles when the record is durable. Rejects with RecordRefusedError if it can never be, or if it was dropped. */
  write(kind: string, members: Members): Promise<void> {
    if (this.stopped) return Promise.reject(new RecordRefusedError('the client has ended'));
    if (this.waiting.length >= MAX_CLIENT_RECORDS) {
      this.seq++;
      this.dropped++;
      return Promise.reject(new RecordRefusedError('too many records wait for the collector'));
    }
    if (this.dropped > 0) this.tellDropped();
    return this.enqueue(kind, members);
  }

  /** Sends what waits and a last record, and ends; what the collector has not taken by then is lost. */
  async stop(withinMs: number): Promise<void> {
    if (this.stopped) return;
    const last = this.write('stopped', {}).catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([last, new Promise((done) => (timer = setTimeout(done, withinMs)))]);
    clearTimeout(timer);
    this.stopped = true;
    this.wake?.();
    for (const { failed } of this.waiting.splice(0)) failed(new RecordRefusedError('the client has ended'));
  }

  /** Numbers that were dropped are missing, and a record says so. */
  private tellDropped(): void {
    const gap = { from_seq: this.seq - this.dropped + 1, to_seq: this.seq, why: 'the collector was away' };
    // The hole in the numbers counts them already.
    this.dropped = 0;
    this.enqueue('gap', gap).catch(() => undefined);
  }

  private enqueue(kind: string, members: Members): Promise<void> {
    const seq = ++this.seq;
    const now = Date.now();
    const head = { v: 1, event_id: uuidV7(now), op_time: recordTime(now), kind, source: this.source, seq };
    const durable = new Promise<void>((done, failed) =>
      this.waiting.push({ seq, line: JSON.stringify({ ...head, ...members }), done, failed }),
    );
    this.run();
    return durable;
  }

  private run(): void {
    this.running ??= this.send().finally(() => {
      this.running = null;
      // What came while the last answer was told has nobody else.
      if (this.waiting.length > 0 && !this.stopped) this.run();
    });
  }

  private async send(): Promise<void> {
    // Records of one turn go together.
    await new Promise((turn) => setImmediate(turn));
    let pauseMs = AUDIT_CLIENT_PAUSE_MS / 100;
    while (this.waiting.length > 0 && !this.stopped) {
      const batch = this.nextBatch();
      const { status, code, seq } = await this.post(batch);
      this.noteState(status === 200, code);
      if (status === 200) {
        for (const { done } of this.waiting.splice(0, batch.length)) done();
        pauseMs = AUDIT_CLIENT_PAUSE_MS / 100;
      } else if (status === 400 || status === 413 || status === 415)
        this.giveUp(batch, seq, code ?? `status ${status}`);
      else {
        await this.pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, AUDIT_CLIENT_PAUSE_MS);
      }
    }
  }

  private nextBatch(): Waiting[] {
    let bytes = 0;
    const most = this.waiting.slice(0, MAX_BATCH_RECORDS);
    const end = most.findIndex(({ line }) => (bytes += Buffer.byteLength(line) + 1) > MAX_BATCH_BYTES);
    return end <= 0 ? most : most.slice(0, end);
  }

  /** Takes out the record that was refused, or the first: the others are sent without it. */
  private giveUp(batch: readonly Waiting[], seq: number | undefined, why: string): void {
    const found = batch.findIndex((one) => one.seq === seq);
    const [refused] = this.waiting.splice(Math.max(0, found), 1);
    refused?.failed(new RecordRefusedError(`${why}: the collector does not take the record`));
  }

  private noteState(taken: boolean, code: string | undefined): void {
    if (taken === this.taken) return;
    this.taken = taken;
    this.options.onState?.({ taken, ...(code !== undefined && { code }) });
  }

  private async pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((done) => {
      this.wake = done;
      timer = setTimeout(done, ms);
    });
    clearTimeout(timer);
    this.wake = null;
  }

  private post(batch: readonly Waiting[]): Promise<{ status: number; code?: string; seq?: number }> {
    const { url, socket, token, ca } = this.options;
    const body = Buffer.from(`${batch.map(({ line }) => line).join('\n')}\n`);
    const bearer = token?.();
    const headers = {
      'content-type': BATCH_TYPE,
      'content-length': body.length,
      [HEADER_SOURCE]: this.source,
      [HEADER_FIRST]: batch[0]!.seq,
      [HEADER_COUNT]: batch.length,
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    };
    return new Promise((done) => {
      const options = {
        method: 'POST',
        headers,
        signal: AbortSignal.timeout(AUDIT_CLIENT_MS),
        ...(socket !== undefined && { socketPath: socket }),
      };
      const target = new URL(BATCH_PATH, url);
      const request =
        url.protocol === 'https:'
          ? requestTls(target, { ...options, ...(ca && { ca }) })
          : requestPlain(target, options);
      request.once('error', () => done({ status: 0 }));
      request.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text = (text + chunk).slice(0, 4_096)));
        response.once('error', () => done({ status: 0 }));
        response.once('end', () => done({ status: response.statusCode ?? 0, ...reasonOf(text) }));
      });
      request.end(body);
    });
  }
}

function reasonOf(text: string): { code?: string; seq?: number } {
  try {
    const { code, seq } = JSON.parse(text) as { code?: unknown; seq?: unknown };
    return { ...(typeof code === 'string' && { code }), ...(typeof seq === 'number' && { seq }) };
  } catch {
    return {};
  }
}
