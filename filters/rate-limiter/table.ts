// Buckets in data that all workers share. Lines are made on first use and grow; their number and size are bounded, and
// a bucket that still says something never makes room for another. Where a line is full, further keys share one spare
// bucket of their limit, and go on sharing it until it says nothing any more of any of them: whoever cycles keys is let
// in less often than he could be, never more often, and takes nothing from keys that have a bucket.
import { MAX_SWAP_TRIES, RATE_LIMIT_LINES, RATE_LIMIT_WAYS, RATE_LIMIT_WAYS_OF_ONE } from '../limits';
import { scratch } from '../memory/scratch';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';
import { Claim } from './claim';
import { aheadOf, findLeased, giveLeased, openLease, takeLeased } from './lease';
import { TAG_MASK } from './seed';
import { bucketSpilled, swapLost } from './stats';

const UNTIL: usize = 8;
/** A line begins with the time until which keys of any limit share spare buckets, where marks found no room. */
const LINE_HEAD_BYTES: u32 = 8;
/** Buckets by which a line grows. */
const GROWTH: u32 = 4;

// "fim.limit2" + kind + number in four bytes: lines, lines of sliding windows, and the spare buckets of both
const LINE_KEY: usize = memory.data<u8>([102, 105, 109, 46, 108, 105, 109, 105, 116, 50, 0, 0, 0, 0, 0, 0]);
const LINE_KEY_LENGTH: u32 = 16;
const enum Kind {
  Line = 1,
  WideLine = 2,
  Spare = 3,
  WideSpare = 4,
}

/** A line that no claim keeps. */
const shared: SharedValue = new SharedValue();

function keyOf(kind: Kind, number: u32): usize {
  store<u8>(LINE_KEY, <u8>kind, 10);
  store<u32>(LINE_KEY, number, 12);
  return LINE_KEY;
}

function lineKey(claim: Claim): usize {
  return keyOf(claim.limit.wide ? Kind.WideLine : Kind.Line, <u32>(claim.hash >> 32) % RATE_LIMIT_LINES);
}

function spareKey(claim: Claim): usize {
  return keyOf(claim.limit.wide ? Kind.WideSpare : Kind.Spare, <u32>(claim.hash & TAG_MASK));
}

/** Reads the value under `key`; makes one with room for `ways` buckets if there is none. */
function readOrCreate(claim: Claim, key: usize, ways: u32): bool {
  const value = claim.value;
  if (!value.read(key, LINE_KEY_LENGTH)) {
    const length = LINE_HEAD_BYTES + ways * claim.limit.bucketBytes;
    const empty = scratch.allocate(length);
    if (empty == 0) return false;
    memory.fill(empty, 0, length);
    if (!createShared(key, LINE_KEY_LENGTH, empty, length) || !value.read(key, LINE_KEY_LENGTH)) return false;
  }
  const bytes = claim.limit.bucketBytes;
  return value.length >= LINE_HEAD_BYTES + bytes && (value.length - LINE_HEAD_BYTES) % bytes == 0;
}

/** Finds the claim's bucket, or makes it. False: the table cannot be read. */
function find(claim: Claim, now: u64): bool {
  claim.spare = false;
  if (!readOrCreate(claim, lineKey(claim), GROWTH)) return false;
  const bytes = claim.limit.bucketBytes;
  const hash = claim.hash;
  let bucket = claim.value.pointer + LINE_HEAD_BYTES;
  const end = claim.value.pointer + claim.value.length;
  const mark = markOf(claim);
  let idle: usize = 0;
  let ofLimit: u32 = 0;
  let spilled = load<u64>(claim.value.pointer) > now;
  for (; bucket < end; bucket += bytes) {
    const other = load<u64>(bucket);
    if (other == hash) {
      claim.bucket = bucket;
      return true;
    }
    if (load<u64>(bucket, UNTIL) <= now) idle = bucket;
    else if (other == mark) spilled = true;
    else if ((other & TAG_MASK) == (hash & TAG_MASK)) ofLimit++;
  }
  if (spilled || ofLimit >= RATE_LIMIT_WAYS_OF_ONE) return findSpare(claim);
  if (idle == 0) idle = grow(claim.value, bytes, RATE_LIMIT_WAYS);
  if (idle == 0) return findSpare(claim);
  memory.fill(idle, 0, bytes);
  store<u64>(idle, hash);
  claim.bucket = idle;
  return true;
}

