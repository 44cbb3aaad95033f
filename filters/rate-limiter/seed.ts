// The seed of the keyed hash that names buckets, the same in all workers.
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { sipBegin, sipEnd, sipText } from '../memory/siphash';
import { SharedValue, createShared } from '../runtime/shared-data';

/** The low two bytes of a bucket's hash are its limit's. */
export const TAG_MASK: u64 = 0xffff;

const SEED_KEY: Bytes = Bytes.from('fim.limit.seed');
const SEED_BYTES: u32 = 16;

const shared: SharedValue = new SharedValue();
let seed0: u64 = 0;
let seed1: u64 = 0;

/** Reads or makes the seed before any request. Workers that make it at the same time end with one. */
export function openSeed(): bool {
  if (readSeed()) return true;
  const seed = scratch.allocate(SEED_BYTES);
  if (seed == 0 || !randomBytes(seed, SEED_BYTES)) return false;
  return createShared(SEED_KEY.pointer, SEED_KEY.length, seed, SEED_BYTES) && readSeed();
}

function readSeed(): bool {
  if (!shared.read(SEED_KEY.pointer, SEED_KEY.length) || shared.length != SEED_BYTES) return false;
  seed0 = load<u64>(shared.pointer);
  seed1 = load<u64>(shared.pointer, 8);
  return true;
}

/** Begins the hash of a key; its texts follow by `sipText`. */
export function beginHash(limit: Bytes): void {
  sipBegin(seed0, seed1);
  sipText(limit.pointer, limit.length);
}

/** The hash of a key under a limit's tag. It is never 0, which marks a bucket that was never used. */
export function endHash(tag: u64): u64 {
  return (sipEnd() & ~TAG_MASK) | tag;
}

/** The tag of a limit, 1 to 65,535. */
export function tagOf(limit: Bytes): u64 {
  beginHash(limit);
  return max(sipEnd() & TAG_MASK, 1);
}
