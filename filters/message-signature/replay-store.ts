// Nonces of accepted messages, in data that all workers share. A fixed number of lines with a fixed number of places,
// created on first use, bounds the memory. A place is 8 bytes: 40 bits of a keyed hash of key and nonce, and the second
// of signing modulo 2^24. Only genuine messages are recorded. If a line is full of nonces that have not expired, the
// message is refused; nothing is forgotten early.
//
// A place is free again once no route may accept its message any more. The widest clock skew of any route so far
// decides this, and not the route that accepted the message: the same message must still be recognised on another
// route, or after an edit that widens the skew. A record beside the lines holds the widest skew, and the signing time
// before which accepted messages may have been forgotten or never recorded. Older messages are refused.
//
// Before the store began, an earlier process may have accepted messages whose time of signing was ahead of its clock,
// so that this time lies after the beginning. How far ahead a time may be is therefore bounded, and what was signed
// within this bound after the beginning is refused as well.
import { MAX_SWAP_TRIES, REPLAY_LINES, REPLAY_PLACES } from '../limits';
import { randomBytes } from '../crypto/random';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { sipBegin, sipEnd, sipText } from '../memory/siphash';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';

/** Result of recording a nonce. */
export const enum Nonce {
  /** It was new and is now recorded. */
  Fresh = 0,
  Known = 1,
  /** There is no place for it. */
  Full = 2,
  /** The host refused, or other workers' writes won at every attempt. */
  Failed = 3,
  /**
   * The message was signed before the store began, or before it covered the current period, so it may have been
   * accepted already.
   */
  Early = 4,
}

const PLACE_BYTES: u32 = 8;
const LINE_BYTES: u32 = REPLAY_PLACES * PLACE_BYTES;
const SECONDS_BITS: u64 = 24;
const SECONDS_MASK: u64 = (1 << 24) - 1;
/** A time counts as past if it lies less than half of the range back: 97 days. */
const HALF_RANGE: u64 = 1 << 23;

/**
 * Layout of the record: seed of the hash (16 bytes), widest skew (i64, milliseconds), first covered signing time (i64,
 * milliseconds since 1970), when the store began (the same), how far ahead a time may be (i64, milliseconds).
 */
const RECORD_BYTES: u32 = 48;
const SEED_BYTES: u32 = 16;
const WIDEST_AT: usize = 16;
const COVERED_FROM_AT: usize = 24;
const BEGAN_AT: usize = 32;
const FARTHEST_AT: usize = 40;
const RECORD_KEY: Bytes = Bytes.from('fim.replay.record');
// "fim.replay.line" followed by the line's number in two bytes
const LINE_KEY: usize = memory.data<u8>([102, 105, 109, 46, 114, 101, 112, 108, 97, 121, 46, 108, 105, 110, 101, 0, 0]);
const LINE_KEY_LENGTH: u32 = 17;

const shared: SharedValue = new SharedValue();
let seed0: u64 = 0;
let seed1: u64 = 0;
let widestMs: i64 = 0;
let coveredFromMs: i64 = 0;
let beganMs: i64 = 0;
let farthestMs: i64 = 0;

/** Begins the store, unless it has begun. `nowMs`: wall clock. False if the host refused. */
export function beginStore(nowMs: i64): bool {
  return readRecord() || beginRecord(nowMs);
}

/**
 * Ensures that nonces are kept for messages signed up to `skewMs` ago and `aheadMs` ahead: begins the store, or widens
 * it for all routes. `nowMs`: wall clock. False if the host refused, or other workers' writes won at every attempt.
 */
export function keepFor(skewMs: i64, aheadMs: i64, nowMs: i64): bool {
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!beginStore(nowMs)) return false;
    if (widestMs >= skewMs && farthestMs >= aheadMs) return true;
    // Everything forgotten so far was signed before this.
    if (widestMs < skewMs && widestMs > 0)
      store<i64>(shared.pointer, max(coveredFromMs, nowMs - widestMs), COVERED_FROM_AT);
    store<i64>(shared.pointer, max(widestMs, skewMs), WIDEST_AT);
    store<i64>(shared.pointer, max(farthestMs, aheadMs), FARTHEST_AT);
    if (shared.swap(RECORD_KEY.pointer, RECORD_KEY.length) == Swap.Failed) return false;
  }
  return false;
}

