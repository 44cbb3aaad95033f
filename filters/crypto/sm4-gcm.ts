// SM4 in Galois/Counter mode (RFC 8998, 3).
import { Gcm } from './gcm';
import { Sm4Counter } from './sm4-ctr';

/**
 * One key of SM4-GCM. Many exist at once: each holds 16,512 bytes (6,272 of round keys, 10,240 of GHASH tables) in
 * managed memory of its own. Not usable before `setKey`. `wipe` when done.
 */
export class Sm4Gcm extends Gcm {
  constructor() {
    super(new Sm4Counter());
  }

  /** Expands the 16 bytes at `key`. */
  setKey(key: usize): void {
    (this.cipher as Sm4Counter).setKey(key);
    this.deriveHashKey();
  }
}
