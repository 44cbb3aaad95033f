// Checkpoints in a file elsewhere: on another disk, or where another user owns it, they outlive a log made anew.
import { appendFile, open } from 'node:fs/promises';
import { messageOf } from '../../envoy/standalone/coded-error.ts';
import type { LogEvent } from './audit-log.ts';
import type { Checkpoint } from './checkpoint.ts';

/** A place elsewhere that takes checkpoints. */
export interface Anchor {
  offer(note: string, checkpoint: Checkpoint): void;
  /** Settles when nothing is under way. */
  settled(): Promise<void>;
}

/** Appends each checkpoint durably, in order. A file that cannot be written is told, and tried with each checkpoint. */
export function anchorTo(path: string, onEvent?: (event: LogEvent) => void): Anchor {
  let before = Promise.resolve();
  let missed: string[] = [];
  let ok = true;
  const append = async (note: string): Promise<void> => {
    // The newest covers all before it.
    missed = [...missed, note].slice(-2);
    try {
      await appendFile(path, missed.map((one) => `${JSON.stringify({ note: one })}\n`).join(''), { mode: 0o644 });
      const file = await open(path, 'r');
      await file.sync().finally(() => file.close());
      missed = [];
      if (!ok) onEvent?.({ event: 'anchor', by: 'file', ok: true });
      ok = true;
    } catch (error) {
      if (ok) onEvent?.({ event: 'anchor', by: 'file', ok: false, code: 'FIM-AUD-0033', message: messageOf(error) });
      ok = false;
    }
  };
  return {
    offer: (note) => {
      before = before.then(() => append(note));
    },
    settled: () => before,
  };
}
