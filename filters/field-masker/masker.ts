// Pure core of masking: takes the tree of a message and writes the message with masked values. Walks once in document
// order, and copies the rest in as few pieces as possible.
import { Arena } from '../memory/arena';
import { Writer } from '../memory/writer';
import { MAX_FIELD_DEPTH } from '../limits';
import { FieldKind, FieldTree } from '../message/field-tree';
import { FieldMatches } from '../message/field-matches';
import { FieldSet } from '../message/field-set';
import { JsonDocument } from '../message/json/document';
import { XmlDocument } from '../message/xml/document';
import { labelOf } from './detect/labels';
import { Scanner } from './detect/scanner';
import { MaskPlan, NO_PLAN } from './mask-plan';
import { Action, Mask } from './method/mask';
import { MaskNotes } from './notes';
import { JsonSurface } from './surface/json';
import { Surface } from './surface/surface';
import { XmlSurface } from './surface/xml';

/** Most digits of a number that is looked at. */
const DETECT_MAX_DIGITS: u32 = 19;
/** Shortest text that can be a message with a field. */
const NESTED_MIN_LENGTH: u32 = 7;
/** Mark that some put before a message, as a little-endian load reads it. */
const BYTE_ORDER_MARK: u32 = 0xbfbbef;

/** Result of masking. */
export const enum Masked {
  /** Nothing had to be hidden. There is no output. */
  Unchanged = 0,
  Changed = 1,
  /** The arena is full. The output must not be used. */
  OutOfMemory = 2,
  /** A value stands where nothing can be written. The output must not be used. */
  Impossible = 3,
}

