// AES key stream, sixteen blocks at a time.
import { AES_SLICES, aesSlices } from './aes-bitslice.gen';
import { AES_KEY_BYTES, aesRounds, expandAesKey } from './aes-key';
import { transposeBits8 } from './bits.gen';
import { clear } from './constant-time';
import { BlockCounter, xorStream } from './counter';
import { copyVectors } from './simd';

const START: usize = memory.data(16, 16);
const BATCH_BYTES: u32 = 256;

/** AES in counter mode under one key: `AES_KEY_BYTES` (1,920) bytes of round keys. */
export class AesCounter extends BlockCounter {
  private keys: StaticArray<u8> = new StaticArray<u8>(AES_KEY_BYTES);
  private rounds: u32 = 0;

  /** Expands a key of 16 or 32 bytes. */
  setKey(key: usize, length: u32): void {
    this.rounds = aesRounds(length);
    expandAesKey(key, length, changetype<usize>(this.keys));
  }

  begin(block: usize): void {
    v128.store(START, v128.load(block));
  }

  stream4(counter: u32, to: usize): void {
    this.batch(counter);
    copyVectors(to, AES_SLICES, 64);
  }

  xor(counter: u32, from: usize, to: usize, length: u32): void {
    while (length > 0) {
      const bytes = min(length, BATCH_BYTES);
      this.batch(counter);
      xorStream(AES_SLICES, from, to, bytes);
      counter += 16;
      from += bytes;
      to += bytes;
      length -= bytes;
    }
  }

  wipeWork(): void {
    clear(AES_SLICES, BATCH_BYTES);
    clear(START, 16);
  }

  wipe(): void {
    clear(changetype<usize>(this.keys), AES_KEY_BYTES);
  }

  /** Writes sixteen blocks of key stream to AES_SLICES. */
  private batch(counter: u32): void {
    const start = v128.load(START);
    for (let i: u32 = 0; i < 16; i++)
      v128.store(AES_SLICES + (i << 4), i32x4.replace_lane(start, 3, <i32>bswap(counter + i)));
    transposeBits8(AES_SLICES);
    transposeBits8(AES_SLICES + 128);
    aesSlices(changetype<usize>(this.keys), this.rounds);
    transposeBits8(AES_SLICES);
    transposeBits8(AES_SLICES + 128);
  }
}
