// Signatures over bytes and their encoding in a header: HMAC-SM3 (RFC 2104 with GB/T 32905), and SM2 with a user id
// (GB/T 32918.2).
import { HASH_BYTES } from '../crypto/hash';
import {
  MAX_DER_SIGNATURE_BYTES,
  SIGNATURE_BYTES,
  sm2Sign,
  sm2SignatureFromDer,
  sm2SignatureToDer,
  sm2Verify,
} from '../crypto/sm2';
import { KeyVersion } from '../keys/key-version';
import { decodeBase64, encodeBase64, plainBase64 } from '../memory/base64';
import { Bytes } from '../memory/bytes';
import { decodeHex, encodeHex } from '../memory/hex';
import { SignatureAlgorithm, SignatureBase64, SignatureEncoding, Sm2SignatureForm } from './config.gen';

/** Longest text of a signature: DER in hexadecimal. */
const LONGEST_TEXT_BYTES: u32 = 2 * MAX_DER_SIGNATURE_BYTES;

const RAW: usize = memory.data(256, 16); // as bytes: 32 of HMAC, 64 of r ‖ s, or DER
const RS: usize = memory.data(64, 16);
const TEXT: usize = memory.data(256, 16);

/** Signing terms of a route. Immutable. */
export class Signer {
  constructor(
    readonly algorithm: SignatureAlgorithm,
    readonly encoding: SignatureEncoding,
    readonly base64: SignatureBase64,
    readonly form: Sm2SignatureForm,
    readonly userId: Bytes,
  ) {}

  /** Whether the KMS's key is of the kind needed for signing (or verifying). */
  fits(key: KeyVersion, signs: bool): bool {
    if (this.algorithm == SignatureAlgorithm.HMAC_SM3) return key.hmac != null;
    return signs ? key.sm2Private != null : key.sm2Public != null;
  }

  /**
   * Signs. Returns the length of the signature's text, which is at `signatureText()`. 0: no randomness, or a key of
   * another kind.
   */
  sign(key: KeyVersion, data: usize, length: u32): u32 {
    const bytes =
      this.algorithm == SignatureAlgorithm.HMAC_SM3 ? this.code(key, data, length) : this.sm2(key, data, length);
    if (bytes == 0) return 0;
    if (this.encoding == SignatureEncoding.base64) return encodeBase64(RAW, bytes, TEXT);
    encodeHex(RAW, bytes, TEXT);
    return bytes * 2;
  }

  private code(key: KeyVersion, data: usize, length: u32): u32 {
    const hmac = key.hmac;
    if (hmac == null) return 0;
    hmac.update(data, length);
    hmac.digest(RAW);
    return HASH_BYTES;
  }

  private sm2(key: KeyVersion, data: usize, length: u32): u32 {
    const own = key.sm2Private;
    if (own == null || !sm2Sign(own, this.userId.pointer, this.userId.length, data, length, RS)) return 0;
    if (this.form == Sm2SignatureForm.DER) return sm2SignatureToDer(RS, RAW);
    memory.copy(RAW, RS, SIGNATURE_BYTES);
    return SIGNATURE_BYTES;
  }

  /** Reads a signature from its text. Returns its length in bytes for `verify`. -1 if it is malformed. */
  read(text: usize, length: u32): i32 {
    if (length == 0 || length > LONGEST_TEXT_BYTES) return -1;
    if (this.encoding == SignatureEncoding.base64 && this.base64 == SignatureBase64.Tolerant) {
      length = plainBase64(text, length, TEXT);
      text = TEXT;
    }
    const bytes =
      this.encoding == SignatureEncoding.base64 ? decodeBase64(text, length, RAW) : decodeHex(text, length, RAW);
    if (this.algorithm == SignatureAlgorithm.HMAC_SM3) return bytes == <i32>HASH_BYTES ? bytes : -1;
    if (bytes < 0) return -1;
    if (this.form == Sm2SignatureForm.DER) return sm2SignatureFromDer(RAW, bytes, RS) ? bytes : -1;
    if (bytes != <i32>SIGNATURE_BYTES) return -1;
    memory.copy(RS, RAW, SIGNATURE_BYTES);
    return bytes;
  }

  /** Whether the signature of the last `read` matches the data. */
  verify(key: KeyVersion, data: usize, length: u32): bool {
    if (this.algorithm == SignatureAlgorithm.SM2) {
      const peer = key.sm2Public;
      return peer != null && sm2Verify(peer, this.userId.pointer, this.userId.length, data, length, RS);
    }
    const hmac = key.hmac;
    if (hmac == null) return false;
    hmac.update(data, length);
    return hmac.verify(RAW, HASH_BYTES);
  }
}

/** Text of the last signature made. */
export function signatureText(): usize {
  return TEXT;
}
