import { equalConstantTime } from '../crypto/constant-time';
import { Sm3 } from '../crypto/sm3';
import { Sm4Gcm } from '../crypto/sm4-gcm';
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';

/** Bytes of an initialisation vector (NIST SP 800-38D, 8.2.1: fixed field, then invocation field). */
export const IV_BYTES: u32 = 12;
const IV_PREFIX_BYTES: u32 = 8;
/** Bytes of an SM4 key (GB/T 32907). */
export const SM4_KEY_BYTES: u32 = 16;
/** Bytes of an SM3 digest (GB/T 32905). */
const SM3_BYTES: u32 = 32;

const DIGEST: usize = memory.data(32, 16);
const sm3: Sm3 = new Sm3();

/**
 * One version of a key, ready for use. Its initialisation vectors never repeat: 64 random bits of this VM, then a 32-bit count; a new prefix
 * is drawn before the count wraps.
 */
export class KeyVersion {
  readonly cipher: Sm4Gcm = new Sm4Gcm();
  /** SM3 of the key: tells another key from it, and is none. */
  private readonly fingerprint: StaticArray<u8> = new StaticArray<u8>(<i32>SM3_BYTES);
  private readonly prefix: StaticArray<u8> = new StaticArray<u8>(<i32>IV_PREFIX_BYTES);
  private count: u32 = 0;
  private hasPrefix: bool = false;
  /** Monotonic times, milliseconds: when the KMS gave it, and when it was last used. */
  readonly fetchedAtMs: u64;
  usedAtMs: u64;

  /** `kid`: key id and version as messages name them, `kms://path#version`. `key`: SM4_KEY_BYTES; expanded, not kept. */
  constructor(
    readonly version: u32,
    readonly kid: Bytes,
    key: usize,
    nowMs: u64,
  ) {
    sm3.hash(key, SM4_KEY_BYTES, changetype<usize>(this.fingerprint));
    sm3.wipe();
    this.cipher.setKey(key);
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

  /** Whether it is the key at `key`. A KMS that was set up anew may give another key under a known number. */
  holds(key: usize): bool {
    sm3.hash(key, SM4_KEY_BYTES, DIGEST);
    sm3.wipe();
    return equalConstantTime(changetype<usize>(this.fingerprint), DIGEST, SM3_BYTES);
  }

  /** The key may no longer be used: its round keys and tables are overwritten. */
  retire(): void {
    this.cipher.wipe();
  }
}
