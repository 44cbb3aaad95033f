// How many workers have requests for routes with a queue: each says so once a second, in a place of its own.
import { MAX_LIVE_WORKERS } from '../limits';
import { scratch } from '../memory/scratch';
import { coarseMillis } from '../runtime/module';
import { monotonicMillis } from '../runtime/host';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';

// "fim.workers1"
const KEY: usize = memory.data<u8>([102, 105, 109, 46, 119, 111, 114, 107, 101, 114, 115, 49]);
const KEY_LENGTH: u32 = 12;
const BYTES: u32 = MAX_LIVE_WORKERS * sizeof<u64>();
const TRIES: i32 = 16;
/** Time after which a worker says again that it has requests. */
const WORKER_BEAT_MS: u64 = 1000;
/** Time after which a worker that has said nothing has no share any more. */
const LIVE_WORKER_MS: u64 = 5 * WORKER_BEAT_MS;

const value: SharedValue = new SharedValue();

function read(): bool {
  if (value.read(KEY, KEY_LENGTH)) return value.length == BYTES;
  const empty = scratch.allocate(BYTES);
  if (empty == 0) return false;
  memory.fill(empty, 0, BYTES);
  return createShared(KEY, KEY_LENGTH, empty, BYTES) && value.read(KEY, KEY_LENGTH) && value.length == BYTES;
}

class LiveWorkers {
  /** This worker's place; -1: none. */
  private place: i32 = -1;
  private count: i32 = 1;
  private beatMs: u64 = 0;
  private hasWork: bool = false;

  /** This worker has a request. */
  note(): void {
    this.hasWork = true;
    if (this.place < 0 && coarseMillis() - this.beatMs >= WORKER_BEAT_MS) this.beat(monotonicMillis());
  }

  /** Part of a number that is this worker's, at least 1. */
  shareOf(total: i32): i32 {
    const count = this.count;
    return count == 1 ? total : (total + count - 1) / count;
  }

  tick(): void {
    const nowMs = coarseMillis();
    if (nowMs - this.beatMs < WORKER_BEAT_MS || (this.place < 0 && !this.hasWork)) return;
    this.beat(nowMs);
  }

  /** Says that this worker has work, if it had some, and counts those that have. */
  private beat(nowMs: u64): void {
    this.beatMs = nowMs;
    for (let i = 0; i < TRIES && read(); i++) {
      if (this.hasWork) {
        if (this.place < 0) this.place = freePlace(nowMs);
        if (this.place >= 0) store<u64>(placeOf(this.place), nowMs);
      }
      this.count = max(1, countLive(nowMs));
      if (!this.hasWork) return;
      const swap = value.swap(KEY, KEY_LENGTH);
      if (swap == Swap.Lost) continue;
      this.hasWork = false;
      return;
    }
  }
}

export const liveWorkers: LiveWorkers = new LiveWorkers();

function placeOf(place: i32): usize {
  return value.pointer + <usize>place * sizeof<u64>();
}

function isLive(place: i32, nowMs: u64): bool {
  const seenMs = load<u64>(placeOf(place));
  return seenMs != 0 && (seenMs > nowMs || nowMs - seenMs < LIVE_WORKER_MS);
}

/** A place that nobody has; -1: there is none. */
function freePlace(nowMs: u64): i32 {
  for (let i = 0; i < <i32>MAX_LIVE_WORKERS; i++) if (!isLive(i, nowMs)) return i;
  return -1;
}

function countLive(nowMs: u64): i32 {
  let count = 0;
  for (let i = 0; i < <i32>MAX_LIVE_WORKERS; i++) if (isLive(i, nowMs)) count++;
  return count;
}
