// The S-box of SM4 (GB/T 32907-2016, 6.2) from its algebra: S(x) = A(1 / (A x + C)) + C in GF(2^8) (Liu et al.,
// "Analysis of the SMS4 block cipher", ACISP 2007). The generators start here, so that every table and circuit has one
// source; the tests compare with the standard.
import { inverses, linearTable, parity, SM4_POLYNOMIAL } from './field.ts';

/** The constant C of the affine map. */
export const SM4_CONSTANT = 0xd3;

/** The linear part A: a circulant bit matrix whose row i is 0xA7 rotated left by i bits. */
export const SM4_MATRIX: number[] = circulant(0xa7);

/** The S-box, 256 bytes. */
export const SM4_SBOX: number[] = (() => {
  const inverse = inverses(SM4_POLYNOMIAL);
  return SM4_MATRIX.map((image) => SM4_MATRIX[inverse[image ^ SM4_CONSTANT]] ^ SM4_CONSTANT);
})();

/** The x with A x = C: added to an input it removes the constant of the affine map. */
export const SM4_INPUT_CONSTANT = SM4_MATRIX.indexOf(SM4_CONSTANT);

function circulant(row: number): number[] {
  const images = Array.from({ length: 8 }, (_, column) => {
    let image = 0;
    for (let bit = 0; bit < 8; bit++) {
      const rotated = ((row << bit) | (row >> (8 - bit))) & 255;
      image |= parity(rotated & (1 << column)) << bit;
    }
    return image;
  });
  return linearTable(images);
}
