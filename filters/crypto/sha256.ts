// SHA-256 (FIPS 180-4).
import { Hash } from './hash';
import { copyVectors } from './simd';
import { sha256Compress } from './sha256.gen';

const INITIAL: usize = memory.data<u32>(
  [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  16,
);

/** A running SHA-256. */
export class Sha256 extends Hash {
  protected start(state: usize): void {
    copyVectors(state, INITIAL, 32);
  }

  protected compress(state: usize, data: usize, count: u32): void {
    sha256Compress(state, data, count);
  }
}
