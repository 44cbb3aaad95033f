// Strict index of an XML document (XML 1.0, fifth edition, and Namespaces in XML 1.0) without document type. Elements,
// attributes and texts become a field tree. Nothing outside the document is ever loaded.
import { Ascii } from '../../memory/ascii';
import { Arena } from '../../memory/arena';
import { equalBytes } from '../../memory/bytes';
import { ErrorId } from '../../errors.gen';
import { MAX_XML_DEPTH, MAX_XML_NODES } from '../../limits';
import { FieldTree } from '../field-tree';
import { ATTRIBUTE, FieldKind, INFO, MAX_KEY_LENGTH, START } from '../nodes';
import { firstInvalidUtf8, isUtf8 } from '../utf8';
import { Attributes } from './attributes';
import { firstForbidden } from './characters';
import { scanProlog } from './declaration';
import { isNameStart, nameEnd } from './names';
import { Namespaces, NO_NAMESPACE, UNBOUND } from './namespaces';
import {
  fail,
  scanDecodes,
  scanDeclaration,
  scanError,
  scanErrorAt,
  scanInstruction,
  scanMisc,
  scanText,
  skipSpace,
} from './scan';
import { decodeContent } from './text';

/** Source bytes per record of the initial capacity. A denser text makes the index grow. */
const BYTES_PER_NODE: u32 = 16;
/** Bytes that the scanners may read after the end of the text. */
const READ_AHEAD_BYTES: usize = 32;

/** Name of the field for an element's namespace, if it differs from its parent's: `@xmlns`. */
const XMLNS_KEY: usize = memory.data<u8>([64, 120, 109, 108, 110, 115]);
const XMLNS_KEY_BYTES: u32 = 6;

// State of an open element, by depth: start of its content, binding of its name, and the namespaces around it.
const FRAME_SHIFT: u32 = 4;
const CONTENT: usize = 0;
const BINDING: usize = 4;
const COUNT_BEFORE: usize = 8;
const DEFAULT_BEFORE: usize = 12;
const FRAMES: usize = memory.data(<i32>((MAX_XML_DEPTH + 2) << FRAME_SHIFT), 16);

/** Content of an open element besides plain text. */
const DECODES: u8 = 1;
const ELEMENTS: u8 = 2;
const CONTENTS: usize = memory.data(<i32>(MAX_XML_DEPTH + 2), 16);

/**
 * Tree of one document at a time. The root is an object whose only member is the root element. An element's key is its
 * local name. An element that contains elements is an Object, and text beside them is checked but not readable by
 * rules. Any other element is a String with its text. Attributes are children, with `@` before the name as written.
 * `@xmlns` is the namespace of an element that differs from its parent's.
 */
export class XmlDocument extends FieldTree {
  /** Offset of the error after a failed `parse`, bytes. */
  errorOffset: u32 = 0;
  protected depth: u32 = 0;
  private readonly namespaces: Namespaces = new Namespaces();
  private readonly attributes: Attributes = new Attributes();

  /**
   * Indexes the document. Returns 0, or an `ErrorId` with `errorOffset` set: FIM-XML-0001 to 0011, or FIM-RT-0006 when
   * the arena is full. Linear in the length.
   */
  parse(source: usize, length: u32, arena: Arena): u32 {
    this.root = 0;
    this.errorOffset = 0;
    const end = source + length;
    let error = this.admit(source, length);
    if (error != 0) return error;
    const p = scanProlog(source, end);
    if (p == 0) return this.failed(source, end);
    error = this.checkCharacters(source, p, end);
    if (error != 0) return error;
    if (!this.prepare(source, length, arena)) return ErrorId.FIM_RT_0006;
    const after = this.element(p, end, arena);
    if (after == 0) return this.failed(source, end);
    if (after < end) {
      fail(ErrorId.FIM_XML_0001, after);
      return this.failed(source, end);
    }
    this.close();
    return 0;
  }

  /** Whether the length is supported and memory extends far enough beyond it. */
  protected admit(source: usize, length: u32): u32 {
    if (length > MAX_KEY_LENGTH) return ErrorId.FIM_XML_0010;
    if (source + length + READ_AHEAD_BYTES > (<usize>memory.size()) << 16 && memory.grow(1) < 0)
      return ErrorId.FIM_RT_0006;
    return 0;
  }

