// A strict index of a JSON text (RFC 8259): where each value starts and ends, and how values hang together. Nothing is copied or converted.
import { Arena } from '../../memory/arena';
import { equalBytes } from '../../memory/bytes';
import { ErrorId } from '../../errors.gen';
import { MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_NODES } from '../../limits';
import { firstInvalidUtf8, isUtf8 } from '../utf8';
import { DuplicateCheck, NO_DUPLICATE, OUT_OF_MEMORY } from './duplicates';
import { COUNT, END, ESCAPED, INFO, JsonKind, KEY, KEY_HASH, KEY_LENGTH_SHIFT, KIND_MASK, NEXT, NODE_SHIFT, PARENT, START } from './nodes';
import { PointerWriter } from './pointer';
import { fail, scanError, scanErrorAt, skipWhitespace } from './scan';
import { unescape } from './text';
import { readKey, scanScalar } from './value';

export { JsonKind } from './nodes';

/** Source bytes for which one record is set aside at first; a denser text makes the index grow once or more. */
const BYTES_PER_NODE: u32 = 8;
/** Bytes that the scanners may read after the end of the text. */
const READ_AHEAD_BYTES: usize = 32;

/**
 * The index of one text at a time. It lives in the arena given to `parse` and refers to the source, so both must stay as they are while it is
 * used. A node is a number; 0 is no node.
 */
export class JsonDocument {
  /** Offset of the mistake after a failed `parse`, bytes. */
  errorOffset: u32 = 0;
  /** Node of the outermost value; 0 if there is no valid text. */
  root: u32 = 0;
  /** Bytes of the last `text`. */
  textLength: u32 = 0;
  /** Bytes of the last `pointer`. */
  pointerLength: u32 = 0;
  /** Number of values. */
  size: u32 = 0;

  private source: usize = 0;
  private nodes: usize = 0;
  private capacity: u32 = 0;
  private readonly duplicates: DuplicateCheck = new DuplicateCheck();
  private readonly pointers: PointerWriter = new PointerWriter();

  /**
   * Indexes the text. Answers 0, or the `ErrorId` of what is wrong with `errorOffset` set: FIM-JSON-0001 to 0008, or FIM-RT-0006 when the arena
   * is full. Linear in the length (n log n in the names of an object whose names were chosen to collide).
   */
  parse(source: usize, length: u32, arena: Arena): u32 {
    this.root = 0;
    this.size = 0;
    this.source = source;
    this.errorOffset = 0;
    const end = source + length;
    if (length > MAX_JSON_BYTES) return ErrorId.FIM_JSON_0008;
    if (end + READ_AHEAD_BYTES > <usize>memory.size() << 16 && memory.grow(1) < 0) return ErrorId.FIM_RT_0006;
    if (!isUtf8(source, length)) {
      this.errorOffset = firstInvalidUtf8(source, length);
      return ErrorId.FIM_JSON_0004;
    }
    if (length >= 3 && (load<u32>(source) & 0xffffff) == 0xbfbbef) return ErrorId.FIM_JSON_0004;
    this.capacity = min(length / BYTES_PER_NODE + 16, MAX_JSON_NODES + 1);
    this.nodes = arena.allocate(<usize>this.capacity << NODE_SHIFT);
    if (this.nodes == 0) return ErrorId.FIM_RT_0006;
    memory.fill(this.nodes, 0, 1 << NODE_SHIFT);
    if (this.build(source, end, arena) == 0) {
      this.errorOffset = <u32>(min(scanErrorAt, end) - source);
      return scanError;
    }
    this.root = 1;
    return 0;
  }

