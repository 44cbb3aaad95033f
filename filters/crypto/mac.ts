// Message authentication codes of payment networks. One object holds a key for any of them. Constant time except for
// lengths.
import { clear, equalConstantTime, wipe } from './constant-time';
import { Des } from './des';
import { Hmac } from './hmac';
import { sm4ChainBlocks } from './sm4-block';
import { expandSm4Key, SM4_KEY_BYTES, SM4_WORD_KEYS } from './sm4-key';

/**
 * Algorithm of a code. Texts are padded with zeros to whole blocks, so the format must fix their length, as ISO 8583
 * does.
 */
export const enum MacAlgorithm {
  /**
   * ANSI X9.9 (ISO/IEC 9797-1 algorithm 1 with DES): CBC with an 8-byte key, or triple DES with a 16-byte key. Code of
   * 4 to 8 bytes.
   */
  AnsiX99 = 0,
  /**
   * ANSI X9.19 (ISO/IEC 9797-1 algorithm 3, retail MAC): X9.9 with the first half of a 16-byte key, and the last block
   * also with the second half. Code of 4 to 8 bytes.
   */
  AnsiX919 = 1,
  /**
   * UnionPay terminals ("ECB"). All blocks are XORed, and the result is written as 16 hexadecimal digits. The first
   * eight digits are encrypted (DES, or triple DES with 16 bytes), the other eight XORed, and the result encrypted
   * again. The code is its first 8 hexadecimal digits, as text. 8 bytes.
   */
  UnionPayEcb = 2,
  /** UnionPay ECB with SM4: blocks of 16 bytes, 32 digits, code of 8 digits. 8 bytes. */
  UnionPayEcbSm4 = 3,
  /** SM4-CBC-MAC (GB/T 15852.1 algorithm 1): key of 16 bytes, code of 4 to 16 bytes. */
  Sm4Cbc = 4,
  /** HMAC-SM3 (GB/T 15852.2): key of at least 1 byte, code of 16 to 32 bytes. */
  HmacSm3 = 5,
}

const BATCH_BYTES: u32 = 256;
const OUT: usize = memory.data(256, 16); // ciphertext of a batch, whose last block counts; digits of the sum
const CODE: usize = memory.data(32, 16);

/** Shortest code, bytes. */
export function leastBytes(algorithm: MacAlgorithm): u32 {
  if (algorithm == MacAlgorithm.HmacSm3) return 16;
  return algorithm == MacAlgorithm.UnionPayEcb || algorithm == MacAlgorithm.UnionPayEcbSm4 ? 8 : 4;
}

/** Longest code, bytes. */
export function mostBytes(algorithm: MacAlgorithm): u32 {
  if (algorithm == MacAlgorithm.HmacSm3) return 32;
  return algorithm == MacAlgorithm.Sm4Cbc ? 16 : 8;
}

/**
 * A keyed running code: `setKey`, then for each message `update` over its ranges and `verify` or `digest`. `wipe` when
 * done.
 */
export class Mac {
  private algorithm: MacAlgorithm = MacAlgorithm.AnsiX99;
  private keyed: bool = false;
  private readonly des: Des = new Des();
  private hmac: Hmac | null = null;
  private sm4: StaticArray<u8> | null = null;
  /** Current chain or sum, 16 bytes, followed by an incomplete block. */
  private readonly state: StaticArray<u8> = new StaticArray<u8>(32);
  private held: u32 = 0;
  /** Whether the message is still empty. An empty message counts as a block of zeros. */
  private empty: bool = true;

  /**
   * Sets the algorithm and its key, and starts a message. False if a key of `length` bytes does not fit the algorithm.
   * The object then verifies nothing.
   */
  setKey(algorithm: MacAlgorithm, key: usize, length: u32): bool {
    this.wipe();
    if (!isMacKeyLength(algorithm, length)) return false;
    this.algorithm = algorithm;
    this.keyed = true;
    if (algorithm == MacAlgorithm.HmacSm3) {
      const hmac = this.hmac == null ? Hmac.sm3() : this.hmac!;
      hmac.setKey(key, length);
      this.hmac = hmac;
    } else if (algorithm == MacAlgorithm.Sm4Cbc || algorithm == MacAlgorithm.UnionPayEcbSm4) {
      const keys = this.sm4 == null ? new StaticArray<u8>(SM4_KEY_BYTES) : this.sm4!;
      expandSm4Key(key, changetype<usize>(keys), false);
      this.sm4 = keys;
    } else this.des.setKey(key, length);
    return true;
  }

  /** Overwrites everything that depends on the key. */
  wipe(): void {
    this.keyed = false;
    this.des.wipe();
    if (this.hmac != null) this.hmac!.wipe();
    if (this.sm4 != null) wipe(changetype<usize>(this.sm4!), SM4_KEY_BYTES);
    this.forget();
  }

  /** Absorbs the next `length` bytes of the message. */
  update(from: usize, length: u32): void {
    if (!this.keyed) return;
    if (this.algorithm == MacAlgorithm.HmacSm3) {
      this.hmac!.update(from, length);
      return;
    }
    if (length == 0) return;
    this.empty = false;
    const block = this.blockBytes();
    const held = changetype<usize>(this.state) + 16;
    if (this.held > 0) {
      const taken = min(length, block - this.held);
      memory.copy(held + this.held, from, taken);
      this.held += taken;
      from += taken;
      length -= taken;
      if (this.held < block) return;
      this.absorb(held, block);
      this.held = 0;
    }
    const whole = length & ~(block - 1);
    this.absorb(from, whole);
    this.held = length - whole;
    memory.copy(held, from + whole, this.held);
  }

