// Strict index of a JSON text (RFC 8259): start, end and parent of each value. Nothing is copied or converted.
import { Ascii } from '../../memory/ascii';
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';
import { MAX_JSON_BYTES, MAX_JSON_DEPTH, MAX_JSON_NODES } from '../../limits';
import { DuplicateCheck, NO_DUPLICATE, OUT_OF_MEMORY } from '../duplicates';
import { FieldTree } from '../field-tree';
import { COUNT, END, FieldKind, INFO, KEY, KIND_MASK, NEXT, NODE_SHIFT, PARENT, START } from '../nodes';
import { firstInvalidUtf8, isUtf8 } from '../utf8';
import { fail, scanError, scanErrorAt, skipWhitespace } from './scan';
import { readKey, scanScalar } from './value';

/** Source bytes per record of the initial capacity. A denser text makes the index grow. */
const BYTES_PER_NODE: u32 = 8;
/** Bytes that the scanners may read after the end of the text. */
const READ_AHEAD_BYTES: usize = 32;

/**
 * Index of one text at a time. It is in the arena given to `parse` and refers to the source, so both must stay
 * unchanged while it is used. A node is a number, and 0 is no node.
 */
export class JsonDocument extends FieldTree {
  /** Offset of the error after a failed `parse`, bytes. */
  errorOffset: u32 = 0;

  private readonly duplicates: DuplicateCheck = new DuplicateCheck();

  constructor() {
    super();
    this.isPlain = true;
  }

  /**
   * Indexes the text. Returns 0, or an `ErrorId` with `errorOffset` set: FIM-JSON-0001 to 0008, or FIM-RT-0006 when the
   * arena is full. Linear in the length (n log n in the names of an object whose names were chosen to collide).
   */
  parse(source: usize, length: u32, arena: Arena): u32 {
    this.root = 0;
    this.size = 0;
    this.source = source;
    this.errorOffset = 0;
    const end = source + length;
    if (length > MAX_JSON_BYTES) return ErrorId.FIM_JSON_0008;
    if (end + READ_AHEAD_BYTES > (<usize>memory.size()) << 16 && memory.grow(1) < 0) return ErrorId.FIM_RT_0006;
    // UTF-16 and UTF-32 have a zero among the first two bytes.
    if (length >= 2 && (load<u8>(source) == 0 || load<u8>(source, 1) == 0)) return ErrorId.FIM_JSON_0004;
    if (!isUtf8(source, length)) {
      this.errorOffset = firstInvalidUtf8(source, length);
      return ErrorId.FIM_JSON_0004;
    }
    if (length >= 3 && (load<u32>(source) & 0xffffff) == 0xbfbbef) return ErrorId.FIM_JSON_0004;
    this.capacity = min(length / BYTES_PER_NODE + 16, MAX_JSON_NODES + 1);
    this.nodes = arena.allocate((<usize>this.capacity) << NODE_SHIFT);
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
   * Loop over values. `last`: the previous value in the same container. `count`: number of values before this one.
   * While a container is open, its parent's record keeps the parent's count.
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
        if (!this.grow(arena, MAX_JSON_NODES))
          return fail(limit > MAX_JSON_NODES ? ErrorId.FIM_JSON_0008 : ErrorId.FIM_RT_0006, p);
        nodes = this.nodes;
        limit = this.capacity;
      }
      const record = nodes + ((<usize>node) << NODE_SHIFT);
      p = skipWhitespace(p, end);
      if (closer == Ascii.CloseBrace) {
        p = readKey(p, end, record, arena);
        if (p == 0) return 0;
      } else {
        store<u32>(record, 0, INFO);
        store<u64>(record, (<u64>count) << 32, KEY);
      }
      if (p >= end) return fail(ErrorId.FIM_JSON_0002, end);
      if (last != 0) store<u32>(nodes + ((<usize>last) << NODE_SHIFT), node, NEXT);
      store<u32>(record, <u32>(p - source), START);
      store<u64>(record, (<u64>parent) << 32, NEXT);
      store<u32>(record, 0, COUNT);
      const byte = <u32>load<u8>(p);
      if ((byte | 32) == Ascii.OpenBrace) {
        if (++depth > MAX_JSON_DEPTH) return fail(ErrorId.FIM_JSON_0007, p);
        store<u32>(
          record,
          load<u32>(record, INFO) | (byte == Ascii.OpenBrace ? FieldKind.Object : FieldKind.Array),
          INFO,
        );
        store<u32>(nodes + ((<usize>parent) << NODE_SHIFT), count, COUNT);
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
        if (next == Ascii.Comma) break;
        if (next != closer) return fail(ErrorId.FIM_JSON_0001, p - 1);
        if (closer == Ascii.CloseBrace && count > 1 && !this.unique(parent, count, arena)) return 0;
        const container = nodes + ((<usize>parent) << NODE_SHIFT);
        store<u32>(container, <u32>(p - source), END);
        store<u32>(container, count, COUNT);
        last = parent;
        parent = load<u32>(container, PARENT);
        const outer = nodes + ((<usize>parent) << NODE_SHIFT);
        count = load<u32>(outer, COUNT) + 1;
        closer = (load<u32>(outer, INFO) & KIND_MASK) == FieldKind.Object ? Ascii.CloseBrace : Ascii.CloseBracket;
        depth--;
      }
    }
  }

  /** Only white space may follow the outermost value. */
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
}
