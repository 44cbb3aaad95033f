// Finds the values of a format in a message, and writes another text in their place.
import { Arena } from '../../memory/arena';
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

  /** Whether the texts of the format stand between quotes, or are words. */
  get quotes(): bool {
    return false;
  }

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

  /**
   * Writes the text in the place of the value found last. False: the format cannot hold it, and nothing was written.
   */
  abstract write(node: u32, text: usize, length: u32, out: Writer): bool;

  /** Writes the value found last with every character hidden, for texts that `write` does not take. */
  abstract writeHidden(node: u32, text: usize, length: u32, out: Writer): void;

  /** Writes no value where the format has a word or a form for it. False: it has none. */
  abstract writeNull(node: u32, out: Writer): bool;

  /** Offset up to which text beside the values may stand before the node: beside the elements of XML. 0: none may. */
  strayEnd(node: u32): u32 {
    return 0;
  }

  /** The same, behind the last node. */
  get lastStrayEnd(): u32 {
    return 0;
  }

  /** Passes the node's own markup, and its value if it is a scalar: what follows is beside it. */
  pass(node: u32): void {}

  /** Passes everything before the offset. */
  passTo(offset: u32): void {}

  /** Finds the next text beside the values, before the offset `limit`, in `from` and `to`. Ascending. */
  nextStray(limit: u32): bool {
    return false;
  }

  /** The text that `nextStray` found, `strayLength` bytes. 0: no memory. */
  strayText(arena: Arena): usize {
    return 0;
  }
  strayLength: u32 = 0;

  /** Writes another text in its place. */
  writeStray(text: usize, length: u32, out: Writer): void {}

  /** Completes the message in `out`: lengths and maps at its front. */
  finish(out: Writer): void {}
}

const NO_TREE: FieldTree = new FieldTree();
