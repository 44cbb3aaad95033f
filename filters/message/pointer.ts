// JSON Pointers (RFC 6901) of indexed values: for error messages, off the hot path.
import { Arena } from '../memory/arena';
import { equalBytes } from '../memory/bytes';
import { INFO, KEY, KEY_HASH, KEY_LENGTH_SHIFT, NEXT, NODE_SHIFT, PARENT } from './nodes';

/** The name occurs once among its siblings. */
const ALONE: u32 = 0xffffffff;

/** Bytes of a reference token: `~` and `/` take two. */
export function tokenBytes(from: usize, length: u32): u32 {
  let bytes = length;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(from + i);
    if (byte == 126 || byte == 47) bytes++;
  }
  return bytes;
}

function decimalDigits(value: u32): u32 {
  let digits: u32 = 1;
  for (; value >= 10; value /= 10) digits++;
  return digits;
}

/** Writes backwards: `/`, then the token, so that it ends at `to`; returns where it starts. */
export function putToken(to: usize, from: usize, length: u32): usize {
  for (let i = length; i > 0; i--) {
    const byte = load<u8>(from + i - 1);
    if (byte == 126 || byte == 47) {
      store<u8>(--to, byte == 126 ? 48 : 49);
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
  return nodes + (<usize>node << NODE_SHIFT);
}

function parentOf(nodes: usize, node: u32): u32 {
  return node == 0 ? 0 : load<u32>(recordAt(nodes, node), PARENT);
}

/** How many siblings of this name come before the node; ALONE if no other has it. Linear in the siblings. */
function occurrence(nodes: usize, node: u32): u32 {
  const record = recordAt(nodes, node);
  const key = load<usize>(record, KEY);
  const length = load<u32>(record, INFO) >> KEY_LENGTH_SHIFT;
  const hash = load<u32>(record, KEY_HASH);
  let before: u32 = 0;
  let all: u32 = 0;
  for (let at = parentOf(nodes, node) + 1; at != 0; at = load<u32>(recordAt(nodes, at), NEXT)) {
    const other = recordAt(nodes, at);
    if (load<u32>(other, KEY_HASH) != hash || load<u32>(other, INFO) >> KEY_LENGTH_SHIFT != length) continue;
    if (load<usize>(other, KEY) == 0 || !equalBytes(load<usize>(other, KEY), key, length)) continue;
    all++;
    if (at < node) before++;
  }
  return all == 1 ? ALONE : before;
}

export class PointerWriter {
  /** Bytes of the last pointer. */
  length: u32 = 0;

  /**
   * Pointer of `node`, with `tail` (escaped) behind it. Address in the arena, or 0 if that is full. `repeats`: a name may occur more than once among
   * siblings; where it does, its index among them stands behind it.
   */
  write(nodes: usize, node: u32, tail: usize, tailLength: u32, repeats: bool, arena: Arena): usize {
    let bytes = tailLength;
    for (let at = node; parentOf(nodes, at) != 0; at = parentOf(nodes, at)) {
      const record = recordAt(nodes, at);
      const key = load<usize>(record, KEY);
      if (key == 0) bytes += 1 + decimalDigits(load<u32>(record, KEY_HASH));
      else bytes += 1 + tokenBytes(key, load<u32>(record, INFO) >> KEY_LENGTH_SHIFT);
      if (key == 0 || !repeats) continue;
      const index = occurrence(nodes, at);
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
    for (let at = node; parentOf(nodes, at) != 0; at = parentOf(nodes, at)) {
      const record = recordAt(nodes, at);
      const key = load<usize>(record, KEY);
      if (key == 0) {
        to = putIndex(to, load<u32>(record, KEY_HASH));
        continue;
      }
      const index = repeats ? occurrence(nodes, at) : ALONE;
      if (index != ALONE) to = putIndex(to, index);
      to = putToken(to, key, load<u32>(record, INFO) >> KEY_LENGTH_SHIFT);
    }
    return start;
  }
}
