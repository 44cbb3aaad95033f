// Buckets in data that all workers share. A fixed number of lines with a fixed number of buckets bounds the memory. A
// bucket is 16 bytes: the keyed hash of limit and key, and its theoretical arrival time. An unused bucket is a full
// one.
import { MAX_SWAP_TRIES, RATE_LIMIT_LINES, RATE_LIMIT_WAYS } from '../limits';
import { randomBytes } from '../crypto/random';
import { scratch } from '../memory/scratch';
import { sipBegin, sipEnd, sipText } from '../memory/siphash';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';
import { BucketRate, Decision } from './bucket';
import { bucketEvicted, swapLost } from './stats';

const BUCKET_BYTES: u32 = 16;
const LINE_BYTES: u32 = RATE_LIMIT_WAYS * BUCKET_BYTES;

// "fim.limit.seed", and "fim.limit.line" followed by the line's number in two bytes
const SEED_KEY: usize = memory.data<u8>([102, 105, 109, 46, 108, 105, 109, 105, 116, 46, 115, 101, 101, 100]);
const SEED_KEY_LENGTH: u32 = 14;
const LINE_KEY: usize = memory.data<u8>([102, 105, 109, 46, 108, 105, 109, 105, 116, 46, 108, 105, 110, 101, 0, 0]);
const LINE_KEY_LENGTH: u32 = 16;
const SEED_BYTES: u32 = 16;

const shared: SharedValue = new SharedValue();
let seed0: u64 = 0;
let seed1: u64 = 0;

/**
 * Opens or creates the table before any request. Workers that create it at the same time end with one table and one
 * seed. The seed is written last and marks the lines as present.
 */
export function openTable(): bool {
  if (readSeed()) return true;
  const line = scratch.allocate(LINE_BYTES);
  const seed = scratch.allocate(SEED_BYTES);
  if (line == 0 || seed == 0 || !randomBytes(seed, SEED_BYTES)) return false;
  memory.fill(line, 0, LINE_BYTES);
  for (let i: u32 = 0; i < RATE_LIMIT_LINES; i++) {
    if (!createShared(lineKey(i), LINE_KEY_LENGTH, line, LINE_BYTES)) return false;
  }
  return createShared(SEED_KEY, SEED_KEY_LENGTH, seed, SEED_BYTES) && readSeed();
}

function readSeed(): bool {
  if (!shared.read(SEED_KEY, SEED_KEY_LENGTH) || shared.length != SEED_BYTES) return false;
  seed0 = load<u64>(shared.pointer);
  seed1 = load<u64>(shared.pointer, 8);
  return true;
}

function lineKey(line: u32): usize {
  store<u16>(LINE_KEY, <u16>line, 14);
  return LINE_KEY;
}

/**
 * Takes a token of the bucket of (`limit`, `key`). False if the table could not be read or written. `now`: clock units.
 */
export function takeToken(
  rate: BucketRate,
  limit: usize,
  limitLength: u32,
  key: usize,
  keyLength: u32,
  now: u64,
  decision: Decision,
): bool {
  sipBegin(seed0, seed1);
  sipText(limit, limitLength);
  sipText(key, keyLength);
  const hash = sipEnd() | 1; // 0 marks a bucket that was never used
  const line = <u32>(hash >> 32) % RATE_LIMIT_LINES;
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!shared.read(lineKey(line), LINE_KEY_LENGTH) || shared.length != LINE_BYTES) return false;
    const bucket = findBucket(shared.pointer, hash);
    const arrival = load<u64>(bucket) == hash ? load<u64>(bucket, 8) : 0;
    decision.decide(rate, arrival, now);
    if (!decision.allowed && decision.arrival == arrival) return true;
    if (load<u64>(bucket) != hash && load<u64>(bucket, 8) > now) bucketEvicted.add(1);
    store<u64>(bucket, hash);
    store<u64>(bucket, decision.arrival, 8);
    const swap = shared.swap(lineKey(line), LINE_KEY_LENGTH);
    if (swap == Swap.Done) return true;
    if (swap == Swap.Failed) return false;
    swapLost.add(1);
  }
  return false;
}

/**
 * The bucket of a hash, or the one that loses least when replaced: its arrival time is the earliest, so it is full or
 * nearest to full.
 */
function findBucket(line: usize, hash: u64): usize {
  let victim = line;
  for (let i: u32 = 0; i < RATE_LIMIT_WAYS; i++) {
    const bucket = line + i * BUCKET_BYTES;
    if (load<u64>(bucket) == hash) return bucket;
    if (load<u64>(bucket, 8) < load<u64>(victim, 8)) victim = bucket;
  }
  return victim;
}
