// SM4 in CBC mode (GB/T 17964-2021, 6) with PKCS#7 padding, one-shot and in pieces.
//
// Encryption is serial by definition: one block's rounds must end before the next begin. It runs on one block in constant time, with the chain
// kept in the tower basis so that only the 32 rounds are serial. Decryption runs on 64 or 16 blocks at once.
// CBC carries no authentication: a caller that reveals whether padding was right lets forgers decrypt. Use GCM, or check a MAC first.
import { maskIfLess, wipe } from './constant-time';
import { sm4Slices } from './sm4-bitslice.gen';
import { sm4ChainBlocks } from './sm4-block';
import { sm4BlocksUpTo16 } from './sm4-blocks';
import { BULK_BYTES, loadBlocks, sm4BulkWipe, sm4SlicesXor } from './sm4-bulk';
import { expandSm4Key, SM4_KEY_BYTES, SM4_SLICE_KEYS, SM4_WORD_KEYS } from './sm4-key';

const CIPHERTEXT: usize = memory.data(16 + BULK_BYTES, 16); // the block before, then a batch: decryption in place overwrites what it still needs

/** One key of SM4-CBC: 12,544 bytes (round keys of both directions) in managed memory of its own. `wipe` when done. */
export class Sm4Cbc {
  private keys: StaticArray<u8> = new StaticArray<u8>(2 * SM4_KEY_BYTES);
  private chain: StaticArray<u8> = new StaticArray<u8>(16); // last ciphertext block
  private held: StaticArray<u8> = new StaticArray<u8>(16); // input that does not fill a block yet, or a last block that may be padding
  private heldBytes: u32 = 0;
  private decrypting: bool = false;

  /** Expands the 16 bytes at `key`. */
  setKey(key: usize): void {
    const keys = changetype<usize>(this.keys);
    expandSm4Key(key, keys, false);
    expandSm4Key(key, keys + SM4_KEY_BYTES, true);
  }

  /** Overwrites the key and what a message left. */
  wipe(): void {
    wipe(changetype<usize>(this.keys), 2 * SM4_KEY_BYTES);
    this.forget();
  }

  /** Encrypts with padding; returns the length, `length` rounded up past the next multiple of 16. `to` may be `from`. */
  encrypt(iv: usize, from: usize, length: u32, to: usize): u32 {
    this.begin(iv, false);
    const written = this.update(from, length, to);
    return written + <u32>this.final(to + written);
  }

  /** Decrypts; returns the length without padding, or -1 if the padding is wrong (`to` holds nothing then). `to` may be `from`. */
  decrypt(iv: usize, from: usize, length: u32, to: usize): i32 {
    if (length == 0 || (length & 15) != 0) return -1;
    this.begin(iv, true);
    const written = this.update(from, length, to);
    const last = this.final(to + written);
    if (last < 0) memory.fill(to, 0, written);
    return last < 0 ? -1 : <i32>written + last;
  }

  /** Starts a message in pieces. `iv`: 16 bytes; must be unpredictable for encryption. */
  begin(iv: usize, decrypt: bool): void {
    v128.store(changetype<usize>(this.chain), v128.load(iv));
    this.heldBytes = 0;
    this.decrypting = decrypt;
  }

  /**
   * Takes the next piece and writes whole blocks as they fill: up to `length` + 15 bytes. Returns how many. Decryption holds the last block back.
   * `to` may be `from` for a message of one piece; for later pieces the output must not run past the input read.
   */
  update(from: usize, length: u32, to: usize): u32 {
    const held = changetype<usize>(this.held);
    let written: u32 = 0;
    if (this.heldBytes > 0) {
      const taken = min(length, 16 - this.heldBytes);
      memory.copy(held + this.heldBytes, from, taken);
      this.heldBytes += taken;
      from += taken;
      length -= taken;
      if (this.heldBytes < 16 || (this.decrypting && length == 0)) return 0;
      v128.store(HELD, v128.load(held)); // `to` may be where `from` was
      this.heldBytes = 0;
      if (from == to + taken && length > 0) return this.shifted(from, length, to);
      this.blocks(HELD, to, 16);
      written = 16;
    }
    const whole = this.decrypting && length > 0 ? (length - 1) & ~15 : length & ~15;
    this.heldBytes = length - whole;
    memory.copy(held, from + whole, this.heldBytes);
    this.blocks(from, to + written, whole);
    return written + whole;
  }
}
