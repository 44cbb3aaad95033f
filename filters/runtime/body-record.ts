// Size and digest of one direction's body, as it came and as it went, taken piece by piece while it passes.
import { HASH_BYTES } from '../crypto/hash';
import { Sm3 } from '../crypto/sm3';

export class BodyRecord {
  /** Whether digests are taken. */
  digests: bool = false;
  /** Bytes so far. */
  bytesIn: u64 = 0;
  bytesOut: u64 = 0;
  /** The end of the body, or of a message without one, has come. */
  ended: bool = false;
  /** The bytes that went differ from those that came. */
  private changed: bool = false;
  /** The body was read whole. */
  private readWhole: bool = false;
  private wroteWhole: bool = false;
  private used: bool = false;
  private readonly came: Sm3 = new Sm3();
  private readonly sent: Sm3 = new Sm3();

  clear(): void {
    if (this.used) {
      this.came.reset();
      this.sent.reset();
      this.used = false;
    }
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.ended = false;
    this.changed = false;
    this.readWhole = false;
    this.wroteWhole = false;
  }

  /** The whole body is here. Further calls, after a wait, change nothing. */
  comesWhole(pointer: usize, length: u32): void {
    if (this.readWhole) return;
    this.readWhole = true;
    this.comes(pointer, length);
    this.ended = true;
  }

  /** The whole body goes on. `changed`: not as it came. Further calls change nothing. */
  goesWhole(pointer: usize, length: u32, changed: bool): void {
    if (this.wroteWhole) return;
    this.wroteWhole = true;
    this.changed = changed;
    this.bytesOut = length;
    if (!changed || !this.digests) return;
    this.used = true;
    this.sent.update(pointer, length);
  }

  /** A piece is here. */
  comes(pointer: usize, length: u32): void {
    this.bytesIn += length;
    if (!this.digests || length == 0) return;
    this.used = true;
    this.came.update(pointer, length);
  }

  /** A piece goes on as it came; call it before `comes`. */
  goesUnchanged(pointer: usize, length: u32): void {
    this.bytesOut += length;
    if (this.changed && this.digests && length != 0) this.sent.update(pointer, length);
  }

  /** Another piece goes on than came; call it before `comes`. */
  goesChanged(pointer: usize, length: u32): void {
    if (!this.changed) {
      this.changed = true;
      // What went so far is what came so far.
      if (this.digests) this.sent.resumeFrom(this.came);
    }
    this.bytesOut += length;
    if (this.digests && length != 0) this.sent.update(pointer, length);
  }

  /** Nothing of it went on: what was counted is taken back. */
  goesNowhere(): void {
    this.bytesOut = 0;
  }

  /** Whether what went is not what came. */
  get differs(): bool {
    return this.changed;
  }

  /** Writes the digest of what came, 32 bytes. Once. */
  digestIn(out: usize): void {
    this.came.digest(out);
  }

  /** Writes the digest of what went, where it differs, 32 bytes. Once. */
  digestOut(out: usize): void {
    this.sent.digest(out);
  }
}

/** Length of a digest, bytes. */
export const DIGEST_BYTES: u32 = HASH_BYTES;
