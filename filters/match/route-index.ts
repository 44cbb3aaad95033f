// Finds the route of a request: the first of the list whose conditions all match, in a time that does not grow with the list.
import { MAX_HOST_BYTES } from '../limits';
import { Bytes, hashBytes, lowerAscii } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { PathIndex } from './path-index';
import { withoutParameters } from './path-parameters';

export { RouteIndexBuilder } from './route-index-builder';
export { PathKind } from './path-index';
export { HeaderKind } from './route-candidate';

/** A request as the index asks about it. */
export abstract class RequestLookup {
  /** `:authority`, with or without port, in any case. */
  hostPointer: usize = 0;
  hostLength: u32 = 0;
  /** `:path`, with or without query. */
  pathPointer: usize = 0;
  pathLength: u32 = 0;
  methodPointer: usize = 0;
  methodLength: u32 = 0;
  /** Value of the header that was looked up last. */
  valuePointer: usize = 0;
  valueLength: u32 = 0;

  /** Looks up a header by its lower-case name; false if the request has none. */
  abstract header(name: usize, nameLength: u32): bool;
}

/** Routes of one host name, or of the names that end in `.suffix`. */
export class HostEntry {
  readonly paths: PathIndex = new PathIndex();

  constructor(readonly name: Bytes) {}
}

/** Host names, lower case, in an open hash table. */
export class HostTable {
  private entries: HostEntry[] = [];
  private slots: StaticArray<HostEntry | null> = new StaticArray<HostEntry | null>(2);

  get size(): i32 {
    return this.entries.length;
  }

  find(name: usize, length: u32): HostEntry | null {
    const mask = this.slots.length - 1;
    let slot = hashBytes(name, length) & mask;
    while (true) {
      const entry = unchecked(this.slots[slot]);
      if (entry == null || entry.name.equals(name, length)) return entry;
      slot = (slot + 1) & mask;
    }
  }

  /** The entry of a name, made if there is none yet. */
  entry(name: Bytes): HostEntry {
    const found = this.find(name.pointer, name.length);
    if (found != null) return found;
    const entry = new HostEntry(name);
    this.entries.push(entry);
    if (this.entries.length * 2 <= this.slots.length) this.place(entry);
    else {
      this.slots = new StaticArray<HostEntry | null>(this.slots.length * 4);
      for (let i = 0; i < this.entries.length; i++) this.place(this.entries[i]);
    }
    return entry;
  }

  private place(entry: HostEntry): void {
    const mask = this.slots.length - 1;
    let slot = entry.name.hash & mask;
    while (this.slots[slot] != null) slot = (slot + 1) & mask;
    this.slots[slot] = entry;
  }
}

/** The host of the request at hand, lower case. */
const HOST: usize = memory.data(<i32>MAX_HOST_BYTES + 3, 16);

/**
 * Copies the host without port and without the dot of a fully qualified name to HOST; returns its length. Of one that is too long for a name the
 * end is taken: a proxy still takes it for a name under `*.x`.
 */
function readHost(host: usize, length: u32): u32 {
  let end: u32 = length;
  const bracketed = length != 0 && load<u8>(host) == 91;
  for (let i = length; i > 0; i--) {
    const byte = load<u8>(host + i - 1);
    if (byte == 58) {
      end = i - 1;
      break;
    }
    if (bracketed ? byte == 93 : byte - 48 >= 10) break;
  }
  if (end != 0 && load<u8>(host + end - 1) == 46) end--;
  const from: u32 = end > MAX_HOST_BYTES ? end - MAX_HOST_BYTES : 0;
  for (let i = from; i < end; i++) store<u8>(HOST + i - from, <u8>lowerAscii(load<u8>(host + i)));
  return end - from;
}

/** Whether the path that `pathEnd` saw last has parameters. */
let parameters: bool = false;

/** Bytes of the path before the query or fragment. */
function pathEnd(path: usize, length: u32): u32 {
  parameters = false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(path + i);
    if (byte == 63 || byte == 35) return i;
    if (byte == 59) parameters = true;
  }
  return length;
}

export class RouteIndex {
  /** `exact`: hosts by name. `suffixes`: `*.x` by `x`. `all`: routes for every host. */
  constructor(
    private readonly exact: HostTable,
    private readonly suffixes: HostTable,
    private readonly all: PathIndex,
  ) {}

  /**
   * Number of the first route that matches, in the order in which they were added; -1 if none does. A path with parameters (`;`) meets the routes of the
   * path without them too: the upstream may read it so.
   */
  find(lookup: RequestLookup): i32 {
    const path = lookup.pathPointer;
    const length = pathEnd(path, lookup.pathLength);
    let best = this.first(lookup, length, i32.MAX_VALUE);
    if (parameters) {
      const plain = scratch.allocate(<usize>length + 1);
      if (plain != 0) {
        lookup.pathPointer = plain;
        best = this.first(lookup, withoutParameters(path, length, plain), best);
        lookup.pathPointer = path;
      }
    }
    return best == i32.MAX_VALUE ? -1 : best;
  }

  /** Number of the first route below `best` that matches; `best` if none does. `length`: of the path without query. */
  private first(lookup: RequestLookup, length: u32, best: i32): i32 {
    best = this.all.first(lookup, length, best);
    const host = readHost(lookup.hostPointer, lookup.hostLength);
    if (this.exact.size != 0) {
      const entry = this.exact.find(HOST, host);
      if (entry != null) best = entry.paths.first(lookup, length, best);
    }
    if (this.suffixes.size != 0) {
      for (let at: u32 = 1; at < host; at++) {
        if (load<u8>(HOST + at) != 46) continue;
        const entry = this.suffixes.find(HOST + at + 1, host - at - 1);
        if (entry != null) best = entry.paths.first(lookup, length, best);
      }
    }
    return best;
  }
}
