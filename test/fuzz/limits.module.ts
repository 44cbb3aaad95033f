// Test module: the limits and their table with a door for Node. Compiled to build/test/limits.wasm; not part of any
// filter.
import '../../filters/runtime/abort';
import { scratch } from '../../filters/memory/scratch';
import { Bytes } from '../../filters/memory/bytes';
import { TICKS_PER_NANO } from '../../filters/rate-limiter/bucket';
import { Claim } from '../../filters/rate-limiter/claim';
import { Decision } from '../../filters/rate-limiter/decision';
import { KeyPart } from '../../filters/rate-limiter/key-part';
import { Limit, Shape, Terms } from '../../filters/rate-limiter/limit';
import { WIDE_BUCKET_BYTES } from '../../filters/rate-limiter/limit';
import { beginHash, endHash, openSeed } from '../../filters/rate-limiter/seed';
import { charge, giveAllBack, refusedClaim, takeAll } from '../../filters/rate-limiter/table';
import { sipText } from '../../filters/memory/siphash';

export { room } from './door.module';

const MAX_LIMITS: i32 = 8;
const limits = new Array<Limit>();
const claims = new StaticArray<Claim>(MAX_LIMITS);
const KEY: usize = memory.data(8, 8);
const BUCKET: usize = memory.data(WIDE_BUCKET_BYTES, 8);
const decision = new Decision();

export function proxy_on_memory_allocate(size: usize): usize {
  return scratch.allocate(size);
}

export function open(): bool {
  limits.length = 0;
  for (let i = 0; i < MAX_LIMITS; i++) claims[i] = new Claim();
  const done = openSeed();
  scratch.reset();
  return done;
}

/** Adds a limit, or replaces that of the number. */
export function define(at: i32, algorithm: i32, requests: u32, periodMs: u32, burst: u32): void {
  const id = Bytes.from('limit' + at.toString());
  const limit = new Limit(id, id, algorithm, new Terms(requests, periodMs, burst), new StaticArray<KeyPart>(0));
  limit.refund = true;
  if (at < limits.length) limits[at] = limit;
  else limits.push(limit);
}

/** Tokens of the limit are taken ahead; a refusal then gives nothing back later. */
export function lease(at: i32): void {
  limits[at].refund = false;
  limits[at].ahead = true;
}

/** Asks the limits `from` to `to`; each has a key of its own. The answer of table.ts. `nowNanos`: monotonic. */
export function ask(from: i32, to: i32, keys: usize, nowNanos: u64, cost: u32): i32 {
  for (let i = from; i < to; i++) {
    store<u64>(KEY, load<u64>(keys + 8 * i));
    beginHash(limits[i].id);
    sipText(KEY, 8);
    claims[i].begin(limits[i], endHash(limits[i].tag), cost);
  }
  const answer = takeAll(claims, from, to, nowNanos * TICKS_PER_NANO);
  scratch.reset();
  return answer;
}

/** The same for one limit and the keys `first` to `first + count`: how many were let in. */
export function askMany(at: i32, first: u64, count: u32, nowNanos: u64): u32 {
  let admitted: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    store<u64>(KEY, first + i);
    beginHash(limits[at].id);
    sipText(KEY, 8);
    claims[at].begin(limits[at], endHash(limits[at].tag), 1);
    if (takeAll(claims, at, at + 1, nowNanos * TICKS_PER_NANO) == 0) admitted++;
    scratch.reset();
  }
  return admitted;
}

export function refusedAt(): i32 {
  return refusedClaim();
}

/** Whether the claim has its tokens, and whether from the spare bucket. */
export function isTaken(at: i32): bool {
  return claims[at].taken;
}
export function isSpare(at: i32): bool {
  return claims[at].spare;
}

/** Nanoseconds, rounded up. */
export function waitsNanos(at: i32): u64 {
  return (claims[at].decision.waits + TICKS_PER_NANO - 1) / TICKS_PER_NANO;
}

export function remaining(at: i32): u64 {
  return claims[at].decision.remaining;
}

export function giveBackAll(from: i32, to: i32, nowNanos: u64): void {
  giveAllBack(claims, from, to, nowNanos * TICKS_PER_NANO);
  scratch.reset();
}

export function chargeOf(at: i32, nowNanos: u64, cost: u32): void {
  charge(claims[at], nowNanos * TICKS_PER_NANO, cost);
  scratch.reset();
}

