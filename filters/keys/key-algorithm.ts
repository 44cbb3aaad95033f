import { Bytes } from '../memory/bytes';
import { MAX_HMAC_KEY_BYTES, MAX_KEY_FILE_BYTES, MIN_HMAC_KEY_BYTES } from '../limits';

/** Purpose of a key, as the KMS names it. */
export const enum KeyAlgorithm {
  Unknown = 0,
  /** `SM4`: 16 bytes (GB/T 32907). */
  Sm4 = 1,
  /** `AES-256`: 32 bytes (FIPS 197). */
  Aes256 = 2,
  /** `HMAC-SM3`: MIN_HMAC_KEY_BYTES to MAX_HMAC_KEY_BYTES (GB/T 15852.2). */
  HmacSm3 = 3,
  /** `SM2-PRIVATE`: PKCS#8 or SEC 1, PEM or DER (GB/T 32918). */
  Sm2Private = 4,
  /** `SM2-PUBLIC`: SubjectPublicKeyInfo, PEM or DER. */
  Sm2Public = 5,
  /**
   * `TDES`: 8 bytes (DES) or 16 (two-key triple DES), for message authentication codes only (SP 800-67; ISO/IEC
   * 9797-1).
   */
  Tdes = 6,
  /** `HMAC-SHA-256`: MIN_HMAC_KEY_BYTES to MAX_HMAC_KEY_BYTES (RFC 2104), for hashes of masked values. */
  HmacSha256 = 7,
}

/** Bytes of an SM4 key (GB/T 32907). */
export const SM4_KEY_BYTES: u32 = 16;
/** Length of a DES key, and of each half of a triple DES key, bytes (FIPS 46-3). */
export const DES_KEY_BYTES: u32 = 8;
/** Bytes of an AES-256 key (FIPS 197). */
export const AES_256_KEY_BYTES: u32 = 32;

const NAMES: StaticArray<Bytes> = [
  Bytes.EMPTY,
  Bytes.from('SM4'),
  Bytes.from('AES-256'),
  Bytes.from('HMAC-SM3'),
  Bytes.from('SM2-PRIVATE'),
  Bytes.from('SM2-PUBLIC'),
  Bytes.from('TDES'),
  Bytes.from('HMAC-SHA-256'),
];

/** Algorithm of a name. Unknown for other names. */
export function algorithmNamed(name: usize, length: u32): KeyAlgorithm {
  for (let i = 1; i < NAMES.length; i++) if (NAMES[i].equals(name, length)) return i;
  return KeyAlgorithm.Unknown;
}

/** Whether keys of the algorithm have an encoding (PEM or DER) and are not plain bytes. */
export function isEncoded(algorithm: KeyAlgorithm): bool {
  return algorithm == KeyAlgorithm.Sm2Private || algorithm == KeyAlgorithm.Sm2Public;
}

/** Whether a key of the algorithm may have this length. */
export function takesLength(algorithm: KeyAlgorithm, length: u32): bool {
  switch (algorithm) {
    case KeyAlgorithm.Sm4:
      return length == SM4_KEY_BYTES;
    case KeyAlgorithm.Aes256:
      return length == AES_256_KEY_BYTES;
    case KeyAlgorithm.HmacSm3:
    case KeyAlgorithm.HmacSha256:
      return length >= MIN_HMAC_KEY_BYTES && length <= MAX_HMAC_KEY_BYTES;
    case KeyAlgorithm.Tdes:
      return length == DES_KEY_BYTES || length == 2 * DES_KEY_BYTES;
    case KeyAlgorithm.Sm2Private:
    case KeyAlgorithm.Sm2Public:
      return length > 0 && length <= MAX_KEY_FILE_BYTES;
    default:
      return false;
  }
}
