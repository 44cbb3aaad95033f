import { MAX_LIVE_STREAMS } from '../limits';
import { Stream } from './stream';

const FIRST_CAPACITY: u32 = 1024;

/**
 * Live streams by context id: open addressing with linear probing and backward-shift deletion, so that a look-up costs
 * the same with one stream and with ten thousand. Streams come from a pool, so that a steady load allocates nothing.
 */
export class StreamTable {
  private slots: StaticArray<Stream | null> = new StaticArray<Stream | null>(<i32>FIRST_CAPACITY);
  private mask: u32 = FIRST_CAPACITY - 1;
  private live: u32 = 0;
  private free: Stream | null = null;

  /** Number of live streams. */
  get size(): u32 {
    return this.live;
  }

  /** Number of slots to visit for all live streams, with `at`. */
  get capacity(): i32 {
    return this.slots.length;
  }

  /** Stream in a slot. Null if it is free. */
  at(place: i32): Stream | null {
    return unchecked(this.slots[place]);
  }

  // Context ids count upwards. A multiplicative hash spreads them and keeps neighbours apart.
  @inline
  private home(contextId: u32): u32 {
    return ((contextId * 0x9e3779b1) >> 8) & this.mask;
  }

  find(contextId: u32): Stream | null {
    let at = this.home(contextId);
    while (true) {
      const stream = unchecked(this.slots[at]);
      if (stream == null || stream.contextId == contextId) return stream;
      at = (at + 1) & this.mask;
    }
  }

  /** A cleared stream for a new context. Null if MAX_LIVE_STREAMS are live. */
  insert(contextId: u32): Stream | null {
    if (this.live >= MAX_LIVE_STREAMS) return null;
    if (this.live * 2 >= this.mask) this.grow();
    let stream = this.free;
    if (stream == null) stream = new Stream();
    else this.free = stream.next;
    stream.clear();
    stream.next = null;
    stream.contextId = contextId;
    this.place(stream);
    this.live++;
    return stream;
  }

  private place(stream: Stream): void {
    let at = this.home(stream.contextId);
    while (unchecked(this.slots[at]) != null) at = (at + 1) & this.mask;
    unchecked((this.slots[at] = stream));
  }

  private grow(): void {
    const old = this.slots;
    const capacity = (this.mask + 1) * 2;
    this.slots = new StaticArray<Stream | null>(<i32>capacity);
    this.mask = capacity - 1;
    for (let i = 0; i < old.length; i++) {
      const stream = unchecked(old[i]);
      if (stream != null) this.place(stream);
    }
  }

  /** Returns a stream to the pool. */
  remove(contextId: u32): void {
    const mask = this.mask;
    let hole = this.home(contextId);
    while (true) {
      const stream = unchecked(this.slots[hole]);
      if (stream == null) return;
      if (stream.contextId == contextId) {
        stream.clear();
        stream.next = this.free;
        this.free = stream;
        break;
      }
      hole = (hole + 1) & mask;
    }
    this.live--;
    let at = hole;
    while (true) {
      at = (at + 1) & mask;
      const stream = unchecked(this.slots[at]);
      if (stream == null) break;
      const home = this.home(stream.contextId);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        unchecked((this.slots[hole] = stream));
        hole = at;
      }
    }
    unchecked((this.slots[hole] = null));
  }
}