/** Room for another bucket at the end of the line. 0: the line has its full size, or memory is short. */
function grow(value: SharedValue, bytes: u32, ways: u32): usize {
  const length = value.length + GROWTH * bytes;
  if (length > LINE_HEAD_BYTES + ways * bytes) return 0;
  const line = scratch.allocate(length);
  if (line == 0) return 0;
  memory.copy(line, value.pointer, value.length);
  const bucket = line + value.length;
  memory.fill(bucket, 0, GROWTH * bytes);
  value.pointer = line;
  value.length = length;
  return bucket;
}

/**
 * Stands in a line for the keys of the claim's limit that share its spare bucket, with the time until which they do.
 */
// @ts-ignore: decorator
@inline
function markOf(claim: Claim): u64 {
  return ~TAG_MASK | (claim.hash & TAG_MASK);
}

function findSpare(claim: Claim): bool {
  claim.spare = true;
  if (!readOrCreate(claim, spareKey(claim), 1)) return false;
  claim.bucket = claim.value.pointer + LINE_HEAD_BYTES;
  return true;
}

/**
 * Tells the claim's line until when keys of its limit share the spare bucket. That comes first: a key that was let in
 * by the spare bucket must not find one of its own before that is forgotten.
 */
function spill(claim: Claim, now: u64): Swap {
  const value = shared;
  const key = lineKey(claim);
  const bytes = claim.limit.bucketBytes;
  if (!value.read(key, LINE_KEY_LENGTH) || value.length < LINE_HEAD_BYTES) return Swap.Failed;
  const until = claim.decision.until;
  const mark = markOf(claim);
  let idle: usize = 0;
  for (let at = LINE_HEAD_BYTES; at < value.length; at += bytes) {
    const bucket = value.pointer + at;
    if (load<u64>(bucket) == mark) {
      if (load<u64>(bucket, UNTIL) >= until) return Swap.Done;
      store<u64>(bucket, until, UNTIL);
      return value.swap(key, LINE_KEY_LENGTH);
    }
    if (load<u64>(bucket, UNTIL) <= now) idle = bucket;
  }
  if (idle == 0) idle = grow(value, bytes, RATE_LIMIT_WAYS + GROWTH);
  if (idle != 0) {
    store<u64>(idle, mark);
    store<u64>(idle, until, UNTIL);
  } else if (load<u64>(value.pointer) >= until) return Swap.Done;
  else store<u64>(value.pointer, until); // no room for a mark: it holds for every limit
  return value.swap(key, LINE_KEY_LENGTH);
}

/** Decides as for a request that is not let in: nothing is taken. False: the table cannot be read. */
export function peek(claim: Claim, now: u64): bool {
  if (!find(claim, now)) return false;
  claim.limit.decide(claim.decision, claim.terms, claim.bucket, now, claim.cost);
  return true;
}

/**
 * Reads a line, for whoever wants to see all buckets. They begin at `lineBuckets` and each is `bucketBytes` long. False:
 * it was never used.
 */
export function readLine(value: SharedValue, number: u32, wide: bool): bool {
  const key = keyOf(wide ? Kind.WideLine : Kind.Line, number);
  return value.read(key, LINE_KEY_LENGTH) && value.length > LINE_HEAD_BYTES;
}

export function lineBuckets(value: SharedValue): usize {
  return value.pointer + LINE_HEAD_BYTES;
}

/** Reads the bucket and decides. False: the table cannot be read. Nothing is written. */
function look(claim: Claim, now: u64): bool {
  claim.leased = false;
  if (claim.limit.ahead && findLeased(claim, now)) return true;
  if (!find(claim, now)) return false;
  const before = load<u64>(claim.bucket, UNTIL);
  const edited = claim.limit.decide(claim.decision, claim.terms, claim.bucket, now, claim.cost);
  // Keys with terms of their own share the spare bucket, and none may shorten what the others owe.
  if (claim.spare) store<u64>(claim.bucket, max(before, load<u64>(claim.bucket, UNTIL)), UNTIL);
  else if (edited && !claim.decision.allowed) write(claim, now);
  return true;
}

function write(claim: Claim, now: u64): Swap {
  if (claim.spare) {
    bucketSpilled.add(1);
    const told = spill(claim, now);
    if (told != Swap.Done) return told;
  }
  return claim.value.swap(claim.spare ? spareKey(claim) : lineKey(claim), LINE_KEY_LENGTH);
}

