// Where something may begin in a whole JSON message: a bit for each byte, found in one pass. Values without such a place
// are passed over, and the others are not searched for it again.
import { Arena } from '../../memory/arena';
import { FieldTree } from '../../message/field-tree';
import {
  END,
  ESCAPED,
  FieldKind,
  INFO,
  KEY,
  KEY_LENGTH_SHIFT,
  KIND_MASK,
  NODE_SHIFT,
  START,
} from '../../message/nodes';
import { BLOCK, Candidates } from './candidates';
import { mayNameLabel } from './labels';

/** Places that one look at the map tells of. */
export const MAPPED: usize = 56;
/** Bytes behind the map that are read or written with its last ones. */
const ROOM: usize = 32;

/** The map of one message at a time. It is in the arena and refers to the message. */
export class BodyMap {
  /** Candidates of the kinds, of the house, and of both: a bit for each byte of the message. */
  private known: usize = 0;
  private own: usize = 0;
  private all: usize = 0;
  private source: usize = 0;
  private length: usize = 0;

  /** Maps the message of `length` bytes, whose values are strings of JSON. False, and no map, if the arena is full. */
  begin(candidates: Candidates, source: usize, length: u32, arena: Arena): bool {
    this.length = 0;
    const bytes = <usize>(length >> 3) + ROOM;
    const hasHouse = candidates.hasHouse;
    const known = arena.allocate(hasHouse ? bytes * 3 : bytes);
    if (known == 0) return false;
    const own = known + bytes;
    const all = hasHouse ? own + bytes : known;
    const end = source + length;
    let to: usize = 0;
    for (let at = source; at < end; at += BLOCK, to += BLOCK >> 3) {
      const found = candidates.inBody(source, at, end);
      store<u64>(known + to, found);
      if (!hasHouse) continue;
      store<u64>(own + to, candidates.own);
      store<u64>(all + to, found | candidates.own);
    }
    this.known = known;
    this.own = hasHouse ? own : 0;
    this.all = all;
    this.source = source;
    this.length = length;
    return true;
  }

  /** Forgets the map. */
  end(): void {
    this.length = 0;
  }

  /** Whether a text is a part of the message as it is written. */
  // @ts-ignore: decorator
  @inline
  holds(text: usize): bool {
    return text - this.source < this.length;
  }

  /** Candidates among the MAPPED bytes at `at`, as bits. */
  // @ts-ignore: decorator
  @inline
  allAt(at: usize): u64 {
    return bitsOf(this.all, at - this.source);
  }

  /** Places where one of the kinds may begin. */
  // @ts-ignore: decorator
  @inline
  knownAt(at: usize): u64 {
    return bitsOf(this.known, at - this.source);
  }

  /** Places where a detector of the house may begin. */
  // @ts-ignore: decorator
  @inline
  ownAt(at: usize): u64 {
    return this.own == 0 ? 0 : bitsOf(this.own, at - this.source);
  }

  /**
   * First node from `node` on, and before `stop`, in which something may be found; `stop` if there is none. `labels`:
   * whether the name of a field may make its value be found. What is written with escapes may always hold something.
   */
  next(document: FieldTree, node: u32, stop: u32, labels: bool): u32 {
    const all = this.all;
    let record = document.records + ((<usize>node) << NODE_SHIFT);
    for (; node < stop; node++, record += 1 << NODE_SHIFT) {
      const info = load<u32>(record, INFO);
      const kind = info & KIND_MASK;
      if (kind - FieldKind.Number > 1) continue;
      if ((info & ESCAPED) != 0) return node;
      const quote = kind - FieldKind.Number;
      if (hasBit(all, load<u32>(record, START) + quote, load<u32>(record, END) - quote)) return node;
      const name = load<usize>(record, KEY);
      if (labels && name != 0 && mayNameLabel(name, info >> KEY_LENGTH_SHIFT)) return node;
    }
    return stop;
  }
}

// @ts-ignore: decorator
@inline
function bitsOf(map: usize, at: usize): u64 {
  return (load<u64>(map + (at >> 3)) >> (at & 7)) & (((<u64>1) << MAPPED) - 1);
}

/** Whether a bit is set from `from` on and before `to`. */
// @ts-ignore: decorator
@inline
function hasBit(map: usize, from: u32, to: u32): bool {
  let word = load<u64>(map + <usize>(from >> 3)) >> (from & 7);
  let valid: u32 = 64 - (from & 7);
  while (to - from > valid) {
    if (word != 0) return true;
    from += valid;
    valid = 64;
    word = load<u64>(map + <usize>(from >> 3));
  }
  const left = to - from;
  return left != 0 && word << (64 - left) != 0;
}
