// Key derivation of SM2 encryption (GB/T 32918.4, 5.4.3): SM3(x2 ‖ y2 ‖ 1) ‖ SM3(x2 ‖ y2 ‖ 2) ‖ …, with 32-bit
// counters. The shared point fills one block of SM3, which is absorbed once.
import { wipe } from './constant-time';
import { sharedSm3 } from './sm2-digest';
import { Sm3 } from './sm3';

/** Bytes of the shared point x2 ‖ y2: one block. */
const SHARED_BYTES: u32 = 64;

const COUNTER: usize = memory.data(4, 4);
const BLOCK: usize = memory.data(32, 16);

let absorbed: Sm3 | null = null;

/** SM3 that has absorbed the shared point. */
function afterShared(shared: usize): Sm3 {
  let sm3 = absorbed;
  if (!sm3) {
    sm3 = new Sm3();
    absorbed = sm3;
  }
  sm3.reset();
  sm3.update(shared, SHARED_BYTES);
  return sm3;
}

/**
 * out = in xor the key stream of the shared point (64 bytes). In place allowed. 1 if the key stream was all zero, which
 * GB/T 32918.4 refuses, else 0.
 */
export function sm2KdfXor(out: usize, input: usize, length: u32, shared: usize): u32 {
  const start = afterShared(shared);
  const sm3 = sharedSm3();
  let bits: u32 = 0;
  let counter: u32 = 1;
  for (let done: u32 = 0; done < length; done += 32) {
    store<u32>(COUNTER, bswap<u32>(counter++));
    sm3.resumeFrom(start);
    sm3.update(COUNTER, 4);
    sm3.digest(BLOCK);
    const part = min<u32>(32, length - done);
    for (let i: u32 = 0; i < part; i++) {
      const byte: u32 = load<u8>(BLOCK + i);
      bits |= byte;
      store<u8>(out + done + i, <u8>(byte ^ (<u32>load<u8>(input + done + i))));
    }
  }
  wipe(BLOCK, 32);
  start.wipe();
  sm3.wipe();
  sm3.reset();
  return (bits - 1) >> 31;
}
