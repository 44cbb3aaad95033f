// Hides what is found by content in a text.
import { Arena } from '../memory/arena';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { Scanner } from './detect/scanner';
import { MaskPlan, NO_PLAN } from './mask-plan';
import { Mask } from './method/mask';
import { MaskNotes } from './notes';

/** Looks through one text at a time, for the caller of one message. */
export class ContentMasker {
  /** The text with what was found hidden, after `find` answered true. */
  readonly value: Writer;
  /** Values hidden since `begin`. */
  count: u32 = 0;
  readonly scanner: Scanner = new Scanner();
  private plan: MaskPlan = NO_PLAN;
  private revealed: u64 = 0;
  private notes: MaskNotes | null = null;

  constructor(arena: Arena) {
    this.value = new Writer(arena);
  }

  /** Begins a message. `revealed`: what its caller sees, as bits. */
  begin(plan: MaskPlan, revealed: u64, notes: MaskNotes | null): void {
    this.plan = plan;
    this.revealed = revealed;
    this.notes = notes;
    this.count = 0;
  }

  /**
   * Looks for what is to be hidden in a text of the field `name` (0: of none). `label`: kind that the name says.
   * `whole`: only what is all of the text counts. False: nothing is.
   */
  find(text: usize, end: usize, name: Span, label: u32, whole: bool): bool {
    const plan = this.plan;
    const scanner = this.scanner;
    const value = this.value;
    scanner.by(plan.house, name.pointer, name.length);
    scanner.begin(text, end, plan.kinds, label);
    let from = text;
    let any = false;
    while (scanner.next()) {
      if (whole && (scanner.start != text || scanner.end != end)) return false;
      const mask = plan.maskOf(scanner.kind);
      if (mask != null && mask.observes) {
        const counter = mask.counter;
        if (counter != null) counter.add(1);
        continue;
      }
      if (mask == null || (this.revealed & mask.shownBy) != 0) continue;
      if (!any) value.begin(<usize>(end - text) * 2 + 64);
      any = true;
      value.bytes(from, <u32>(scanner.start - from));
      const before = value.length;
      mask.found(scanner.start, <u32>(scanner.end - scanner.start), value);
      from = scanner.end;
      this.count++;
      const counter = mask.counter;
      if (counter != null) counter.add(1);
      const notes = this.notes;
      if (notes != null) notes.found(mask, scanner.why, value.pointer + before, value.length - before);
    }
    if (any) value.bytes(from, <u32>(end - from));
    return any;
  }
}
