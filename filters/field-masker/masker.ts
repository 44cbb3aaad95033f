// Pure core of masking: takes the index of a JSON message and writes the message with masked values. Walks once in
// document order, and copies the rest in as few pieces as possible.
import { Arena } from '../memory/arena';
import { Writer } from '../memory/writer';
import { MAX_FIELD_DEPTH } from '../limits';
import { FieldKind, FieldTree } from '../message/field-tree';
import { FieldMatches } from '../message/field-matches';
import { FieldSet } from '../message/field-set';
import { Detector, Found, Kinds } from './detect';
import { Mask } from './mask';

const QUOTE: u8 = 34;
/** Shortest number that detection looks for, digits. A shorter text contains none. */
const DETECT_MIN_LENGTH: u32 = 13;
const DETECT_MAX_DIGITS: u32 = 19;

/** Result of masking. */
export const enum Masked {
  /** Nothing had to be hidden. There is no output. */
  Unchanged = 0,
  Changed = 1,
  /** The arena is full. The output must not be used. */
  OutOfMemory = 2,
}

/** Masking of one direction of a route. Immutable. */
export class MaskPlan {
  /** `masks`: mask of each rule of `fields`. `idCard`, `bankCard`, `unionPay`: null if not detected by content. */
  constructor(
    readonly fields: FieldSet,
    readonly masks: StaticArray<Mask>,
    readonly idCard: Mask | null,
    readonly bankCard: Mask | null,
    readonly unionPay: Mask | null = null,
  ) {}

  /** Whether numbers are detected by content. */
  get detects(): bool {
    return this.kinds != Kinds.None;
  }

  /** What is detected by content. */
  get kinds(): u32 {
    return (
      (this.idCard == null ? Kinds.None : Kinds.IdCard) |
      (this.bankCard == null ? Kinds.None : Kinds.BankCard) |
      (this.unionPay == null ? Kinds.None : Kinds.UnionPay)
    );
  }

  /** Mask of a kind that was found. */
  maskOf(found: Found): Mask | null {
    if (found == Found.IdCard) return this.idCard;
    return found == Found.BankCard ? this.bankCard : this.unionPay;
  }

  /** Whether anything may be hidden. */
  get acts(): bool {
    return this.masks.length != 0 || this.detects;
  }
}

/** Masks one message at a time. Reusable. Its output is in the arena. */
export class Masker {
  /** The masked message, after `Changed`. */
  readonly out: Writer;
  /** Values of the last message hidden by a field rule, and numbers hidden by detection. */
  fieldCount: u32 = 0;
  detectedCount: u32 = 0;
  private readonly detector: Detector = new Detector();
  private readonly matches: FieldMatches = new FieldMatches();
  // Containers that are masked completely, innermost last: the mask, and the end of the container.
  private readonly coverMasks: StaticArray<Mask | null> = new StaticArray<Mask | null>(<i32>MAX_FIELD_DEPTH + 1);
  private readonly coverEnds: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_FIELD_DEPTH + 1);
  private covers: i32 = 0;
  /** Offset in the message up to which it has been copied or replaced. */
  private done: u32 = 0;
  private begun: bool = false;
  private starved: bool = false;
  private length: u32 = 0;

  constructor(private readonly arena: Arena) {
    this.out = new Writer(arena);
  }

  /** Masks the indexed message of `length` bytes. Linear in the length. */
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

  /** Visits every value if detection is on or a container is being masked, else only the values that rules name. */
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

  /** Masks a scalar, or begins masking the content of a container. */
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

  /** Hides detected numbers in a string, or a number value that is one. */
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
    const kinds = plan.kinds;
    const detector = this.detector;
    let from = text;
    while (true) {
      const found = detector.next(text, from, end, kinds);
      const mask = plan.maskOf(found);
      if (found == Found.Nothing || mask == null) break;
      if (from == text) this.open(document, node);
      this.out.jsonText(from, <u32>(detector.pointer - from));
      mask.digits(detector.pointer, detector.length, this.out);
      from = detector.pointer + detector.length;
      this.detectedCount++;
    }
    if (from == text) return;
    this.out.jsonText(from, <u32>(end - from));
    this.close(document, node);
  }

  /** Copies everything before the value, and opens the string that replaces it. */
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

/** Whether a number is exactly as many digits as a card or identity number. */
function isWhole(text: usize, end: usize): bool {
  if (end - text > DETECT_MAX_DIGITS) return false;
  for (; text < end; text++) if (<u32>load<u8>(text) - 48 >= 10) return false;
  return true;
}