  /**
   * The loop over values. `last` is the value before the one at hand in the same container, `count` how many came before it; while a container is
   * open, its parent's count waits in the parent's record.
   */
  private build(p: usize, end: usize, arena: Arena): usize {
    const source = this.source;
    let nodes = this.nodes;
    let limit = this.capacity;
    let node: u32 = 1;
    let parent: u32 = 0;
    let last: u32 = 0;
    let count: u32 = 0;
    let depth: u32 = 0;
    let closer: u32 = 0; // of the container at hand
    while (true) {
      if (node >= limit) {
        if (!this.grow(arena)) return fail(limit > MAX_JSON_NODES ? ErrorId.FIM_JSON_0008 : ErrorId.FIM_RT_0006, p);
        nodes = this.nodes;
        limit = this.capacity;
      }
      const record = nodes + (<usize>node << NODE_SHIFT);
      p = skipWhitespace(p, end);
      if (closer == 125) {
        p = readKey(p, end, record, arena);
        if (p == 0) return 0;
      } else {
        store<u32>(record, 0, INFO);
        store<u64>(record, (<u64>count) << 32, KEY);
      }
      if (p >= end) return fail(ErrorId.FIM_JSON_0002, end);
      if (last != 0) store<u32>(nodes + (<usize>last << NODE_SHIFT), node, NEXT);
      store<u32>(record, <u32>(p - source), START);
      store<u64>(record, (<u64>parent) << 32, NEXT);
      store<u32>(record, 0, COUNT);
      const byte = <u32>load<u8>(p);
      if ((byte | 32) == 123) {
        if (++depth > MAX_JSON_DEPTH) return fail(ErrorId.FIM_JSON_0007, p);
        store<u32>(record, load<u32>(record, INFO) | (byte == 123 ? JsonKind.Object : JsonKind.Array), INFO);
        store<u32>(nodes + (<usize>parent << NODE_SHIFT), count, COUNT);
        parent = node++;
        last = 0;
        count = 0;
        closer = byte + 2;
        p = skipWhitespace(p + 1, end);
        if (p >= end) return fail(ErrorId.FIM_JSON_0002, end);
        if (load<u8>(p) != closer) continue;
      } else {
        p = scanScalar(p, end, record);
        if (p == 0) return 0;
        store<u32>(record, <u32>(p - source), END);
        last = node++;
        count++;
      }
      while (true) {
        if (parent == 0) return this.finish(p, end, node);
        p = skipWhitespace(p, end);
        if (p >= end) return fail(ErrorId.FIM_JSON_0002, end);
        const next = <u32>load<u8>(p++);
        if (next == 44) break;
        if (next != closer) return fail(ErrorId.FIM_JSON_0001, p - 1);
        if (closer == 125 && count > 1 && !this.unique(parent, count, arena)) return 0;
        const container = nodes + (<usize>parent << NODE_SHIFT);
        store<u32>(container, <u32>(p - source), END);
        store<u32>(container, count, COUNT);
        last = parent;
        parent = load<u32>(container, PARENT);
        const outer = nodes + (<usize>parent << NODE_SHIFT);
        count = load<u32>(outer, COUNT) + 1;
        closer = (load<u32>(outer, INFO) & KIND_MASK) == JsonKind.Object ? 125 : 93;
        depth--;
      }
    }
  }

  /** Only whitespace may follow the outermost value. */
  private finish(p: usize, end: usize, nodes: u32): usize {
    this.size = nodes - 1;
    if (p < end) p = skipWhitespace(p, end);
    return p < end ? fail(ErrorId.FIM_JSON_0001, p) : end;
  }

  private unique(container: u32, count: u32, arena: Arena): bool {
    const twice = this.duplicates.find(this.nodes, container + 1, count, arena);
    if (twice == NO_DUPLICATE) return true;
    if (twice == OUT_OF_MEMORY) fail(ErrorId.FIM_RT_0006, this.source);
    else fail(ErrorId.FIM_JSON_0006, this.source + this.start(twice));
    return false;
  }

  /** Doubles the room for records. */
  private grow(arena: Arena): bool {
    const old = this.capacity;
    const capacity = min(old * 2, MAX_JSON_NODES + 1);
    if (capacity == old) return false;
    const nodes = arena.allocate(<usize>capacity << NODE_SHIFT);
    if (nodes == 0) return false;
    memory.copy(nodes, this.nodes, <usize>old << NODE_SHIFT);
    this.nodes = nodes;
    this.capacity = capacity;
    return true;
  }

