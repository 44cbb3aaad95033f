// Random bytes from the host (WASI `random_get`; BoringSSL's generator in Envoy), fetched in lots of 512 bytes and
// tested before use. The tests detect a broken or stubbed host, not a weak generator. They look for a repeated lot (a
// comparison block that is never handed out, as in FIPS 140-2 4.9.2), a run of one byte and a too frequent byte (NIST
// SP 800-90B 4.4.1 and 4.4.2), and a wrong number of ones (GM/T 0062). Each has a probability of a false alarm below
// 2^-55 a lot. A failure is final for the VM.

import { maskIfEqual } from './constant-time';

// @ts-ignore: decorator
@external('wasi_snapshot_preview1', 'random_get')
declare function randomGet(out: usize, length: usize): i32;

/** Bytes of the lot that are only compared with the previous lot. */
const COMPARED_BYTES: usize = 16;
/** Bytes of a lot that are handed out. Window of the proportion test. */
const LOT_BYTES: usize = 512;
/** Longest permitted run of one byte: 1 + 64 bits / 8 bits of entropy a byte. */
const MAX_RUN: u32 = 9;
/** Most occurrences of the window's first byte. 26 or more have a probability of 2^-65. */
const MAX_SAME_AS_FIRST: u32 = 25;
/** Half of the 4,096 bits of a lot. */
const EXPECTED_ONES: u32 = 2048;
/** Most permitted deviation of the number of ones: ten standard deviations of 32. */
const MAX_ONES_DEVIATION: u32 = 320;

const LOT: usize = memory.data(528, 16); // compared block, then the bytes to hand out
const COMPARED: usize = memory.data(16, 16); // compared block of the lot before; zero at first, which catches a host that writes nothing

let available: usize = 0; // bytes at the end of the lot not yet handed out
let failed: bool = false;

/**
 * Whether a lot passes: no run, no frequent byte, about as many ones as zeros. Branches on the verdict only, because
 * the bytes become secrets.
 */
function passes(lot: usize): bool {
  const first: u32 = load<u8>(lot);
  let previous: u32 = 256;
  let run: u32 = 0;
  let tooLong: u32 = 0; // highest bit is set once a run was too long
  let sameAsFirst: u32 = 0;
  for (let i: usize = 0; i < LOT_BYTES; i++) {
    const byte: u32 = load<u8>(lot + i);
    run = (run & maskIfEqual(byte, previous)) + 1;
    tooLong |= MAX_RUN - run;
    sameAsFirst -= maskIfEqual(byte, first);
    previous = byte;
  }
  let ones: u32 = 0;
  for (let i: usize = 0; i < LOT_BYTES; i += 8) ones += <u32>popcnt<u64>(load<u64>(lot + i));
  const tooFew = ones - (EXPECTED_ONES - MAX_ONES_DEVIATION);
  const tooMany = EXPECTED_ONES + MAX_ONES_DEVIATION - ones;
  return (tooLong | (MAX_SAME_AS_FIRST - sameAsFirst) | tooFew | tooMany) >> 31 == 0;
}

/** Fetches and tests a lot. False, permanently, if the host refuses or a test fails. */
function refill(): bool {
  if (failed) return false;
  failed = true; // until the tests pass
  if (randomGet(LOT, COMPARED_BYTES + LOT_BYTES) != 0) return false;
  const same = ((load<u64>(LOT) ^ load<u64>(COMPARED)) | (load<u64>(LOT, 8) ^ load<u64>(COMPARED, 8))) == 0;
  memory.copy(COMPARED, LOT, COMPARED_BYTES);
  if (same || !passes(LOT + COMPARED_BYTES)) {
    memory.fill(LOT, 0, COMPARED_BYTES + LOT_BYTES);
    return false;
  }
  available = LOT_BYTES;
  failed = false;
  return true;
}

/**
 * Writes `length` random bytes to `out`. False if the host's generator has failed, now or earlier in this VM; `out` is
 * then zero and must not be used. Bytes are wiped here once handed out.
 */
export function randomBytes(out: usize, length: u32): bool {
  let done: usize = 0;
  while (done < <usize>length) {
    if (available == 0 && !refill()) {
      memory.fill(out, 0, length);
      return false;
    }
    const part = min<usize>(available, <usize>length - done);
    const from = LOT + COMPARED_BYTES + LOT_BYTES - available;
    memory.copy(out + done, from, part);
    memory.fill(from, 0, part);
    available -= part;
    done += part;
  }
  return true;
}
