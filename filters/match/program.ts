// Program of a pattern: a nondeterministic automaton over bytes, as instructions with relative targets. Parts of it can
// therefore be moved and copied unchanged, which is how repetitions are made. Instructions continue with the next one
// unless they say otherwise.
import { MAX_PATTERN_PROGRAM } from '../limits';
import { Arena } from '../memory/arena';

/** Effect of an instruction. Operand `x` is a target relative to the instruction. */
export const enum Op {
  /** Takes a byte from `low` to `high` and continues at `x`. */
  Range = 0,
  /** Takes a byte below 0x80 in set number `set` and continues at `x`. */
  Set = 1,
  /** Continues at the next instruction and at `x`. */
  Split = 2,
  /** Continues at `x`. */
  Jump = 3,
  /** Continues at the next instruction if `Look` number `low` holds here. */
  Assert = 4,
  Match = 5,
}

/** Conditions on a position in the text. */
export const enum Look {
  TextStart = 0,
  TextEnd = 1,
  LineStart = 2,
  LineEnd = 3,
  WordEdge = 4,
  NoWordEdge = 5,
}

const INSTRUCTION_SHIFT: u32 = 3;
const SET_SHIFT: u32 = 4;

export class Program {
  /** Number of instructions. May exceed MAX_PATTERN_PROGRAM, and then nothing is stored. */
  length: u32 = 0;
  /** Whether the program exceeded its limit or the arena is full. */
  overflowed: bool = false;
  /** Bit n is set if `Look` n occurs. */
  looks: u32 = 0;

  private code: usize = 0;
  private capacity: u32 = 0;
  private sets: usize = 0;
  private setCount: u32 = 0;
  private setCapacity: u32 = 0;

  constructor(private readonly arena: Arena) {}

  /** Empties the program. Its content in the arena is lost. */
  begin(): void {
    this.length = 0;
    this.overflowed = false;
    this.looks = 0;
    this.code = 0;
    this.capacity = 0;
    this.sets = 0;
    this.setCount = 0;
    this.setCapacity = 0;
  }

  private reserve(more: u32): bool {
    const length = this.length + more;
    if (this.overflowed || length > MAX_PATTERN_PROGRAM) {
      this.overflowed = true;
      this.length = length;
      return false;
    }
    if (length <= this.capacity) return true;
    const capacity = max(length * 2, 128);
    const code = this.arena.allocate((<usize>capacity) << INSTRUCTION_SHIFT);
    if (code == 0) {
      this.overflowed = true;
      return false;
    }
    memory.copy(code, this.code, (<usize>this.length) << INSTRUCTION_SHIFT);
    this.code = code;
    this.capacity = capacity;
    return true;
  }

  // @ts-ignore: decorator
  @inline
  private address(at: u32): usize {
    return this.code + ((<usize>at) << INSTRUCTION_SHIFT);
  }

  private put(word: u32, x: i32): void {
    if (!this.reserve(1)) return;
    const to = this.address(this.length++);
    store<u32>(to, word);
    store<i32>(to, x, 4);
  }

  op(at: u32): Op {
    return <Op>load<u8>(this.address(at));
  }

  low(at: u32): u32 {
    return load<u8>(this.address(at), 1);
  }

  high(at: u32): u32 {
    return load<u8>(this.address(at), 2);
  }

  target(at: u32): u32 {
    return at + load<i32>(this.address(at), 4);
  }

  /** Whether a Set instruction takes the byte. */
  setHas(at: u32, byte: u32): bool {
    if (byte >= 0x80) return false;
    const set = this.sets + ((<usize>(load<u32>(this.address(at)) >> 8)) << SET_SHIFT);
    return ((load<u8>(set + (byte >> 3)) >> (byte & 7)) & 1) != 0;
  }

