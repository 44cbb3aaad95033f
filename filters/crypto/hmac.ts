// HMAC (RFC 2104; GB/T 15852.2 for SM3) over SM3 or SHA-256.
import { clear, equalConstantTime } from './constant-time';
import { Hash, HASH_BLOCK_BYTES, HASH_BYTES } from './hash';
import { Sha256 } from './sha256';
import { Sm3 } from './sm3';

const PAD: usize = memory.data(64, 16);
const DIGEST: usize = memory.data(32, 16);

/** A keyed running hash. `setKey` absorbs the key's two blocks once for any number of messages. */
export class Hmac {
  /** HMAC-SM3. */
  static sm3(): Hmac {
    return new Hmac(new Sm3(), new Sm3(), new Sm3());
  }

  /** HMAC-SHA-256. */
  static sha256(): Hmac {
    return new Hmac(new Sha256(), new Sha256(), new Sha256());
  }

  private constructor(
    private inner: Hash,
    private outer: Hash,
    private running: Hash,
  ) {}

  /** Sets a key of any length and starts a message. */
  setKey(key: usize, length: u32): void {
    clear(PAD, HASH_BLOCK_BYTES);
    if (length > HASH_BLOCK_BYTES) this.running.hash(key, length, PAD);
    else memory.copy(PAD, key, length);
    xorPad(0x36);
    this.inner.reset();
    this.inner.update(PAD, HASH_BLOCK_BYTES);
    xorPad(0x36 ^ 0x5c);
    this.outer.reset();
    this.outer.update(PAD, HASH_BLOCK_BYTES);
    clear(PAD, HASH_BLOCK_BYTES);
    this.running.resumeFrom(this.inner);
  }

  /** Absorbs `length` bytes of the message. */
  update(data: usize, length: u32): void {
    this.running.update(data, length);
  }

  /** Ends the message, writes `HASH_BYTES` to `out`, and starts a new one under the same key. */
  digest(out: usize): void {
    this.running.digest(DIGEST);
    this.running.resumeFrom(this.outer);
    this.running.update(DIGEST, HASH_BYTES);
    this.running.digest(out);
    this.running.resumeFrom(this.inner);
    clear(DIGEST, HASH_BYTES);
  }

  /**
   * Ends the message. Compares in constant time with the `length` (16 to 32) bytes of a code at `code`. False for other
   * lengths.
   */
  verify(code: usize, length: u32): bool {
    this.digest(PAD);
    const genuine = length >= 16 && length <= HASH_BYTES && equalConstantTime(PAD, code, length);
    clear(PAD, HASH_BLOCK_BYTES);
    return genuine;
  }

  /** Overwrites everything that depends on the key. */
  wipe(): void {
    this.inner.wipe();
    this.outer.wipe();
    this.running.wipe();
  }
}

function xorPad(byte: u8): void {
  const pattern = i8x16.splat(byte);
  for (let i: usize = 0; i < 64; i += 16) v128.store(PAD + i, v128.xor(v128.load(PAD + i), pattern));
}
