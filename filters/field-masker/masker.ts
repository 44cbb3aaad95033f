// The pure core: the index of a JSON message in, the message with its masked values out. One walk in document order;
// what is not masked is copied in as few pieces as possible.
import { Arena } from '../memory/arena';
import { Writer } from '../memory/writer';
import { MAX_FIELD_DEPTH } from '../limits';
import { FieldKind, FieldTree } from '../message/field-tree';
import { FieldMatches } from '../message/field-matches';
import { FieldSet } from '../message/field-set';
import { Detector, Found } from './detect';
import { Mask } from './mask';

const QUOTE: u8 = 34;
/** Digits of the shortest number that detection looks for; a shorter text holds none. */
const DETECT_MIN_LENGTH: u32 = 13;
const DETECT_MAX_DIGITS: u32 = 19;

/** What became of a message. */
export const enum Masked {
  /** Nothing was to be hidden; there is no output. */
  Unchanged = 0,
  Changed = 1,
  /** The arena is full; the output is not to be used. */
  OutOfMemory = 2,
}

/** What one direction of a route hides. Immutable. */
export class MaskPlan {
  /** `masks`: the way for each rule of `fields`. `idCard`, `bankCard`: null where not looked for by content. */
  constructor(
    readonly fields: FieldSet,
    readonly masks: StaticArray<Mask>,
    readonly idCard: Mask | null,
    readonly bankCard: Mask | null,
  ) {}

  /** Whether numbers are looked for by content. */
  get detects(): bool {
    return this.idCard != null || this.bankCard != null;
  }

  /** Whether there is anything to hide. */
  get acts(): bool {
    return this.masks.length != 0 || this.detects;
  }
}

/** Masks one message at a time. Reusable; what it makes lives in the arena. */
export class Masker {
  /** The masked message, after `Changed`. */
  readonly out: Writer;
  /** Values hidden in the last message because a field names them, and numbers hidden because of what they are. */
  fieldCount: u32 = 0;
  detectedCount: u32 = 0;
  private readonly detector: Detector = new Detector();
  private readonly matches: FieldMatches = new FieldMatches();
  // Containers that are being masked whole, innermost last: the way, and where the container ends.
  private readonly coverMasks: StaticArray<Mask | null> = new StaticArray<Mask | null>(<i32>MAX_FIELD_DEPTH + 1);
  private readonly coverEnds: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_FIELD_DEPTH + 1);
  private covers: i32 = 0;
  /** Offset in the message up to which it was copied or replaced. */
  private done: u32 = 0;
  private begun: bool = false;
  private starved: bool = false;
  private length: u32 = 0;

  constructor(private readonly arena: Arena) {
    this.out = new Writer(arena);
  }

  /** Masks the indexed message of `length` bytes. Linear in them. */
  run(document: FieldTree, length: u32, plan: MaskPlan): Masked {
    this.fieldCount = 0;
    this.detectedCount = 0;
    this.covers = 0;
    this.done = 0;
    this.begun = false;
    this.starved = false;
    this.length = length;
    if (!plan.fields.match(document, this.matches, this.arena)) return Masked.OutOfMemory;
    this.walk(document, plan);
    if (this.starved) return Masked.OutOfMemory;
    if (!this.begun) return Masked.Unchanged;
    this.out.bytes(document.sourcePointer + this.done, length - this.done);
    return this.out.overflowed ? Masked.OutOfMemory : Masked.Changed;
  }

  /** Visits every value if content is looked at or a container is being masked, else only those that a field names. */
  private walk(document: FieldTree, plan: MaskPlan): void {
    const detects = plan.detects;
    const matches = this.matches;
    let more = matches.next();
    let node = document.root;
    while (node <= document.size && !this.starved) {
      const start = document.start(node);
      while (this.covers > 0 && unchecked(this.coverEnds[this.covers - 1]) <= start) this.covers--;
      if (!detects && this.covers == 0) {
        if (!more) return;
        node = matches.node;
      }
      let first: u32 = u32.MAX_VALUE;
      for (; more && matches.node == node; more = matches.next()) first = min(first, matches.rule);
      if (first != u32.MAX_VALUE) this.visit(document, node, unchecked(plan.masks[first]));
      else if (this.covers > 0) this.visit(document, node, unchecked(this.coverMasks[this.covers - 1]));
      else this.detect(document, node, plan);
      node++;
    }
  }

  /** Masks a scalar; from a container on, what is in it. */
  private visit(document: FieldTree, node: u32, mask: Mask | null): void {
    const kind = document.kind(node);
    if (mask == null || kind == FieldKind.Null) return;
    if (kind == FieldKind.Object || kind == FieldKind.Array) {
      unchecked((this.coverMasks[this.covers] = mask));
      unchecked((this.coverEnds[this.covers] = document.end(node)));
      this.covers++;
      return;
    }
    const text = document.text(node, this.arena);
    if (text == 0) {
      this.starved = true;
      return;
    }
    const length = document.textLength;
    this.open(document, node);
    if (kind == FieldKind.True || kind == FieldKind.False) mask.boolean(this.out);
    else mask.text(text, length, this.out);
    this.close(document, node);
    this.fieldCount++;
  }

  /** Hides the numbers with check digit in a string, or a whole number that is one. */
  private detect(document: FieldTree, node: u32, plan: MaskPlan): void {
    const kind = document.kind(node);
    if (
      (kind != FieldKind.String && kind != FieldKind.Number) ||
      document.end(node) - document.start(node) < DETECT_MIN_LENGTH
    )
      return;
    const text = document.text(node, this.arena);
    if (text == 0) {
      this.starved = true;
      return;
    }
    const end = text + document.textLength;
    if (kind == FieldKind.Number && !isWhole(text, end)) return;
    const idCard = plan.idCard;
    const bankCard = plan.bankCard;
    const detector = this.detector;
    let from = text;
    while (true) {
      const found = detector.next(text, from, end, idCard != null, bankCard != null);
      const mask = found == Found.IdCard ? idCard : bankCard;
      if (found == Found.Nothing || mask == null) break;
      if (from == text) this.open(document, node);
      this.out.jsonText(from, <u32>(detector.pointer - from));
      mask.digits(detector.pointer, detector.length, detector.separator, this.out);
      from = detector.pointer + detector.length;
      this.detectedCount++;
    }
    if (from == text) return;
    this.out.jsonText(from, <u32>(end - from));
    this.close(document, node);
  }

  /** Copies what stands before the value, and opens the string that takes its place. */
  private open(document: FieldTree, node: u32): void {
    if (!this.begun) {
      this.begun = true;
      this.out.begin(<usize>this.length + (this.length >> 3) + 64);
    }
    const start = document.start(node);
    this.out.bytes(document.sourcePointer + this.done, start - this.done);
    this.out.byte(QUOTE);
  }

  private close(document: FieldTree, node: u32): void {
    this.out.byte(QUOTE);
    this.done = document.end(node);
  }
}

/** Whether a number is as many digits as a card or identity number, and nothing else. */
function isWhole(text: usize, end: usize): bool {
  if (end - text > DETECT_MAX_DIGITS) return false;
  for (; text < end; text++) if (<u32>load<u8>(text) - 48 >= 10) return false;
  return true;
}
