// Values of XML, and of the blocks of CNAPS2 around it. The tree knows the names' places; the bounds of contents and
// attributes are read again from there, since a text that needed decoding is a copy.
import { Ascii } from '../../memory/ascii';
import { Writer } from '../../memory/writer';
import { FieldKind, FieldTree } from '../../message/field-tree';
import { Arena } from '../../memory/arena';
import { decodeContent } from '../../message/xml/text';
import { Surface } from './surface';
import { contentEnd, isSection, isSpace, SECTION_BYTES, SECTION_END_BYTES, sectionEnd, tagEnd } from './xml-markup';

const LESS: u8 = 60;
const GREATER: u8 = 62;
const SLASH: u8 = 47;
const EQUALS: u8 = 61;
const QUOTE: u8 = 34;
const APOSTROPHE: u8 = 39;
const AMPERSAND: u8 = 38;
const BLANK: u8 = 32;
const STAR: u8 = 42;
const CLOSING_BRACE: u8 = 125;

/** `@xml`, and the bytes of `@xmlns`. */
const NAMESPACE: u32 = 0x6c6d7840;
const NAMESPACE_BYTES: u32 = 6;

const enum Form {
  Content = 0,
  Section = 1,
  /** An element that was written without content, `<a/>`. */
  Empty = 2,
  Attribute = 3,
  /** A field of CNAPS2's header, of fixed width. */
  Fixed = 4,
  /** Text of another block of CNAPS2. */
  Block = 5,
}

export class XmlSurface extends Surface {
  private form: Form = Form.Content;
  private quote: u8 = QUOTE;

  /** Place from which text beside elements is looked for. 0: not begun. */
  private cursor: u32 = 0;
  private outermostEnd: u32 = 0;

  begin(tree: FieldTree, length: u32): void {
    super.begin(tree, length);
    this.cursor = 0;
    this.outermostEnd = 0;
  }

  /** The namespace of an element is a field that no attribute of it is. */
  holds(node: u32): bool {
    const tree = this.tree;
    return !tree.isAttribute(node) || tree.keyLength(node) != NAMESPACE_BYTES || load<u32>(tree.key(node)) != NAMESPACE;
  }

  locate(node: u32): bool {
    const tree = this.tree;
    const source = tree.sourcePointer;
    if (tree.isAttribute(node)) return this.locateAttribute(node);
    const key = tree.key(node);
    if (key < source || key >= source + this.length) return this.locateFixed(node);
    if (load<u8>(key - 1) == Ascii.OpenBrace) {
      this.form = Form.Block;
      this.from = tree.start(node);
      this.to = tree.end(node);
      return true;
    }
    const open = tagEnd(key + tree.keyLength(node), source + this.length);
    if (load<u8>(open - 2) == SLASH) {
      this.form = Form.Empty;
      this.from = <u32>(open - source);
      this.to = this.from;
      return true;
    }
    const close = contentEnd(open, source + this.length);
    this.form = Form.Content;
    if (close - open >= SECTION_BYTES + SECTION_END_BYTES && isSection(open) && sectionEnd(open) == close)
      this.form = Form.Section;
    this.from = <u32>(open - source);
    this.to = <u32>(close - source);
    return true;
  }

  /** A field of the header: its text and the blanks behind it. */
  private locateFixed(node: u32): bool {
    const tree = this.tree;
    if (tree.parent(node) == 0 || tree.kind(tree.parent(node)) != FieldKind.Object) return false;
    this.form = Form.Fixed;
    this.from = tree.start(node);
    this.to = tree.end(node);
    return true;
  }

  private locateAttribute(node: u32): bool {
    const tree = this.tree;
    const source = tree.sourcePointer;
    const owner = tree.parent(node);
    const name = tree.key(node) + 1;
    const length = tree.keyLength(node) - 1;
    const end = source + this.length;
    let at = tree.key(owner) + tree.keyLength(owner);
    while (at < end && load<u8>(at) != GREATER) {
      while (at < end && isSpace(load<u8>(at))) at++;
      const begin = at;
      while (at < end && !isSpace(load<u8>(at)) && load<u8>(at) != EQUALS && load<u8>(at) != GREATER) at++;
      const found = at - begin == length && memory.compare(begin, name, length) == 0;
      while (at < end && (isSpace(load<u8>(at)) || load<u8>(at) == EQUALS)) at++;
      const quote = load<u8>(at);
      if (quote != QUOTE && quote != APOSTROPHE) return false;
      const value = ++at;
      while (at < end && load<u8>(at) != quote) at++;
      if (found) {
        this.form = Form.Attribute;
        this.quote = quote;
        this.from = <u32>(value - source);
        this.to = <u32>(at - source);
        this.nameAt = <u32>(begin - source);
        return true;
      }
      at++;
    }
    return false;
  }

  /** Begin of the name of the attribute found last. */
  private nameAt: u32 = 0;

