// Interface of a block cipher for counter modes, and counter mode itself.
import { wipe } from './constant-time';

/**
 * A keyed block cipher with 16-byte blocks. It produces key stream for a 32-bit big-endian counter in the last word of
 * the block.
 */
export abstract class BlockCounter {
  /**
   * Sets the nonce of the following runs: the first 12 of the 16 bytes at `block`. All ciphers of a kind share one
   * nonce.
   */
  abstract begin(block: usize): void;

  /** Writes four blocks of key stream, 64 bytes, to `to`. The counter wraps at 2^32. */
  abstract stream4(counter: u32, to: usize): void;

  /**
   * XORs the key stream, beginning with block `counter`, into `length` bytes. `from` and `to` may be the same. The
   * counter wraps at 2^32.
   */
  abstract xor(counter: u32, from: usize, to: usize, length: u32): void;

  /** Overwrites working memory of earlier runs. */
  abstract wipeWork(): void;

  /** Overwrites the key. */
  abstract wipe(): void;
}

/** The 32-bit counter of a counter block. */
// @ts-ignore: decorator
@inline
export function counterOf(block: usize): u32 {
  return bswap(load<u32>(block, 12));
}

/** XORs `length` bytes of stream, 16 at a time. */
export function xorStream(stream: usize, from: usize, to: usize, length: u32): void {
  const whole = length & ~15;
  let at: u32 = 0;
  for (; at < whole; at += 16) v128.store(to + at, v128.xor(v128.load(from + at), v128.load(stream + at)));
  for (; at < length; at++) store<u8>(to + at, load<u8>(from + at) ^ load<u8>(stream + at));
}

const WORK: usize = memory.data(64, 16);

/** Counter mode (SP 800-38A, 6.5; GB/T 17964-2021, 8) in pieces of any size. */
export class Ctr {
  private block: StaticArray<u8> = new StaticArray<u8>(16); // counter block of the next byte
  private used: u32 = 0; // bytes of that block's key stream already used

  /** `wide`: whether the counter has 128 bits (counter mode) or wraps within its last 32 (GCM). */
  constructor(
    private cipher: BlockCounter,
    private wide: bool = true,
  ) {}

  /** Starts at the 16-byte counter block at `block`. */
  begin(block: usize): void {
    v128.store(this.at, v128.load(block));
    this.used = 0;
  }

  /** Encrypts or decrypts the next `length` bytes; in place allowed. */
  update(from: usize, to: usize, length: u32): void {
    const cipher = this.cipher;
    while (length > 0) {
      const counter = counterOf(this.at);
      cipher.begin(this.at);
      let bytes: u32;
      if (this.used > 0) {
        cipher.stream4(counter, WORK);
        bytes = min(length, 16 - this.used);
        xorStream(WORK + this.used, from, to, bytes);
      } else {
        bytes = <u32>min<u64>(length, (0x100000000 - <u64>counter) << 4); // up to the wrap of the low word
        cipher.xor(counter, from, to, bytes);
      }
      this.advance(bytes);
      from += bytes;
      to += bytes;
      length -= bytes;
    }
    wipe(WORK, 64);
    cipher.wipeWork();
  }

  private advance(bytes: u32): void {
    const total = <u64>this.used + bytes;
    this.used = (<u32>total) & 15;
    if (!this.wide) {
      store<u32>(this.at, bswap(counterOf(this.at) + <u32>(total >> 4)), 12);
      return;
    }
    const low = bswap(load<u64>(this.at, 8));
    const sum = low + (total >> 4);
    store<u64>(this.at, bswap(sum), 8);
    if (sum < low) store<u64>(this.at, bswap<u64>(bswap(load<u64>(this.at)) + 1));
  }

  private get at(): usize {
    return changetype<usize>(this.block);
  }
}
