// Checkpoints as entries of a transparency log, with a proof of each that stands for itself.
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../envoy/standalone/coded-error.ts';
import { AUDIT_TLOG_MS, AUDIT_TLOG_WAIT_MS } from '../limits.ts';
import { type AnchorPeer, askAnchor } from './anchor-request.ts';
import { type TlogKey, TlogReader } from './tlog.ts';

/** Fate of a checkpoint. */
export interface TlogNews {
  ok: boolean;
  /** Place in the log. */
  index?: number;
  message?: string;
}

interface Options {
  peer: AnchorPeer;
  key: TlogKey;
  /** File for checkpoints and their proofs, one JSON line each. */
  path: string;
  /** Time between checkpoints that are sent, milliseconds. */
  everyMs?: number;
  onNews: (news: TlogNews) => void;
}

const LOOK_MS = 500;

export class TlogAnchor {
  private readonly options: Options;
  private next: string | null = null;
  private sentAt = Number.NEGATIVE_INFINITY;
  private running: Promise<void> | null = null;

  constructor(options: Options) {
    this.options = options;
  }

  /** Sends a checkpoint if it is time for one. */
  offer(note: string): void {
    this.next = note;
    const { everyMs = AUDIT_TLOG_MS } = this.options;
    if (this.running === null && performance.now() - this.sentAt >= everyMs) this.begin(note);
  }

  private begin(note: string): void {
    this.sentAt = performance.now();
    this.running = this.send(note)
      .then(
        (index) => this.options.onNews({ ok: true, index }),
        (error: unknown) => {
          this.sentAt = Number.NEGATIVE_INFINITY;
          this.options.onNews({ ok: false, message: messageOf(error) });
        },
      )
      .finally(() => (this.running = null));
  }

  /** Sends what was not sent, and settles when nothing is under way. */
  async settled(): Promise<void> {
    await this.running;
    if (this.next !== null) this.begin(this.next);
    await this.running;
  }

  private async send(note: string): Promise<number> {
    const { peer, key, path } = this.options;
    const entry = Buffer.from(note);
    const { status, body } = await askAnchor(peer, 'add', entry);
    const index = Number(body.toString('latin1').trim());
    if (status !== 200 || !Number.isSafeInteger(index)) throw new Error(`add: status ${status}`);
    const reader = new TlogReader(peer, key);
    const until = performance.now() + AUDIT_TLOG_WAIT_MS;
    let head = await reader.head();
    while (head.size <= index) {
      if (performance.now() > until) throw new Error(`the log does not cover entry ${index} yet`);
      await pause(LOOK_MS);
      head = await reader.head();
    }
    const tlog = await reader.prove(index, entry, head);
    const file = await open(path, 'a', 0o600);
    try {
      await file.appendFile(`${JSON.stringify({ note, tlog })}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    if (this.next === note) this.next = null;
    return index;
  }
}
