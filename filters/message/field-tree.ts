// Model of a message in any format: a tree of fields, each with a name, a kind and a text. Readers of the formats fill
// it. Rules, masks and limits see nothing else.
import { Arena } from '../memory/arena';
import { equalBytes, hashBytes } from '../memory/bytes';
import { unescape } from './json/text';
import {
  ATTRIBUTE,
  COUNT,
  END,
  ESCAPED,
  FieldKind,
  INFO,
  KEY,
  KEY_HASH,
  KEY_LENGTH_SHIFT,
  KIND_MASK,
  MAX_KEY_LENGTH,
  NEXT,
  NODE_SHIFT,
  PARENT,
  START,
  TEXT,
} from './nodes';
import { PointerWriter } from './pointer';

export { FieldKind } from './nodes';

/**
 * Index of one message at a time. It is in the reader's arena and refers to the source, so both must stay unchanged
 * while it is used. A node is a number, and 0 is no node. A String or Number may have children too (attributes of an
 * XML element).
 */
export class FieldTree {
  /** Node of the whole message. 0 if there is no valid message. */
  root: u32 = 0;
  /** Length of the last `text`, bytes. */
  textLength: u32 = 0;
  /** Length of the last `pointer`, bytes. */
  pointerLength: u32 = 0;
  /** Number of values. */
  size: u32 = 0;
  /**
   * Whether a name may repeat among the children of a value (XML). Paths then follow element rules: FieldSetBuilder.
   */
  repeats: bool = false;
  /** Whether each record belongs to a value that is reached from the root: JSON. */
  isPlain: bool = false;

  protected source: usize = 0;
  protected nodes: usize = 0;
  /** Number of records allocated. Record 0 is unused. */
  protected capacity: u32 = 0;
  private readonly pointers: PointerWriter = new PointerWriter();

  // Builder state: the open value, and its last child.
  private openNode: u32 = 0;
  private lastNode: u32 = 0;

  /**
   * Empties the tree. `capacity`: most values that it may hold. `source`: base of offsets. False if the arena is full.
   * A reader then calls `open`, `addText` and `close` in document order. The first value is the root.
   */
  begin(source: usize, arena: Arena, capacity: u32): bool {
    this.root = 0;
    this.size = 0;
    this.openNode = 0;
    this.lastNode = 0;
    this.pointers.begin();
    this.source = source;
    this.capacity = capacity + 1;
    this.nodes = arena.allocate((<usize>this.capacity) << NODE_SHIFT);
    if (this.nodes == 0) {
      this.capacity = 0;
      return false;
    }
    memory.fill(this.nodes, 0, 1 << NODE_SHIFT);
    return true;
  }

  /** Adds a value whose children follow until `close`. `key`: 0 for items and the root. False if there is no room. */
  open(key: usize, keyLength: u32, kind: FieldKind): bool {
    const node = this.add(key, keyLength, kind);
    if (node == 0) return false;
    this.openNode = node;
    this.lastNode = 0;
    return true;
  }

  /** Ends the value that was opened last. */
  close(): void {
    if (this.openNode == 0) return;
    this.lastNode = this.openNode;
    this.openNode = this.parent(this.openNode);
  }

  /** Adds a String whose text is `length` bytes of well-formed UTF-8 at `pointer`. False if there is no room. */
  addText(key: usize, keyLength: u32, pointer: usize, length: u32): bool {
    const node = this.add(key, keyLength, FieldKind.String);
    if (node == 0) return false;
    this.setText(node, pointer, length);
    return true;
  }

  /** Sets the place of a value in the source: offsets of the first byte and after the last. */
  setSpan(node: u32, start: u32, end: u32): void {
    store<u32>(this.record(node), start, START);
    store<u32>(this.record(node), end, END);
  }

  /** Makes the value a String with this text. It keeps its children. */
  setText(node: u32, pointer: usize, length: u32): void {
    const record = this.record(node);
    store<u32>(record, (load<u32>(record, INFO) & ~KIND_MASK) | FieldKind.String | TEXT, INFO);
    this.setSpan(node, <u32>(pointer - this.source), <u32>(pointer - this.source) + length);
  }

  /** The open value. 0 at the top. */
  get current(): u32 {
    return this.openNode;
  }

  private add(key: usize, keyLength: u32, kind: FieldKind): u32 {
    const node = this.size + 1;
    if (node >= this.capacity || keyLength > MAX_KEY_LENGTH) return 0;
    const parent = this.openNode;
    if (this.size != 0 && parent == 0) return 0;
    const record = this.record(node);
    const outer = this.record(parent);
    const index = load<u32>(outer, COUNT);
    if (parent != 0) store<u32>(outer, index + 1, COUNT);
    if (this.lastNode != 0) store<u32>(this.record(this.lastNode), node, NEXT);
    store<u32>(record, kind | (keyLength << KEY_LENGTH_SHIFT), INFO);
    store<u32>(record, 0, START);
    store<u32>(record, 0, END);
    store<u64>(record, (<u64>parent) << 32, NEXT);
    store<u32>(record, 0, COUNT);
    store<usize>(record, key, KEY);
    store<u32>(record, key == 0 ? index : hashBytes(key, keyLength), KEY_HASH);
    this.size = node;
    this.lastNode = node;
    if (parent == 0) this.root = node;
    return node;
  }

