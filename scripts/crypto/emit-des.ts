// Emits filters/crypto/des.gen.ts: the tables of DES (FIPS 46-3) in the forms that filters/crypto/des.ts looks up by
// swizzle.
//
// The six bits that enter S-box b stand in byte lane LANE(b) of a vector, and once more eight lanes further up. Their
// low four bits choose one of sixteen bytes, of which lanes 0-7 look at the table for 0xxxxx and lanes 8-15 at the one
// for 1xxxxx; bit 4 chooses the nibble of that byte.
import { header, table } from './emit.ts';

/** S-boxes as the standard prints them: four rows of sixteen each. */
const S: number[][] = [
  [
    14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8, 4, 1,
    14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
  ],
  [
    15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5, 0, 14,
    7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
  ],
  [
    10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1, 13, 6,
    4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
  ],
  [
    7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9, 10, 6,
    9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
  ],
  [
    2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6, 4, 2, 1,
    11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
  ],
  [
    12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8, 9, 14,
    15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
  ],
  [
    4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6, 1, 4,
    11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
  ],
  [
    13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2, 7, 11,
    4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
  ],
];
const P = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];
const PC1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55,
  47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];
const PC2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30,
  40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/**
 * Lane of S-box 0 … 7: even ones in the bytes of the half block turned right by one bit, odd ones in those of the same
 * turned left by four more.
 */
const lane = (box: number): number => 3 - (box >> 1) + (box & 1) * 4;

/** Output of S-box `box` for six bits in the order of the half block. */
function substitute(box: number, bits: number): number {
  const row = ((bits >> 4) & 2) | (bits & 1);
  return S[box]![row * 16 + ((bits >> 1) & 15)]!;
}

/** For each box and half: sixteen bytes, then sixteen that are 0 in its lane and 0x80 elsewhere. */
function lookups(): number[] {
  const bytes: number[] = [];
  for (let box = 0; box < 8; box++) {
    for (const half of [0, 1]) {
      for (let low = 0; low < 16; low++)
        bytes.push(substitute(box, half * 32 + low) | (substitute(box, half * 32 + 16 + low) << 4));
      for (let at = 0; at < 16; at++) bytes.push(at === lane(box) + half * 8 ? 0 : 0x80);
    }
  }
  return bytes;
}

/** For each bit of P's result, the lowest first: the lane that it comes from. Then, for each, the bit in that lane. */
function permutation(): number[] {
  const bits = Array.from({ length: 32 }, (_, i) => P[31 - i]! - 1);
  const lanes = bits.map((bit) => lane(bit >> 2));
  const masks = bits.map((bit) => 8 >> (bit & 3));
  return [...lanes, ...masks];
}

/**
 * For each bit of a round key, box by box: its index in the 64 bits of the key, from 0. Choices 1 and 2 and the
 * rotations are combined.
 */
function keyBits(): number[] {
  const bits: number[] = [];
  let turned = 0;
  for (const shift of SHIFTS) {
    turned += shift;
    for (const choice of PC2) {
      const at = choice - 1;
      const half = at < 28 ? 0 : 28;
      bits.push(PC1[half + ((at - half + turned) % 28)]! - 1);
    }
  }
  return bits;
}

export function emitDes(): string {
  return [
    header('Method: scripts/crypto/emit-des.ts.'),
    table(
      'DES_BOXES',
      lookups(),
      'S-boxes: for each of the eight boxes and both halves, 16 bytes of values and 16 of lane mask.',
    ),
    table('DES_PERMUTATION', permutation(), 'P: lanes of the 32 bits of the result, then masks of the bits there.'),
    table('DES_KEY_BITS', keyBits(), 'For each of 16 rounds, 48 bit numbers of the key.'),
    table(
      'DES_LANES',
      Array.from({ length: 8 }, (_, box) => lane(box)),
      'Lane of each box.',
    ),
  ].join('\n');
}