  /** Begins a tree with the object for the message. */
  protected prepare(source: usize, length: u32, arena: Arena): bool {
    this.repeats = true;
    this.depth = 0;
    this.namespaces.begin();
    if (!this.begin(source, arena, min(length / BYTES_PER_NODE + 64, MAX_XML_NODES))) return false;
    return this.open(0, 0, FieldKind.Object);
  }

  /** Ends a failed `parse`. */
  protected failed(source: usize, end: usize): u32 {
    this.root = 0;
    this.errorOffset = <u32>(min(scanErrorAt, end) - source);
    return scanError;
  }

  /** Checks UTF-8 and the characters of XML, beginning at `p`. */
  protected checkCharacters(source: usize, p: usize, end: usize): u32 {
    const length = <u32>(end - p);
    const at = isUtf8(p, length) ? firstForbidden(p, end) : p + firstInvalidUtf8(p, length);
    if (at == end) return 0;
    this.errorOffset = <u32>(at - source);
    return ErrorId.FIM_XML_0004;
  }

  /** Reads misc, one element, misc. Returns the address after them. The element becomes a child of the open value. */
  protected element(p: usize, end: usize, arena: Arena): usize {
    p = scanMisc(p, end);
    if (p == 0) return 0;
    if (p >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (load<u8>(p) != Ascii.Less) return fail(ErrorId.FIM_XML_0001, p);
    store<u32>(FRAMES, NO_NAMESPACE, BINDING);
    p = this.startTag(p, end, arena);
    while (p != 0 && this.depth != 0) p = this.content(p, end, arena);
    return p == 0 ? 0 : scanMisc(p, end);
  }

  /** Reads from within an element's content to after the next tag, comment, section or instruction. */
  private content(p: usize, end: usize, arena: Arena): usize {
    p = scanText(p, end);
    if (p == 0) return 0;
    const flags = CONTENTS + this.depth;
    if (scanDecodes) store<u8>(flags, load<u8>(flags) | DECODES);
    if (p + 1 >= end) return fail(ErrorId.FIM_XML_0002, end);
    const next = load<u8>(p, 1);
    if (next == 47) return this.endTag(p, end, arena);
    if (next != 33 && next != 63) {
      store<u8>(flags, load<u8>(flags) | ELEMENTS);
      return this.startTag(p, end, arena);
    }
    store<u8>(flags, load<u8>(flags) | DECODES);
    return next == 33 ? scanDeclaration(p, end, true) : scanInstruction(p, end);
  }

  /** Reads `<name …>` or `<name …/>`. Returns the address after it. */
  private startTag(p: usize, end: usize, arena: Arena): usize {
    const name = p + 1;
    if (name >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (!isNameStart(name, end)) return fail(ErrorId.FIM_XML_0001, name);
    const depth = this.depth + 1;
    if (depth > MAX_XML_DEPTH) return fail(ErrorId.FIM_XML_0009, p);
    let local = name;
    let after = nameEnd(name, end);
    if (after < end && load<u8>(after) == Ascii.Colon) {
      local = after + 1;
      if (local >= end) return fail(ErrorId.FIM_XML_0002, end);
      if (!isNameStart(local, end)) return fail(ErrorId.FIM_XML_0007, after);
      after = nameEnd(local, end);
    }
    if (after >= end) return fail(ErrorId.FIM_XML_0002, end);
    const namespaces = this.namespaces;
    const frame = FRAMES + ((<usize>depth) << FRAME_SHIFT);
    store<u32>(frame, namespaces.count, COUNT_BEFORE);
    store<u32>(frame, namespaces.byDefault, DEFAULT_BEFORE);
    const attributes = this.attributes;
    p = after;
    if (load<u8>(p) == Ascii.Greater) attributes.clear();
    else {
      p = attributes.scan(p, end, namespaces, arena);
      if (p == 0) return 0;
    }
    const binding = local == name ? namespaces.byDefault : namespaces.resolve(name, <u32>(local - name) - 1);
    if (binding == UNBOUND) return fail(ErrorId.FIM_XML_0007, name);
    store<u32>(frame, binding, BINDING);
    if (!this.makeRoom(attributes.fields + 2, arena))
      return fail(this.capacity > MAX_XML_NODES ? ErrorId.FIM_XML_0010 : ErrorId.FIM_RT_0006, name);
    this.open(local, <u32>(after - local), FieldKind.Object);
    store<u32>(this.record(this.current), <u32>(name - this.source), START);
    const outer = load<u32>(frame - (1 << FRAME_SHIFT), BINDING);
    if (binding != outer && !namespaces.agree(binding, outer))
      this.attribute(XMLNS_KEY, XMLNS_KEY_BYTES, namespaces.uri(binding), namespaces.uriLength(binding));
    if (attributes.fields != 0 && !this.addAttributes(arena)) return fail(ErrorId.FIM_RT_0006, name);
    this.depth = depth;
    if (load<u8>(p) == Ascii.Greater) {
      store<u32>(frame, <u32>(p + 1 - this.source), CONTENT);
      store<u8>(CONTENTS + depth, 0);
      return p + 1;
    }
    if (p + 1 >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (load<u8>(p, 1) != Ascii.Greater) return fail(ErrorId.FIM_XML_0001, p);
    this.setText(this.current, p, 0);
    this.leave(frame);
    return p + 2;
  }

  /** Ensures records for this many more values. */
  private makeRoom(values: u32, arena: Arena): bool {
    while (this.size + values >= this.capacity) if (!this.grow(arena, MAX_XML_NODES)) return false;
    return true;
  }

  private addAttributes(arena: Arena): bool {
    const attributes = this.attributes;
    for (let i: u32 = 0; i < attributes.count; i++) {
      if (attributes.declares(i)) continue;
      const length = attributes.nameLength(i);
      const key = arena.allocate(length + 1);
      if (key == 0) return false;
      store<u8>(key, 64);
      memory.copy(key + 1, attributes.name(i), length);
      this.attribute(key, length + 1, attributes.value(i), attributes.valueLength(i));
    }
    return true;
  }

  private attribute(key: usize, keyLength: u32, value: usize, length: u32): void {
    this.addText(key, keyLength, value, length);
    const record = this.record(this.size);
    store<u32>(record, load<u32>(record, INFO) | ATTRIBUTE, INFO);
  }

  /** Reads `</name>`, which must match the open element. Returns the address after it. */
  private endTag(p: usize, end: usize, arena: Arena): usize {
    const node = this.current;
    const name = this.source + this.start(node);
    const length = <u32>(this.key(node) - name) + this.keyLength(node);
    let at = p + 2 + length;
    if (at >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (!equalBytes(p + 2, name, length)) return fail(ErrorId.FIM_XML_0011, p);
    if (load<u8>(at) != Ascii.Greater) {
      at = skipSpace(at, end);
      if (at >= end) return fail(ErrorId.FIM_XML_0002, end);
      if (load<u8>(at) != Ascii.Greater) return fail(ErrorId.FIM_XML_0011, p);
    }
    const frame = FRAMES + ((<usize>this.depth) << FRAME_SHIFT);
    const flags = load<u8>(CONTENTS + this.depth);
    if ((flags & ELEMENTS) != 0) this.setSpan(node, <u32>(name - this.source) - 1, <u32>(at + 1 - this.source));
    else {
      let text = this.source + load<u32>(frame, CONTENT);
      let bytes = <u32>(p - text);
      if ((flags & DECODES) != 0) {
        const copy = arena.allocate(bytes);
        if (copy == 0) return fail(ErrorId.FIM_RT_0006, p);
        bytes = decodeContent(text, p, copy);
        text = copy;
      }
      this.setText(node, text, bytes);
    }
    this.leave(frame);
    return at + 1;
  }

  private leave(frame: usize): void {
    this.namespaces.leave(load<u32>(frame, COUNT_BEFORE), load<u32>(frame, DEFAULT_BEFORE));
    this.close();
    this.depth--;
  }
}
