/** What a key is for, by the names that the modules know; `transit` keys wrap data keys and leave the KMS never. */
export const KEY_ALGORITHMS = ['SM4', 'AES-256', 'HMAC-SM3', 'SM2-PRIVATE', 'SM2-PUBLIC', 'TDES', 'transit'] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];
