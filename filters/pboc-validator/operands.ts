import { MAX_CROSS_RULES } from '../limits';
import { Arena } from '../memory/arena';

/** Each rule has at most two. */
const OPERANDS: i32 = 2 * <i32>MAX_CROSS_RULES;

/** Values of the operands of cross-field rules, in message order. One VM judges one message at a time. */
export class Operands {
  private readonly counts: StaticArray<u32> = new StaticArray<u32>(OPERANDS);
  private readonly starts: StaticArray<usize> = new StaticArray<usize>(OPERANDS);

  /** Resets before a message: `count` operands without values. */
  begin(count: i32): void {
    for (let i = 0; i < count; i++) unchecked((this.counts[i] = 0));
  }

  /** Announces one more value of the operand. */
  expect(operand: i32): void {
    unchecked(this.counts[operand]++);
  }

  /** Allocates room for the announced values. False if the arena is full. Then `add` them. */
  makeRoom(count: i32, arena: Arena): bool {
    let total: usize = 0;
    for (let i = 0; i < count; i++) total += unchecked(this.counts[i]);
    let at = arena.allocate((total + 1) << 2);
    if (at == 0) return false;
    for (let i = 0; i < count; i++) {
      unchecked((this.starts[i] = at));
      at += (<usize>unchecked(this.counts[i])) << 2;
      unchecked((this.counts[i] = 0));
    }
    return true;
  }

  add(operand: i32, node: u32): void {
    const index = unchecked(this.counts[operand]++);
    store<u32>(unchecked(this.starts[operand]) + ((<usize>index) << 2), node);
  }

  count(operand: i32): u32 {
    return unchecked(this.counts[operand]);
  }

  node(operand: i32, index: u32): u32 {
    return load<u32>(unchecked(this.starts[operand]) + ((<usize>index) << 2));
  }
}
