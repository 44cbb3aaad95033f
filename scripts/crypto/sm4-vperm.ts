// Nibble tables for an SM4 S-box made of byte swizzles ("vector permute"; Hamburg, "Accelerating AES with Vector
// Permute Instructions", CHES 2009). A byte is taken to a tower field GF(16)^2 by a linear map; there inversion is five
// lookups in 16-entry tables; four more lookups give the S-box and SM4's linear layer at once. State and round keys
// stay in the tower basis from the first round to the last.
import { AES_POLYNOMIAL, inverseTable, isomorphisms, SM4_POLYNOMIAL } from './field.ts';
import { SM4_CONSTANT, SM4_INPUT_CONSTANT, SM4_MATRIX, SM4_SBOX } from './sm4-sbox.ts';

/**
 * 1/x and a/x in GF(16); 0x80 stands for infinity: a swizzle by an index with the top bit set gives 0. Hamburg 2009.
 */
export const TOWER_INVERSE = [0x80, 1, 8, 13, 15, 6, 5, 14, 2, 12, 11, 10, 9, 3, 7, 4];
export const TOWER_INVERSE_TIMES_A = [0x80, 7, 11, 15, 6, 10, 4, 1, 9, 8, 5, 2, 12, 14, 13, 3];
/** From the AES field to the tower, by low and high nibble. Hamburg 2009. */
export const AES_TO_TOWER_LOW = [
  0x00, 0x70, 0x2a, 0x5a, 0x98, 0xe8, 0xb2, 0xc2, 0x08, 0x78, 0x22, 0x52, 0x90, 0xe0, 0xba, 0xca,
];
export const AES_TO_TOWER_HIGH = [
  0x00, 0x4d, 0x7c, 0x31, 0x7d, 0x30, 0x01, 0x4c, 0x81, 0xcc, 0xfd, 0xb0, 0xfc, 0xb1, 0x80, 0xcd,
];

export interface VpermTables {
  /** Tables into the tower basis, by low and high nibble (including the S-box's input matrix), and back. */
  inLow: number[];
  inHigh: number[];
  outLow: number[];
  outHigh: number[];
  /** rotl(S(x), 2) and S(x) ^ (S(x) >> 6), less their constants, in the tower basis: first half by io, second by jo. */
  turned: [number[], number[]];
  mixed: [number[], number[]];
  /** S(x) in the usual basis, for the key schedule. The caller adds the constant. */
  plain: [number[], number[]];
  /** Constant to add to a round's input, because the tables omit the affine constants. */
  inputConstant: number;
  roundConstant: number;
}

/** Result of a swizzle for one index. */
export function swizzle(table: number[], index: number): number {
  return index & 0x80 ? 0 : table[index & 15];
}

/** The inversion core on a byte of the tower: two nibbles that select from the output tables. */
export function towerCore(byte: number): [number, number] {
  const low = byte & 15;
  const high = byte >> 4;
  const sum = low ^ high;
  const a = swizzle(TOWER_INVERSE_TIMES_A, low);
  const first = swizzle(TOWER_INVERSE, high) ^ a;
  const second = swizzle(TOWER_INVERSE, sum) ^ a;
  return [swizzle(TOWER_INVERSE, first) ^ sum, swizzle(TOWER_INVERSE, second) ^ high];
}

/** Derives the tables and proves them for all 256 inputs. */
export function sm4VpermTables(): VpermTables {
  for (const isomorphism of isomorphisms(SM4_POLYNOMIAL, AES_POLYNOMIAL)) {
    const toTower = SM4_MATRIX.map((image) => {
      const aes = isomorphism[image];
      return AES_TO_TOWER_LOW[aes & 15] ^ AES_TO_TOWER_HIGH[aes >> 4];
    });
    const plain = solveOutput(toTower, SM4_SBOX, SM4_CONSTANT, SM4_INPUT_CONSTANT);
    if (plain) return expand(toTower, plain);
  }
  throw new Error('no isomorphism fits the tower');
}

function expand(toTower: number[], plain: [number[], number[]]): VpermTables {
  const fromTower = inverseTable(toTower);
  const nibbles = Array.from({ length: 16 }, (_, n) => n);
  const turn = (y: number) => ((y << 2) | (y >> 6)) & 255;
  return {
    inLow: nibbles.map((n) => toTower[n]),
    inHigh: nibbles.map((n) => toTower[n << 4]),
    outLow: nibbles.map((n) => fromTower[n]),
    outHigh: nibbles.map((n) => fromTower[n << 4]),
    turned: [plain[0].map((y) => toTower[turn(y)]), plain[1].map((y) => toTower[turn(y)])],
    mixed: [plain[0].map((y) => toTower[y ^ (y >> 6)]), plain[1].map((y) => toTower[y ^ (y >> 6)])],
    plain,
    inputConstant: SM4_INPUT_CONSTANT,
    roundConstant: turn(SM4_CONSTANT),
  };
}

/**
 * Solves S(x) ^ constant = U[io] ^ V[jo], with io and jo from x ^ inputConstant, for the 32 table bytes by elimination
 * over GF(2); undefined if there is no solution.
 */
export function solveOutput(
  toTower: number[],
  sbox: number[],
  constant: number,
  inputConstant: number,
): [number[], number[]] | undefined {
  const pivots = new Map<number, [mask: number, value: number]>();
  for (let x = 0; x < 256; x++) {
    let mask = outputMask(toTower[x ^ inputConstant]);
    let value = sbox[x] ^ constant;
    while (mask !== 0) {
      const top = 31 - Math.clz32(mask);
      const pivot = pivots.get(top);
      if (!pivot) {
        pivots.set(top, [mask, value]);
        break;
      }
      mask = (mask ^ pivot[0]) >>> 0;
      value ^= pivot[1];
    }
    if (mask === 0 && value !== 0) return undefined;
  }
  const solved = new Array<number>(32).fill(0);
  for (const top of [...pivots.keys()].sort((a, b) => a - b)) {
    const [mask, value] = pivots.get(top)!;
    solved[top] = value;
    for (let bit = 0; bit < top; bit++) if ((mask >>> bit) & 1) solved[top] ^= solved[bit];
  }
  const tables: [number[], number[]] = [solved.slice(0, 16), solved.slice(16)];
  for (let x = 0; x < 256; x++) {
    const [io, jo] = towerCore(toTower[x ^ inputConstant]);
    if ((swizzle(tables[0], io) ^ swizzle(tables[1], jo) ^ constant) !== sbox[x])
      throw new Error(`wrong S-box at ${x}`);
  }
  return tables;
}

function outputMask(byte: number): number {
  const [io, jo] = towerCore(byte);
  return ((io & 0x80 ? 0 : 1 << (io & 15)) | (jo & 0x80 ? 0 : 1 << (16 + (jo & 15)))) >>> 0;
}
