// Common part of SM3 and SHA-256: 64-byte blocks, eight 32-bit words of state, a 32-byte digest, Merkle-Damgård
// padding.
import { clear, wipe } from './constant-time';
import { copyVectors, swapBytes32 } from './simd';

/** Length of a digest, bytes. */
export const HASH_BYTES: u32 = 32;
/** Length of a block, bytes. HMAC pads keys to it. */
export const HASH_BLOCK_BYTES: u32 = 64;

/** State: eight words, then the block being filled, with zeros in its unused part. */
const STATE_BYTES: u32 = 32 + HASH_BLOCK_BYTES;

/** A running hash. Absorbs pieces of any size; inputs up to 2^61 - 1 bytes. */
export abstract class Hash {
  protected memory: StaticArray<u8> = new StaticArray<u8>(STATE_BYTES);
  private length: u64 = 0;

  constructor() {
    this.reset();
  }

  /** Starts a new message. */
  reset(): void {
    this.start(this.state);
    clear(this.state + 32, HASH_BLOCK_BYTES);
    this.length = 0;
  }

  /** Absorbs `length` bytes. */
  update(data: usize, length: u32): void {
    const filled = (<u32>this.length) & 63;
    const block = this.state + 32;
    this.length += length;
    if (filled > 0) {
      const taken = min(length, HASH_BLOCK_BYTES - filled);
      memory.copy(block + filled, data, taken);
      if (filled + taken < HASH_BLOCK_BYTES) return;
      this.compress(this.state, block, 1);
      clear(block, HASH_BLOCK_BYTES);
      data += taken;
      length -= taken;
    }
    const blocks = length >> 6;
    if (blocks > 0) this.compress(this.state, data, blocks);
    if ((length & 63) > 0) memory.copy(block, data + (blocks << 6), length & 63);
  }

  /** Ends the message, writes `HASH_BYTES` to `out`, and starts a new one. */
  digest(out: usize): void {
    const block = this.state + 32;
    const filled = (<u32>this.length) & 63;
    store<u8>(block + filled, 0x80);
    if (filled >= 56) {
      this.compress(this.state, block, 1);
      clear(block, HASH_BLOCK_BYTES);
    }
    store<u64>(block, bswap<u64>(this.length << 3), 56);
    this.compress(this.state, block, 1);
    v128.store(out, swapBytes32(v128.load(this.state)));
    v128.store(out, swapBytes32(v128.load(this.state, 16)), 16);
    this.reset();
  }

  /** Digest of one piece. */
  hash(data: usize, length: u32, out: usize): void {
    this.reset();
    this.update(data, length);
    this.digest(out);
  }

  /** Continues from the state of `other`, a hash of the same kind. */
  resumeFrom(other: Hash): void {
    copyVectors(this.state, other.state, STATE_BYTES);
    this.length = other.length;
  }

  /** Overwrites the state. Call `reset` before further use. */
  wipe(): void {
    wipe(this.state, STATE_BYTES);
    this.length = 0;
  }

  protected get state(): usize {
    return changetype<usize>(this.memory);
  }

  /** Writes the initial value. */
  protected abstract start(state: usize): void;
  protected abstract compress(state: usize, data: usize, count: u32): void;
}
