// BER-TLV data (ISO/IEC 8825-1 as used by EMV Book 3 Annex B and JR/T 0025) as fields: one for each data object, named
// by the digits of its tag, with its value as text. Violations of the dictionary are recorded; rules decide whether
// they count.
import { ErrorId } from '../../errors.gen';
import { MAX_TLV_DEPTH, MAX_TLV_MISTAKES, MAX_TLV_NODES } from '../../limits';
import { Arena } from '../../memory/arena';
import { hashBytes } from '../../memory/bytes';
import { FieldKind, FieldTree } from '../field-tree';
import { hasHighBytes, HEX_SLACK_BYTES, readHex, writeHex, writeLatin1 } from '../hex-text';
import { COUNT, END, INFO, KEY, KEY_HASH, KEY_LENGTH_SHIFT, NEXT, NODE_SHIFT, PARENT, START, TEXT } from '../nodes';
import { TagDictionary, writeTag } from './dictionary';
import { filledLength, Format, isInFormat } from './formats';
import { describedBytes, NO_OBJECT_LIST } from './object-list';

/** Length of the shortest object, bytes. */
const MIN_OBJECT_BYTES: u32 = 2;
const LONGEST_TAG_BYTES: u32 = 4;
const NAME_BYTES: u32 = 8;
/** A script may contain several issuer script commands. */
const SCRIPT_COMMAND: u32 = 0x86;
/** Part of a String's record before the length of its name. */
const TEXT_INFO: u32 = FieldKind.String | TEXT;

/** Hash table of seen tags with twice as many entries of 8 bytes as objects: run, node. */
const SEEN_BYTES: usize = 65536;
const SEEN: usize = memory.data(65536, 16);
/** Number of the current run. Entries of other runs are empty. */
let seenRun: u32 = 0;

/** Whether objects of a tag contain objects: bit 6 of its first byte. */
function isTemplate(tag: u32): bool {
  return ((tag >> (24 - (clz(tag) & 24))) & 0x20) != 0;
}

/** Fields of one message at a time. */
export class TlvTree extends FieldTree {
  /** Offset of the error after a failed `parse`, bytes. */
  errorOffset: u32 = 0;
  /** Number of recorded objects that violate the dictionary, at most MAX_TLV_MISTAKES, in message order. */
  mistakes: u32 = 0;

  private readonly mistakeNodes: StaticArray<u32> = new StaticArray<u32>(MAX_TLV_MISTAKES);
  private readonly mistakeCodes: StaticArray<u32> = new StaticArray<u32>(MAX_TLV_MISTAKES);
  private readonly dictionary: TagDictionary = new TagDictionary();
  /** Address for the next decoded text that is not in the source. */
  protected out: usize = 0;
  private tagEnd: usize = 0;
  /** Remaining capacity, data objects. */
  private room: u32 = 0;
  private seenMask: u32 = 0;

  /**
   * Reads the data and the contents of templates. Zero bytes between objects are padding, as in EMV. Returns 0, or an
   * `ErrorId` with `errorOffset` set: FIM-TLV-0001 to 0004, or FIM-RT-0006. Linear.
   */
  parse(source: usize, length: u32, arena: Arena): u32 {
    const objects = min(length / MIN_OBJECT_BYTES, MAX_TLV_NODES);
    if (!this.prepare(source, length, objects, objects, arena)) return ErrorId.FIM_RT_0006;
    const root = this.put(0, 0, 0, FieldKind.Object, 0, 0);
    this.setSpan(root, 0, length);
    const error = this.readObjects(source, source + length, root);
    if (error == 0) this.root = root;
    else this.size = 0;
    return error;
  }

  /**
   * Reads data in hexadecimal digits, with optional white space around them. FIM-TLV-0009 if they are invalid. Offsets
   * count decoded bytes.
   */
  parseHex(source: usize, length: u32, arena: Arena): u32 {
    let end = source + length;
    while (source < end && load<u8>(source) <= 32) source++;
    while (source < end && load<u8>(end - 1) <= 32) end--;
    const digits = <u32>(end - source);
    this.root = 0;
    this.size = 0;
    this.errorOffset = 0;
    const bytes = arena.allocate((digits >> 1) + HEX_SLACK_BYTES);
    if (bytes == 0) return ErrorId.FIM_RT_0006;
    if ((digits & 1) != 0 || !readHex(source, digits, bytes)) return ErrorId.FIM_TLV_0009;
    return this.parse(bytes, digits >> 1, arena);
  }

  /** Dictionary violation of the object `mistakeNode(i)`: FIM-TLV-0005 to 0008. `i` < `mistakes`. */
  mistakeCode(i: u32): ErrorId {
    return <ErrorId>unchecked(this.mistakeCodes[min<i32>(<i32>i, MAX_TLV_MISTAKES - 1)]);
  }

