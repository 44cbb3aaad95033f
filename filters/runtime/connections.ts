import { MAX_COUNTED_CONNECTIONS } from '../limits';

/**
 * Bytes by connection: open addressing with linear probing and backward-shift deletion. A connection without bytes
 * takes no slot.
 */
export class Connections {
  private readonly ids: StaticArray<u64> = new StaticArray<u64>(<i32>MAX_COUNTED_CONNECTIONS * 2);
  private readonly bytes: StaticArray<u64> = new StaticArray<u64>(<i32>MAX_COUNTED_CONNECTIONS * 2);
  private count: u32 = 0;

  /** Connections that have bytes. */
  get size(): u32 {
    return this.count;
  }

  /** Adds to the connection's bytes and returns the sum. `id` is not 0. Returns 0, uncounted, if there is no slot. */
  change(id: u64, bytes: i64): u64 {
    const mask = this.ids.length - 1;
    let at = home(id, mask);
    while (true) {
      const found = unchecked(this.ids[at]);
      if (found == id) break;
      if (found == 0) {
        if (bytes <= 0 || this.count >= MAX_COUNTED_CONNECTIONS) return 0;
        unchecked((this.ids[at] = id));
        unchecked((this.bytes[at] = 0));
        this.count++;
        break;
      }
      at = (at + 1) & mask;
    }
    const before = unchecked(this.bytes[at]);
    const sum: u64 = bytes < 0 && <u64>-bytes >= before ? 0 : before + bytes;
    unchecked((this.bytes[at] = sum));
    if (sum == 0) this.remove(at, mask);
    return sum;
  }

  private remove(hole: i32, mask: i32): void {
    this.count--;
    let at = hole;
    while (true) {
      at = (at + 1) & mask;
      const id = unchecked(this.ids[at]);
      if (id == 0) break;
      if (((at - home(id, mask)) & mask) < ((at - hole) & mask)) continue;
      unchecked((this.ids[hole] = id));
      unchecked((this.bytes[hole] = this.bytes[at]));
      hole = at;
    }
    unchecked((this.ids[hole] = 0));
  }
}

function home(id: u64, mask: i32): i32 {
  return (<i32>((id * 0x9e3779b97f4a7c15) >> 40)) & mask;
}
