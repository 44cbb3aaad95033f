import { MAX_EXTRACTS } from '../limits';
import { Arena } from '../memory/arena';
import { Bytes } from '../memory/bytes';
import { FieldKind, FieldTree } from '../message/field-tree';
import { Exchange } from '../runtime/exchange';

/** Of a value that does not come once. */
const MANY: u32 = u32.MAX_VALUE;
/** Where each value of the message at hand stands; 0: nowhere. One VM judges one message at a time. */
const NODES: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_EXTRACTS);

/** The values of a request that its route hands on. */
export class Extracts {
  /** `keys`: what the host keeps each under (`extractionKey`). */
  constructor(private readonly keys: StaticArray<Bytes>) {}

  get count(): i32 {
    return this.keys.length;
  }

  /** Before a message. */
  begin(): void {
    for (let i = 0; i < this.keys.length; i++) unchecked((NODES[i] = 0));
  }

  /** Notes a value that was met. */
  note(index: i32, node: u32): void {
    unchecked((NODES[index] = unchecked(NODES[index]) == 0 ? node : MANY));
  }

  /** Hands the values on that are texts or numbers. */
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