  /** The bits of a Set instruction: bytes 0-63, then 64-127. */
  setBits(at: u32, half: u32): u64 {
    return load<u64>(this.sets + ((<usize>(load<u32>(this.address(at)) >> 8)) << SET_SHIFT) + ((<usize>half) << 3));
  }

  range(low: u32, high: u32, x: i32 = 1): void {
    this.put(Op.Range | (low << 8) | (high << 16), x);
  }

  jump(x: i32): void {
    this.put(Op.Jump, x);
  }

  split(x: i32): void {
    this.put(Op.Split, x);
  }

  look(kind: Look): void {
    this.looks |= 1 << kind;
    this.put(Op.Assert | (kind << 8), 1);
  }

  /** `number`: which of several patterns it ends. */
  match(number: u32 = 0): void {
    this.put(Op.Match | (number << 8), 0);
  }

  /** A set of ASCII bytes, as 128 bits. */
  set(low: u64, high: u64, x: i32 = 1): void {
    if (this.setCount == this.setCapacity) {
      const capacity = max(this.setCapacity * 2, 16);
      const sets = this.arena.allocate((<usize>capacity) << SET_SHIFT);
      if (sets == 0) {
        this.overflowed = true;
        return;
      }
      memory.copy(sets, this.sets, (<usize>this.setCount) << SET_SHIFT);
      this.sets = sets;
      this.setCapacity = capacity;
    }
    const set = this.sets + ((<usize>this.setCount) << SET_SHIFT);
    store<u64>(set, low);
    store<u64>(set, high, 8);
    this.put(Op.Set | (this.setCount++ << 8), x);
  }

  /** Sets the target of the instruction at `at`. */
  aim(at: u32, target: u32): void {
    if (!this.overflowed) store<i32>(this.address(at), <i32>(target - at), 4);
  }

  /** Number stored in an instruction whose target is not known yet. */
  link(at: u32): i32 {
    return this.overflowed ? -1 : load<i32>(this.address(at), 4);
  }

  /** Inserts a Split before the instruction at `at`. Everything from there on moves by one. */
  insertSplit(at: u32, x: i32): void {
    if (!this.reserve(1)) return;
    memory.copy(this.address(at + 1), this.address(at), (<usize>(this.length - at)) << INSTRUCTION_SHIFT);
    this.length++;
    store<u32>(this.address(at), Op.Split);
    store<i32>(this.address(at), x, 4);
  }

  /** Appends a copy of `count` instructions from `at`. */
  copy(at: u32, count: u32): void {
    if (!this.reserve(count)) return;
    memory.copy(this.address(this.length), this.address(at), (<usize>count) << INSTRUCTION_SHIFT);
    this.length += count;
  }

  /** Removes the instructions from `at` on. */
  truncate(at: u32): void {
    if (!this.overflowed) this.length = at;
  }

  /** Replaces the part from `start` to the end by `{least,most}` of itself. `most` -1: no upper bound. */
  repeat(start: u32, least: i32, most: i32): void {
    const count = this.length - start;
    if (this.overflowed || count == 0) return;
    if (most == 0) return this.truncate(start);
    const copies = <u32>max(least, most);
    if (count * copies > MAX_PATTERN_PROGRAM) {
      this.overflowed = true;
      this.length = start + (count + 1) * copies;
      return;
    }
    if (most < 0) {
      if (least == 0) {
        this.insertSplit(start, <i32>count + 2);
        return this.jump(-(<i32>count + 1));
      }
      for (let i = 1; i < least; i++) this.copy(start, count);
      return this.split(-(<i32>count));
    }
    // The part is the first copy. Each optional copy begins with a way to the end.
    let made = 1;
    if (least == 0) this.insertSplit(start, (<i32>count + 1) * most);
    const body = least == 0 ? start + 1 : start;
    for (; made < least; made++) this.copy(body, count);
    for (; made < most; made++) {
      this.split((<i32>count + 1) * (most - made));
      this.copy(body, count);
    }
  }
}
