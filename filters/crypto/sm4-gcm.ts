// SM4 in Galois/Counter mode (NIST SP 800-38D over SM4; RFC 8998, 3). One-shot: for pieces as they come see sm4-gcm-stream.ts.
import { equalConstantTime, wipe } from './constant-time';
import { ghashAbsorb, ghashAbsorbLengths, ghashBegin, ghashEnd, ghashSetKey, GHASH_TABLE_BYTES, ghashWipe } from './ghash';
import { sm4CounterBegin, sm4CounterWipe, sm4CounterXor, sm4KeyStream4, xorStream } from './sm4-ctr';
import { expandSm4Key, SM4_KEY_BYTES } from './sm4-key';

/** Length of a tag, bytes. Shorter tags are not offered (SP 800-38D, appendix C). */
export const GCM_TAG_BYTES: u32 = 16;
/** Bytes of one key in memory: round keys and GHASH tables. */
export const SM4_GCM_KEY_BYTES: u32 = SM4_KEY_BYTES + GHASH_TABLE_BYTES;

const START: usize = memory.data(16, 16); // J0
const HEAD: usize = memory.data(64, 16); // E(J0) and the first three blocks of key stream
const EXPECTED: usize = memory.data(16, 16);
/** Data that the first batch of four blocks covers beside E(J0), bytes. */
const HEAD_BYTES: u32 = 48;

/**
 * One key. Many live at once; each holds `SM4_GCM_KEY_BYTES` (10,368) bytes in its own managed memory. Nothing is allocated after `setKey`'s
 * object exists. Not usable before `setKey`.
 */
export class Sm4Gcm {
  private keys: StaticArray<u8> = new StaticArray<u8>(SM4_GCM_KEY_BYTES);

  /** Expands the 16 bytes at `key`. */
  setKey(key: usize): void {
    const keys = changetype<usize>(this.keys);
    expandSm4Key(key, keys, false);
    memory.fill(START, 0, 16);
    sm4CounterBegin(START);
    sm4KeyStream4(keys, 0, HEAD); // the first block is E(0), the hash key
    ghashSetKey(keys + SM4_KEY_BYTES, HEAD);
    wipeWork();
  }

  /** Overwrites the key. */
  wipe(): void {
    wipe(changetype<usize>(this.keys), SM4_GCM_KEY_BYTES);
  }

  /**
   * Encrypts `length` bytes and writes the 16-byte tag. In place allowed. `iv`: 12 bytes for one block of work, any other length but 0 is hashed
   * (SP 800-38D, 7.1). An IV must never repeat under one key. At most 2^32 - 3 blocks: more cannot be addressed here.
   */
  encrypt(iv: usize, ivLength: u32, aad: usize, aadLength: u32, input: usize, output: usize, length: u32, tag: usize): void {
    this.begin(iv, ivLength, aad, aadLength);
    this.crypt(input, output, length);
    this.end(output, aadLength, length, tag);
    wipeWork();
  }

  /** Checks the tag, then decrypts. False if the tag is wrong: `output` is untouched then. In place allowed. */
  decrypt(iv: usize, ivLength: u32, aad: usize, aadLength: u32, input: usize, output: usize, length: u32, tag: usize): bool {
    this.begin(iv, ivLength, aad, aadLength);
    this.end(input, aadLength, length, EXPECTED);
    const genuine = equalConstantTime(EXPECTED, tag, GCM_TAG_BYTES);
    if (genuine) this.crypt(input, output, length);
    wipeWork();
    return genuine;
  }

  private begin(iv: usize, ivLength: u32, aad: usize, aadLength: u32): void {
    const keys = changetype<usize>(this.keys);
    const tables = keys + SM4_KEY_BYTES;
    startBlock(tables, iv, ivLength);
    sm4CounterBegin(START);
    sm4KeyStream4(keys, counterOf(START), HEAD);
    ghashBegin(i64x2.splat(0));
    ghashAbsorb(tables, aad, aadLength);
  }

  private crypt(input: usize, output: usize, length: u32): void {
    const head = min(length, HEAD_BYTES);
    xorStream(HEAD + 16, input, output, head);
    sm4CounterXor(changetype<usize>(this.keys), counterOf(START) + 4, input + head, output + head, length - head);
  }

  private end(ciphertext: usize, aadLength: u32, length: u32, tag: usize): void {
    const tables = changetype<usize>(this.keys) + SM4_KEY_BYTES;
    ghashAbsorb(tables, ciphertext, length);
    ghashAbsorbLengths(tables, aadLength, length);
    v128.store(tag, v128.xor(ghashEnd(tables), v128.load(HEAD)));
  }
}

/** J0 (SP 800-38D, 7.1) to START. */
function startBlock(tables: usize, iv: usize, ivLength: u32): void {
  if (ivLength == 12) {
    store<u64>(START, load<u64>(iv));
    store<u32>(START, load<u32>(iv, 8), 8);
    store<u32>(START, 0x01000000, 12);
    return;
  }
  ghashBegin(i64x2.splat(0));
  ghashAbsorb(tables, iv, ivLength);
  ghashAbsorbLengths(tables, 0, ivLength);
  v128.store(START, ghashEnd(tables));
}

// @ts-ignore: decorator
@inline
function counterOf(block: usize): u32 {
  return bswap(load<u32>(block, 12));
}

function wipeWork(): void {
  memory.fill(START, 0, 16);
  memory.fill(HEAD, 0, 64);
  memory.fill(EXPECTED, 0, 16);
  sm4CounterWipe();
  ghashWipe();
}
