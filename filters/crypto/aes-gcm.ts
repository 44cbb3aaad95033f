// AES-128 and AES-256 in Galois/Counter mode (NIST SP 800-38D).
import { AesCounter } from './aes-ctr';
import { Gcm } from './gcm';

/** One key of AES-GCM: 12,160 bytes in managed memory of its own. Not usable before `setKey`. `wipe` when done. */
export class AesGcm extends Gcm {
  constructor() {
    super(new AesCounter());
  }

  /** Expands a key of 16 or 32 bytes. False, with the old key kept, for any other length. */
  setKey(key: usize, length: u32): bool {
    if (length != 16 && length != 32) return false;
    (this.cipher as AesCounter).setKey(key, length);
    this.deriveHashKey();
    return true;
  }
}
