// Where the values of a format stand in a message, and how another text is written there.
import { FieldTree } from '../../message/field-tree';
import { Writer } from '../../memory/writer';

/**
 * Places of one message at a time. The masker asks for them in document order, copies what stands before each, and lets
 * the surface write in its stead.
 */
export abstract class Surface {
  /** Bytes of the value or the whole, after `locate` and `locateWhole`: offsets in the tree's source. */
  from: u32 = 0;
  to: u32 = 0;
  protected tree: FieldTree = NO_TREE;
  protected length: u32 = 0;

  /** Begins a message of `length` bytes. */
  begin(tree: FieldTree, length: u32): void {
    this.tree = tree;
    this.length = length;
  }

  /** Whether a node stands for something that is written in the message. */
  holds(node: u32): bool {
    return true;
  }

  /** Finds the value of a scalar. False: it cannot be replaced, and the message must be refused. */
  abstract locate(node: u32): bool;

  /** Finds what is taken out when a value is removed. False: it cannot be; the value is hidden whole instead. */
  abstract locateWhole(node: u32): bool;

  /** Writes the text in the place of the value found last. False: the format cannot hold it, and nothing was written. */
  abstract write(node: u32, text: usize, length: u32, out: Writer): bool;

  /** Writes the value found last with every character hidden, for texts that `write` does not take. */
  abstract writeHidden(node: u32, text: usize, length: u32, out: Writer): void;

  /** Writes no value where the format has a word or a form for it. False: it has none. */
  abstract writeNull(node: u32, out: Writer): bool;

  /** Completes the message in `out`: lengths and maps at its front. */
  finish(out: Writer): void {}
}

const NO_TREE: FieldTree = new FieldTree();
