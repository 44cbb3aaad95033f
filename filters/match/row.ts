import { Arena } from '../memory/arena';

/** A growing row of 32-bit numbers in an arena. Call `begin` before use and after a reset of the arena. */
export class Row {
  /** Whether some row found its arena full since this was last cleared, and lost content. */
  static exhausted: bool = false;

  /** Address of the first number. Changes as the row grows. */
  at: usize = 0;
  length: u32 = 0;
  private capacity: u32 = 0;

  constructor(private readonly arena: Arena) {}

  /** Empties the row and takes room for `capacity` numbers, at least one. */
  begin(capacity: u32): void {
    this.length = 0;
    this.at = this.arena.allocate((<usize>capacity) << 2);
    this.capacity = this.at == 0 ? 0 : capacity;
    if (this.at == 0) Row.exhausted = true;
  }

  /** Makes the row `length` zeros. */
  zeros(length: u32): void {
    this.begin(length);
    if (this.at == 0) return;
    memory.fill(this.at, 0, (<usize>length) << 2);
    this.length = length;
  }

  push(value: u32): void {
    if (this.length == this.capacity && !this.grow()) return;
    store<u32>(this.at + ((<usize>this.length) << 2), value);
    this.length++;
  }

  private grow(): bool {
    const at: usize = this.capacity == 0 ? 0 : this.arena.allocate((<usize>this.capacity) << 3);
    if (at == 0) {
      Row.exhausted = true;
      return false;
    }
    memory.copy(at, this.at, (<usize>this.capacity) << 2);
    this.at = at;
    this.capacity *= 2;
    return true;
  }

  // @ts-ignore: decorator
  @inline
  get(i: u32): u32 {
    return load<u32>(this.at + ((<usize>i) << 2));
  }

  // @ts-ignore: decorator
  @inline
  set(i: u32, value: u32): void {
    store<u32>(this.at + ((<usize>i) << 2), value);
  }
}
