// What the algorithms have in common: an authenticated cipher over bytes, under one version of a key of the KMS.
import { Gcm } from '../crypto/gcm';
import { Sm2Layout } from '../crypto/sm2';
import { KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';

/** `seal` and `open` could not. */
export const FAILED: i32 = -1;

/** Longest initialisation vector and tag of any algorithm, bytes. */
export const LONGEST_IV_BYTES: u32 = 16;
export const LONGEST_TAG_BYTES: u32 = 32;

export abstract class Suite {
  /**
   * The key of the message at hand, encrypted for the recipient: in scratch memory, after `begin`. No bytes for
   * algorithms without one.
   */
  wrapped: usize = 0;
  wrappedLength: u32 = 0;

  /**
   * `name`: as configurations and `alg` of fim-json say it. `keyMode`, `cipher`: `alg` and `enc` of the compact
   * profile. `id`: its number in the segmented profile. `inPlace`: the ciphertext is as long as the text and may take
   * its place.
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

  /** Whether messages can be sealed in pieces, as `gcm` does. */
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

  /** Length of the data keys that a transit engine makes for it, bits. */
  get dataKeyBits(): u32 {
    return 128;
  }

  /** Whether `open` may write over what it reads. */
  get opensInPlace(): bool {
    return true;
  }

  /** Whether the KMS gave a key of the kind that this needs to seal (or to open). */
  abstract fits(key: KeyVersion, seals: bool): bool;

  /** Most bytes of ciphertext for `length` bytes of text. */
  sealedBound(length: u32): u32 {
    return length;
  }

  /** Exact bytes of ciphertext for `length` bytes of text, where there is one number. */
  sealedBytes(length: u32): u32 {
    return this.sealedBound(length);
  }

  /** The GCM key that seals messages in pieces; null: this algorithm seals whole messages only. */
  gcm(key: KeyVersion): Gcm | null {
    return null;
  }

  /** Starts a message that is sealed: its wrapped key. False: no randomness or memory. */
  begin(key: KeyVersion, layout: Sm2Layout): bool {
    return true;
  }

  /**
   * Starts a message that is opened. A wrapped key that does not open shows itself by a wrong tag. False: no
   * randomness.
   */
  beginOpen(key: KeyVersion, layout: Sm2Layout, wrapped: usize, wrappedLength: u32): bool {
    return true;
  }

  /** Overwrites the key of the message at hand. */
  end(): void {}

  /** Writes the next initialisation vector, `ivBytes`. False: no randomness. */
  abstract nextIv(key: KeyVersion, iv: usize): bool;

  /**
   * Encrypts and writes the tag; returns the bytes of ciphertext, or FAILED. `to`: room for `sealedBound`; may be
   * `from` if `inPlace`.
   */
  abstract seal(
    key: KeyVersion,
    iv: usize,
    aad: usize,
    aadLength: u32,
    from: usize,
    length: u32,
    to: usize,
    tag: usize,
  ): i32;

  /** Checks the tag, then decrypts; returns the bytes of text, or FAILED. `to` may be `from` if `opensInPlace`. */
  abstract open(
    key: KeyVersion,
    iv: usize,
    aad: usize,
    aadLength: u32,
    from: usize,
    length: u32,
    to: usize,
    tag: usize,
  ): i32;
}
