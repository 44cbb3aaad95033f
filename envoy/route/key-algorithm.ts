/** Purposes of keys, by the names that the modules use. `transit` keys wrap data keys and never leave the KMS. */
export const KEY_ALGORITHMS = [
  'SM4',
  'AES-256',
  'HMAC-SM3',
  'HMAC-SHA-256',
  'SM2-PRIVATE',
  'SM2-PUBLIC',
  'TDES',
  'transit',
] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];
