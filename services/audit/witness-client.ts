// The side of the log: each checkpoint goes to a witness, with the proof that the log has grown.
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { AUDIT_READ_LINES } from '../limits.ts';
import { messageOf } from '../../envoy/standalone/coded-error.ts';
import { type AnchorPeer, askAnchor } from './anchor-request.ts';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import type { Digests } from './digest.ts';
import { eachLine, listSegments } from './log-folder.ts';
import { Frontier, TreeView } from './merkle.ts';
import { frontierOf } from './recovery.ts';
import { readLine, recordOf } from './stored-line.ts';
import { WITNESS_PATH } from './witness-book.ts';

/** Fate of a checkpoint. `fault`: the witness knows another log, which is no matter of time. */
export interface WitnessNews {
  ok: boolean;
  /** Records that the witness has signed for. */
  size: number;
  message?: string;
  fault?: boolean;
}

interface Options {
  folder: string;
  digests: Digests;
  peer: AnchorPeer;
  onNews: (news: WitnessNews) => void;
}

/** File of a log's folder with the newest checkpoint that a witness has signed. */
export const cosignedPath = (folder: string): string => join(folder, 'witnessed-checkpoint');

export class WitnessClient {
  private readonly options: Options;
  private known = 0;
  private next: { note: string; checkpoint: Checkpoint } | null = null;
  private running: Promise<void> | null = null;

  constructor(options: Options) {
    this.options = options;
  }

  /** Records that the witness has signed for, as far as this process knows. */
  get size(): number {
    return this.known;
  }

  /** Sends the newest checkpoint; an older one that waits is left out. One that fails is tried again with the next. */
  offer(note: string, checkpoint: Checkpoint): void {
    this.next = { note, checkpoint };
    this.running ??= this.drain().finally(() => (this.running = null));
  }

  /** Settles when nothing is under way. */
  async settled(): Promise<void> {
    while (this.running !== null) await this.running;
  }

  private async drain(): Promise<void> {
    for (let offered = this.next; offered !== null; offered = this.next) {
      this.next = null;
      const news = await this.send(offered.note, offered.checkpoint).catch((error: unknown) => ({
        ok: false,
        size: this.known,
        message: messageOf(error),
      }));
      this.options.onNews(news);
    }
  }

  private async send(note: string, checkpoint: Checkpoint): Promise<WitnessNews> {
    const { folder, digests, peer } = this.options;
    // The first answer of a witness that knows the log says how much of it.
    for (let tries = 0; tries < 3; tries++) {
      const proof =
        this.known === 0 || this.known === checkpoint.size
          ? []
          : (await treeSince(folder, digests, this.known, checkpoint.size)).consistency(this.known, checkpoint.size);
      const lines = [`old ${this.known}`, ...proof.map((hash) => hash.toString('base64'))];
      const { status, body } = await askAnchor(peer, WITNESS_PATH.slice(1), `${lines.join('\n')}\n\n${note}`);
      const text = body.toString('utf8');
      if (status === 200) {
        const cosigned = `${note}${text}`;
        if (readCheckpoint(cosigned) === null) throw new Error('its answer is no signature');
        this.known = checkpoint.size;
        await keep(cosignedPath(folder), cosigned);
        return { ok: true, size: this.known };
      }
      const size = /^\d{1,16}\n$/.test(text) ? Number(text) : -1;
      if (status !== 409 || size < 0 || size === this.known) return this.refused(status, text.trim().slice(0, 200));
      if (size > checkpoint.size)
        return {
          ...this.refused(409, `it has signed for ${size} records, and this log has ${checkpoint.size}`),
          fault: true,
        };
      this.known = size;
    }
    return this.refused(409, 'its size changes all the time: has it another writer?');
  }

  private refused(status: number, message: string): WitnessNews {
    return { ok: false, size: this.known, message: `status ${status}: ${message}`, fault: status === 422 };
  }
}

async function keep(path: string, text: string): Promise<void> {
  const file = await open(`${path}.partial`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.partial`, path);
}

/**
 * The tree of `to` records, whose leaves are known from the segment with record `from` on. The hash of a line stands in
 * the next one, so that only the last is computed. Rejects if the records were cut.
 */
export async function treeSince(folder: string, digests: Digests, from: number, to: number): Promise<TreeView> {
  const all = listSegments(folder);
  const segments = all.slice(
    Math.max(
      0,
      all.findLastIndex(({ first }) => first <= from),
    ),
  );
  let start: Frontier | null = null;
  const leaves: Buffer[] = [];
  let last: Buffer | null = null;
  for (const segment of segments) {
    if (segment.first >= to) break;
    for (let at = 0, goesOn = true; goesOn;) {
      let lines = 0;
      goesOn = false;
      const { end } = eachLine(
        segment.path,
        (line) => {
          const stored = readLine(line);
          if (stored === null || stored.index >= to) return false;
          if (lines++ === AUDIT_READ_LINES) {
            goesOn = true;
            return false;
          }
          if (start === null) start = frontierOf(digests, segment.first, recordOf(line, stored));
          else leaves.push(Buffer.from(stored.prev, 'hex'));
          last = Buffer.from(line);
          return true;
        },
        at,
      );
      at = end;
      await new Promise((turn) => setImmediate(turn));
    }
  }
  if (start === null || last === null) throw new Error(`record ${from} is not there any more`);
  const tree = new TreeView(digests, start, Buffer.concat([...leaves, digests.leaf(last)]));
  if (tree.size !== to) throw new Error('records are missing: run fim audit verify');
  return tree;
}
