// Masks messages that stand in a text of another one: as all of it, or amid other text.
import { Ascii } from '../memory/ascii';
import { ErrorId } from '../errors.gen';
import { Arena } from '../memory/arena';
import { Bytes } from '../memory/bytes';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { FieldTree } from '../message/field-tree';
import { JsonDocument } from '../message/json/document';
import { XmlDocument } from '../message/xml/document';
import { ContentMasker } from './content';
import { Closers, Embedded, EmbeddedFinder } from './embedded';
import { MaskPlan, NO_PLAN } from './mask-plan';
import { Masked, MessageMasker } from './message-masker';
import { KeepEnds } from './method/keep';
import { MaskNotes } from './notes';
import { JsonSurface } from './surface/json';
import { XmlSurface } from './surface/xml';

/** Mark that some put before a message, as a little-endian load reads it. */
const BYTE_ORDER_MARK: u32 = 0xbfbbef;
/** Hides what cannot be read as what it is. */
const UNKNOWN: KeepEnds = new KeepEnds(0, 0, Bytes.from('*'));

/** Masks one text at a time. */
export class InsideMasker {
  /** The text with what had to be hidden, after `Changed`. */
  readonly out: Writer;
  masked: Masked = Masked.Unchanged;
  /** Values of the last text hidden by names, and by what they look like. */
  fieldCount: u32 = 0;
  detectedCount: u32 = 0;
  private readonly json: JsonDocument = new JsonDocument();
  private readonly xml: XmlDocument = new XmlDocument();
  private readonly jsonSurface: JsonSurface = new JsonSurface();
  private readonly xmlSurface: XmlSurface = new XmlSurface();
  private readonly finder: EmbeddedFinder = new EmbeddedFinder();
  private readonly content: ContentMasker;
  private readonly name: Span = new Span();
  private readonly whole: Writer;
  private plan: MaskPlan = NO_PLAN;
  private notes: MaskNotes | null = null;
  private levels: i32 = 0;
  private innerMasked: Masked = Masked.Unchanged;
  /** Whether the message read last is hidden whole, and where it stands. */
  private unreadable: bool = false;
  private readonly read: Span = new Span();
  private brokenAt: usize = 0;
  private closing: Closers = new Closers();

  /** `inner`: masks the messages. */
  constructor(
    private readonly arena: Arena,
    readonly inner: MessageMasker,
  ) {
    this.out = new Writer(arena);
    this.whole = new Writer(arena);
    this.content = new ContentMasker(arena);
  }

  /** Begins a text. `levels`: of messages inside strings, with those of this text. */
  begin(plan: MaskPlan, revealed: u64, levels: i32, notes: MaskNotes | null): void {
    this.plan = plan;
    this.notes = notes;
    this.levels = levels;
    this.masked = Masked.Unchanged;
    this.fieldCount = 0;
    this.detectedCount = 0;
    this.content.begin(plan, revealed, notes);
    this.inner.bind(plan, revealed, levels - 1, notes);
  }

  /** Masks the messages in the text of a node; the result is `masked`. False: there is none. */
  look(document: FieldTree, node: u32, text: usize, end: usize): bool {
    let at = text;
    if (end - text > 3 && (load<u32>(text) & 0xffffff) == BYTE_ORDER_MARK) at += 3;
    while (at < end && load<u8>(at) <= 32) at++;
    const first = at < end ? load<u8>(at) : 0;
    const notes = this.notes;
    if (notes != null) notes.enter(document, node);
    // Text that only begins like XML is none: whether it ends so, is looked at amid it.
    const known =
      first == Ascii.Less ? this.passXml(at, end) && !this.unreadable : isJson(first) && this.passJson(at, end);
    if (notes != null) notes.leave();
    if (!known) return this.lookAmid(document, node, text, end);
    if (this.innerMasked == Masked.Unchanged) return true;
    this.out.begin(this.inner.out.length + 16);
    this.out.bytes(text, <u32>(at - text));
    this.takeInner(0, 0);
    return true;
  }

  /** Masks what the inner masker reads as JSON. False: it is none. */
  private passJson(from: usize, end: usize): bool {
    const json = this.json;
    const inner = this.inner;
    const error = <ErrorId>json.parse(from, <u32>(end - from), this.arena);
    if (error != ErrorId.None) return this.cannotRead(error, from, end);
    this.unreadable = false;
    this.innerMasked = inner.pass(json, <u32>(end - from), this.plan.names, this.jsonSurface);
    return true;
  }

  /** The same of XML. */
  private passXml(from: usize, end: usize): bool {
    const xml = this.xml;
    const inner = this.inner;
    const error = <ErrorId>xml.parse(from, <u32>(end - from), this.arena);
    if (error != ErrorId.None) return this.cannotRead(error, from, end);
    this.unreadable = false;
    this.innerMasked = inner.pass(xml, <u32>(end - from), this.plan.names, this.xmlSurface);
    return true;
  }

  /** Whether a message with an error is one all the same, which readers could take in different ways: it is hidden whole. */
  private cannotRead(error: ErrorId, from: usize, end: usize): bool {
    this.unreadable =
      error == ErrorId.FIM_JSON_0006 ||
      error == ErrorId.FIM_JSON_0007 ||
      error == ErrorId.FIM_JSON_0008 ||
      error == ErrorId.FIM_XML_0008 ||
      error == ErrorId.FIM_XML_0009 ||
      error == ErrorId.FIM_XML_0010;
    this.read.set(from, <u32>(end - from));
    if (error == ErrorId.FIM_RT_0006) this.masked = Masked.OutOfMemory;
    else this.innerMasked = Masked.Changed;
    return this.unreadable || error == ErrorId.FIM_RT_0006;
  }

