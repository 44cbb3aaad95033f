// SM4 block by block (ECB) with PKCS#7 padding, one-shot: for peers who have nothing else. Equal blocks of a text are
// equal blocks of its ciphertext, and nothing is authenticated.
import { wipe } from './constant-time';
import { sm4BlocksUpTo16, sm4BlocksWipe } from './sm4-blocks';
import { unpaddedLength } from './sm4-cbc';
import { expandSm4Key, SM4_KEY_BYTES } from './sm4-key';

const BATCH_BYTES: u32 = 256;

/** One key of SM4-ECB: 12,544 bytes (round keys of both directions) in managed memory of its own. `wipe` when done. */
export class Sm4Ecb {
  private readonly keys: StaticArray<u8> = new StaticArray<u8>(2 * SM4_KEY_BYTES);

  /** Expands the 16 bytes at `key`. */
  setKey(key: usize): void {
    const keys = changetype<usize>(this.keys);
    expandSm4Key(key, keys, false);
    expandSm4Key(key, keys + SM4_KEY_BYTES, true);
  }

  wipe(): void {
    wipe(changetype<usize>(this.keys), 2 * SM4_KEY_BYTES);
    sm4BlocksWipe();
  }

  /** Encrypts with padding; returns the length: `length` rounded up past the next multiple of 16. Not in place. */
  encrypt(from: usize, length: u32, to: usize): u32 {
    const sealed = (length & ~15) + 16;
    memory.copy(to, from, length);
    memory.fill(to + length, <u8>(sealed - length), sealed - length);
    this.blocks(changetype<usize>(this.keys), to, to, sealed);
    return sealed;
  }

  /**
   * Decrypts; returns the length without padding, or -1 if length or padding is wrong: `to` then holds what came out,
   * with its padding.
   */
  decrypt(from: usize, length: u32, to: usize): i32 {
    if (length == 0 || (length & 15) != 0) return -1;
    this.blocks(changetype<usize>(this.keys) + SM4_KEY_BYTES, from, to, length);
    const last = unpaddedLength(to + length - 16);
    return last < 0 ? -1 : <i32>length - 16 + last;
  }

  private blocks(keys: usize, from: usize, to: usize, bytes: u32): void {
    for (let done: u32 = 0; done < bytes; done += BATCH_BYTES)
      sm4BlocksUpTo16(keys, from + done, to + done, min(bytes - done, BATCH_BYTES) >> 4);
  }
}