  mistakeNode(i: u32): u32 {
    return unchecked(this.mistakeNodes[min<i32>(<i32>i, MAX_TLV_MISTAKES - 1)]);
  }

  /**
   * Allocates `fields` records, of which `names` are data objects, and the texts of `length` bytes. False if the arena
   * is full.
   */
  protected prepare(source: usize, length: u32, fields: u32, names: u32, arena: Arena): bool {
    this.errorOffset = 0;
    this.mistakes = 0;
    this.root = 0;
    this.size = 0;
    this.source = source;
    if (source + length + HEX_SLACK_BYTES > (<usize>memory.size()) << 16 && memory.grow(1) < 0) return false;
    this.out = arena.allocate(<usize>length * 2 + names * NAME_BYTES + 2 * HEX_SLACK_BYTES);
    this.room = names;
    this.capacity = fields + 2;
    this.nodes = arena.allocate((<usize>this.capacity) << NODE_SHIFT);
    if (this.out == 0 || this.nodes == 0) return false;
    v128.store(this.nodes, i64x2.splat(0));
    v128.store(this.nodes, i64x2.splat(0), 16);
    return true;
  }

  /**
   * Record for the next field. `last`: previous field of the same parent, 0 for the first. The caller has ensured that
   * there is room.
   */
  // @ts-ignore: decorator
  @inline
  protected put(key: usize, keyLength: u32, keyHash: u32, info: u32, parent: u32, last: u32): u32 {
    const node = ++this.size;
    const record = this.nodes + ((<usize>node) << NODE_SHIFT);
    store<u32>(record, info | (keyLength << KEY_LENGTH_SHIFT), INFO);
    store<u64>(record, (<u64>parent) << 32, NEXT);
    store<u32>(record, 0, COUNT);
    store<usize>(record, key, KEY);
    store<u32>(record, keyHash, KEY_HASH);
    if (last != 0) store<u32>(this.nodes + ((<usize>last) << NODE_SHIFT), node, NEXT);
    if (parent != 0) {
      const outer = this.nodes + ((<usize>parent) << NODE_SHIFT);
      store<u32>(outer, load<u32>(outer, COUNT) + 1, COUNT);
    }
    return node;
  }

  /** Sets the text of a TEXT record. */
  // @ts-ignore: decorator
  @inline
  protected span(node: u32, pointer: usize, length: u32): void {
    const record = this.nodes + ((<usize>node) << NODE_SHIFT);
    const start = <u32>(pointer - this.source);
    store<u64>(record, (<u64>start) | ((<u64>(start + length)) << 32), START);
  }

  /** Sets the digits of packed bytes, without the first `skip`, as a record's text. */
  protected hexText(node: u32, from: usize, bytes: u32, skip: u32, digits: u32): void {
    const to = this.out;
    writeHex(from, bytes, to);
    this.span(node, to + skip, digits);
    this.out = to + bytes * 2;
  }

  /** Sets a text of single-byte characters. */
  protected byteText(node: u32, from: usize, length: u32): void {
    if (!hasHighBytes(from, length)) {
      this.span(node, from, length);
      return;
    }
    const written = writeLatin1(from, length, this.out);
    this.span(node, this.out, written);
    this.out += written;
  }

  private fail(error: ErrorId, at: usize): u32 {
    this.errorOffset = <u32>(at - this.source);
    return error;
  }

  /** Reads the objects from `p` to `end` as fields of `top`. */
  protected readObjects(p: usize, end: usize, top: u32): u32 {
    const most = min(<u32>(end - p) / MIN_OBJECT_BYTES, this.room);
    beginRun();
    this.seenMask = most == 0 ? 0 : (1 << (32 - clz(most * 2 - 1))) - 1;
    const lastNode = this.size + most;
    this.room -= most;
    let parent = top;
    let last: u32 = 0;
    let depth: u32 = 0;
    let limit = end; // of the template at hand
    while (true) {
      while (p == limit && parent != top) {
        last = parent;
        parent = this.parent(parent);
        limit = parent == top ? end : this.source + this.end(parent);
        depth--;
      }
      if (p == limit) {
        this.room += lastNode - this.size;
        return 0;
      }
      let tag = <u32>load<u8>(p);
      if (tag == 0) {
        p++;
        continue;
      }
      const start = p;
      if ((tag & 0x1f) != 0x1f) p++;
      else {
        tag = this.readTag(p, limit);
        if (tag == 0) return this.fail(this.tagEnd > limit ? ErrorId.FIM_TLV_0001 : ErrorId.FIM_TLV_0002, start);
        p = this.tagEnd;
      }
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
      if (this.size >= lastNode) return this.fail(ErrorId.FIM_TLV_0004, start);
      const node = this.addObject(tag, p, length, parent, last);
      last = node;
      p += length;
      if (length != 0 && isTemplate(tag)) {
        if (++depth > MAX_TLV_DEPTH) return this.fail(ErrorId.FIM_TLV_0004, start);
        parent = node;
        last = 0;
        limit = p;
        p -= length;
      }
    }
  }

