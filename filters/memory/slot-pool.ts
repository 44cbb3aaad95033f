// Memory that outlives a host call: blocks of the module's heap with sizes in powers of two, wiped on return and
// reused.

import { hasRoom } from './room';

/** Smallest block, bytes. Blocks are 16-byte aligned. */
const FIRST_BYTES: u32 = 64;
/** Sizes: 64 bytes to 64 << (CLASSES - 1) = 256 KiB. */
const CLASSES: u32 = 13;

export class SlotPool {
  /** First free block of each size. A free block begins with the address of the next one. */
  private readonly free: StaticArray<usize> = new StaticArray<usize>(<i32>CLASSES);
  private heldBytes: usize = 0;
  private usedBytes: usize = 0;

  /** `maxBytes`: cap over all blocks, beyond which `take` returns 0. */
  constructor(private readonly maxBytes: usize) {}

  /**
   * Address of a block of at least `bytes` zero bytes. 0 if there is no room, or it exceeds the largest size. Callers
   * must check.
   */
  take(bytes: u32): usize {
    const size = classOf(bytes);
    if (size >= CLASSES) return 0;
    const block = unchecked(this.free[size]);
    if (block != 0) {
      unchecked((this.free[size] = load<usize>(block)));
      store<usize>(block, 0);
      this.usedBytes += <usize>(FIRST_BYTES << size);
      return block;
    }
    const length = <usize>(FIRST_BYTES << size);
    if (!this.makeRoom(length) || !hasRoom(length)) return 0;
    const fresh = heap.alloc(length);
    memory.fill(fresh, 0, length);
    this.heldBytes += length;
    this.usedBytes += length;
    return fresh;
  }

  /**
   * Returns free blocks of other sizes to the heap if the cap leaves no room for `length` bytes. False if that does not
   * suffice.
   */
  private makeRoom(length: usize): bool {
    if (this.usedBytes + length > this.maxBytes) return false;
    for (let size = <i32>CLASSES - 1; size >= 0; size--) {
      let block = unchecked(this.free[size]);
      while (block != 0 && this.heldBytes + length > this.maxBytes) {
        unchecked((this.free[size] = load<usize>(block)));
        heap.free(block);
        this.heldBytes -= <usize>(FIRST_BYTES << size);
        block = unchecked(this.free[size]);
      }
    }
    return this.heldBytes + length <= this.maxBytes;
  }

  /** Takes a block back and overwrites it. `bytes`: the argument of `take`. */
  give(block: usize, bytes: u32): void {
    const size = classOf(bytes);
    if (block == 0 || size >= CLASSES) return;
    memory.fill(block, 0, <usize>(FIRST_BYTES << size));
    store<usize>(block, unchecked(this.free[size]));
    unchecked((this.free[size] = block));
    this.usedBytes -= <usize>(FIRST_BYTES << size);
  }

  /** Bytes taken from the heap, in use or waiting for reuse. */
  get held(): usize {
    return this.heldBytes;
  }

  /** Bytes in use. */
  get used(): usize {
    return this.usedBytes;
  }
}

function classOf(bytes: u32): u32 {
  return bytes <= FIRST_BYTES ? 0 : 32 - clz<u32>((bytes - 1) / FIRST_BYTES);
}
