// Masks a message of some format, whether it came from the proxy or stands in a text of another.
import { Arena } from '../memory/arena';
import { Writer } from '../memory/writer';
import { FieldSet } from '../message/field-set';
import { FieldTree } from '../message/field-tree';
import { MaskPlan } from './mask-plan';
import { MaskNotes } from './notes';
import { Surface } from './surface/surface';

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

export abstract class MessageMasker {
  /** The masked message, after `Changed`. */
  readonly out: Writer;
  /** Values of the last message hidden by a field rule. */
  fieldCount: u32 = 0;
  /** Where masking is explained; null: nowhere. */
  notes: MaskNotes | null = null;

  constructor(arena: Arena) {
    this.out = new Writer(arena);
  }

  /** Values of the last message hidden by what they look like. */
  abstract get detectedCount(): u32;

  /** Prepares for messages inside strings, `levels` deep. When a configuration is compiled. */
  abstract nest(levels: i32): void;

  /** Sets what rules the next messages. `revealed`: kinds that stay, as bits. `levels`: of messages inside strings. */
  abstract bind(plan: MaskPlan, revealed: u64, levels: i32, notes: MaskNotes | null): void;

  /** Masks the message of `length` bytes; `fields`: the rules that name values in it. Linear in the length. */
  abstract pass(document: FieldTree, length: u32, fields: FieldSet, surface: Surface): Masked;
}
