// The S-box of AES (FIPS 197, 5.1.1) from its algebra.
import { AES_POLYNOMIAL, inverses } from './field.ts';

/** The constant of the affine map. */
export const AES_CONSTANT = 0x63;

/** The linear part of the affine map. */
export const AES_AFFINE: number[] = Array.from({ length: 256 }, (_, v) =>
  [1, 2, 3, 4].reduce((sum, n) => sum ^ (((v << n) | (v >> (8 - n))) & 255), v),
);

/** The S-box, 256 bytes. */
export const AES_SBOX: number[] = inverses(AES_POLYNOMIAL).map((inverse) => AES_AFFINE[inverse] ^ AES_CONSTANT);
