// An index of BER-TLV data (ISO/IEC 8825-1 as EMV Book 3 Annex B and JR/T 0025 use it): where each data object stands, and what is in what.
import { MAX_TLV_DEPTH, MAX_TLV_NODES } from '../../limits';
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';

/** Records of 24 bytes: tag, start of the object, start of the value, length of the value, next in the same template, template. */
const NODE_BYTES: u32 = 24;
const TAG: usize = 0;
const START: usize = 4;
const VALUE: usize = 8;
const LENGTH: usize = 12;
const NEXT: usize = 16;
const PARENT: usize = 20;
/** Bytes of the shortest object. */
const MIN_OBJECT_BYTES: u32 = 2;
const LONGEST_TAG_BYTES: u32 = 4;
const HEX_DIGITS: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70]);

/** Whether a tag's objects hold objects: bit 6 of its first byte. */
export function isTemplate(tag: u32): bool {
  let first = tag;
  while (first > 0xff) first >>= 8;
  return (first & 0x20) != 0;
}

/** The index of one message at a time. Objects are numbers from 1 on, in the order of the message; 0 is none. Tags are the numbers that their bytes spell: 0x9F26. */
export class TlvDocument {
  /** Offset of the mistake after a failed `parse`, bytes. */
  errorOffset: u32 = 0;
  /** Number of objects. */
  size: u32 = 0;
  /** Bytes of the last `path`. */
  pathLength: u32 = 0;

  private source: usize = 0;
  private nodes: usize = 0;
  private capacity: u32 = 0;
  private tagEnd: usize = 0;

  /**
   * Indexes the data; templates are opened. Zero bytes between objects are padding, as in EMV. Answers 0, or an `ErrorId` with `errorOffset` set:
   * FIM-TLV-0001 to 0004, or FIM-RT-0006. Linear.
   */
  parse(source: usize, length: u32, arena: Arena): u32 {
    this.source = source;
    this.size = 0;
    this.errorOffset = 0;
    this.capacity = min(length / MIN_OBJECT_BYTES, MAX_TLV_NODES) + 1;
    this.nodes = arena.allocate(<usize>this.capacity * NODE_BYTES);
    if (this.nodes == 0) return ErrorId.FIM_RT_0006;
    const error = this.build(source, source + length);
    if (error != 0) this.size = 0;
    else arena.trim(this.nodes, <usize>(this.size + 1) * NODE_BYTES);
    return error;
  }

  private fail(error: ErrorId, at: usize): u32 {
    this.errorOffset = <u32>(at - this.source);
    return error;
  }

  private build(p: usize, end: usize): u32 {
    let parent: u32 = 0;
    let last: u32 = 0;
    let depth: u32 = 0;
    let limit = end; // of the template at hand
    while (true) {
      while (p == limit && parent != 0) {
        last = parent;
        parent = load<u32>(this.record(parent), PARENT);
        limit = parent == 0 ? end : this.source + this.valueOffset(parent) + this.length(parent);
        depth--;
      }
      if (p == limit) return 0;
      if (load<u8>(p) == 0) {
        p++;
        continue;
      }
      const start = p;
      const tag = this.readTag(p, limit);
      if (tag == 0) return this.fail(this.tagEnd > limit ? ErrorId.FIM_TLV_0001 : ErrorId.FIM_TLV_0002, start);
      p = this.tagEnd;
      if (p >= limit) return this.fail(ErrorId.FIM_TLV_0001, start);
      let length = <u32>load<u8>(p++);
      if (length >= 0x80) {
        const bytes = length & 0x7f;
        if (bytes == 0 || bytes > 4) return this.fail(ErrorId.FIM_TLV_0003, start);
        if (p + bytes > limit) return this.fail(ErrorId.FIM_TLV_0001, start);
        length = 0;
        for (let i: u32 = 0; i < bytes; i++) length = (length << 8) | load<u8>(p++);
      }
      if (length > <u32>(limit - p)) return this.fail(ErrorId.FIM_TLV_0001, start);
      if (this.size + 1 >= this.capacity) return this.fail(ErrorId.FIM_TLV_0004, start);
      const node = ++this.size;
      this.put(node, tag, start, p, length, parent, last);
      last = node;
      if (isTemplate(tag) && length != 0) {
        if (++depth > MAX_TLV_DEPTH) return this.fail(ErrorId.FIM_TLV_0004, start);
        parent = node;
        last = 0;
        limit = p + length;
      } else p += length;
    }
  }