function beginRecord(nowMs: i64): bool {
  const record = scratch.allocate(RECORD_BYTES);
  if (record == 0 || !randomBytes(record, SEED_BYTES)) return false;
  store<i64>(record, 0, WIDEST_AT);
  store<i64>(record, nowMs, COVERED_FROM_AT);
  store<i64>(record, nowMs, BEGAN_AT);
  store<i64>(record, 0, FARTHEST_AT);
  return createShared(RECORD_KEY.pointer, RECORD_KEY.length, record, RECORD_BYTES) && readRecord();
}

/** Read for each message, since another worker may have widened it. */
function readRecord(): bool {
  if (!shared.read(RECORD_KEY.pointer, RECORD_KEY.length) || shared.length != RECORD_BYTES) return false;
  seed0 = load<u64>(shared.pointer);
  seed1 = load<u64>(shared.pointer, 8);
  widestMs = load<i64>(shared.pointer, WIDEST_AT);
  coveredFromMs = load<i64>(shared.pointer, COVERED_FROM_AT);
  beganMs = load<i64>(shared.pointer, BEGAN_AT);
  farthestMs = load<i64>(shared.pointer, FARTHEST_AT);
  return true;
}

/** Reads a line. The first nonce creates it. */
function readLine(line: u32): bool {
  store<u16>(LINE_KEY, <u16>line, 15);
  if (!shared.read(LINE_KEY, LINE_KEY_LENGTH)) {
    const empty = scratch.allocate(LINE_BYTES);
    if (empty == 0) return false;
    memory.fill(empty, 0, LINE_BYTES);
    if (!createShared(LINE_KEY, LINE_KEY_LENGTH, empty, LINE_BYTES) || !shared.read(LINE_KEY, LINE_KEY_LENGTH))
      return false;
  }
  return shared.length == LINE_BYTES;
}

/**
 * Records the nonce of a message under `keyId` that was signed at `signedMs` and is accepted with `skewMs` and
 * `aheadMs`. Wall clock, milliseconds.
 */
export function remember(
  keyId: Bytes,
  nonce: usize,
  nonceLength: u32,
  nowMs: i64,
  signedMs: i64,
  skewMs: i64,
  aheadMs: i64,
): Nonce {
  if (!keepFor(skewMs, aheadMs, nowMs)) return Nonce.Failed;
  if (signedMs < coveredFromMs || signedMs < beganMs + farthestMs) return Nonce.Early;
  sipBegin(seed0, seed1);
  sipText(keyId.pointer, keyId.length);
  sipText(nonce, nonceLength);
  const hash = sipEnd();
  const line = (<u32>hash) & (REPLAY_LINES - 1);
  const mark = (hash >> SECONDS_BITS) | 1; // zero marks an empty place
  const now = (<u64>(nowMs / 1000)) & SECONDS_MASK;
  const signed = (<u64>(signedMs / 1000)) & SECONDS_MASK;
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!readLine(line)) return Nonce.Failed;
    const found = place(shared.pointer, mark, now);
    if (found == KNOWN) return Nonce.Known;
    if (found == 0) return Nonce.Full;
    store<u64>(found, (mark << SECONDS_BITS) | signed);
    const swap = shared.swap(LINE_KEY, LINE_KEY_LENGTH);
    if (swap == Swap.Done) return Nonce.Fresh;
    if (swap == Swap.Failed) return Nonce.Failed;
  }
  return Nonce.Failed;
}

/** No address: the line contains the mark. */
const KNOWN: usize = usize.MAX_VALUE;

/**
 * A free place of the line. 0 if there is none, KNOWN if the line contains the mark unexpired. Expired places are
 * cleared, because half a range later they would count as recorded again.
 */
function place(line: usize, mark: u64, now: u64): usize {
  // Whole seconds are stored, so a message is forgotten a second after its time.
  const keptSeconds = <u64>(widestMs / 1000) + 1;
  let free: usize = 0;
  for (let at = line; at < line + LINE_BYTES; at += PLACE_BYTES) {
    const entry = load<u64>(at);
    const age = (now - (entry & SECONDS_MASK)) & SECONDS_MASK; // above half of the range: signed by a clock that is ahead
    if (entry == 0 || (age > keptSeconds && age < HALF_RANGE)) {
      store<u64>(at, 0);
      if (free == 0) free = at;
    } else if (entry >> SECONDS_BITS == mark) return KNOWN;
  }
  return free;
}
