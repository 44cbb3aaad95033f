// Pure core of masking: takes the tree of a message and writes the message with masked values. Walks once in document
// order, and copies the rest in as few pieces as possible.
import { Arena } from '../memory/arena';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { MAX_FIELD_DEPTH } from '../limits';
import { FieldKind, FieldTree } from '../message/field-tree';
import { NONE } from '../message/field-tables';
import { FieldMatches } from '../message/field-matches';
import { FieldSet } from '../message/field-set';
import { ContentMasker } from './content';
import { labelOf } from './detect/labels';
import { lastInside } from './document-order';
import { MaskPlan, NO_PLAN } from './mask-plan';
import { Action, Mask } from './method/mask';
import { InsideMasker } from './inside';
import { Masked, MessageMasker } from './message-masker';
import { MaskNotes } from './notes';
import { JsonSurface } from './surface/json';
import { Surface } from './surface/surface';

/** Most digits of a number that is looked at. */
const DETECT_MAX_DIGITS: u32 = 19;
/** Shortest text that can be a message with a field. */
const NESTED_MIN_LENGTH: u32 = 7;

/** Masks one message at a time. Reusable. Its output is in the arena. */
export class Masker extends MessageMasker {
  private readonly value: Writer;
  private readonly content: ContentMasker;
  private readonly name: Span = new Span();
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
  /** Messages inside strings, from the first configuration that asks for them. */
  private inside: InsideMasker | null = null;

  constructor(private readonly arena: Arena) {
    super(arena);
    this.value = new Writer(arena);
    this.content = new ContentMasker(arena);
  }

  /** Values of the last message hidden by what they look like. */
  get detectedCount(): u32 {
    return this.content.count;
  }

  /** Prepares for messages inside strings, `levels` deep. When a configuration is compiled. */
  nest(levels: i32): void {
    if (levels == 0) return;
    let inside = this.inside;
    if (inside == null) {
      inside = new InsideMasker(this.arena, new Masker(this.arena));
      this.inside = inside;
    }
    inside.inner.nest(levels - 1);
  }

  /** Masks the message of `length` bytes. `revealed`: kinds that stay, as bits. Linear in the length. */
  run(document: FieldTree, length: u32, plan: MaskPlan, surface: Surface, revealed: u64): Masked {
    this.bind(plan, revealed, plan.nested, this.notes);
    return this.pass(document, length, plan.fields, surface);
  }

  /**
   * Masks a text beside messages that has a name, as a line of an event has: by name, dictionary, or what is found in it.
   * What it becomes; null: it stays.
   */
  line(plan: MaskPlan, revealed: u64, name: Span, text: Span): Writer | null {
    this.bind(plan, revealed, 0, null);
    this.fieldCount = 0;
    this.content.begin(plan, revealed, null);
    const rule = plan.fields.ruleNamed(name.pointer, name.length);
    const mask = this.unlessRevealed(
      rule != NONE ? unchecked(plan.masks[rule]) : plan.maskNamed(name.pointer, name.length),
    );
    if (mask != null) {
      this.value.begin(<usize>text.length * 2 + 64);
      if (mask.action == Action.Replace) mask.text(text.pointer, text.length, this.value);
      this.count(mask);
      return this.value;
    }
    if (!plan.detects || text.length < plan.shortest) return null;
    const end = text.pointer + text.length;
    return this.content.find(text.pointer, end, name, 0, false) ? this.content.value : null;
  }

  bind(plan: MaskPlan, revealed: u64, levels: i32, notes: MaskNotes | null): void {
    this.plan = plan;
    this.revealed = revealed;
    this.levels = levels;
    this.notes = notes;
  }

