import { MAX_EXTRACTS } from '../limits';
import { Arena } from '../memory/arena';
import { Bytes } from '../memory/bytes';
import { FieldKind, FieldTree } from '../message/field-tree';
import { Exchange } from '../runtime/exchange';

/** Marks a value that occurs more than once. */
const MANY: u32 = u32.MAX_VALUE;
/** Node of each value in the current message. 0: absent. One VM judges one message at a time. */
const NODES: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_EXTRACTS);

/** Values of a request that its route extracts. */
export class Extracts {
  /** `keys`: filter state key of each value (`extractionKey`). */
  constructor(private readonly keys: StaticArray<Bytes>) {}

  get count(): i32 {
    return this.keys.length;
  }

  /** Resets before a message. */
  begin(): void {
    for (let i = 0; i < this.keys.length; i++) unchecked((NODES[i] = 0));
  }

  /** Records a value that was found. */
  note(index: i32, node: u32): void {
    unchecked((NODES[index] = unchecked(NODES[index]) == 0 ? node : MANY));
  }

  /** Sets the filter state for values that are texts or numbers. */
  handOn(tree: FieldTree, exchange: Exchange, arena: Arena): void {
    for (let i = 0; i < this.keys.length; i++) {
      const node = unchecked(NODES[i]);
      if (node == 0 || node == MANY) continue;
      const kind = tree.kind(node);
      if (kind != FieldKind.String && kind != FieldKind.Number) continue;
      const text = tree.text(node, arena);
      if (text != 0) exchange.extract(unchecked(this.keys[i]), text, tree.textLength);
    }
  }
}
