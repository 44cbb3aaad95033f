import { MAX_KEPT_REPLY_BYTES } from '../limits';
import { SlotPool } from '../memory/slot-pool';
import { Reply, sendKept } from './reply';

const pool: SlotPool = new SlotPool(MAX_KEPT_REPLY_BYTES);

/** A reply that waits to be sent. */
export class KeptReply {
  private block: usize = 0;
  private bytes: u32 = 0;

  /** Stores the output of `reply.compose`. False if there is no room. */
  keep(reply: Reply): bool {
    const bytes = reply.keptBytes;
    const block = bytes == 0 ? 0 : pool.take(bytes);
    if (block == 0) return false;
    reply.keep(block);
    this.block = block;
    this.bytes = bytes;
    return true;
  }

  /** Sends it on the current stream and frees its memory. False if the host refuses. */
  send(): bool {
    const sent = this.block != 0 && sendKept(this.block);
    this.drop();
    return sent;
  }

  /** Frees its memory, whether it was sent or not. */
  drop(): void {
    if (this.block == 0) return;
    pool.give(this.block, this.bytes);
    this.block = 0;
    this.bytes = 0;
  }
}
