import { Sm4Gcm } from '../crypto/sm4-gcm';
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';

/** Bytes of an initialisation vector (NIST SP 800-38D, 8.2.1: fixed field, then invocation field). */
export const IV_BYTES: u32 = 12;
const IV_PREFIX_BYTES: u32 = 8;

/**
 * One version of a key, ready for use. Its initialisation vectors never repeat: 64 random bits of this VM, then a 32-bit count; a new prefix
 * is drawn before the count wraps.
 */
export class KeyVersion {
  readonly cipher: Sm4Gcm = new Sm4Gcm();
  private readonly prefix: StaticArray<u8> = new StaticArray<u8>(<i32>IV_PREFIX_BYTES);
  private count: u32 = 0;
  private hasPrefix: bool = false;
  /** Monotonic times, milliseconds: when the KMS gave it, and when it was last used. */
  readonly fetchedAtMs: u64;
  usedAtMs: u64;

  /** `kid`: key id and version as messages name them, `kms://path#version`. */
  constructor(
    readonly version: u32,
    readonly kid: Bytes,
    nowMs: u64,
  ) {
    this.fetchedAtMs = nowMs;
    this.usedAtMs = nowMs;
  }

  /** Writes the next initialisation vector, IV_BYTES; false if the host gives no randomness. */
  nextIv(out: usize): bool {
    const prefix = changetype<usize>(this.prefix);
    if (!this.hasPrefix || this.count == u32.MAX_VALUE) {
      if (!randomBytes(prefix, IV_PREFIX_BYTES)) return false;
      this.hasPrefix = true;
      this.count = 0;
    }
    memory.copy(out, prefix, IV_PREFIX_BYTES);
    store<u32>(out, bswap<u32>(this.count), IV_PREFIX_BYTES);
    this.count++;
    return true;
  }

  /** The key may no longer be used: its round keys and tables are overwritten. */
  retire(): void {
    this.cipher.wipe();
  }
}