/** Masks one message at a time. Reusable. Its output is in the arena. */
export class Masker {
  /** The masked message, after `Changed`. */
  readonly out: Writer;
  /** Values of the last message hidden by a field rule, and numbers hidden by detection. */
  fieldCount: u32 = 0;
  detectedCount: u32 = 0;
  /** Where masking is explained; null: nowhere. */
  notes: MaskNotes | null = null;
  private readonly value: Writer;
  private readonly scanner: Scanner = new Scanner();
  private readonly matches: FieldMatches = new FieldMatches();
  // Containers that are masked completely, innermost last: the mask, and the last node inside.
  private readonly coverMasks: StaticArray<Mask | null> = new StaticArray<Mask | null>(<i32>MAX_FIELD_DEPTH + 1);
  private readonly coverEnds: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_FIELD_DEPTH + 1);
  /** Offset behind the container, up to which text beside its values is hidden. */
  private readonly coverLimits: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_FIELD_DEPTH + 1);
  private covers: i32 = 0;
  /** Offset in the message up to which it has been copied or replaced. */
  private done: u32 = 0;
  /** Last node inside what was removed or replaced as a whole. */
  private gone: u32 = 0;
  private begun: bool = false;
  /** Whether values in which nothing can be found are passed over together. */
  private skips: bool = false;
  private failure: Masked = Masked.Unchanged;
  private length: u32 = 0;
  private surface: Surface = NO_SURFACE;
  private plan: MaskPlan = NO_PLAN;
  private revealed: u64 = 0;
  private levels: i32 = 0;
  /** An XML element whose attributes come first, its mask, and the last of them. 0: none. */
  private late: u32 = 0;
  private lateMask: Mask | null = null;
  private lateBehind: u32 = 0;
  // Of messages inside strings, from the first that occurs in a configuration.
  private inner: Masker | null = null;
  private json: JsonDocument | null = null;
  private xml: XmlDocument | null = null;
  private readonly jsonSurface: JsonSurface = new JsonSurface();
  private readonly xmlSurface: XmlSurface = new XmlSurface();

  constructor(private readonly arena: Arena) {
    this.out = new Writer(arena);
    this.value = new Writer(arena);
  }

  /** Prepares for messages inside strings, `levels` deep. When a configuration is compiled. */
  nest(levels: i32): void {
    if (levels == 0) return;
    let inner = this.inner;
    if (inner == null) {
      inner = new Masker(this.arena);
      this.inner = inner;
      this.json = new JsonDocument();
      this.xml = new XmlDocument();
    }
    inner.nest(levels - 1);
  }

  /** Masks the message of `length` bytes. `revealed`: kinds that stay, as bits. Linear in the length. */
  run(document: FieldTree, length: u32, plan: MaskPlan, surface: Surface, revealed: u64): Masked {
    this.plan = plan;
    this.levels = plan.nested;
    this.revealed = revealed;
    return this.pass(document, length, plan.fields, surface);
  }

  private pass(document: FieldTree, length: u32, fields: FieldSet, surface: Surface): Masked {
    this.fieldCount = 0;
    this.detectedCount = 0;
    this.covers = 0;
    this.done = 0;
    this.gone = 0;
    this.late = 0;
    this.begun = false;
    this.failure = Masked.Unchanged;
    this.length = length;
    this.surface = surface;
    surface.begin(document, length);
    if (!fields.match(document, this.matches, this.arena)) return Masked.OutOfMemory;
    const plan = this.plan;
    const isSurveyed =
      plan.detects &&
      surface.quotes &&
      this.scanner.survey(plan.house, plan.kinds, document.sourcePointer, length, this.arena);
    // A name of the dictionary, a message inside a string and an explanation need every value.
    this.skips = isSurveyed && !plan.hasDictionary && this.levels == 0 && this.notes == null;
    this.walk(document);
    this.scanner.forget();
    if (this.failure != Masked.Unchanged) return this.failure;
    if (!this.begun) return Masked.Unchanged;
    this.out.bytes(document.sourcePointer + this.done, length - this.done);
    surface.finish(this.out);
    return this.out.overflowed ? Masked.OutOfMemory : Masked.Changed;
  }

  /** Visits every value if all must be looked at or a container is being masked, else only those that rules name. */
  private walk(document: FieldTree): void {
    const plan = this.plan;
    const everything = plan.detects || plan.hasDictionary || this.levels != 0;
    const matches = this.matches;
    let more = matches.next();
    let node = document.root;
    while (node <= document.size && this.failure == Masked.Unchanged) {
      if (this.skips && this.covers == 0) {
        node = this.scanner.map.next(document, node, more ? matches.node : document.size + 1, plan.seeks);
        if (node > document.size) break;
      }
      this.uncover(document, node);
      if (!everything && this.covers == 0) {
        if (!more) return;
        node = matches.node;
      }
      let first: u32 = u32.MAX_VALUE;
      for (; more && matches.node == node; more = matches.next()) {
        // A second element of a name is masked like the first: its path names it, too.
        if (!matches.missing && !matches.repeated) first = min(first, matches.rule);
      }
      if (node > this.gone && this.surface.holds(node)) {
        if (this.covers > 0 || plan.detects) this.strays(document, this.surface.strayEnd(node));
        this.surface.pass(node);
        this.take(document, node, this.maskOf(document, node, first));
      }
      if (this.late != 0 && node == this.lateBehind) this.takeLate(document);
      node++;
    }
    this.uncover(document, u32.MAX_VALUE);
    if (plan.detects) this.strays(document, this.surface.lastStrayEnd);
  }

  /** Handles a value. That of an XML element with attributes stands behind them, and waits. */
  private take(document: FieldTree, node: u32, mask: Mask | null): void {
    if (mask != null && mask.action == Action.Remove && this.surface.locateWhole(node))
      return this.remove(document, node, mask);
    const kind = document.kind(node);
    if (mask != null && (kind == FieldKind.Object || kind == FieldKind.Array)) return this.cover(document, node, mask);
    if (document.firstChild(node) != 0 && kind == FieldKind.String) {
      this.late = node;
      this.lateMask = mask;
      this.lateBehind = lastInside(document, node);
      if (mask != null) this.cover(document, node, mask);
    } else if (mask != null) this.replace(document, node, mask);
    else this.look(document, node);
  }

  private takeLate(document: FieldTree): void {
    const node = this.late;
    const mask = this.lateMask;
    this.late = 0;
    if (mask != null) this.replace(document, node, mask);
    else this.look(document, node);
  }

  private cover(document: FieldTree, node: u32, mask: Mask): void {
    unchecked((this.coverMasks[this.covers] = mask));
    unchecked((this.coverLimits[this.covers] = document.kind(node) == FieldKind.Object ? document.end(node) : 0));
    unchecked((this.coverEnds[this.covers] = lastInside(document, node)));
    this.covers++;
  }

  /** Leaves the containers that end before the node. */
  private uncover(document: FieldTree, node: u32): void {
    while (this.covers > 0 && unchecked(this.coverEnds[this.covers - 1]) < node) {
      this.strays(document, unchecked(this.coverLimits[this.covers - 1]));
      this.covers--;
    }
  }

  /** Hides texts beside the values up to an offset: whole in a container that is masked, else what is found in them. */
  private strays(document: FieldTree, limit: u32): void {
    const surface = this.surface;
    const plan = this.plan;
    while (this.failure == Masked.Unchanged && surface.nextStray(limit)) {
      const text = surface.strayText(this.arena);
      if (text == 0) return this.fail(Masked.OutOfMemory);
      const length = surface.strayLength;
      if (this.covers > 0) {
        const mask = unchecked(this.coverMasks[this.covers - 1])!;
        this.value.begin(<usize>length * 2 + 64);
        if (mask.action != Action.Null) mask.whole.hide(text, length, this.value);
        this.count(mask);
      } else {
        this.scanner.by(plan.house, 0, 0);
        const notes = this.notes;
        if (notes != null) notes.at(document, 0, surface.from, surface.to);
        if (length < plan.shortest || !this.find(text, text + length, 0, false)) continue;
      }
      if (this.value.overflowed) return this.fail(Masked.OutOfMemory);
      this.copyTo(document, surface.from);
      surface.writeStray(this.value.pointer, this.value.length, this.out);
      this.done = surface.to;
    }
  }

  /** Takes a value out, with what is inside. */
  private remove(document: FieldTree, node: u32, mask: Mask): void {
    this.copyTo(document, this.surface.from);
    this.done = this.surface.to;
    this.gone = lastInside(document, node);
    const notes = this.notes;
    if (notes != null) notes.hidden(document, node, mask, 0, 0);
    this.surface.passTo(this.done);
    this.count(mask);
  }

  /** Mask of a value: by the first rule that names it, by what it stands in, by the dictionary. */
  private maskOf(document: FieldTree, node: u32, rule: u32): Mask | null {
    const plan = this.plan;
    if (rule != u32.MAX_VALUE) return this.unlessRevealed(unchecked(plan.masks[rule]));
    if (this.covers > 0) return unchecked(this.coverMasks[this.covers - 1]);
    if (!plan.hasDictionary) return null;
    const name = document.key(node);
    return name == 0 ? null : this.unlessRevealed(plan.maskNamed(name, document.keyLength(node)));
  }

  private unlessRevealed(mask: Mask | null): Mask | null {
    return mask == null || (this.revealed & mask.shownBy) != 0 ? null : mask;
  }

  /** Writes what stands for a scalar. */
  private replace(document: FieldTree, node: u32, mask: Mask): void {
    const kind = document.kind(node);
    if (kind == FieldKind.Null) return;
    const text = document.text(node, this.arena);
    if (text == 0) return this.fail(Masked.OutOfMemory);
    const length = document.textLength;
    if (length == 0 && mask.action != Action.Null) return;
    if (!this.surface.locate(node)) return this.fail(Masked.Impossible);
    this.copyTo(document, this.surface.from);
    if (mask.action != Action.Null || !this.surface.writeNull(node, this.out)) {
      this.value.begin(<usize>length * 2 + 64);
      if (kind == FieldKind.True || kind == FieldKind.False) mask.boolean(this.value);
      else mask.text(text, length, this.value);
      this.put(node, text, length);
      const notes = this.notes;
      if (notes != null) notes.hidden(document, node, mask, this.value.pointer, this.value.length);
    } else if (this.notes != null) this.notes!.hidden(document, node, mask, 0, 0);
    this.done = this.surface.to;
    this.count(mask);
  }

  private count(mask: Mask): void {
    this.fieldCount++;
    const counter = mask.counter;
    if (counter != null) counter.add(1);
  }

  /** Writes what is in `value` in the place found last, or the text hidden if the format cannot hold it. */
  private put(node: u32, text: usize, length: u32): void {
    if (this.value.overflowed) return this.fail(Masked.OutOfMemory);
    const mark = this.out.length;
    if (this.surface.write(node, this.value.pointer, this.value.length, this.out)) return;
    this.out.rewind(mark);
    this.surface.writeHidden(node, text, length, this.out);
  }

  /** Looks into a value that no rule masks: a message inside a string, or numbers amid text. */
  private look(document: FieldTree, node: u32): void {
    const kind = document.kind(node);
    if (kind != FieldKind.String && kind != FieldKind.Number) return;
    const length = document.end(node) - document.start(node);
    const mayNest = this.levels != 0 && length >= NESTED_MIN_LENGTH;
    if (mayNest && kind == FieldKind.String && this.lookInside(document, node)) return;
    if (this.plan.detects && length >= this.plan.shortest) this.detect(document, node);
  }

  /** Masks the fields of a message inside a string. False: there is none. */
  private lookInside(document: FieldTree, node: u32): bool {
    const inner = this.inner;
    const json = this.json;
    const xml = this.xml;
    if (inner == null || json == null || xml == null) return false;
    const text = document.text(node, this.arena);
    if (text == 0) {
      this.fail(Masked.OutOfMemory);
      return true;
    }
    const whole = document.textLength;
    const lead: u32 = whole > 3 && (load<u32>(text) & 0xffffff) == BYTE_ORDER_MARK ? 3 : 0;
    const from = text + lead;
    const length = whole - lead;
    let at: u32 = 0;
    while (at < length && load<u8>(from + at) <= 32) at++;
    const first = at < length ? load<u8>(from + at) : 0;
    let masked = Masked.Unchanged;
    inner.plan = this.plan;
    inner.revealed = this.revealed;
    inner.levels = this.levels - 1;
    inner.notes = this.notes;
    const notes = this.notes;
    if (notes != null) notes.enter(document, node);
    const names = this.plan.names;
    if (first == 123 || first == 91) {
      if (json.parse(from, length, this.arena) != 0) return this.leave(false);
      masked = inner.pass(json, length, names, this.jsonSurface);
    } else if (first == 60) {
      if (xml.parse(from, length, this.arena) != 0) return this.leave(false);
      masked = inner.pass(xml, length, names, this.xmlSurface);
    } else return this.leave(false);
    this.leave(true);
    if (masked == Masked.Changed) this.replaceInside(document, node, text, whole, lead);
    else if (masked != Masked.Unchanged) this.fail(masked);
    return true;
  }

  /** Notes the end of a message inside a text. Returns `result`. */
  private leave(result: bool): bool {
    const notes = this.notes;
    if (notes != null) notes.leave();
    return result;
  }

  private replaceInside(document: FieldTree, node: u32, text: usize, length: u32, lead: u32): void {
    const inner = this.inner!;
    if (!this.surface.locate(node)) return this.fail(Masked.Impossible);
    this.copyTo(document, this.surface.from);
    this.value.begin(inner.out.length + 16);
    this.value.bytes(text, lead);
    this.value.bytes(inner.out.pointer, inner.out.length);
    this.put(node, text, length);
    this.done = this.surface.to;
    this.fieldCount += inner.fieldCount;
    this.detectedCount += inner.detectedCount;
  }

  /** Hides what is found by content in a string, or a number that is it as a whole. */
  private detect(document: FieldTree, node: u32): void {
    const text = document.text(node, this.arena);
    if (text == 0) return this.fail(Masked.OutOfMemory);
    const end = text + document.textLength;
    const isNumber = document.kind(node) == FieldKind.Number;
    if (isNumber && !isWhole(text, end)) return;
    const name = document.key(node);
    const notes = this.notes;
    if (notes != null) notes.at(document, node, document.start(node), document.end(node));
    const nameLength = name == 0 ? 0 : document.keyLength(node);
    this.scanner.by(this.plan.house, name, nameLength);
    if (!this.find(text, end, name == 0 ? 0 : labelOf(name, nameLength), isNumber)) return;
    if (!this.surface.locate(node)) return this.fail(Masked.Impossible);
    this.copyTo(document, this.surface.from);
    this.put(node, text, <u32>(end - text));
    this.done = this.surface.to;
  }

  /** Writes a text with what is found hidden into `value`. `whole`: only what is all of it counts. False: nothing is. */
  private find(text: usize, end: usize, label: u32, whole: bool): bool {
    const plan = this.plan;
    const scanner = this.scanner;
    scanner.begin(text, end, plan.kinds, label);
    let from = text;
    let any = false;
    while (scanner.next()) {
      if (whole && (scanner.start != text || scanner.end != end)) return false;
      const mask = this.unlessRevealed(plan.maskOf(scanner.kind));
      if (mask == null) continue;
      if (!any) this.value.begin(<usize>(end - text) * 2 + 64);
      any = true;
      this.value.bytes(from, <u32>(scanner.start - from));
      const before = this.value.length;
      mask.found(scanner.start, <u32>(scanner.end - scanner.start), this.value);
      from = scanner.end;
      this.detectedCount++;
      const counter = mask.counter;
      if (counter != null) counter.add(1);
      const notes = this.notes;
      if (notes != null) notes.found(mask, scanner.why, this.value.pointer + before, this.value.length - before);
    }
    if (any) this.value.bytes(from, <u32>(end - from));
    return any;
  }

  /** Copies everything before a place. */
  private copyTo(document: FieldTree, from: u32): void {
    if (!this.begun) {
      this.begun = true;
      this.out.begin(<usize>this.length + (this.length >> 3) + 64);
    }
    this.out.bytes(document.sourcePointer + this.done, from - this.done);
  }

  private fail(why: Masked): void {
    this.failure = why;
  }
}

const NO_SURFACE: Surface = new JsonSurface();

/** Last node inside a container, or the value itself. */
function lastInside(document: FieldTree, node: u32): u32 {
  let outer = node;
  while (outer != 0) {
    const next = document.nextSibling(outer);
    if (next != 0) return next - 1;
    outer = document.parent(outer);
  }
  return document.size;
}

/** Whether a number is exactly as many digits as a card or identity number. */
function isWhole(text: usize, end: usize): bool {
  if (end - text > DETECT_MAX_DIGITS) return false;
  for (; text < end; text++) if (<u32>load<u8>(text) - 48 >= 10) return false;
  return true;
}
