// SM4 in CBC mode (GB/T 17964-2021, 6) with PKCS#7 padding, one-shot and in pieces.
//
// Encryption is inherently serial: the rounds of one block must end before the next begin. It processes one block in
// constant time, with the chain in the tower basis so that only the 32 rounds are serial. Decryption processes 64 or 16
// blocks at once. CBC has no authentication: a caller that reveals whether padding was correct lets attackers decrypt.
// Use GCM, or check a MAC first.
import { maskIfEqual, maskIfLess, wipe } from './constant-time';
import { xorStream } from './counter';
import { copyVectors } from './simd';
import { sm4Slices } from './sm4-bitslice.gen';
import { sm4ChainBlocks } from './sm4-block';
import { sm4BlocksUpTo16, sm4BlocksWipe } from './sm4-blocks';
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

  /**
   * Encrypts with padding. Returns the length: `length` rounded up past the next multiple of 16. `to` may be `from`.
   * `iv`: 16 unpredictable bytes.
   */
  encrypt(iv: usize, from: usize, length: u32, to: usize): u32 {
    this.begin(iv, false);
    const whole = length & ~15;
    this.hold(from + whole, length - whole);
    this.blocks(from, to, whole);
    return whole + <u32>this.final(to + whole);
  }

  /**
   * Decrypts. Returns the length without padding, or -1 if length or padding is wrong (`to` then holds zeros). `to` may
   * be `from`.
   */
  decrypt(iv: usize, from: usize, length: u32, to: usize): i32 {
    if (length == 0 || (length & 15) != 0) return -1;
    this.begin(iv, true);
    const whole = length - 16;
    this.hold(from + whole, 16);
    this.blocks(from, to, whole);
    const last = this.final(to + whole);
    if (last >= 0) return <i32>whole + last;
    memory.fill(to, 0, whole);
    return -1;
  }

  /** Encrypts whole blocks without padding: `length` is a multiple of 16. `to` may be `from`. */
  encryptBlocks(iv: usize, from: usize, length: u32, to: usize): void {
    this.begin(iv, false);
    this.blocks(from, to, length);
    this.forget();
  }

  /**
   * Decrypts whole blocks and leaves the padding as it is, for callers that judge it together with a code. `to` may be
   * `from`.
   */
  decryptBlocks(iv: usize, from: usize, length: u32, to: usize): void {
    this.begin(iv, true);
    this.blocks(from, to, length);
    this.forget();
  }

  /** Starts a message in pieces. `iv`: 16 bytes. */
  begin(iv: usize, decrypt: bool): void {
    v128.store(changetype<usize>(this.chain), v128.load(iv));
    this.heldBytes = 0;
    this.decrypting = decrypt;
  }

  /**
   * Takes the next piece and writes blocks as they fill, up to `length` + 15 bytes. Returns the number of bytes.
   * Decryption holds the last block back. `from` and `to` must not overlap.
   */
  update(from: usize, length: u32, to: usize): u32 {
    const held = changetype<usize>(this.held);
    const start = to;
    if (this.heldBytes > 0) {
      const taken = min(length, 16 - this.heldBytes);
      memory.copy(held + this.heldBytes, from, taken);
      this.heldBytes += taken;
      from += taken;
      length -= taken;
      if (this.heldBytes < 16 || (this.decrypting && length == 0)) return 0;
      this.blocks(held, to, 16);
      to += 16;
    }
    const whole = this.decrypting && length > 0 ? (length - 1) & ~15 : length & ~15;
    this.blocks(from, to, whole);
    this.hold(from + whole, length - whole);
    return <u32>(to - start) + whole;
  }

  /**
   * Ends the message and writes the last block (room for 16 bytes). Returns the number of its bytes that count, or -1
   * for a decryption with wrong padding.
   */
  final(to: usize): i32 {
    const result = this.decrypting ? this.finalDecrypt(to) : this.finalEncrypt(to);
    this.forget();
    return result;
  }

  private finalEncrypt(to: usize): i32 {
    const held = changetype<usize>(this.held);
    const padding = 16 - this.heldBytes;
    memory.fill(held + this.heldBytes, <u8>padding, padding);
    this.blocks(held, to, 16);
    return 16;
  }

  private finalDecrypt(to: usize): i32 {
    const held = changetype<usize>(this.held);
    if (this.heldBytes < 16) return -1;
    this.blocks(held, held, 16);
    const length = unpaddedLength(held);
    if (length > 0) memory.copy(to, held, length);
    return length;
  }

  /** Processes `bytes` bytes of whole blocks through the chain. */
  private blocks(from: usize, to: usize, bytes: u32): void {
    const chain = changetype<usize>(this.chain);
    if (!this.decrypting) {
      sm4ChainBlocks(changetype<usize>(this.keys) + SM4_WORD_KEYS, chain, from, to, bytes >> 4);
      return;
    }
    const keys = changetype<usize>(this.keys) + SM4_KEY_BYTES;
    while (bytes > 0) {
      const batch = bytes >= BULK_BYTES ? BULK_BYTES : min<u32>(bytes, 256);
      v128.store(CIPHERTEXT, v128.load(chain));
      copyVectors(CIPHERTEXT + 16, from, batch);
      v128.store(chain, v128.load(CIPHERTEXT + batch));
      if (batch == BULK_BYTES) {
        loadBlocks(CIPHERTEXT + 16);
        sm4Slices(keys + SM4_SLICE_KEYS);
        sm4SlicesXor(CIPHERTEXT, to);
      } else {
        sm4BlocksUpTo16(keys, from, to, batch >> 4);
        xorStream(CIPHERTEXT, to, to, batch);
      }
      from += batch;
      to += batch;
      bytes -= batch;
    }
  }

  private hold(from: usize, bytes: u32): void {
    memory.copy(changetype<usize>(this.held), from, bytes);
    this.heldBytes = bytes;
  }

  private forget(): void {
    wipe(changetype<usize>(this.chain), 16);
    wipe(changetype<usize>(this.held), 16);
    this.heldBytes = 0;
    sm4BlocksWipe();
    sm4BulkWipe();
  }
}

/** Length of a last block without its PKCS#7 padding, or -1. Always reads all sixteen bytes. */
export function unpaddedLength(block: usize): i32 {
  const padding = <u32>load<u8>(block, 15);
  let wrong = maskIfLess(padding, 1) | maskIfLess(16, padding);
  for (let i: u32 = 0; i < 16; i++) {
    wrong |= maskIfLess(15 - i, padding) & ((<u32>load<u8>(block + i)) ^ padding);
  }
  const bad = ~maskIfEqual(wrong, 0);
  return <i32>(((16 - padding) & ~bad) | bad);
}