  /** Doubles the number of records, up to `maximum` values. False at the maximum or if the arena is full. */
  protected grow(arena: Arena, maximum: u32): bool {
    const old = this.capacity;
    const capacity = min(old * 2, maximum + 1);
    if (capacity == old) return false;
    const nodes = arena.allocate((<usize>capacity) << NODE_SHIFT);
    if (nodes == 0) return false;
    memory.copy(nodes, this.nodes, (<usize>old) << NODE_SHIFT);
    this.nodes = nodes;
    this.capacity = capacity;
    return true;
  }

  // @ts-ignore: decorator
  @inline
  protected record(node: u32): usize {
    return this.nodes + ((<usize>node) << NODE_SHIFT);
  }

  kind(node: u32): FieldKind {
    return <FieldKind>(load<u32>(this.record(node), INFO) & KIND_MASK);
  }

  /** Offset of the value's first byte in the source (of the quote, for a JSON string). */
  start(node: u32): u32 {
    return load<u32>(this.record(node), START);
  }

  /** Offset after the value's last byte. */
  end(node: u32): u32 {
    return load<u32>(this.record(node), END);
  }

  /** Whether a JSON string contains escapes. */
  escaped(node: u32): bool {
    return (load<u32>(this.record(node), INFO) & ESCAPED) != 0;
  }

  /** Whether the value is an attribute of an XML element. */
  isAttribute(node: u32): bool {
    return (load<u32>(this.record(node), INFO) & ATTRIBUTE) != 0;
  }

  /** Whether the format has text as its only scalar. The rule then decides the type. */
  isText(node: u32): bool {
    return (load<u32>(this.record(node), INFO) & TEXT) != 0;
  }

  /** First item, member or attribute. 0 if there is none. */
  firstChild(node: u32): u32 {
    return load<u32>(this.record(node), COUNT) != 0 ? node + 1 : 0;
  }

  /** Next child of the same parent. 0 at the end. */
  nextSibling(node: u32): u32 {
    return load<u32>(this.record(node), NEXT);
  }

  /** Parent of the value. 0 for the root. */
  parent(node: u32): u32 {
    return load<u32>(this.record(node), PARENT);
  }

  /** Number of children. */
  count(node: u32): u32 {
    return load<u32>(this.record(node), COUNT);
  }

  /** Index of an item in its array. Not for members. */
  index(item: u32): u32 {
    return load<u32>(this.record(item), KEY_HASH);
  }

  /** Address of a field's decoded name, without quotes. 0 for items and the root. */
  key(member: u32): usize {
    return load<usize>(this.record(member), KEY);
  }

  /** Length of a field's decoded name, bytes. */
  keyLength(member: u32): u32 {
    return load<u32>(this.record(member), INFO) >> KEY_LENGTH_SHIFT;
  }

  /** `hashBytes` of a field's decoded name. */
  keyHash(member: u32): u32 {
    return load<u32>(this.record(member), KEY_HASH);
  }

  /** Address of record 0, for walks over the records (`nodes.ts`). */
  get records(): usize {
    return this.nodes;
  }

  /** Address of the source's first byte. */
  get sourcePointer(): usize {
    return this.source;
  }

  /**
   * First child of this name (`hash`: `hashBytes` of the name). 0 if there is none. Linear in the number of children.
   */
  member(object: u32, name: usize, length: u32, hash: u32): u32 {
    for (let node = this.firstChild(object); node != 0; node = this.nextSibling(node)) {
      if (
        this.keyHash(node) == hash &&
        this.keyLength(node) == length &&
        this.key(node) != 0 &&
        equalBytes(this.key(node), name, length)
      )
        return node;
    }
    return 0;
  }

  /**
   * Text of a string in UTF-8, or the raw characters of any other value; `textLength` bytes. Copied into the arena only
   * if it has escapes. 0 if the arena is full.
   */
  text(node: u32, arena: Arena): usize {
    const info = load<u32>(this.record(node), INFO);
    const start = this.start(node);
    const length = this.end(node) - start;
    this.textLength = length;
    if ((info & KIND_MASK) != FieldKind.String || (info & TEXT) != 0) return this.source + start;
    this.textLength = length - 2;
    if ((info & ESCAPED) == 0) return this.source + start + 1;
    const copy = arena.allocate(length);
    if (copy == 0) this.textLength = 0;
    else this.textLength = unescape(this.source + start + 1, length - 2, copy);
    return copy;
  }

  /** JSON Pointer of the node (RFC 6901), `pointerLength` bytes in the arena. 0 if the arena is full. */
  pointer(node: u32, arena: Arena): usize {
    return this.pointerBelow(node, 0, 0, arena);
  }

  /** The same with an escaped `tail` appended (`/amount`), for a field that is missing. */
  pointerBelow(node: u32, tail: usize, tailLength: u32, arena: Arena): usize {
    this.pointers.repeats = this.repeats;
    const pointer = this.pointers.write(this.nodes, node, tail, tailLength, arena);
    this.pointerLength = this.pointers.length;
    return pointer;
  }
}