  /**
   * Ends the message, writes the whole code to `to` (room for 32 bytes), and starts a new message. Returns the code's
   * length in bytes; 0 without a key.
   */
  digest(to: usize): u32 {
    if (!this.keyed) return 0;
    if (this.algorithm == MacAlgorithm.HmacSm3) {
      this.hmac!.digest(to);
      return 32;
    }
    const state = changetype<usize>(this.state);
    if (this.held > 0 || this.empty) {
      const block = this.blockBytes();
      memory.fill(state + 16 + this.held, 0, block - this.held);
      this.absorb(state + 16, block);
    }
    if (this.algorithm == MacAlgorithm.AnsiX919)
      store<u64>(state, bswap(this.des.encryptFirst(this.des.decryptSecond(bswap(load<u64>(state))))));
    else if (this.algorithm == MacAlgorithm.UnionPayEcb) this.encryptDigits(8);
    else if (this.algorithm == MacAlgorithm.UnionPayEcbSm4) this.encryptDigits(16);
    const bytes = mostBytes(this.algorithm);
    memory.copy(to, state, bytes);
    this.forget();
    return bytes;
  }

  /**
   * Ends the message. Compares in constant time with the leftmost `length` bytes of the code at `code`. False for
   * lengths that the algorithm does not allow.
   */
  verify(code: usize, length: u32): bool {
    this.digest(CODE);
    const genuine =
      this.keyed &&
      length >= leastBytes(this.algorithm) &&
      length <= mostBytes(this.algorithm) &&
      equalConstantTime(CODE, code, length);
    clear(CODE, 32);
    return genuine;
  }

  private blockBytes(): u32 {
    return this.algorithm == MacAlgorithm.Sm4Cbc || this.algorithm == MacAlgorithm.UnionPayEcbSm4 ? 16 : 8;
  }

  /** Absorbs `bytes` bytes of whole blocks. */
  private absorb(from: usize, bytes: u32): void {
    const state = changetype<usize>(this.state);
    const algorithm = this.algorithm;
    if (algorithm == MacAlgorithm.Sm4Cbc) this.chainSm4(from, bytes);
    else if (algorithm == MacAlgorithm.UnionPayEcbSm4) {
      let sum = v128.load(state);
      for (const end = from + bytes; from < end; from += 16) sum = v128.xor(sum, v128.load(from));
      v128.store(state, sum);
    } else if (algorithm == MacAlgorithm.UnionPayEcb) {
      let sum = load<u64>(state);
      for (const end = from + bytes; from < end; from += 8) sum ^= load<u64>(from);
      store<u64>(state, sum);
    } else {
      const retail = algorithm == MacAlgorithm.AnsiX919;
      let chain = bswap(load<u64>(state));
      for (const end = from + bytes; from < end; from += 8) {
        const block = chain ^ bswap(load<u64>(from));
        chain = retail ? this.des.encryptFirst(block) : this.des.encrypt(block);
      }
      store<u64>(state, bswap(chain));
    }
  }

  private chainSm4(from: usize, bytes: u32): void {
    const keys = changetype<usize>(this.sm4!) + SM4_WORD_KEYS;
    while (bytes > 0) {
      const batch = min(bytes, BATCH_BYTES);
      sm4ChainBlocks(keys, changetype<usize>(this.state), from, OUT, batch >> 4);
      from += batch;
      bytes -= batch;
    }
  }

  /**
   * Turns the sum of `block` bytes into the code: encrypts its digits and keeps the first eight digits of the result.
   */
  private encryptDigits(block: u32): void {
    const state = changetype<usize>(this.state);
    writeHex(state, OUT, block);
    if (block == 16) {
      const keys = changetype<usize>(this.sm4!) + SM4_WORD_KEYS;
      clear(state, 16);
      sm4ChainBlocks(keys, state, OUT, OUT, 2);
    } else {
      const first = this.des.encrypt(bswap(load<u64>(OUT)));
      store<u64>(state, bswap(this.des.encrypt(first ^ bswap(load<u64>(OUT, 8)))));
    }
    writeHex(state, OUT, 4);
    store<u64>(state, load<u64>(OUT));
  }

  private forget(): void {
    this.held = 0;
    this.empty = true;
    clear(changetype<usize>(this.state), 32);
    clear(OUT, BATCH_BYTES);
  }
}

/** Whether a key of `length` bytes fits the algorithm. */
export function isMacKeyLength(algorithm: MacAlgorithm, length: u32): bool {
  if (algorithm == MacAlgorithm.AnsiX99 || algorithm == MacAlgorithm.UnionPayEcb) return length == 8 || length == 16;
  return algorithm == MacAlgorithm.HmacSm3 ? length > 0 : length == 16;
}

/** Writes `bytes` bytes as capital hexadecimal digits. Uses arithmetic, because a table would be indexed by secrets. */
function writeHex(from: usize, to: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(from + i);
    store<u8>(to + 2 * i, digit(byte >> 4));
    store<u8>(to + 2 * i, digit(byte & 15), 1);
  }
}

// @ts-ignore: decorator
@inline
function digit(value: u32): u8 {
  return <u8>(48 + value + ((9 - value) >> 31) * 7);
}