  /** The tag at `p`, with `tagEnd` after it. 0 if it is invalid or, with `tagEnd` beyond `limit`, truncated. */
  private readTag(p: usize, limit: usize): u32 {
    let tag = <u32>load<u8>(p++);
    for (let i: u32 = 1; i < LONGEST_TAG_BYTES; i++) {
      if (p >= limit) {
        this.tagEnd = limit + 1;
        return 0;
      }
      const byte = <u32>load<u8>(p++);
      this.tagEnd = p;
      if (i == 1 && byte == 0x80) return 0;
      tag = (tag << 8) | byte;
      if ((byte & 0x80) == 0) return tag;
    }
    return 0;
  }

  /** Adds a field for one object, and records dictionary violations. */
  // @ts-ignore: decorator
  @inline
  private addObject(tag: u32, value: usize, length: u32, parent: u32, last: u32): u32 {
    const dictionary = this.dictionary;
    const template = isTemplate(tag);
    const known = dictionary.find(tag);
    let name = this.out;
    let nameLength: u32 = 0;
    let hash: u32 = 0;
    if (known) {
      name = dictionary.name;
      nameLength = dictionary.nameLength;
      hash = dictionary.nameHash;
    } else {
      nameLength = writeTag(tag, name);
      hash = hashBytes(name, nameLength);
      this.out += NAME_BYTES;
    }
    const node = this.put(name, nameLength, hash, template ? FieldKind.Object : TEXT_INFO, parent, last);
    if (template) this.span(node, value, length);
    else if (known) this.known(node, value, length);
    else this.hexText(node, value, length, 0, length * 2);
    if (!template && tag != SCRIPT_COMMAND && this.again(node, name, hash, parent))
      this.note(ErrorId.FIM_TLV_0005, node);
    if (known && template && length > dictionary.most) this.note(ErrorId.FIM_TLV_0006, node);
    return node;
  }

  /** Text of an object that is in the dictionary. */
  private known(node: u32, value: usize, length: u32): void {
    const dictionary = this.dictionary;
    const format = dictionary.format;
    const right = isInFormat(format, value, length);
    // Terminals and issuers send tags with length 0 if they have no value.
    if (length != 0 && (length < dictionary.least || length > dictionary.most)) this.note(ErrorId.FIM_TLV_0006, node);
    else if (!right) this.note(ErrorId.FIM_TLV_0007, node);
    else if (length != 0 && dictionary.isList && describedBytes(value, length) == NO_OBJECT_LIST)
      this.note(ErrorId.FIM_TLV_0008, node);
    if (right && format >= Format.Alphabetic) {
      this.byteText(node, value, filledLength(value, length));
      return;
    }
    let digits = length * 2;
    if (right && format == Format.Compressed) while (digits > 0 && isFiller(value, digits - 1)) digits--;
    const odd = dictionary.isOdd && length > 0;
    const skip: u32 = odd && load<u8>(value) < 16 ? 1 : 0;
    if (odd && skip == 0 && right) this.note(ErrorId.FIM_TLV_0007, node);
    this.hexText(node, value, length, skip, digits - skip);
  }

  private note(error: ErrorId, node: u32): void {
    const at = this.mistakes;
    if (at >= <u32>MAX_TLV_MISTAKES) return;
    unchecked((this.mistakeNodes[at] = node));
    unchecked((this.mistakeCodes[at] = error));
    this.mistakes = at + 1;
  }

  /**
   * Whether an earlier object of the same template has the same tag. At most half of the slots are used, so that chains
   * stay short for any tags.
   */
  // @ts-ignore: decorator
  @inline
  private again(node: u32, name: usize, hash: u32, parent: u32): bool {
    const digits = load<u64>(name);
    let slot = hash ^ (parent * 0x85ebca6b);
    while (true) {
      const entry = SEEN + ((<usize>(slot & this.seenMask)) << 3);
      const other = load<u64>(entry);
      if (<u32>(other >> 32) != seenRun) {
        store<u64>(entry, ((<u64>seenRun) << 32) | node);
        return false;
      }
      if (load<u64>(this.key(<u32>other)) == digits && this.parent(<u32>other) == parent) return true;
      slot++;
    }
  }
}

/** Starts a new run of the table of tags. Old entries do not count, so that nothing is cleared. */
function beginRun(): void {
  if (++seenRun != 0) return;
  memory.fill(SEEN, 0, SEEN_BYTES);
  seenRun = 1;
}

/** Whether nibble `at` is F. */
function isFiller(pointer: usize, at: u32): bool {
  const byte = <u32>load<u8>(pointer + (at >> 1));
  return ((at & 1) != 0 ? byte & 15 : byte >> 4) == 15;
}
