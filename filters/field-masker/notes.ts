// Notes that explain masking: each value that is hidden, by place, kind and rule. Never the value.
import { FieldTree } from '../message/field-tree';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { Mask } from './method/mask';

/** Receives what the masker does. */
export abstract class MaskNotes {
  /** A rule hid the value of a node. `becomes`: the `length` bytes of text that stand for it; 0: it was taken out. */
  abstract hidden(document: FieldTree, node: u32, mask: Mask, becomes: usize, length: u32): void;

  /** A rule hid the value of a header, parameter or cookie. `text`: what it becomes; null: it was taken out. */
  abstract outside(where: string, name: Span, mask: Mask, text: Writer | null): void;

  /** Findings from now on stand in the text of a node, of which the bytes from `from` to `to` tell. 0: of none. */
  abstract at(document: FieldTree, node: u32, from: u32, to: u32): void;

  /** Something was found in a text. `why`: bits of `Why`. */
  abstract found(mask: Mask, why: u32, becomes: usize, length: u32): void;

  /** The message inside the text of a node begins. */
  abstract enter(document: FieldTree, node: u32): void;

  /** It ended. */
  abstract leave(): void;
}
