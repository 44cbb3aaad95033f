// Routes of one host by path. One hash table holds all exact paths, prefixes and patterns, and one pass over the path
// hashes it for all look-ups. Texts are stored and looked up in lower case and without a final slash, so that one
// look-up finds the routes of a path and of those that some servers treat alike.
import { MAX_ROUTE_PATH_BYTES } from '../limits';
import { Bytes, equalBytes, lowerAscii } from '../memory/bytes';
import { Fit, PathKind, RouteCandidate, Spelling } from './route-candidate';
import { RequestLookup } from './request-lookup';

const FIRST_HASH: u32 = 0x811c9dc5;
const SLASH: u32 = 47;

/** Bytes of a path that the index reads. No route's text exceeds the limit, and one more byte detects a longer path. */
const MAX_FOLDED_BYTES: u32 = MAX_ROUTE_PATH_BYTES + 1;
/** Current request's path in lower case. */
const FOLDED: usize = memory.data(<i32>MAX_FOLDED_BYTES + 15, 16);

/** Prepares a path, in lower case, for the indexes of all hosts. */
export function foldPath(path: usize, length: u32): void {
  const bytes = min(length, MAX_FOLDED_BYTES);
  let at: u32 = 0;
  for (; at + 16 <= bytes; at += 16) {
    const block = v128.load(path + at);
    const capitals = i8x16.lt_u(i8x16.sub(block, i8x16.splat(65)), i8x16.splat(26));
    v128.store(FOLDED + at, v128.or(block, v128.and(capitals, i8x16.splat(32))));
  }
  for (; at < bytes; at++) store<u8>(FOLDED + at, <u8>lowerAscii(load<u8>(path + at)));
}

/** Text under which a route's path is stored. */
function foldedText(text: Bytes): Bytes {
  let length = text.length;
  if (length != 0 && load<u8>(text.pointer + length - 1) == SLASH) length--;
  const folded = new StaticArray<u8>(<i32>length);
  for (let i: u32 = 0; i < length; i++) folded[i] = <u8>lowerAscii(load<u8>(text.pointer + i));
  return Bytes.copy(changetype<usize>(folded), length);
}

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

/** Routes with the same folded text, in order of precedence. */
export class PathBucket {
  readonly candidates: RouteCandidate[] = [];
  readonly hash: u32;

  /** `text`: the folded path, or the literal bytes that begin a pattern. */
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
  /** Length of the longest text of a prefix or pattern, and of any path. A request's path need not be read further. */
  private longest: u32 = 0;
  private longestOfAll: u32 = 0;

  /** Bucket of a path, created on first use. */
  bucket(kind: PathKind, path: Bytes): PathBucket {
    const text = foldedText(path);
    const wanted = new PathBucket(kind, text);
    const found = this.find(kind, wanted.hash, text.pointer, text.length);
    if (found != null) return found;
    this.buckets.push(wanted);
    if (this.buckets.length * 2 > this.slots.length) this.rehash();
    else this.place(wanted);
    if (kind != PathKind.Exact) this.noteLength(text.length);
    // An exact path is found without its final slash, but that slash must be seen.
    this.longestOfAll = max(this.longestOfAll, kind == PathKind.Exact ? text.length + 1 : text.length);
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
      if (
        bucket.hash == hash &&
        bucket.kind == kind &&
        bucket.text.length == length &&
        equalBytes(bucket.text.pointer, text, length)
      )
        return bucket;
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Records in `lookup` the first route whose path and conditions match, and the first whose path only some servers
   * would treat as equal. `length`: of the path that `foldPath` received.
   */
  meet(lookup: RequestLookup, length: u32): void {
    let hash = FIRST_HASH;
    let before = hash;
    const read = min(length, this.longestOfAll);
    for (let at: u32 = 0; at <= read; at++) {
      if (at <= this.longest && ((this.wordOf(at) >> (at & 31)) & 1) != 0) this.meetPartial(lookup, hash, at, length);
      if (at == read) break;
      before = hash;
      hash = addByte(hash, load<u8>(FOLDED + at));
    }
    if (read != length) return;
    const slash = length != 0 && load<u8>(FOLDED + length - 1) == SLASH;
    const exact = this.find(
      PathKind.Exact,
      finishHash(slash ? before : hash, PathKind.Exact),
      FOLDED,
      slash ? length - 1 : length,
    );
    if (exact != null) meetBucket(exact, lookup, length);
  }

  private wordOf(length: u32): u32 {
    const word = <i32>(length >> 5);
    return word < this.lengths.length ? unchecked(this.lengths[word]) : 0;
  }

  /** Checks prefixes and patterns whose text is the first `at` bytes of the path. */
  private meetPartial(lookup: RequestLookup, hash: u32, at: u32, length: u32): void {
    if (at == 0 || at == length || load<u8>(FOLDED + at) == SLASH) {
      const prefix = this.find(PathKind.Prefix, finishHash(hash, PathKind.Prefix), FOLDED, at);
      if (prefix != null) meetBucket(prefix, lookup, length);
    }
    const pattern = this.find(PathKind.Pattern, finishHash(hash, PathKind.Pattern), FOLDED, at);
    if (pattern != null) meetBucket(pattern, lookup, length);
  }
}

/** Records the matches of a bucket's routes. Routes after the first exact match do not count. */
function meetBucket(bucket: PathBucket, lookup: RequestLookup, length: u32): void {
  const candidates = bucket.candidates;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = unchecked(candidates[i]);
    if (candidate.route >= lookup.best) return;
    if (!candidate.takesMethod(lookup)) continue;
    const spelling = candidate.spelling(bucket.kind, lookup.path.pointer, length);
    if (spelling == Spelling.Other || (spelling == Spelling.Similar && candidate.route >= lookup.similar)) continue;
    const fit = candidate.takesHeaders(lookup);
    if (fit == Fit.Unclear) lookup.unclear = min(lookup.unclear, candidate.route);
    if (fit != Fit.Yes) continue;
    if (spelling == Spelling.Similar) {
      lookup.similar = candidate.route;
      continue;
    }
    lookup.best = candidate.route;
    lookup.exact = bucket.kind == PathKind.Exact;
    return;
  }
}
