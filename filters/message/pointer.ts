// JSON Pointers (RFC 6901) of indexed values, for error messages outside the hot path.
import { Ascii } from '../memory/ascii';
import { MAX_FIELD_DEPTH, MAX_POINTER_WORK } from '../limits';
import { Arena } from '../memory/arena';
import { equalBytes } from '../memory/bytes';
import { INFO, KEY, KEY_HASH, KEY_LENGTH_SHIFT, NEXT, NODE_SHIFT, PARENT } from './nodes';

/** The name occurs once among its siblings. */
const ALONE: u32 = 0xffffffff;

/** Length of a reference token, bytes: `~` and `/` take two. */
export function tokenBytes(from: usize, length: u32): u32 {
  let bytes = length;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(from + i);
    if (byte == Ascii.Tilde || byte == Ascii.Slash) bytes++;
  }
  return bytes;
}

function decimalDigits(value: u32): u32 {
  let digits: u32 = 1;
  for (; value >= 10; value /= 10) digits++;
  return digits;
}

/** Writes `/` and the token backwards, so that it ends at `to`. Returns its start. */
export function putToken(to: usize, from: usize, length: u32): usize {
  for (let i = length; i > 0; i--) {
    const byte = load<u8>(from + i - 1);
    if (byte == Ascii.Tilde || byte == Ascii.Slash) {
      store<u8>(--to, byte == Ascii.Tilde ? 48 : 49);
      store<u8>(--to, 126);
    } else store<u8>(--to, byte);
  }
  store<u8>(--to, 47);
  return to;
}

function putIndex(to: usize, index: u32): usize {
  do {
    store<u8>(--to, <u8>(48 + (index % 10)));
    index /= 10;
  } while (index != 0);
  store<u8>(--to, 47);
  return to;
}

// @ts-ignore: decorator
@inline
function recordAt(nodes: usize, node: u32): usize {
  return nodes + ((<usize>node) << NODE_SHIFT);
}

function parentOf(nodes: usize, node: u32): u32 {
  return node == 0 ? 0 : load<u32>(recordAt(nodes, node), PARENT);
}

function isNamesake(a: usize, b: usize): bool {
  const length = load<u32>(a, INFO) >> KEY_LENGTH_SHIFT;
  if (load<u32>(a, KEY_HASH) != load<u32>(b, KEY_HASH) || length != load<u32>(b, INFO) >> KEY_LENGTH_SHIFT)
    return false;
  return load<usize>(a, KEY) != 0 && equalBytes(load<usize>(a, KEY), load<usize>(b, KEY), length);
}

export class PointerWriter {
  /** Length of the last pointer, bytes. */
  length: u32 = 0;
  /**
   * Whether names may repeat among siblings. A repeated one is then followed by its index (unless MAX_POINTER_WORK is
   * used up).
   */
  repeats: bool = false;
  /** Siblings that may still be examined for pointers of this message. */
  private budget: u32 = 0;
  // By level below the root: the last examined node, its place among siblings of the same name, and the part of the
  // current pointer that gives it.
  private readonly lastNodes: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_FIELD_DEPTH + 1);
  private readonly lastIndexes: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_FIELD_DEPTH + 1);
  private readonly indexes: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_FIELD_DEPTH + 1);

  /** Begins another message. */
  begin(): void {
    this.budget = MAX_POINTER_WORK;
    for (let i = 0; i < this.lastNodes.length; i++) this.lastNodes[i] = 0;
  }

  /** Number of earlier siblings with the node's name. ALONE if no other has it, or if the budget is used up. */
  private occurrence(nodes: usize, node: u32, level: i32): u32 {
    const record = recordAt(nodes, node);
    const parent = parentOf(nodes, node);
    let at = parent + 1;
    let before: u32 = 0;
    const last = this.lastNodes[level];
    if (last != 0 && last <= node && parentOf(nodes, last) == parent && isNamesake(recordAt(nodes, last), record)) {
      at = last;
      before = this.lastIndexes[level];
    }
    let budget = this.budget;
    for (; at != node && budget != 0; budget--) {
      const other = recordAt(nodes, at);
      if (isNamesake(other, record)) before++;
      at = load<u32>(other, NEXT);
    }
    this.budget = budget;
    if (budget == 0) return ALONE;
    this.lastNodes[level] = node;
    this.lastIndexes[level] = before;
    return before != 0 || this.comesAgain(nodes, node) ? before : ALONE;
  }

  /** Whether a later sibling has the same name. */
  private comesAgain(nodes: usize, node: u32): bool {
    const record = recordAt(nodes, node);
    for (let at = load<u32>(record, NEXT); at != 0 && this.budget != 0; this.budget--) {
      const other = recordAt(nodes, at);
      if (isNamesake(other, record)) return true;
      at = load<u32>(other, NEXT);
    }
    return false;
  }

  /**
   * Pointer of `node` with the escaped `tail` appended. Address in the arena, or 0 if that is full.
   */
  write(nodes: usize, node: u32, tail: usize, tailLength: u32, arena: Arena): usize {
    const repeats = this.repeats;
    let bytes = tailLength;
    let level = -1;
    for (let at = node; at != 0 && level < <i32>MAX_FIELD_DEPTH; at = parentOf(nodes, at)) level++;
    const depth = level;
    for (let at = node; parentOf(nodes, at) != 0; at = parentOf(nodes, at), level--) {
      const record = recordAt(nodes, at);
      const key = load<usize>(record, KEY);
      if (key == 0) bytes += 1 + decimalDigits(load<u32>(record, KEY_HASH));
      else bytes += 1 + tokenBytes(key, load<u32>(record, INFO) >> KEY_LENGTH_SHIFT);
      if (key == 0 || !repeats || level < 0) continue;
      const index = this.occurrence(nodes, at, level);
      this.indexes[level] = index;
      if (index != ALONE) bytes += 1 + decimalDigits(index);
    }
    this.length = bytes;
    const start = arena.allocate(bytes);
    if (start == 0) {
      this.length = 0;
      return 0;
    }
    let to = start + bytes - tailLength;
    memory.copy(to, tail, tailLength);
    level = depth;
    for (let at = node; parentOf(nodes, at) != 0; at = parentOf(nodes, at), level--) {
      const record = recordAt(nodes, at);
      const key = load<usize>(record, KEY);
      if (key == 0) {
        to = putIndex(to, load<u32>(record, KEY_HASH));
        continue;
      }
      const index = repeats && level >= 0 ? this.indexes[level] : ALONE;
      if (index != ALONE) to = putIndex(to, index);
      to = putToken(to, key, load<u32>(record, INFO) >> KEY_LENGTH_SHIFT);
    }
    return start;
  }
}