  /** Appends the output of the inner masker, but its first and last bytes, and counts what it hid. */
  private takeInner(first: u32, last: u32): void {
    const inner = this.inner;
    if (this.innerMasked != Masked.Changed) {
      this.masked = this.innerMasked;
      return;
    }
    if (this.unreadable) {
      UNKNOWN.hide(this.read.pointer + first, this.read.length - first - last, this.out);
      this.fieldCount++;
      return this.change();
    }
    this.out.bytes(inner.out.pointer + first, inner.out.length - first - last);
    this.fieldCount += inner.fieldCount;
    this.detectedCount += inner.detectedCount;
    this.change();
  }

  /** Something was hidden. */
  private change(): void {
    if (this.masked == Masked.Unchanged) this.masked = Masked.Changed;
  }

  /** Masks messages amid a text, and what is found between them. False: there is none. */
  private lookAmid(document: FieldTree, node: u32, text: usize, end: usize): bool {
    const finder = this.finder;
    const notes = this.notes;
    let from = text;
    let known = false;
    finder.begin(text, end);
    while (this.masked <= Masked.Changed && finder.next()) {
      if (notes != null) notes.enter(document, node);
      const is = this.passEmbedded(finder);
      if (notes != null) notes.leave();
      if (!is) continue;
      if (!known) this.out.begin(<usize>(end - text) * 2 + 64);
      known = true;
      this.lookBetween(document, node, from, finder.from);
      this.writeEmbedded(finder);
      from = finder.to;
      finder.pass();
    }
    if (finder.exhausted) {
      if (!known) this.out.begin(<usize>(end - text) * 2 + 64);
      this.out.bytes(from, <u32>(finder.from - from));
      // What was not looked at cannot be masked as asked.
      UNKNOWN.hide(finder.from, <u32>(end - finder.from), this.out);
      this.change();
      this.fieldCount++;
    } else if (!known) return false;
    else this.lookBetween(document, node, from, end);
    return true;
  }

  /** Masks a message that may stand amid a text. False: it is none. */
  private passEmbedded(finder: EmbeddedFinder): bool {
    const from = finder.from;
    const length = <u32>(finder.to - from);
    const whole = this.whole;
    switch (finder.kind) {
      case Embedded.Json:
        return this.passJson(from, finder.to);
      case Embedded.Xml:
        return this.passXml(from, finder.to);
      case Embedded.EscapedJson:
        if (this.levels < 2) return false;
        whole.begin(length + 2);
        whole.byte(34);
        whole.bytes(from, length);
        whole.byte(34);
        return !whole.overflowed && this.passJson(whole.pointer, whole.pointer + whole.length);
    }
    return this.passBroken(from, finder.to, finder.atEnd) || this.passBroken(from, finder.cut, finder.atCut);
  }

  /** Masks an object that the text breaks off, completed. */
  private passBroken(from: usize, end: usize, closers: Closers): bool {
    const whole = this.whole;
    whole.begin(<usize>(end - from) + closers.length);
    whole.bytes(from, <u32>(end - from));
    closers.write(whole);
    this.brokenAt = end;
    this.closing = closers;
    return !whole.overflowed && this.passJson(whole.pointer, whole.pointer + whole.length);
  }

  /** Appends what becomes of a message amid a text. */
  private writeEmbedded(finder: EmbeddedFinder): void {
    const from = finder.from;
    const broken = finder.kind == Embedded.BrokenJson;
    const to = broken ? this.brokenAt : finder.to;
    if (this.innerMasked == Masked.Unchanged) this.out.bytes(from, <u32>(to - from));
    else {
      if (finder.kind == Embedded.EscapedJson) this.takeInner(1, 1);
      else this.takeInner(0, broken ? this.closing.length : 0);
    }
    if (!broken || to == finder.to) return;
    // A member without its end: nobody knows what it would be.
    let value = to;
    while (value < finder.to && load<u8>(value) != Ascii.Colon) value++;
    this.out.bytes(to, <u32>(min(value + 1, finder.to) - to));
    if (value + 1 >= finder.to) return;
    UNKNOWN.hide(value + 1, <u32>(finder.to - value - 1), this.out);
    this.change();
    this.fieldCount++;
  }

  /** Appends a text between messages, with what is found in it hidden. */
  private lookBetween(document: FieldTree, node: u32, from: usize, end: usize): void {
    const length = <u32>(end - from);
    const notes = this.notes;
    if (notes != null) notes.at(document, node, document.start(node), document.end(node));
    const name = document.key(node);
    this.name.set(name, name == 0 ? 0 : document.keyLength(node));
    const before = this.content.count;
    const detects = this.plan.detects && length >= this.plan.shortest;
    if (detects && this.content.find(from, end, this.name, 0, false)) {
      this.detectedCount += this.content.count - before;
      this.out.bytes(this.content.value.pointer, this.content.value.length);
      this.change();
    } else this.out.bytes(from, length);
  }
}

/** Whether JSON may begin with the byte: an object, a list, or a text that holds one. */
function isJson(first: u8): bool {
  return first == Ascii.OpenBrace || first == Ascii.OpenBracket || first == Ascii.Quote;
}