let state: u64 = 0;
function random(below: u64): u64 {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (state >> 11) % below;
}

const TIMES = new StaticArray<u64>(256);
const COSTS = new StaticArray<u64>(256);

/** Rates from one a day to ten million a second, and 0. `shaped`: requests wait. */
function randomTerms(shaped: bool): Terms {
  const kind = random(8);
  if (shaped && kind != 0) {
    const rates: StaticArray<u64> = [1, 86_400_000, 10_000_000, 1000, 1 + random(50), 1 + random(5000)];
    const at = <i32>random(3) * 2;
    return new Terms(rates[at], rates[at + 1], 1 + random(20), new Shape(1 + random(30_000), 1 + random(40), false));
  }
  if (kind == 0) return new Terms(0, 1000, 1);
  if (kind == 1) return new Terms(1, 86_400_000, 1 + random(3));
  if (kind == 2) return new Terms(10_000_000, 1000, 1 + random(1000));
  if (kind == 3) return new Terms(1_000_000_000, 1 + random(1000), 1_000_000_000);
  return new Terms(1 + random(50), 1 + random(kind == 4 ? 86_400_000 : 5000), 1 + random(20));
}

/**
 * One schedule of a simulated clock: arrivals, pauses, jumps of days, edits, refunds. 0: nothing admitted more than it
 * may, and nobody waited longer than told. Otherwise the number of the rule that broke.
 */
export function simulate(seed: u64, window: bool, shaped: bool): i32 {
  state = (seed + 1) * 0x9e3779b97f4a7c15;
  const limit = limits[window ? 1 : 0];
  memory.fill(BUCKET, 0, WIDE_BUCKET_BYTES);
  let terms = randomTerms(shaped);
  let now: u64 = random(1 << 20) * 1_000_000_000 * TICKS_PER_NANO;
  let count = 0;
  let step = max<u64>((terms.periodMs * 16_000_000) / max<u64>(terms.requests, 1), 1);
  for (let i = 0; i < 256; i++) {
    const pace = random(16);
    now += pace == 0 ? random(3) * 86_400_000 * 16_000_000 : pace < 5 ? random(step * 2 + 2) : random(step / 8 + 2);
    if (random(100) == 0) {
      const edited = randomTerms(shaped);
      if (!window || edited.periodMs == terms.periodMs) {
        terms = edited;
        count = 0;
        step = max<u64>((terms.periodMs * 16_000_000) / max<u64>(terms.requests, 1), 1);
      }
    }
    const cost = 1 + (random(4) == 0 ? random(4) : 0);
    limit.decide(decision, terms, BUCKET, now, cost);
    if (!decision.allowed) {
      const waits = decision.waits;
      if (decision.never != (window ? cost > terms.requests : cost > terms.rate.capacity)) return 1;
      if (decision.never) continue;
      if (waits == 0) return 2;
      if (random(4) != 0) continue;
      // Whoever waits as long as he was told is let in.
      now += waits;
      limit.decide(decision, terms, BUCKET, now, cost);
      if (!decision.allowed) return 3;
    }
    if (decision.delay > terms.rate.room) return 5;
    if (random(10) == 0) {
      limit.giveBack(decision, terms, BUCKET, limit.stampAt(terms, now), cost);
      continue;
    }
    // Whoever waits goes on later, and behind those before him.
    const goes = now + decision.delay;
    if (count != 0 && goes < TIMES[count - 1]) return 6;
    TIMES[count] = goes;
    COSTS[count++] = cost;
    if (!holds(terms, window, count, goes)) return 4;
  }
  return 0;
}

/** Whether what was let in up to `now` is within the limit, for every beginning. */
function holds(terms: Terms, window: bool, count: i32, now: u64): bool {
  let sum: u64 = 0;
  for (let i = count - 1; i >= 0; i--) {
    sum += COSTS[i];
    const elapsed = now - TIMES[i];
    if (window) {
      if (elapsed < terms.periodMs * 16_000_000 && sum > terms.requests) return false;
    } else {
      // rate × t + burst, in whole numbers
      const refilled =
        (elapsed >> 20) * terms.requests > (terms.periodMs * 16_000_000 * 1024) >> 20
          ? u64.MAX_VALUE / 2
          : (elapsed * terms.requests) / (terms.periodMs * 16_000_000);
      if (sum > refilled + terms.rate.capacity) return false;
    }
  }
  return true;
}
