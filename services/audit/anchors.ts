// All places elsewhere that take the checkpoints of a log.
import { join } from 'node:path';
import { AUDIT_ANCHOR_MS } from '../limits.ts';
import type { LogEvent } from './audit-log.ts';
import { type Anchor, anchorTo } from './anchor-file.ts';
import type { AnchorPeer } from './anchor-request.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Digests } from './digest.ts';
import type { TlogKey } from './tlog.ts';
import { TlogAnchor } from './tlog-anchor.ts';
import { WitnessClient } from './witness-client.ts';

export interface AnchorOptions {
  /** A file elsewhere to which each checkpoint is appended, one JSON line each. */
  anchorFile?: string;
  /** Another collector that signs each checkpoint if the log has grown. Its URL is that of the collector. */
  witness?: AnchorPeer;
  /** A transparency log that takes entries at `add` and is read by its tiles. */
  tlog?: AnchorPeer & { key: TlogKey; everyMs?: number };
}

/** File of a log's folder with checkpoints that a transparency log has, and their proofs. */
export const tlogPath = (folder: string): string => join(folder, 'tlog.jsonl');

export class Anchors {
  private readonly all: Anchor[] = [];
  private readonly witness: WitnessClient | undefined;
  private readonly onEvent: ((event: LogEvent) => void) | undefined;
  private readonly told = new Map<string, string>();
  private newest: { note: string; checkpoint: Checkpoint } | undefined;
  private again: NodeJS.Timeout | undefined;

  constructor(
    folder: string,
    { anchorFile, witness, tlog }: AnchorOptions,
    digests: Digests,
    onEvent?: (event: LogEvent) => void,
  ) {
    this.onEvent = onEvent;
    if (anchorFile !== undefined) this.all.push(anchorTo(anchorFile, onEvent));
    if (witness !== undefined) {
      const onNews = (news: { ok: boolean; message?: string; fault?: boolean }): void => this.tell('witness', news);
      this.witness = new WitnessClient({ folder, digests, peer: witness, onNews });
      this.all.push(this.witness);
    }
    if (tlog === undefined) return;
    const { key, everyMs, ...peer } = tlog;
    const path = tlogPath(folder);
    this.all.push(
      new TlogAnchor({
        ...{ peer, key, path },
        ...(everyMs !== undefined && { everyMs }),
        onNews: (news) => this.tell('tlog', news),
      }),
    );
  }

  /** Records that the witness has signed for. Undefined: there is none. */
  get witnessed(): number | undefined {
    return this.witness?.size;
  }

  offer(note: string, checkpoint: Checkpoint): void {
    this.newest = { note, checkpoint };
    for (const anchor of this.all) anchor.offer(note, checkpoint);
  }

  /** Settles when all have what they were offered, and after `withinMs` in any case. */
  async settled(withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((done) => (timer = setTimeout(done, withinMs)));
    await Promise.race([Promise.all(this.all.map((anchor) => anchor.settled())), late]);
    clearTimeout(timer);
    clearTimeout(this.again);
  }

  /** A log that gets no further record gets no further checkpoint: the last one is offered again. */
  private tryAgain(): void {
    clearTimeout(this.again);
    const { note, checkpoint } = this.newest!;
    this.again = setTimeout(() => this.offer(note, checkpoint), AUDIT_ANCHOR_MS).unref();
  }

  /** Tells each state once. */
  private tell(
    by: 'witness' | 'tlog',
    { ok, message, fault }: { ok: boolean; message?: string; fault?: boolean },
  ): void {
    const state = ok ? '' : (message ?? 'it failed');
    if (!ok && fault !== true) this.tryAgain();
    if ((this.told.get(by) ?? '') === state) return;
    this.told.set(by, state);
    this.onEvent?.({
      ...{ event: 'anchor', by, ok },
      ...(!ok && { code: fault === true ? 'FIM-AUD-0030' : 'FIM-AUD-0033', message: state }),
    });
  }
}
