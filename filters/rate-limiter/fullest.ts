// The fullest buckets of all workers, some lines of the table at a time, so that nobody who looks holds up traffic.
import { DEFAULT_TOP_KEYS, MAX_TOP_KEYS, MAX_TOP_LINES, RATE_LIMIT_LINES } from '../limits';
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Configuration } from '../runtime/configuration';
import { Visit } from '../runtime/door';
import { monotonicNanos } from '../runtime/host';
import { SharedValue } from '../runtime/shared-data';
import { TICKS_PER_MILLI, TICKS_PER_NANO } from './bucket';
import { RateLimitAlgorithm } from './config.gen';
import { Decision } from './decision';
import { BUCKET_BYTES, Limit, WIDE_BUCKET_BYTES } from './limit';
import { RateLimitPolicy } from './policy';
import { TAG_MASK } from './seed';
import { lineBuckets, readLine } from './table';

const FROM: Bytes = Bytes.from('from');
const COUNT: Bytes = Bytes.from('count');
const WINDOWS: Bytes = Bytes.from('windows');

/** Time from which a bucket says nothing any more, behind its hash. */
const UNTIL: usize = 8;
/** An address for each tag. */
const DIRECTORY_BYTES: usize = (<usize>TAG_MASK + 1) << 2;
/** Used parts in a million, hash, what is left, time until nothing is used, address of the limit. */
const ENTRY_BYTES: usize = 40;
const MILLION: u64 = 1_000_000;

const line: SharedValue = new SharedValue();
const decision: Decision = new Decision();

/** The page's entries, the fullest first. */
let entries: usize = 0;
let count: u32 = 0;
let room: u32 = 0;

/** Answers with the fullest buckets of MAX_TOP_LINES lines, and where the next ones begin. */
export function tellFullest(visit: Visit): void {
  const from = <u32>min(visit.number(FROM, 0), RATE_LIMIT_LINES);
  const wide = visit.number(WINDOWS, 0) != 0;
  room = <u32>min(visit.number(COUNT, DEFAULT_TOP_KEYS), MAX_TOP_KEYS);
  count = 0;
  const directory = directoryOf(visit.configuration);
  entries = scratch.allocate((room + 1) * ENTRY_BYTES);
  if (directory == 0 || entries == 0) {
    visit.refuse(ErrorId.FIM_RT_0006);
    return;
  }
  const now = monotonicNanos() * TICKS_PER_NANO;
  const end = min(from + MAX_TOP_LINES, RATE_LIMIT_LINES);
  for (let number = from; number < end; number++) {
    const mark = scratch.mark;
    if (readLine(line, number, wide)) lookThrough(directory, wide, now);
    scratch.rewind(mark);
  }
  write(visit, end < RATE_LIMIT_LINES ? end : 0);
}

/** Addresses of the limits by their tags, in scratch memory; they live as long as their configuration. 0: no memory. */
function directoryOf(configuration: Configuration): usize {
  const directory = scratch.allocate(DIRECTORY_BYTES);
  if (directory == 0) return 0;
  memory.fill(directory, 0, DIRECTORY_BYTES);
  const routes = configuration.routes;
  for (let i = 0; i < routes.length; i++) {
    const steps = routes[i].request.steps;
    for (let j = 0; j < steps.length; j++) {
      const policy = steps[j].policy;
      if (!(policy instanceof RateLimitPolicy)) continue;
      const limits = (<RateLimitPolicy>policy).limits;
      for (let k = 0; k < limits.length; k++)
        store<u32>(directory + ((<usize>limits[k].tag) << 2), <u32>changetype<usize>(limits[k]));
    }
  }
  return directory;
}

function lookThrough(directory: usize, wide: bool, now: u64): void {
  const bytes = wide ? WIDE_BUCKET_BYTES : BUCKET_BYTES;
  const end = line.pointer + line.length;
  for (let bucket = lineBuckets(line); bucket + bytes <= end; bucket += bytes) {
    const hash = load<u64>(bucket);
    const until = load<u64>(bucket, UNTIL);
    if (until <= now || (hash & ~TAG_MASK) == ~TAG_MASK) continue; // says nothing, or is a mark
    const at = load<u32>(directory + ((<usize>(hash & TAG_MASK)) << 2));
    if (at != 0) note(changetype<Limit>(<usize>at), bucket, hash, until, now);
  }
}

/** Puts a bucket among the fullest, if it is one. */
function note(limit: Limit, bucket: usize, hash: u64, until: u64, now: u64): void {
  const terms = limit.termsOf(hash);
  const all = limit.algorithm == RateLimitAlgorithm.TokenBucket ? terms.rate.capacity : terms.requests;
  limit.decide(decision, terms, bucket, now, 0);
  let left = decision.remaining;
  if (limit.algorithm == RateLimitAlgorithm.Concurrency && decision.allowed) left++;
  const used = left >= all ? 0 : all - left;
  if (used == 0) return;
  const share = <u64>((<f64>used * <f64>MILLION) / <f64>all);
  let place = count;
  while (place > 0 && load<u64>(entries + (place - 1) * ENTRY_BYTES) < share) place--;
  if (place >= room) return;
  const entry = entries + place * ENTRY_BYTES;
  memory.copy(entry + ENTRY_BYTES, entry, (min(count, room - 1) - place) * ENTRY_BYTES);
  store<u64>(entry, share);
  store<u64>(entry, hash, 8);
  store<u64>(entry, left, 16);
  store<u64>(entry, until - now, 24);
  store<usize>(entry, changetype<usize>(limit), 32);
  if (count < room) count++;
}

function write(visit: Visit, next: u32): void {
  const answer = visit.answer;
  answer.ascii('{"next":');
  answer.decimal(next);
  answer.ascii(',"keys":[');
  for (let i: u32 = 0; i < count; i++) {
    const entry = entries + i * ENTRY_BYTES;
    const limit = changetype<Limit>(load<usize>(entry, 32));
    const terms = limit.termsOf(load<u64>(entry, 8));
    if (i != 0) answer.byte(44);
    answer.ascii('{"limit":"');
    answer.jsonText(limit.id.pointer, limit.id.length);
    answer.ascii('","key":"');
    writeKey(visit, load<u64>(entry, 8));
    answer.ascii('","left":');
    answer.decimal(load<u64>(entry, 16));
    answer.ascii(',"of":');
    answer.decimal(limit.algorithm == RateLimitAlgorithm.TokenBucket ? terms.rate.capacity : terms.requests);
    answer.ascii(',"usedMillionths":');
    answer.decimal(load<u64>(entry));
    answer.ascii(',"freeInMs":');
    answer.decimal((load<u64>(entry, 24) + TICKS_PER_MILLI - 1) / TICKS_PER_MILLI);
    answer.byte(125);
  }
  answer.ascii(']}\n');
}

/** The hash of a key, 12 hexadecimal digits, without the tag of its limit. */
export function writeKey(visit: Visit, hash: u64): void {
  for (let shift: i32 = 56; shift >= 16; shift -= 8) {
    store<u8>(HASH_BYTE, <u8>(hash >> shift));
    visit.answer.hex(HASH_BYTE, 1);
  }
}

const HASH_BYTE: usize = memory.data(1);