  /** The element with its tags, or the attribute with the white space before it. The root element stays. */
  locateWhole(node: u32): bool {
    const tree = this.tree;
    const source = tree.sourcePointer;
    if (tree.isAttribute(node)) {
      if (!this.locateAttribute(node)) return false;
      let from = this.nameAt;
      while (isSpace(load<u8>(source + from - 1))) from--;
      this.from = from;
      this.to++;
      return true;
    }
    if (tree.parent(node) <= 1) return false;
    const key = tree.key(node);
    if (key < source || key >= source + this.length || load<u8>(key - 1) == Ascii.OpenBrace) return false;
    let from = key - 1;
    while (load<u8>(from) != LESS) from--;
    let to: usize;
    if (tree.kind(node) == FieldKind.Object) to = source + tree.end(node);
    else {
      if (!this.locate(node)) return false;
      to = source + this.to;
      if (this.form != Form.Empty) {
        while (load<u8>(to) != GREATER) to++;
        to++;
      }
    }
    this.from = <u32>(from - source);
    this.to = <u32>(to - source);
    return true;
  }

  write(node: u32, text: usize, length: u32, out: Writer): bool {
    switch (this.form) {
      case Form.Fixed:
        return this.writeFixed(text, length, out);
      case Form.Block:
        for (let i: u32 = 0; i < length; i++)
          if (load<u8>(text + i) == CLOSING_BRACE || load<u8>(text + i) >= 127) return false;
        out.bytes(text, length);
        return true;
      case Form.Section:
        out.ascii('<![CDATA[');
        for (let i: u32 = 0; i < length; i++) {
          if (i >= 2 && load<u8>(text + i) == GREATER && load<u16>(text + i - 2) == 0x5d5d) out.ascii(']]><![CDATA[');
          out.byte(load<u8>(text + i));
        }
        out.ascii(']]>');
        return true;
      case Form.Empty:
        return length == 0;
    }
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(text + i);
      if (byte == LESS) out.ascii('&lt;');
      else if (byte == GREATER) out.ascii('&gt;');
      else if (byte == AMPERSAND) out.ascii('&amp;');
      else if (byte == Ascii.CarriageReturn) out.ascii('&#13;');
      else if (this.form != Form.Attribute) out.byte(byte);
      else if (byte == this.quote) out.ascii(byte == QUOTE ? '&quot;' : '&apos;');
      else if (byte == Ascii.Tab) out.ascii('&#9;');
      else if (byte == Ascii.LineFeed) out.ascii('&#10;');
      else out.byte(byte);
    }
    return true;
  }

  /** The width stays. */
  private writeFixed(text: usize, length: u32, out: Writer): bool {
    const width = this.to - this.from;
    if (length > width) return false;
    for (let i: u32 = 0; i < length; i++) if (load<u8>(text + i) >= 127) return false;
    out.bytes(text, length);
    for (let i = length; i < width; i++) out.byte(BLANK);
    return true;
  }

  writeHidden(node: u32, text: usize, length: u32, out: Writer): void {
    const width = this.form == Form.Fixed || this.form == Form.Block ? this.to - this.from : 1;
    if (this.form == Form.Empty) return;
    for (let i: u32 = 0; i < width; i++) out.byte(STAR);
  }

  writeNull(node: u32, out: Writer): bool {
    return this.form == Form.Fixed ? this.writeFixed(0, 0, out) : true;
  }

  private isElement(node: u32): bool {
    const tree = this.tree;
    const key = tree.key(node);
    const source = tree.sourcePointer;
    return (
      !tree.isAttribute(node) && key > source && key < source + this.length && load<u8>(key - 1) != Ascii.OpenBrace
    );
  }

  /** The start tag of an element. Before the first one stands no text of the document. */
  strayEnd(node: u32): u32 {
    if (this.cursor == 0 || !this.isElement(node)) return 0;
    let at = this.tree.key(node) - 1;
    while (load<u8>(at) != LESS) at--;
    return <u32>(at - this.tree.sourcePointer);
  }

  pass(node: u32): void {
    if (!this.isElement(node)) return;
    const tree = this.tree;
    const source = tree.sourcePointer;
    const end = source + this.length;
    if (this.cursor == 0 && tree.kind(node) == FieldKind.Object) this.outermostEnd = tree.end(node);
    let at = tagEnd(tree.key(node) + tree.keyLength(node), end);
    if (tree.kind(node) != FieldKind.Object && load<u8>(at - 2) != SLASH) at = tagEnd(contentEnd(at, end), end);
    this.cursor = max(this.cursor, <u32>(at - source));
  }

  get lastStrayEnd(): u32 {
    return this.outermostEnd;
  }

  passTo(offset: u32): void {
    this.cursor = max(this.cursor, offset);
  }

  nextStray(limit: u32): bool {
    const source = this.tree.sourcePointer;
    const end = source + limit;
    let at = source + this.cursor;
    while (at < end) {
      let close = contentEnd(at, end);
      this.cursor = <u32>(tagEnd(close, end) - source);
      while (at < close && isSpace(load<u8>(at))) at++;
      while (at < close && isSpace(load<u8>(close - 1))) close--;
      if (at < close) {
        this.from = <u32>(at - source);
        this.to = <u32>(close - source);
        this.form = Form.Content;
        return true;
      }
      at = source + this.cursor;
    }
    return false;
  }

  strayText(arena: Arena): usize {
    const from = this.tree.sourcePointer + this.from;
    const to = arena.allocate(this.to - this.from + 1);
    if (to != 0) this.strayLength = decodeContent(from, this.tree.sourcePointer + this.to, to);
    return to;
  }

  writeStray(text: usize, length: u32, out: Writer): void {
    this.form = Form.Content;
    this.write(0, text, length, out);
  }
}
