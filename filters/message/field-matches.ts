// Matches of a field set in a message, read with a cursor in document order.
import { MAX_FIELD_MATCHES } from '../limits';
import { Arena } from '../memory/arena';

/** An entry is a node and a rule list. This bit of the list marks a missing member. */
export const MISSING: u32 = 0x80000000;
/** Bit of the list that marks a repeated value. */
export const REPEATED: u32 = 0x40000000;
const ENTRY_SHIFT: u32 = 3;
const FIRST_CAPACITY: u32 = 64;

/**
 * Pairs of a rule and a node. `while (matches.next()) { matches.rule … matches.node … matches.missing }`. A missing
 * member comes after the values inside the container that lacks it, and has that container as its node.
 */
export class FieldMatches {
  /** Number of the current rule. */
  rule: u32 = 0;
  /** Value that the rule names. If `missing`: the deepest existing value on the rule's path. */
  node: u32 = 0;
  /** Whether the rule is required and names nothing below `node`. */
  missing: bool = false;
  /**
   * Whether `node` is a second element with a name that the rule's path, without `[*]`, expects once. It may be above
   * the value that the rule names.
   */
  repeated: bool = false;

  private entries: usize = 0;
  private length: u32 = 0;
  private capacity: u32 = 0;
  private cursor: u32 = 0;
  private rulesAt: usize = 0;
  private rulesEnd: usize = 0;
  private lists: StaticArray<u32> = new StaticArray<u32>(0);
  private rules: StaticArray<u32> = new StaticArray<u32>(0);

  /**
   * Empties the result. `lists`: start of each rule list in `rules`, and one more entry for the end of the last. For
   * FieldSet.
   */
  begin(lists: StaticArray<u32>, rules: StaticArray<u32>): void {
    this.lists = lists;
    this.rules = rules;
    this.entries = 0;
    this.length = 0;
    this.capacity = 0;
    this.rewind();
  }

  /** Moves before the first pair. */
  rewind(): void {
    this.cursor = 0;
    this.rulesAt = 0;
    this.rulesEnd = 0;
  }

  /** Adds an entry, with MISSING, REPEATED or 0. False if MAX_FIELD_MATCHES or the arena is full. For FieldSet. */
  push(node: u32, list: u32, mark: u32, arena: Arena): bool {
    if (this.length == this.capacity && !this.grow(arena)) return false;
    const entry = this.entries + ((<usize>this.length) << ENTRY_SHIFT);
    store<u32>(entry, node);
    store<u32>(entry, list | mark, 4);
    this.length++;
    return true;
  }

  private grow(arena: Arena): bool {
    const capacity = min(max(this.capacity * 2, FIRST_CAPACITY), MAX_FIELD_MATCHES);
    if (capacity == this.capacity) return false;
    const entries = arena.allocate((<usize>capacity) << ENTRY_SHIFT);
    if (entries == 0) return false;
    memory.copy(entries, this.entries, (<usize>this.length) << ENTRY_SHIFT);
    this.entries = entries;
    this.capacity = capacity;
    return true;
  }

  /** Moves to the next pair. False at the end. */
  next(): bool {
    while (this.rulesAt == this.rulesEnd) {
      if (this.cursor == this.length) return false;
      const entry = this.entries + ((<usize>this.cursor) << ENTRY_SHIFT);
      this.cursor++;
      const word = load<u32>(entry, 4);
      const list = <i32>(word & ~(MISSING | REPEATED));
      this.node = load<u32>(entry);
      this.missing = (word & MISSING) != 0;
      this.repeated = (word & REPEATED) != 0;
      this.rulesAt = changetype<usize>(this.rules) + ((<usize>unchecked(this.lists[list])) << 2);
      this.rulesEnd = changetype<usize>(this.rules) + ((<usize>unchecked(this.lists[list + 1])) << 2);
    }
    this.rule = load<u32>(this.rulesAt);
    this.rulesAt += 4;
    return true;
  }
}
