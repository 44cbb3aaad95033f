// The block cipher SM4 (GB/T 32907-2016) with a 128-bit key. This is the raw permutation; modes have their own files.
import { wipe } from './constant-time';
import { sm4BlocksUpTo16, sm4BlocksWipe } from './sm4-blocks';
import { expandSm4Key, SM4_KEY_BYTES } from './sm4-key';

/** One key in one direction. Holds `SM4_KEY_BYTES` (6,272) bytes of round keys; `wipe` when done. */
export class Sm4 {
  private keys: StaticArray<u8> = new StaticArray<u8>(SM4_KEY_BYTES);

  /** Expands the 16 bytes at `key`, for encryption or (round keys reversed) for decryption. */
  setKey(key: usize, decrypt: bool = false): void {
    expandSm4Key(key, changetype<usize>(this.keys), decrypt);
  }

  /**
   * ECB on `count` blocks of 16 bytes. In place allowed. A building block only: ECB hides no patterns, so no message
   * format uses it.
   */
  blocks(from: usize, to: usize, count: u32): void {
    const keys = changetype<usize>(this.keys);
    while (count > 0) {
      const batch = min<u32>(count, 16);
      sm4BlocksUpTo16(keys, from, to, batch);
      from += batch << 4;
      to += batch << 4;
      count -= batch;
    }
    sm4BlocksWipe();
  }

  /** Overwrites the round keys. */
  wipe(): void {
    wipe(changetype<usize>(this.keys), SM4_KEY_BYTES);
  }
}
