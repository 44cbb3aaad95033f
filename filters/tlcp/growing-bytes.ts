// Bytes that are written at the end and taken from the front, in a block of the heap that exists only while there are
// any. What it held is overwritten before it is given back: plaintext passes through.
import { hasRoom } from '../memory/room';

const FIRST_BYTES: u32 = 512;

export class GrowingBytes {
  private block: usize = 0;
  private capacity: u32 = 0;
  private from: u32 = 0;
  private to: u32 = 0;

  /** `most`: bytes, beyond which nothing is taken. */
  constructor(private readonly most: u32) {}

  get length(): u32 {
    return this.to - this.from;
  }

  /** Bytes of the heap that it has. */
  get room(): u32 {
    return this.capacity;
  }

  /** Address of the first byte. */
  get start(): usize {
    return this.block + this.from;
  }

  /** Address where `bytes` more may be written, then `advance`; 0: there is no room. */
  reserve(bytes: u32): usize {
    const held = this.length;
    if (bytes > this.most - held) return 0;
    if (this.to + bytes <= this.capacity) return this.block + this.to;
    if (this.from > 0 && held + bytes <= this.capacity) {
      memory.copy(this.block, this.block + this.from, held);
      this.from = 0;
      this.to = held;
      return this.block + held;
    }
    const size = max(max(held + bytes, min(this.capacity * 2, this.most)), FIRST_BYTES);
    if (!hasRoom(size)) return 0;
    const moved = heap.alloc(size);
    memory.copy(moved, this.block + this.from, held);
    this.release();
    this.block = moved;
    this.capacity = size;
    this.to = held;
    return moved + held;
  }

  advance(bytes: u32): void {
    this.to += bytes;
  }

  /** False: there is no room, nothing was added. */
  append(data: usize, length: u32): bool {
    if (length == 0) return true;
    const to = this.reserve(length);
    if (to == 0) return false;
    memory.copy(to, data, length);
    this.to += length;
    return true;
  }

  /** Drops bytes at the front; the last one gives the block back. */
  consume(bytes: u32): void {
    this.from += min(bytes, this.length);
    if (this.from == this.to) this.release();
  }

  /** Drops all bytes and keeps the block. */
  clear(): void {
    memory.fill(this.block + this.from, 0, this.length);
    this.from = 0;
    this.to = 0;
  }

  release(): void {
    if (this.block == 0) return;
    memory.fill(this.block, 0, this.to);
    heap.free(this.block);
    this.block = 0;
    this.capacity = 0;
    this.from = 0;
    this.to = 0;
  }
}

/** A copy of some bytes. */
export function bytesOf(from: usize, length: u32): StaticArray<u8> {
  const bytes = new StaticArray<u8>(<i32>length);
  memory.copy(changetype<usize>(bytes), from, length);
  return bytes;
}