/** Writes what was decided; decides again whenever another worker came first. False: the table fails. */
function take(claim: Claim, now: u64): bool {
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!claim.decision.allowed) return true;
    if (claim.leased) {
      takeLeased(claim);
      claim.taken = true;
      return true;
    }
    const ahead = claim.limit.ahead && !claim.spare ? aheadOf(claim, now) : 0;
    if (ahead != 0) {
      claim.decision.until += ahead;
      store<u64>(claim.bucket, claim.decision.until, UNTIL);
    }
    const swap = write(claim, now);
    if (swap == Swap.Failed) return false;
    if (swap == Swap.Done) {
      if (ahead != 0) openLease(claim, ahead, now);
      claim.taken = true;
      claim.stamp = claim.limit.stampAt(claim.terms, now);
      return true;
    }
    swapLost.add(1);
    if (!look(claim, now)) return false;
  }
  return false;
}

/** Result of all claims of a request. */
export const enum Answer {
  Admitted = 0,
  Refused = 1,
  Failed = 2,
}

/**
 * Takes the tokens of all claims, or none: `claims` up to `count`. Where a claim whose limit only observes is refused,
 * the others go on. `refusedClaim` is then the first that refused.
 */
export function takeAll(claims: StaticArray<Claim>, from: i32, count: i32, now: u64): Answer {
  for (let i = from; i < count; i++) {
    const claim = unchecked(claims[i]);
    if (!look(claim, now)) return Answer.Failed;
    if (!claim.decision.allowed && !claim.limit.observe) return refuse(i);
  }
  for (let i = from; i < count; i++) {
    const claim = unchecked(claims[i]);
    const written = take(claim, now);
    if (written && (claim.taken || claim.limit.observe)) continue;
    giveAllBack(claims, from, i, now);
    return written ? refuse(i) : Answer.Failed;
  }
  return Answer.Admitted;
}

let refused: i32 = 0;

export function refuse(at: i32): Answer {
  refused = at;
  return Answer.Refused;
}

/** The claim that refused the request. */
export function refusedClaim(): i32 {
  return refused;
}

/** Gives back what the claims took. */
export function giveAllBack(claims: StaticArray<Claim>, from: i32, count: i32, now: u64): void {
  for (let i = from; i < count; i++) if (unchecked(claims[i]).taken) giveBack(unchecked(claims[i]), now);
}

/** Gives back what a claim took, once. A bucket that says nothing any more has nothing to be given back to. */
export function giveBack(claim: Claim, now: u64): void {
  claim.taken = false;
  if (claim.leased) {
    giveLeased(claim);
    return;
  }
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!findTaken(claim, now)) return;
    if (isWaitedFor(claim, now)) return;
    claim.limit.giveBack(claim.decision, claim.terms, claim.bucket, claim.stamp, claim.cost);
    if (claim.value.swap(claim.spare ? spareKey(claim) : lineKey(claim), LINE_KEY_LENGTH) != Swap.Lost) return;
    swapLost.add(1);
  }
}

/**
 * Whether others wait for what comes after this claim's tokens. Their times are settled, so that what it gave back
 * would be let in beside one of them.
 */
function isWaitedFor(claim: Claim, now: u64): bool {
  const rate = claim.terms.rate;
  if (rate.room == 0) return false;
  const until = load<u64>(claim.bucket, UNTIL);
  return until != claim.decision.until && until > now + rate.depth;
}

/** Takes `cost` more for a claim that was let in, down to an empty bucket. */
export function charge(claim: Claim, now: u64, cost: u64): void {
  for (let i = 0; i < MAX_SWAP_TRIES; i++) {
    if (!(claim.spare ? findTaken(claim, now) : find(claim, now))) return;
    claim.limit.charge(claim.terms, claim.bucket, now, cost);
    claim.decision.until = load<u64>(claim.bucket, UNTIL);
    if (write(claim, now) != Swap.Lost) return;
    swapLost.add(1);
  }
}

/** Finds the bucket from which a claim took its tokens. False: it says nothing any more. */
function findTaken(claim: Claim, now: u64): bool {
  const spare = claim.spare;
  if (spare) return findSpare(claim) && load<u64>(claim.bucket, UNTIL) > now;
  if (!find(claim, now)) return false;
  return !claim.spare && load<u64>(claim.bucket, UNTIL) > now;
}
