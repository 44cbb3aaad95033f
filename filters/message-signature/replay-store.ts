// The nonces of messages that were taken, in data that all workers share: a fixed number of lines of a fixed number of places, made when first needed, so
// memory is bounded whatever comes. A place is 8 bytes: 40 bits of a keyed hash of key and nonce, and the second, modulo 2^24, after which it is free
// again. Only genuine messages get in. When a line is full of nonces whose time is not over, the message is refused: nothing is forgotten early.
import { MAX_SWAP_TRIES, REPLAY_LINES, REPLAY_PLACES } from '../limits';
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { sipBegin, sipEnd, sipText } from '../memory/siphash';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';

/** What became of a nonce. */
export const enum Nonce {
  /** It was new, and is known now. */
  Fresh = 0,
  Known = 1,
  /** There is no place for it. */
  Full = 2,
  /** The host refused, or other workers wrote at every try. */
  Failed = 3,
}

const PLACE_BYTES: u32 = 8;
const LINE_BYTES: u32 = REPLAY_PLACES * PLACE_BYTES;
const SEED_BYTES: u32 = 16;
const SECONDS_BITS: u64 = 24;
const SECONDS_MASK: u64 = (1 << 24) - 1;
/** A time counts as past if it is less than half of the range behind: 97 days. */
const HALF_RANGE: u64 = 1 << 23;

const SEED_KEY: Bytes = Bytes.from('fim.replay.seed');
// "fim.replay.line" followed by the line's number in two bytes
const LINE_KEY: usize = memory.data<u8>([102, 105, 109, 46, 114, 101, 112, 108, 97, 121, 46, 108, 105, 110, 101, 0, 0]);
const LINE_KEY_LENGTH: u32 = 17;

const shared: SharedValue = new SharedValue();
let seed0: u64 = 0;
let seed1: u64 = 0;
let opened: bool = false;

/** Finds the seed that all workers hash with, or makes it. */
function open(): bool {
  if (opened) return true;
  if (!readSeed()) {
    const seed = scratch.allocate(SEED_BYTES);
    if (seed == 0 || !randomBytes(seed, SEED_BYTES) || !createShared(SEED_KEY.pointer, SEED_KEY.length, seed, SEED_BYTES) || !readSeed()) return false;
  }
  opened = true;
  return true;
}

function readSeed(): bool {
  if (!shared.read(SEED_KEY.pointer, SEED_KEY.length) || shared.length != SEED_BYTES) return false;
  seed0 = load<u64>(shared.pointer);
  seed1 = load<u64>(shared.pointer, 8);
  return true;
}

/** Reads a line, which the first nonce makes. */
function readLine(line: u32): bool {
  store<u16>(LINE_KEY, <u16>line, 15);
  if (!shared.read(LINE_KEY, LINE_KEY_LENGTH)) {
    const empty = scratch.allocate(LINE_BYTES);
    if (empty == 0) return false;
    memory.fill(empty, 0, LINE_BYTES);
    if (!createShared(LINE_KEY, LINE_KEY_LENGTH, empty, LINE_BYTES) || !shared.read(LINE_KEY, LINE_KEY_LENGTH)) return false;
  }
  return shared.length == LINE_BYTES;
}

/** Remembers the nonce of a message under `keyId` until `untilMs`; wall clock, milliseconds. */
export function remember(keyId: Bytes, nonce: usize, nonceLength: u32, nowMs: i64, untilMs: i64): Nonce {
  if (!open()) return Nonce.Failed;
  sipBegin(seed0, seed1);
  sipText(keyId.pointer, keyId.length);
  sipText(nonce, nonceLength);
  const hash = sipEnd();
  const line = <u32>hash & (REPLAY_LINES - 1);
  const mark = (hash >> SECONDS_BITS) | 1; // an empty place is zero
  const now = <u64>(nowMs / 1000) & SECONDS_MASK;
  const until = <u64>(untilMs / 1000 + 1) & SECONDS_MASK;
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!readLine(line)) return Nonce.Failed;
    const found = place(shared.pointer, mark, now);
    if (found == KNOWN) return Nonce.Known;
    if (found == 0) return Nonce.Full;
    store<u64>(found, (mark << SECONDS_BITS) | until);
    const swap = shared.swap(LINE_KEY, LINE_KEY_LENGTH);
    if (swap == Swap.Done) return Nonce.Fresh;
    if (swap == Swap.Failed) return Nonce.Failed;
  }
  return Nonce.Failed;
}

/** No address: the mark is in the line. */
const KNOWN: usize = usize.MAX_VALUE;

/**
 * A free place of the line; 0 if there is none, KNOWN if the mark is there and its time is not over. Places whose time is over are emptied: half a range later
 * they would count as taken again.
 */
function place(line: usize, mark: u64, now: u64): usize {
  let free: usize = 0;
  for (let at = line; at < line + LINE_BYTES; at += PLACE_BYTES) {
    const entry = load<u64>(at);
    const over = entry == 0 || ((now - (entry & SECONDS_MASK)) & SECONDS_MASK) - 1 < HALF_RANGE;
    if (over) {
      store<u64>(at, 0);
      if (free == 0) free = at;
    } else if (entry >> SECONDS_BITS == mark) return KNOWN;
  }
  return free;
}
