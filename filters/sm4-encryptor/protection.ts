// Compiled protection of one route, and the parsed parts of a protected message.
import { Sm2Layout } from '../crypto/sm2';
import { KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { MAX_CONTENT_TYPE_BYTES } from '../limits';
import { MessageFormat } from '../message/format';
import { job } from './cipher-job';
import { Opening } from './opening';
import { FAILED, Suite } from './suite';

/** Bytes around the ciphertext, with room to spare. */
const FRAME_BYTES: usize = 1536;

/** Immutable. */
export class Protection {
  constructor(
    readonly keyId: Bytes,
    readonly context: Bytes,
    readonly suite: Suite,
    readonly sm2Layout: Sm2Layout,
    /** Plaintext of one segment of the segmented profile, bytes. */
    readonly segmentBytes: u32,
    /** Required format of an opened text that nothing authenticates. */
    readonly format: MessageFormat,
    /** Whether the profile base64 reads what other libraries make of base64. */
    readonly tolerant: bool,
  ) {}
}

/** A parsed protected message: addresses in scratch memory or in the message. One at a time. */
export class Parts {
  /** Version of the key. 0: the profile does not carry it. */
  version: u32 = 0;
  wrapped: usize = 0;
  wrappedLength: u32 = 0;
  iv: usize = 0;
  ciphertext: usize = 0;
  ciphertextLength: u32 = 0;
  tag: usize = 0;
  aad: usize = 0;
  aadLength: u32 = 0;
  /** Content type of the plaintext. Empty: the profile does not carry it. */
  type: usize = 0;
  typeLength: u32 = 0;

  /** Plaintext, after `open`. */
  text: usize = 0;
  textLength: u32 = 0;

  clear(): void {
    this.version = 0;
    this.wrapped = 0;
    this.wrappedLength = 0;
    this.iv = 0;
    this.ciphertext = 0;
    this.ciphertextLength = 0;
    this.tag = 0;
    this.aad = 0;
    this.aadLength = 0;
    this.type = 0;
    this.typeLength = 0;
    this.text = 0;
    this.textLength = 0;
  }

  /** Takes `length` bytes as IV ‖ ciphertext ‖ tag. */
  takeConcatenation(suite: Suite, pointer: usize, length: u32): Opening {
    if (length < suite.ivBytes + suite.tagBytes) return Opening.Malformed;
    this.iv = pointer;
    this.ciphertext = pointer + suite.ivBytes;
    this.ciphertextLength = length - suite.ivBytes - suite.tagBytes;
    this.tag = pointer + length - suite.tagBytes;
    return Opening.Done;
  }

  /** Takes a content type if a header may contain it. */
  takeType(pointer: usize, length: u32): bool {
    if (!isHeaderText(pointer, length)) return false;
    this.type = pointer;
    this.typeLength = length;
    return true;
  }
}

/** Whether a text may be a content-type header: 1 to MAX_CONTENT_TYPE_BYTES visible ASCII characters and blanks. */
export function isHeaderText(pointer: usize, length: u32): bool {
  if (length == 0 || length > MAX_CONTENT_TYPE_BYTES) return false;
  for (let i: u32 = 0; i < length; i++) if (load<u8>(pointer + i) - 32 > 94) return false;
  return true;
}

/** Encoding of the ciphertext. */
export const enum Encoding {
  Bytes = 0,
  Hex = 1,
  /** With padding. The ciphertext ends where its text ends. */
  Base64 = 2,
  Base64Url = 3,
  /** IV, ciphertext and tag form one base64 text. */
  Base64Whole = 4,
}

/** Form of a protected message on the wire. */
export abstract class WireProfile {
  /** `contentType`: of protected messages. `inString`: whether a message can be put into a JSON string unchanged. */
  constructor(
    readonly contentType: Bytes,
    readonly inString: bool,
    readonly encoding: Encoding,
    /** Whether a message has a place for a wrapped key. */
    readonly carriesKey: bool,
  ) {}

  /** Associated data of the message whose `head` was written last. */
  aad: usize = 0;
  aadLength: u32 = 0;

  /** Appends the part before the ciphertext. False if out of memory. */
  head(plan: Protection, key: KeyVersion, type: Span, iv: usize, out: Writer): bool {
    return false;
  }

  /** Appends the part after the ciphertext. */
  tail(plan: Protection, type: Span, tag: usize, out: Writer): void {}

  /**
   * Encrypts `text` and appends the protected message to `out`. `type`: content type of the bytes, empty for
   * none or for the default of decryption. The bytes may be overwritten. False: no memory or randomness.
   */
  abstract seal(plan: Protection, key: KeyVersion, type: Span, text: Span, out: Writer): bool;

  /**
   * Encrypts with the associated data of the head, in place if the suite can, else into scratch memory. Returns the
   * length of the ciphertext at `ciphertext()`, or FAILED.
   */
  protected encrypt(suite: Suite, key: KeyVersion, iv: usize, text: Span, tag: usize): i32 {
    sealedAt = suite.inPlace ? text.pointer : scratch.allocate(suite.sealedBound(text.length));
    if (sealedAt == 0) return FAILED;
    return suite.seal(key, job.set(iv, text.pointer, text.length, sealedAt, tag).bind(this.aad, this.aadLength));
  }

  /** Room for a protected message of `length` bytes, so that it need not be moved while it is written. */
  room(plan: Protection, length: u32): usize {
    return (
      ((<usize>plan.suite.sealedBound(length) + 2) / 3) * 4 +
      plan.keyId.length +
      <usize>plan.context.length * 6 +
      FRAME_BYTES
    );
  }

  /** Parses a protected message. Decrypts nothing. */
  abstract read(plan: Protection, from: usize, length: u32, parts: Parts): Opening;

  /** Verifies and decrypts the parts found by `read`, to `parts.text`. */
  open(plan: Protection, key: KeyVersion, parts: Parts): Opening {
    const suite = plan.suite;
    if (!suite.beginOpen(key, plan.sm2Layout, parts.wrapped, parts.wrappedLength)) return Opening.NoMemory;
    const text = suite.opensInPlace ? parts.ciphertext : scratch.allocate(<usize>parts.ciphertextLength + 16);
    if (text == 0) return Opening.NoMemory;
    job.set(parts.iv, parts.ciphertext, parts.ciphertextLength, text, parts.tag).bind(parts.aad, parts.aadLength);
    const bytes = suite.open(key, job);
    suite.end();
    if (bytes == FAILED) return Opening.Forged;
    key.proven = true;
    parts.text = text;
    parts.textLength = bytes;
    return Opening.Done;
  }
}

/** Place where `WireProfile.encrypt` left the ciphertext. */
let sealedAt: usize = 0;

export function ciphertext(): usize {
  return sealedAt;
}
