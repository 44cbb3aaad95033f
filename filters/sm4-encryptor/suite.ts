// Common interface of the algorithms: an authenticated cipher over bytes, under one version of a KMS key.
import { Gcm } from '../crypto/gcm';
import { Sm2Layout } from '../crypto/sm2';
import { KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { CipherJob } from './cipher-job';

/** Failure of `seal` or `open`. */
export const FAILED: i32 = -1;

/** Longest initialisation vector and tag of any algorithm, bytes. */
export const LONGEST_IV_BYTES: u32 = 16;
export const LONGEST_TAG_BYTES: u32 = 32;

export abstract class Suite {
  /**
   * Key of the current message, encrypted for the recipient; in scratch memory, after `begin`. Empty for algorithms
   * without one.
   */
  wrapped: usize = 0;
  wrappedLength: u32 = 0;

  /**
   * `name`: in configurations and `alg` of fim-json. `keyMode`, `cipher`: `alg` and `enc` of the compact profile. `id`:
   * number in the segmented profile. `inPlace`: the ciphertext is as long as the text and may replace it.
   */
  constructor(
    readonly name: Bytes,
    readonly keyMode: Bytes,
    readonly cipher: Bytes,
    readonly id: u8,
    readonly ivBytes: u32,
    readonly tagBytes: u32,
    readonly inPlace: bool,
  ) {}

  /** Whether messages can be sealed in pieces, with `gcm`. */
  get inPieces(): bool {
    return false;
  }

  /** Whether what opens is what was sealed. If not, what opened must be a message of the route's format. */
  get authenticates(): bool {
    return true;
  }

  /** Whether messages carry a wrapped key. */
  get wraps(): bool {
    return false;
  }

  /** Length of the data keys that a transit engine generates for it, bits. */
  get dataKeyBits(): u32 {
    return 128;
  }

  /** Whether `open` may overwrite its input. */
  get opensInPlace(): bool {
    return true;
  }

  /** Whether the KMS's key is of the kind needed for sealing (or opening). */
  abstract fits(key: KeyVersion, seals: bool): bool;

  /** Longest ciphertext for `length` bytes of text. */
  sealedBound(length: u32): u32 {
    return length;
  }

  /** Exact length of the ciphertext for `length` bytes of text, if it is fixed. */
  sealedBytes(length: u32): u32 {
    return this.sealedBound(length);
  }

  /** GCM key that seals messages in pieces. Null: this algorithm seals whole messages only. */
  gcm(key: KeyVersion): Gcm | null {
    return null;
  }

  /** Starts sealing a message: creates its wrapped key. False: no randomness or memory. */
  begin(key: KeyVersion, layout: Sm2Layout): bool {
    return true;
  }

  /** Starts opening a message. A wrapped key that does not open results in a wrong tag. False: no randomness. */
  beginOpen(key: KeyVersion, layout: Sm2Layout, wrapped: usize, wrappedLength: u32): bool {
    return true;
  }

  /** Overwrites the key of the current message. */
  end(): void {}

  /** Writes the next initialisation vector, `ivBytes`. False: no randomness. */
  abstract nextIv(key: KeyVersion, iv: usize): bool;

  /**
   * Encrypts and writes the tag. Returns the length of the ciphertext, or FAILED. `job.to`: room for `sealedBound`;
   * may be `job.from` if `inPlace`.
   */
  abstract seal(key: KeyVersion, job: CipherJob): i32;

  /**
   * Checks the tag, then decrypts. Returns the length of the text, or FAILED. `job.to` may be `job.from` if
   * `opensInPlace`.
   */
  abstract open(key: KeyVersion, job: CipherJob): i32;
}
