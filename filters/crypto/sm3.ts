// SM3 (GB/T 32905-2016).
import { Hash } from './hash';
import { copyVectors } from './simd';
import { sm3Compress } from './sm3.gen';

/** The initial value: eight words in the order of the machine. */
export const SM3_INITIAL: usize = memory.data<u32>(
  [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e],
  16,
);

/** A running SM3. */
export class Sm3 extends Hash {
  protected start(state: usize): void {
    copyVectors(state, SM3_INITIAL, 32);
  }

  protected compress(state: usize, data: usize, count: u32): void {
    sm3Compress(state, data, count);
  }
}
