// Galois/Counter mode (NIST SP 800-38D), one-shot. gcm-stream.ts processes pieces.
import { clear, equalConstantTime, wipe } from './constant-time';
import { BlockCounter, counterOf, xorStream } from './counter';
import {
  ghashAbsorb,
  ghashAbsorbLengths,
  ghashBegin,
  ghashEnd,
  ghashSetKey,
  GHASH_TABLE_BYTES,
  ghashWipe,
} from './ghash';

/** Length of a tag, bytes. Shorter tags are not offered (SP 800-38D, appendix C). */
export const GCM_TAG_BYTES: u32 = 16;
/** Length of an IV that is used directly, bytes. Others are hashed. */
export const GCM_IV_BYTES: u32 = 12;

const START: usize = memory.data(16, 16); // J0
const HEAD: usize = memory.data(64, 16); // E(J0) and the first three blocks of key stream
const EXPECTED: usize = memory.data(16, 16);
/** Bytes that the first batch of four blocks covers besides E(J0). */
const HEAD_BYTES: u32 = 48;
/**
 * Length up to which messages use the blocks that come with E(J0), bytes. Longer ones keep whole batches for the bulk
 * path.
 */
const SHORT_BYTES: u32 = 1023;

/**
 * GCM under one key of one cipher: `GHASH_TABLE_BYTES` (10,240) besides the cipher's keys. Allocates nothing after
 * construction.
 */
export class Gcm {
  private hashTables: StaticArray<u8> = new StaticArray<u8>(GHASH_TABLE_BYTES);

  constructor(
    /** Cipher, for the modes in this folder. */
    readonly cipher: BlockCounter,
  ) {}

  /** Call it once the cipher has its key. */
  protected deriveHashKey(): void {
    clear(START, 16);
    this.cipher.begin(START);
    this.cipher.stream4(0, HEAD); // the first block is E(0)
    ghashSetKey(this.tables, HEAD);
    this.wipeWork();
  }

  /** Overwrites the key and everything derived from it. */
  wipe(): void {
    this.cipher.wipe();
    wipe(this.tables, GHASH_TABLE_BYTES);
  }

  /**
   * Encrypts `length` bytes and writes the 16-byte tag. In place allowed. `iv`: 12 bytes, or any other non-zero length,
   * which costs a hash (SP 800-38D, 7.1). An IV must never repeat under one key.
   */
  encrypt(
    iv: usize,
    ivLength: u32,
    aad: usize,
    aadLength: u32,
    input: usize,
    output: usize,
    length: u32,
    tag: usize,
  ): void {
    this.begin(iv, ivLength, aad, aadLength);
    this.crypt(input, output, length);
    this.authenticate(output, aadLength, length, tag);
    this.wipeWork();
  }

  /** Checks the 16-byte tag, then decrypts. False for a wrong tag, with `output` untouched. In place allowed. */
  decrypt(
    iv: usize,
    ivLength: u32,
    aad: usize,
    aadLength: u32,
    input: usize,
    output: usize,
    length: u32,
    tag: usize,
  ): bool {
    this.begin(iv, ivLength, aad, aadLength);
    this.authenticate(input, aadLength, length, EXPECTED);
    const genuine = equalConstantTime(EXPECTED, tag, GCM_TAG_BYTES);
    if (genuine) this.crypt(input, output, length);
    this.wipeWork();
    return genuine;
  }

  /** Writes J0 (SP 800-38D, 7.1) to `block`. For the streaming mode. */
  startBlock(iv: usize, ivLength: u32, block: usize): void {
    if (ivLength == GCM_IV_BYTES) {
      store<u64>(block, load<u64>(iv));
      store<u32>(block, load<u32>(iv, 8), 8);
      store<u32>(block, 0x01000000, 12);
      return;
    }
    ghashBegin(i64x2.splat(0));
    ghashAbsorb(this.tables, iv, ivLength);
    ghashAbsorbLengths(this.tables, 0, ivLength);
    v128.store(block, ghashEnd(this.tables));
  }

  /** Tables of the hash key. For the streaming mode. */
  get tables(): usize {
    return changetype<usize>(this.hashTables);
  }

  private begin(iv: usize, ivLength: u32, aad: usize, aadLength: u32): void {
    this.startBlock(iv, ivLength, START);
    this.cipher.begin(START);
    this.cipher.stream4(counterOf(START), HEAD);
    ghashBegin(i64x2.splat(0));
    ghashAbsorb(this.tables, aad, aadLength);
  }

  private crypt(input: usize, output: usize, length: u32): void {
    const head = length <= SHORT_BYTES ? min(length, HEAD_BYTES) : 0;
    if (head > 0) xorStream(HEAD + 16, input, output, head);
    this.cipher.xor(counterOf(START) + 1 + ((head + 15) >> 4), input + head, output + head, length - head);
  }

  private authenticate(ciphertext: usize, aadLength: u32, length: u32, tag: usize): void {
    ghashAbsorb(this.tables, ciphertext, length);
    ghashAbsorbLengths(this.tables, aadLength, length);
    v128.store(tag, v128.xor(ghashEnd(this.tables), v128.load(HEAD)));
  }

  private wipeWork(): void {
    clear(START, 16);
    clear(HEAD, 64);
    clear(EXPECTED, 16);
    this.cipher.wipeWork();
    ghashWipe();
  }
}
