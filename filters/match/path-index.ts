// The routes of one host, found by path: all exact paths, prefixes and patterns in one hash table, looked up while the path is hashed once.
import { Bytes, equalBytes } from '../memory/bytes';
import { RouteCandidate } from './route-candidate';
import { RequestLookup } from './route-index';

/** How a route's path is compared. */
export const enum PathKind {
  /** The whole path. */
  Exact = 0,
  /** Whole segments from the start: `/a` takes `/a` and `/a/b`, not `/ab`. */
  Prefix = 1,
  /** A pattern for the whole path. */
  Pattern = 2,
}

const FIRST_HASH: u32 = 0x811c9dc5;

// @ts-ignore: decorator
@inline
function addByte(hash: u32, byte: u8): u32 {
  return (hash ^ byte) * 0x01000193;
}

// @ts-ignore: decorator
@inline
function finishHash(hash: u32, kind: PathKind): u32 {
  hash = (hash + kind) * 0x2c1b3c6d;
  return hash ^ (hash >> 15);
}

/** The routes with one and the same path text, in order of precedence. */
export class PathBucket {
  readonly candidates: RouteCandidate[] = [];
  readonly hash: u32;

  /** `text`: the path; of a pattern, the literal bytes that it begins with. */
  constructor(
    readonly kind: PathKind,
    readonly text: Bytes,
  ) {
    let hash = FIRST_HASH;
    for (let i: u32 = 0; i < text.length; i++) hash = addByte(hash, load<u8>(text.pointer + i));
    this.hash = finishHash(hash, kind);
  }
}

export class PathIndex {
  private readonly buckets: PathBucket[] = [];
  private slots: StaticArray<PathBucket | null> = new StaticArray<PathBucket | null>(2);
  /** Bit n: some prefix or pattern has a text of n bytes. */
  private readonly lengths: u32[] = [];
  /** Bytes of the longest text of a prefix or pattern, and of any path at all: a request's path need not be read further. */
  private longest: u32 = 0;
  private longestOfAll: u32 = 0;

  /** The bucket of a path, made if there is none yet. */
  bucket(kind: PathKind, text: Bytes): PathBucket {
    const wanted = new PathBucket(kind, text);
    const found = this.find(kind, wanted.hash, text.pointer, text.length);
    if (found != null) return found;
    this.buckets.push(wanted);
    if (this.buckets.length * 2 > this.slots.length) this.rehash();
    else this.place(wanted);
    if (kind != PathKind.Exact) this.noteLength(text.length);
    this.longestOfAll = max(this.longestOfAll, text.length);
    return wanted;
  }

  private noteLength(length: u32): void {
    while (<u32>this.lengths.length <= length >> 5) this.lengths.push(0);
    this.lengths[length >> 5] |= 1 << (length & 31);
    this.longest = max(this.longest, length);
  }

  private rehash(): void {
    this.slots = new StaticArray<PathBucket | null>(this.slots.length * 4);
    for (let i = 0; i < this.buckets.length; i++) this.place(this.buckets[i]);
  }

  private place(bucket: PathBucket): void {
    const mask = this.slots.length - 1;
    let slot = bucket.hash & mask;
    while (this.slots[slot] != null) slot = (slot + 1) & mask;
    this.slots[slot] = bucket;
  }

  private find(kind: PathKind, hash: u32, text: usize, length: u32): PathBucket | null {
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    while (true) {
      const bucket = unchecked(this.slots[slot]);
      if (bucket == null) return null;
      if (bucket.hash == hash && bucket.kind == kind && bucket.text.length == length && equalBytes(bucket.text.pointer, text, length)) return bucket;
      slot = (slot + 1) & mask;
    }
  }

  /** Number of the first route below `best` whose path and conditions match; `best` if there is none. `length`: of the path without query. */
  first(lookup: RequestLookup, length: u32, best: i32): i32 {
    const path = lookup.pathPointer;
    let hash = FIRST_HASH;
    const read = min(length, this.longestOfAll);
    for (let at: u32 = 0; at <= read; at++) {
      if (at <= this.longest && ((this.wordOf(at) >> (at & 31)) & 1) != 0) best = this.firstPartial(lookup, hash, at, length, best);
      if (at < read) hash = addByte(hash, load<u8>(path + at));
    }
    if (read != length) return best;
    const exact = this.find(PathKind.Exact, finishHash(hash, PathKind.Exact), path, length);
    return exact == null ? best : firstOf(exact, lookup, length, best);
  }

  private wordOf(length: u32): u32 {
    const word = <i32>(length >> 5);
    return word < this.lengths.length ? unchecked(this.lengths[word]) : 0;
  }

  /** Prefixes and patterns whose text is the first `at` bytes of the path. */
  private firstPartial(lookup: RequestLookup, hash: u32, at: u32, length: u32, best: i32): i32 {
    const path = lookup.pathPointer;
    if (at == 0 || at == length || load<u8>(path + at) == 47) {
      const prefix = this.find(PathKind.Prefix, finishHash(hash, PathKind.Prefix), path, at);
      if (prefix != null) best = firstOf(prefix, lookup, length, best);
    }
    const pattern = this.find(PathKind.Pattern, finishHash(hash, PathKind.Pattern), path, at);
    return pattern == null ? best : firstOf(pattern, lookup, length, best);
  }
}

/** Number of the bucket's first route below `best` whose conditions match; `best` if there is none. */
function firstOf(bucket: PathBucket, lookup: RequestLookup, length: u32, best: i32): i32 {
  const candidates = bucket.candidates;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = unchecked(candidates[i]);
    if (candidate.route >= best) return best;
    if (candidate.matches(lookup, length)) return candidate.route;
  }
  return best;
}