  pass(document: FieldTree, length: u32, fields: FieldSet, surface: Surface): Masked {
    this.fieldCount = 0;
    this.content.begin(this.plan, this.revealed, this.notes);
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
      this.content.scanner.survey(plan.house, plan.kinds, document.sourcePointer, length, this.arena);
    // A name of the dictionary, a message inside a string and an explanation need every value.
    this.skips = isSurveyed && !plan.hasDictionary && this.levels == 0 && this.notes == null;
    this.walk(document);
    this.content.scanner.forget();
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
        node = this.content.scanner.map.next(document, node, more ? matches.node : document.size + 1, plan.seeks);
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
      let value = this.value;
      if (this.covers > 0) {
        const mask = unchecked(this.coverMasks[this.covers - 1])!;
        this.value.begin(<usize>length * 2 + 64);
        if (mask.action != Action.Null) mask.whole.hide(text, length, this.value);
        this.count(mask);
      } else {
        const notes = this.notes;
        if (notes != null) notes.at(document, 0, surface.from, surface.to);
        if (length < plan.shortest) continue;
        if (!this.content.find(text, text + length, this.name.set(0, 0), 0, false)) continue;
        value = this.content.value;
      }
      if (value.overflowed) return this.fail(Masked.OutOfMemory);
      this.copyTo(document, surface.from);
      surface.writeStray(value.pointer, value.length, this.out);
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
      this.put(node, this.value, text, length);
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

  /** Writes `value` in the place found last, or the text hidden if the format cannot hold it. */
  private put(node: u32, value: Writer, text: usize, length: u32): void {
    if (value.overflowed) return this.fail(Masked.OutOfMemory);
    const mark = this.out.length;
    if (this.surface.write(node, value.pointer, value.length, this.out)) return;
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

  /** Masks the fields of a message inside a string, or of messages amid its text. False: there is none. */
  private lookInside(document: FieldTree, node: u32): bool {
    const inside = this.inside;
    if (inside == null) return false;
    const text = document.text(node, this.arena);
    if (text == 0) {
      this.fail(Masked.OutOfMemory);
      return true;
    }
    const length = document.textLength;
    inside.begin(this.plan, this.revealed, this.levels, this.notes);
    if (!inside.look(document, node, text, text + length)) return false;
    this.fieldCount += inside.fieldCount;
    this.content.count += inside.detectedCount;
    if (inside.masked == Masked.Unchanged) return true;
    if (inside.masked != Masked.Changed) this.fail(inside.masked);
    else if (!this.surface.locate(node)) this.fail(Masked.Impossible);
    else {
      this.copyTo(document, this.surface.from);
      this.put(node, inside.out, text, length);
      this.done = this.surface.to;
    }
    return true;
  }

  private nameOf(document: FieldTree, node: u32): Span {
    const name = document.key(node);
    return this.name.set(name, name == 0 ? 0 : document.keyLength(node));
  }

  /** Hides what is found by content in a string, or a number that is it as a whole. */
  private detect(document: FieldTree, node: u32): void {
    const text = document.text(node, this.arena);
    if (text == 0) return this.fail(Masked.OutOfMemory);
    const end = text + document.textLength;
    const isNumber = document.kind(node) == FieldKind.Number;
    if (isNumber && !isWhole(text, end)) return;
    const name = this.nameOf(document, node);
    const notes = this.notes;
    if (notes != null) notes.at(document, node, document.start(node), document.end(node));
    const label = name.pointer == 0 ? 0 : labelOf(name.pointer, name.length);
    if (!this.content.find(text, end, name, label, isNumber)) return;
    if (!this.surface.locate(node)) return this.fail(Masked.Impossible);
    this.copyTo(document, this.surface.from);
    this.put(node, this.content.value, text, <u32>(end - text));
    this.done = this.surface.to;
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

/** Whether a number is exactly as many digits as a card or identity number. */
function isWhole(text: usize, end: usize): bool {
  if (end - text > DETECT_MAX_DIGITS) return false;
  for (; text < end; text++) if (<u32>load<u8>(text) - 48 >= 10) return false;
  return true;
}