  // @ts-ignore: decorator
  @inline
  private record(node: u32): usize {
    return this.nodes + (<usize>node << NODE_SHIFT);
  }

  kind(node: u32): JsonKind {
    return <JsonKind>(load<u32>(this.record(node), INFO) & KIND_MASK);
  }

  /** Offset of the value's first byte (of the quote, for a string). */
  start(node: u32): u32 {
    return load<u32>(this.record(node), START);
  }

  /** Offset after the value's last byte. */
  end(node: u32): u32 {
    return load<u32>(this.record(node), END);
  }

  /** Whether a string holds escapes. */
  escaped(node: u32): bool {
    return (load<u32>(this.record(node), INFO) & ESCAPED) != 0;
  }

  /** First item, or value of the first member; 0 if there is none. */
  firstChild(node: u32): u32 {
    return load<u32>(this.record(node), COUNT) != 0 ? node + 1 : 0;
  }

  /** Next item, or value of the next member; 0 at the end. */
  nextSibling(node: u32): u32 {
    return load<u32>(this.record(node), NEXT);
  }

  /** The container of a value; 0 for the root. */
  parent(node: u32): u32 {
    return load<u32>(this.record(node), PARENT);
  }

  /** Items or members of a container; 0 for a scalar. */
  count(node: u32): u32 {
    return load<u32>(this.record(node), COUNT);
  }

  /** Index of an item in its array. Not for members. */
  index(item: u32): u32 {
    return load<u32>(this.record(item), KEY_HASH);
  }

  /** Address of a member's key, decoded and without quotes; 0 for items and the root. */
  key(member: u32): usize {
    return load<usize>(this.record(member), KEY);
  }

  /** Bytes of a member's key, decoded. */
  keyLength(member: u32): u32 {
    return load<u32>(this.record(member), INFO) >> KEY_LENGTH_SHIFT;
  }

  /** `hashBytes` of a member's key, decoded. */
  keyHash(member: u32): u32 {
    return load<u32>(this.record(member), KEY_HASH);
  }

  /** Address of record 0, for walks over the records themselves (`nodes.ts`). */
  get records(): usize {
    return this.nodes;
  }

  /** Address of the source's first byte. */
  get sourcePointer(): usize {
    return this.source;
  }

  /** The value of the member named by the bytes (`hash`: their `hashBytes`); 0 if absent or if the node is no object. Linear in the members. */
  member(object: u32, name: usize, length: u32, hash: u32): u32 {
    if (this.kind(object) != JsonKind.Object) return 0;
    for (let node = this.firstChild(object); node != 0; node = this.nextSibling(node)) {
      if (this.keyHash(node) == hash && this.keyLength(node) == length && equalBytes(this.key(node), name, length)) return node;
    }
    return 0;
  }

  /**
   * A string's text in UTF-8, or the raw characters of any other value; `textLength` bytes. Copied into the arena only if it has escapes; 0 if the
   * arena is full.
   */
  text(node: u32, arena: Arena): usize {
    const start = this.start(node);
    const length = this.end(node) - start;
    this.textLength = length;
    if (this.kind(node) != JsonKind.String) return this.source + start;
    this.textLength = length - 2;
    if (!this.escaped(node)) return this.source + start + 1;
    const copy = arena.allocate(length);
    if (copy == 0) this.textLength = 0;
    else this.textLength = unescape(this.source + start + 1, length - 2, copy);
    return copy;
  }

  /** The node's JSON Pointer (RFC 6901), `pointerLength` bytes in the arena; 0 if the arena is full. */
  pointer(node: u32, arena: Arena): usize {
    return this.pointerBelow(node, 0, 0, arena);
  }

  /** The same with more behind it (`/amount`, escaped already): for a member that is not there. */
  pointerBelow(node: u32, tail: usize, tailLength: u32, arena: Arena): usize {
    const pointer = this.pointers.write(this.nodes, node, tail, tailLength, arena);
    this.pointerLength = this.pointers.length;
    return pointer;
  }
}
