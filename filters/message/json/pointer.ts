// JSON Pointers (RFC 6901) of indexed values: for error messages, off the hot path.
import { Arena } from '../../memory/arena';
import { INFO, KEY, KEY_HASH, KEY_LENGTH_SHIFT, NODE_SHIFT, PARENT } from './nodes';

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

export class PointerWriter {
  /** Bytes of the last pointer. */
  length: u32 = 0;

  /** Pointer of `node`, with `tail` (escaped) behind it. Address in the arena, or 0 if that is full. */
  write(nodes: usize, node: u32, tail: usize, tailLength: u32, arena: Arena): usize {
    let bytes = tailLength;
    for (let at = node; this.parent(nodes, at) != 0; at = this.parent(nodes, at)) {
      const record = nodes + (<usize>at << NODE_SHIFT);
      const key = load<usize>(record, KEY);
      bytes += 1 + (key == 0 ? decimalDigits(load<u32>(record, KEY_HASH)) : tokenBytes(key, load<u32>(record, INFO) >> KEY_LENGTH_SHIFT));
    }
    this.length = bytes;
    const start = arena.allocate(bytes);
    if (start == 0) {
      this.length = 0;
      return 0;
    }
    let to = start + bytes - tailLength;
    memory.copy(to, tail, tailLength);
    for (let at = node; this.parent(nodes, at) != 0; at = this.parent(nodes, at)) {
      const record = nodes + (<usize>at << NODE_SHIFT);
      const key = load<usize>(record, KEY);
      to = key == 0 ? putIndex(to, load<u32>(record, KEY_HASH)) : putToken(to, key, load<u32>(record, INFO) >> KEY_LENGTH_SHIFT);
    }
    return start;
  }

  private parent(nodes: usize, node: u32): u32 {
    return node == 0 ? 0 : load<u32>(nodes + (<usize>node << NODE_SHIFT), PARENT);
  }
}
