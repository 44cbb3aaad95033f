// GCM in pieces of any size. Encryption writes output at once. Decryption has two passes: the whole ciphertext is
// authenticated first, and `release` decrypts only after `verify` has returned true. Unverified plaintext thus never
// exists. The caller keeps the ciphertext meanwhile (in a proxy the host buffers the body anyway).
import { equalConstantTime, wipe } from './constant-time';
import { Ctr } from './counter';
import { Gcm, GCM_TAG_BYTES } from './gcm';
import { ghashAbsorb, ghashAbsorbLengths, ghashBegin, ghashEnd, ghashWipe } from './ghash';

// Layout of a stream's memory, bytes.
const SUM: usize = 0; // GHASH so far
const PARTIAL: usize = 16; // bytes that do not fill a block yet
const MASK: usize = 32; // E(J0)
const STATE_BYTES: u32 = 48;

const TAG: usize = memory.data(16, 16);

/** Permitted next operations of a stream. */
const enum Phase {
  Closed,
  Aad,
  Encrypt,
  Authenticate,
  Release,
}

/**
 * One message at a time under a `Gcm` key, which must stay set until the end. Calls out of order return false and do
 * nothing.
 */
export class GcmStream {
  private state: StaticArray<u8> = new StaticArray<u8>(STATE_BYTES);
  private ctr: Ctr;
  private phase: Phase = Phase.Closed;
  private partialBytes: u32 = 0;
  private aadBytes: u64 = 0;
  private dataBytes: u64 = 0;
  private released: u64 = 0;

  constructor(private gcm: Gcm) {
    this.ctr = new Ctr(gcm.cipher, false);
  }

  /** Starts a message. `iv`: see `Gcm.encrypt`. */
  begin(iv: usize, ivLength: u32): void {
    const state = this.at;
    wipe(state, STATE_BYTES);
    this.gcm.startBlock(iv, ivLength, TAG);
    this.ctr.begin(TAG);
    this.ctr.update(state + MASK, state + MASK, 16); // zeros become E(J0); the data uses the counters after it
    this.partialBytes = 0;
    this.aadBytes = 0;
    this.dataBytes = 0;
    this.released = 0;
    this.phase = Phase.Aad;
  }

  /** Absorbs authenticated data, before any message data. */
  aad(data: usize, length: u32): bool {
    if (this.phase != Phase.Aad) return false;
    this.absorb(data, length);
    this.aadBytes += length;
    return true;
  }

  /** Encrypts the next piece. In place allowed. */
  encrypt(from: usize, to: usize, length: u32): bool {
    if (!this.enter(Phase.Encrypt)) return false;
    this.ctr.update(from, to, length);
    this.absorb(to, length);
    this.dataBytes += length;
    return true;
  }

  /** Ends an encryption and writes the 16-byte tag. */
  finish(tag: usize): bool {
    if (!this.enter(Phase.Encrypt)) return false;
    this.writeTag(tag);
    this.close();
    return true;
  }

  /** Absorbs the next piece of ciphertext. Decrypts nothing. */
  authenticate(ciphertext: usize, length: u32): bool {
    if (!this.enter(Phase.Authenticate)) return false;
    this.absorb(ciphertext, length);
    this.dataBytes += length;
    return true;
  }

  /**
   * Whether the 16-byte tag at `tag` is correct for everything absorbed. True permits `release`; false ends the
   * message.
   */
  verify(tag: usize): bool {
    if (!this.enter(Phase.Authenticate)) return false;
    this.writeTag(TAG);
    const genuine = equalConstantTime(TAG, tag, GCM_TAG_BYTES);
    wipe(TAG, GCM_TAG_BYTES);
    if (genuine) this.phase = Phase.Release;
    else this.close();
    return genuine;
  }

  /**
   * Decrypts the next piece of verified ciphertext, from its beginning, in pieces of any size. In place allowed. False
   * past its end.
   */
  release(from: usize, to: usize, length: u32): bool {
    if (this.phase != Phase.Release || this.released + length > this.dataBytes) return false;
    this.ctr.update(from, to, length);
    this.released += length;
    if (this.released == this.dataBytes) this.close();
    return true;
  }

  /** Ends the message and wipes its state. */
  close(): void {
    wipe(this.at, STATE_BYTES);
    this.ctr.begin(this.at);
    this.phase = Phase.Closed;
  }

  private enter(phase: Phase): bool {
    if (this.phase == phase) return true;
    if (this.phase != Phase.Aad) return false;
    this.flushPartial();
    this.phase = phase;
    return true;
  }

  private writeTag(tag: usize): void {
    const tables = this.gcm.tables;
    this.flushPartial();
    ghashBegin(v128.load(this.at, SUM));
    ghashAbsorbLengths(tables, this.aadBytes, this.dataBytes);
    v128.store(tag, v128.xor(ghashEnd(tables), v128.load(this.at, MASK)));
    ghashWipe();
  }

  /** Adds bytes to the running sum. An incomplete block waits. */
  private absorb(data: usize, length: u32): void {
    const partial = this.at + PARTIAL;
    if (this.partialBytes > 0) {
      const taken = min(length, 16 - this.partialBytes);
      memory.copy(partial + this.partialBytes, data, taken);
      this.partialBytes += taken;
      if (this.partialBytes < 16) return;
      data += taken;
      length -= taken;
      this.flushPartial();
    }
    const whole = length & ~15;
    if (whole > 0) this.sum(data, whole);
    this.partialBytes = length - whole;
    memory.copy(partial, data + whole, this.partialBytes);
  }

  private flushPartial(): void {
    if (this.partialBytes > 0) this.sum(this.at + PARTIAL, this.partialBytes);
    this.partialBytes = 0;
  }

  private sum(data: usize, length: u32): void {
    ghashBegin(v128.load(this.at, SUM));
    ghashAbsorb(this.gcm.tables, data, length);
    v128.store(this.at, ghashEnd(this.gcm.tables), SUM);
    ghashWipe();
  }

  private get at(): usize {
    return changetype<usize>(this.state);
  }
}
