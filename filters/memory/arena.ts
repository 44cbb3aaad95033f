// Bump allocator over blocks of the module's heap. It serves one message at a time. One call frees everything, so that
// a request leaves nothing for a garbage collector.

import { hasRoom } from './room';

/** Bytes before the first usable address of a block: link to the previous block, and its size. */
const BLOCK_HEADER_BYTES: usize = 16;

export class Arena {
  private block: usize = 0; // newest block
  private cursor: usize = 0;
  private limit: usize = 0; // end of the newest block
  private heldBytes: usize = 0; // all blocks

  /**
   * `chunkBytes`: smallest block taken from the heap. `maxBytes`: cap over all blocks, beyond which `allocate` returns
   * 0.
   */
  constructor(
    private chunkBytes: usize,
    private maxBytes: usize,
  ) {}

  /** Address of `bytes` new bytes, 16-byte aligned, not cleared. 0 at the cap. Callers must check. */
  allocate(bytes: usize): usize {
    const start = this.cursor;
    const next = (start + bytes + 15) & ~15;
    if (next <= this.limit && bytes <= this.limit - start && start != 0) {
      this.cursor = next;
      return start;
    }
    return this.allocateSlow(bytes);
  }

  private allocateSlow(bytes: usize): usize {
    if (bytes > this.maxBytes) return 0;
    const wanted = ((bytes + 15) & ~15) + BLOCK_HEADER_BYTES;
    const size = max(wanted, max(this.chunkBytes, this.heldBytes)); // doubling: a large message costs a few blocks
    const granted = this.heldBytes + size <= this.maxBytes ? size : wanted;
    if (this.heldBytes + granted > this.maxBytes) return 0;
    if (!hasRoom(granted)) return 0;
    const block = heap.alloc(granted);
    store<usize>(block, this.block);
    store<usize>(block, granted, sizeof<usize>());
    this.block = block;
    this.heldBytes += granted;
    this.limit = block + granted;
    const start = block + BLOCK_HEADER_BYTES;
    this.cursor = start + ((bytes + 15) & ~15);
    return start;
  }

  /** Address of the next allocation in the newest block, for `rewind`. */
  get mark(): usize {
    return this.cursor;
  }

  /** Frees what was allocated since `mark`, if it lies in the newest block; else nothing. */
  rewind(mark: usize): void {
    if (mark > this.block && mark <= this.cursor) this.cursor = mark;
  }

  /** Frees what was allocated since `mark`, with the blocks that were taken for it. */
  unwind(mark: usize): void {
    while (this.block != 0 && (mark <= this.block || mark > this.limit)) {
      const block = this.block;
      const previous = load<usize>(block);
      this.heldBytes -= load<usize>(block, sizeof<usize>());
      heap.free(block);
      this.block = previous;
      this.limit = previous == 0 ? 0 : previous + load<usize>(previous, sizeof<usize>());
    }
    this.cursor = this.block == 0 ? 0 : mark;
  }

  /** Shrinks the last allocation `pointer` to its first `bytes` bytes. */
  trim(pointer: usize, bytes: usize): void {
    const end = (pointer + bytes + 15) & ~15;
    if (pointer > this.block && end <= this.cursor) this.cursor = end;
  }

  /** Frees everything. Keeps one block, large enough for the past use, so that a steady load never allocates. */
  reset(): void {
    const block = this.block;
    if (block == 0) return;
    if (load<usize>(block) == 0) {
      this.cursor = block + BLOCK_HEADER_BYTES;
      return;
    }
    const held = this.heldBytes;
    this.release();
    if (held <= this.maxBytes) this.allocate(held - BLOCK_HEADER_BYTES);
    this.cursor = this.block + BLOCK_HEADER_BYTES;
  }

  /** Returns every block to the heap. */
  release(): void {
    let block = this.block;
    while (block != 0) {
      const previous = load<usize>(block);
      heap.free(block);
      block = previous;
    }
    this.block = 0;
    this.cursor = 0;
    this.limit = 0;
    this.heldBytes = 0;
  }

  /** Bytes currently taken from the heap. */
  get held(): usize {
    return this.heldBytes;
  }
}
