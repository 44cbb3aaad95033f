// The key derivation of SM2 (GB/T 32918.4, 5.4.3; GM/T 0003.4): SM3(Z ‖ 1) ‖ SM3(Z ‖ 2) ‖ …, counters of 32 bits.
import { wipe } from './constant-time';
import { sharedSm3 } from './sm2-digest';

const COUNTER: usize = memory.data(4, 4);
const BLOCK: usize = memory.data(32, 16);

/** out = in xor key stream of Z, `length` bytes, in place allowed. 1 if the key stream was all zero, which GB/T 32918.4 refuses, else 0. */
export function sm2KdfXor(out: usize, input: usize, length: u32, z: usize, zLength: u32): u32 {
  const sm3 = sharedSm3();
  let bits: u32 = 0;
  let counter: u32 = 1;
  for (let done: u32 = 0; done < length; done += 32) {
    store<u32>(COUNTER, bswap<u32>(counter++));
    sm3.reset();
    sm3.update(z, zLength);
    sm3.update(COUNTER, 4);
    sm3.digest(BLOCK);
    const part = min<u32>(32, length - done);
    for (let i: u32 = 0; i < part; i++) {
      const byte: u32 = load<u8>(BLOCK + i);
      bits |= byte;
      store<u8>(out + done + i, <u8>(byte ^ <u32>load<u8>(input + done + i)));
    }
  }
  wipe(BLOCK, 32);
  sm3.reset();
  return ((bits - 1) >> 31);
}