  /** The tag at `p`, with `tagEnd` after it; 0 if it is wrong, or, with `tagEnd` beyond `limit`, cut off. */
  private readTag(p: usize, limit: usize): u32 {
    let tag = <u32>load<u8>(p++);
    this.tagEnd = p;
    if ((tag & 0x1f) != 0x1f) return tag;
    for (let i: u32 = 1; i < LONGEST_TAG_BYTES; i++) {
      if (p >= limit) {
        this.tagEnd = limit + 1;
        return 0;
      }
      const byte = <u32>load<u8>(p++);
      if (i == 1 && byte == 0x80) return 0;
      tag = (tag << 8) | byte;
      if ((byte & 0x80) == 0) {
        this.tagEnd = p;
        return tag;
      }
    }
    return 0;
  }

  private put(node: u32, tag: u32, start: usize, value: usize, length: u32, parent: u32, last: u32): void {
    const record = this.record(node);
    store<u32>(record, tag, TAG);
    store<u32>(record, <u32>(start - this.source), START);
    store<u32>(record, <u32>(value - this.source), VALUE);
    store<u32>(record, length, LENGTH);
    store<u32>(record, 0, NEXT);
    store<u32>(record, parent, PARENT);
    if (last != 0) store<u32>(this.record(last), node, NEXT);
  }

  // @ts-ignore: decorator
  @inline
  private record(node: u32): usize {
    return this.nodes + <usize>(node * NODE_BYTES);
  }

  /** First object; 0 if there is none. */
  get first(): u32 {
    return this.size != 0 ? 1 : 0;
  }

  tag(node: u32): u32 {
    return load<u32>(this.record(node), TAG);
  }

  /** Offset of the object's tag. */
  start(node: u32): u32 {
    return load<u32>(this.record(node), START);
  }

  /** Offset of the object's value. */
  valueOffset(node: u32): u32 {
    return load<u32>(this.record(node), VALUE);
  }

  /** Bytes of the object's value. */
  length(node: u32): u32 {
    return load<u32>(this.record(node), LENGTH);
  }

  /** Address of the object's value. */
  value(node: u32): usize {
    return this.source + this.valueOffset(node);
  }

  /** First object in a template; 0 if there is none, or if the object is no template. */
  firstChild(node: u32): u32 {
    return node < this.size && load<u32>(this.record(node + 1), PARENT) == node ? node + 1 : 0;
  }

  /** Next object of the same template; 0 at its end. */
  nextSibling(node: u32): u32 {
    return load<u32>(this.record(node), NEXT);
  }

  /** The template that an object is in; 0 at the outermost level. */
  parent(node: u32): u32 {
    return load<u32>(this.record(node), PARENT);
  }

  /** The first object with this tag directly in a template (0: at the outermost level); 0 if there is none. */
  find(template: u32, tag: u32): u32 {
    let node = template == 0 ? this.first : this.firstChild(template);
    while (node != 0 && this.tag(node) != tag) node = this.nextSibling(node);
    return node;
  }

  /** Tags from the outermost level to the object, in hexadecimal: `70/9F26`. Address in the arena, `pathLength` bytes; 0 if the arena is full. */
  path(node: u32, arena: Arena): usize {
    let bytes: u32 = 0;
    for (let at = node; at != 0; at = this.parent(at)) bytes += tagDigits(this.tag(at)) + (this.parent(at) != 0 ? 1 : 0);
    const start = arena.allocate(bytes);
    this.pathLength = start == 0 ? 0 : bytes;
    if (start == 0) return 0;
    let to = start + bytes;
    for (let at = node; at != 0; at = this.parent(at)) {
      const tag = this.tag(at);
      const digits = tagDigits(tag);
      for (let i: u32 = 0; i < digits; i++) store<u8>(--to, load<u8>(HEX_DIGITS + ((tag >> (i * 4)) & 15)));
      if (this.parent(at) != 0) store<u8>(--to, 47);
    }
    return start;
  }
}

/** Hexadecimal digits of a tag: two for each of its bytes. */
function tagDigits(tag: u32): u32 {
  return tag > 0xffffff ? 8 : tag > 0xffff ? 6 : tag > 0xff ? 4 : 2;
}
