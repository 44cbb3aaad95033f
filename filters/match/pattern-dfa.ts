// Makes a program deterministic by the subset construction over classes of bytes that the program does not distinguish.
import { Ascii } from '../memory/ascii';
import { MAX_PATTERN_STATES, MAX_PATTERN_TABLE_BYTES, MAX_PATTERN_WORK } from '../limits';
import { Arena } from '../memory/arena';
import { Look, Op, Program } from './program';
import { Row } from './row';

/** State from which nothing matches, and state in which the match is certain. */
export const REFUSED: u32 = 0;
export const MATCHED: u32 = 1;
/** State before the first byte. */
export const START: u32 = 2;

// Facts about the preceding byte. Only those that the program tests are kept.
const AT_START: u32 = 1;
const AFTER_WORD: u32 = 2;
const AFTER_NEWLINE: u32 = 4;
// Facts about the following byte.
const BEFORE_OTHER: u32 = 0;
const BEFORE_WORD: u32 = 1;
const BEFORE_NEWLINE: u32 = 2;
/** Inside a character, where only the rest of it matches. */
const BEFORE_CONTINUATION: u32 = 3;
const BEFORE_END: u32 = 4;

function isWord(byte: u32): bool {
  return (byte | 32) - 97 < 26 || byte - 48 < 10 || byte == Ascii.Underscore;
}

function kindBefore(byte: u32): u32 {
  if (byte == Ascii.LineFeed) return BEFORE_NEWLINE;
  if (isWord(byte)) return BEFORE_WORD;
  return (byte & 0xc0) == 0x80 ? BEFORE_CONTINUATION : BEFORE_OTHER;
}

/** Boundaries of byte classes: bit n set means that byte n begins a new class. */
const BOUNDARIES: usize = memory.data(32, 8);
const WORD_LOW: u64 = 0x03ff000000000000;
const WORD_HIGH: u64 = 0x07fffffe87fffffe;

/** All kinds of next byte. */
const NONE: u32 = 0xffffffff;
/** Most targets that are sorted by insertion. */
const FEW_TARGETS: u32 = 24;
/** Initial slots of the hash table of states. */
const FIRST_SLOTS: u32 = 64;

function holds(look: Look, context: u32, next: u32): bool {
  switch (look) {
    case Look.TextStart:
      return (context & AT_START) != 0;
    case Look.TextEnd:
      return next == BEFORE_END;
    case Look.LineStart:
      return (context & (AT_START | AFTER_NEWLINE)) != 0;
    case Look.LineEnd:
      return next == BEFORE_END || next == BEFORE_NEWLINE;
    case Look.WordEdge:
      return ((context & AFTER_WORD) != 0) != (next == BEFORE_WORD);
  }
  return next != BEFORE_CONTINUATION && ((context & AFTER_WORD) != 0) == (next == BEFORE_WORD);
}

function addBoundary(byte: u32): void {
  const word = BOUNDARIES + ((byte >> 6) << 3);
  if (byte < 256) store<u64>(word, load<u64>(word) | ((<u64>1) << (byte & 63)));
}

function addSetBoundaries(low: u64, high: u64): void {
  store<u64>(BOUNDARIES, load<u64>(BOUNDARIES) | (low ^ (low << 1)));
  store<u64>(BOUNDARIES, load<u64>(BOUNDARIES, 8) | (high ^ ((high << 1) | (low >> 63))), 8);
  store<u64>(BOUNDARIES, load<u64>(BOUNDARIES, 16) | (high >> 63), 16);
}

/** Builds the tables of one program at a time, in an arena. Read them before the arena is reset. */
export class DfaBuilder {
  /** Number of byte classes, and the class of each byte (256 bytes). */
  classCount: u32 = 0;
  readonly classOf: StaticArray<u8> = new StaticArray<u8>(256);
  /** Next state, by state and class, in rows of `classCount`. */
  readonly table: Row;
  /** Whether the text matches if it ends in a state. After `buildSpans`: the patterns that end in it, as bits. */
  readonly atEnd: Row;
  /** Number of states. */
  stateCount: u32 = 0;

  private readonly sample: StaticArray<u8> = new StaticArray<u8>(256);
  private readonly members: Row; // program counters of all states, one after the other
  private readonly memberAt: Row; // by state: where its members start; one more for the end
  private readonly context: Row; // by state
  private readonly hashes: Row; // by state
  private readonly slots: Row; // hash table of states
  private readonly takers: Row; // instructions of the current place that take a byte
  private readonly stack: Row;
  private readonly targets: Row;
  private readonly marks: Row; // by program counter
  private readonly targetMarks: Row;
  private mark: u32 = 0;
  private work: u32 = 0;
  private unanchored: bool = true;
  /** Patterns that the last `close` saw end, as bits. */
  private ended: u32 = 0;

  constructor(
    private readonly program: Program,
    private readonly arena: Arena,
  ) {
    this.table = new Row(arena);
    this.atEnd = new Row(arena);
    this.members = new Row(arena);
    this.memberAt = new Row(arena);
    this.context = new Row(arena);
    this.hashes = new Row(arena);
    this.slots = new Row(arena);
    this.takers = new Row(arena);
    this.stack = new Row(arena);
    this.targets = new Row(arena);
    this.marks = new Row(arena);
    this.targetMarks = new Row(arena);
  }

  /** log2 of the row length of the finished table: `classCount` rounded up to a power of two. */
  get columnBits(): u32 {
    return 32 - clz(this.classCount - 1);
  }

  /** Builds the tables. False at a limit; `stateCount` is then the number of states built. */
  build(): bool {
    this.begin(this.program.length);
    if (Row.exhausted) return false;
    this.classify();
    const looks = this.program.looks;
    const seesNext = (looks & ((1 << Look.LineEnd) | (1 << Look.WordEdge) | (1 << Look.NoWordEdge))) != 0;
    const seesEnd = seesNext || (looks & (1 << Look.TextEnd)) != 0;
    this.findAnchor(looks);
    this.targets.length = 0;
    this.targets.push(0);
    this.stateOf(this.keptContext(AT_START));
    for (let state = START; state < this.stateCount; state++) {
      let matched = false;
      if (!seesNext) matched = this.expand(state, NONE);
      else for (let kind = BEFORE_OTHER; kind < BEFORE_END; kind++) matched = this.expand(state, kind);
      if (seesEnd) matched = this.close(state, BEFORE_END);
      this.atEnd.push(matched ? 1 : 0);
      if (this.stateCount > MAX_PATTERN_STATES || this.stateCount << (this.columnBits + 1) > MAX_PATTERN_TABLE_BYTES)
        return false;
      if (this.work > MAX_PATTERN_WORK || Row.exhausted) return false;
    }
    return true;
  }

  /**
   * Builds the tables of several patterns, without conditions on places, that are tried at one place of a text. Their
   * programs begin at `starts`. False at a limit, as for `build`.
   */
  buildSpans(starts: StaticArray<u32>): bool {
    this.begin(this.program.length);
    if (Row.exhausted) return false;
    this.classify();
    this.unanchored = false;
    this.targets.length = 0;
    for (let i = 0; i < starts.length; i++) this.targets.push(unchecked(starts[i]));
    this.stateOf(0);
    const classes = this.classCount;
    for (let state = START; state < this.stateCount; state++) {
      this.ended = 0;
      this.close(state, BEFORE_OTHER);
      this.atEnd.push(this.ended);
      for (let c: u32 = 0; c < classes; c++) this.table.push(this.step(<u32>unchecked(this.sample[c])));
      if (this.stateCount > MAX_PATTERN_STATES || this.stateCount << (this.columnBits + 1) > MAX_PATTERN_TABLE_BYTES)
        return false;
      if (this.work > MAX_PATTERN_WORK || Row.exhausted) return false;
    }
    return true;
  }

  private begin(length: u32): void {
    Row.exhausted = false;
    this.mark = 0;
    this.work = 0;
    this.stateCount = START;
    this.table.begin(256);
    this.atEnd.begin(64);
    this.members.begin(128);
    this.context.begin(64);
    this.hashes.begin(64);
    this.slots.zeros(FIRST_SLOTS);
    this.takers.begin(length);
    this.stack.begin(length + 1);
    this.targets.begin(length + 1);
    this.marks.zeros(length);
    this.targetMarks.zeros(length);
    this.memberAt.begin(64);
    for (let state: u32 = 0; state <= START; state++) this.memberAt.push(0);
    for (let state: u32 = 0; state < START; state++) {
      this.context.push(0);
      this.hashes.push(0);
      this.atEnd.push(state);
    }
  }

  /** Groups bytes that no instruction distinguishes. */
  private classify(): void {
    const program = this.program;
    memory.fill(BOUNDARIES, 0, 32);
    for (let i: u32 = 0; i < program.length; i++) {
      const op = program.op(i);
      if (op == Op.Range) {
        addBoundary(program.low(i));
        addBoundary(program.high(i) + 1);
      } else if (op == Op.Set) addSetBoundaries(program.setBits(i, 0), program.setBits(i, 1));
    }
    const looks = program.looks;
    if ((looks & ((1 << Look.WordEdge) | (1 << Look.NoWordEdge))) != 0) {
      addSetBoundaries(WORD_LOW, WORD_HIGH);
      addBoundary(0x80);
      addBoundary(0xc0);
    }
    if ((looks & ((1 << Look.LineStart) | (1 << Look.LineEnd))) != 0) addSetBoundaries(1 << 10, 0);
    let classes: u32 = 0;
    unchecked((this.sample[0] = 0));
    for (let byte: u32 = 0; byte < 256; byte++) {
      if (byte != 0 && ((load<u8>(BOUNDARIES + (byte >> 3)) >> (byte & 7)) & 1) != 0)
        unchecked((this.sample[++classes] = <u8>byte));
      unchecked((this.classOf[byte] = <u8>classes));
    }
    this.classCount = classes + 1;
    const words = START * this.classCount;
    for (let i: u32 = 0; i < words; i++) this.table.push(i < this.classCount ? REFUSED : MATCHED);
  }

  /** A pattern that can only match at the start need not be tried again at every byte. */
  private findAnchor(looks: u32): void {
    this.unanchored = true;
    if ((looks & ~((1 << Look.TextStart) | (1 << Look.TextEnd))) != 0 || (looks & (1 << Look.TextStart)) == 0) return;
    this.mark++;
    this.takers.length = 0;
    const matched = this.follow(0, 0, BEFORE_END);
    this.unanchored = matched || this.takers.length != 0;
  }

  /** Part of a context that the program can distinguish. */
  private keptContext(context: u32): u32 {
    const looks = this.program.looks;
    let kept: u32 = 0;
    if ((looks & ((1 << Look.TextStart) | (1 << Look.LineStart))) != 0) kept |= AT_START;
    if ((looks & (1 << Look.LineStart)) != 0) kept |= AFTER_NEWLINE;
    if ((looks & ((1 << Look.WordEdge) | (1 << Look.NoWordEdge))) != 0) kept |= AFTER_WORD;
    return context & kept;
  }

  /** Writes the state's row for the classes of one kind (NONE: all). True if the state matches before such a byte. */
  private expand(state: u32, kind: u32): bool {
    const classes = this.classCount;
    const row = state * classes;
    while (this.table.length < row + classes && !Row.exhausted) this.table.push(REFUSED);
    const matched = this.close(state, kind == NONE ? BEFORE_OTHER : kind);
    for (let c: u32 = 0; c < classes && !Row.exhausted; c++) {
      const byte = <u32>unchecked(this.sample[c]);
      if (kind != NONE && kindBefore(byte) != kind) continue;
      this.table.set(row + c, matched ? MATCHED : this.step(byte));
    }
    return matched;
  }

  /** Collects the instructions that can take the next byte in a state. True if the match is reached. */
  private close(state: u32, next: u32): bool {
    this.mark++;
    this.takers.length = 0;
    const context = this.context.get(state);
    const end = this.memberAt.get(state + 1);
    let matched = false;
    for (let i = this.memberAt.get(state); i < end; i++)
      if (this.follow(this.members.get(i), context, next)) matched = true;
    return matched;
  }

  /** Follows the instructions from `from` on that take no byte. */
  private follow(from: u32, context: u32, next: u32): bool {
    const program = this.program;
    const stack = this.stack;
    let matched = false;
    stack.length = 0;
    stack.push(from);
    while (stack.length != 0) {
      let at = stack.get(--stack.length);
      while (this.marks.get(at) != this.mark) {
        this.marks.set(at, this.mark);
        this.work++;
        const op = program.op(at);
        if (op == Op.Split) {
          stack.push(program.target(at));
          at++;
        } else if (op == Op.Jump) at = program.target(at);
        else if (op == Op.Assert && holds(<Look>program.low(at), context, next)) at++;
        else {
          if (op == Op.Match) {
            matched = true;
            this.ended |= 1 << program.low(at);
          } else if (op != Op.Assert) this.takers.push(at);
          break;
        }
      }
    }
    return matched;
  }

  /** State after a byte. */
  private step(byte: u32): u32 {
    const program = this.program;
    const takers = this.takers;
    const targets = this.targets;
    this.mark++;
    targets.length = 0;
    for (let i: u32 = 0; i < takers.length; i++) {
      const at = takers.get(i);
      const takes =
        program.op(at) == Op.Range ? program.low(at) <= byte && byte <= program.high(at) : program.setHas(at, byte);
      if (takes) this.addTarget(program.target(at));
    }
    this.work += takers.length + targets.length;
    if (this.unanchored) this.addTarget(0);
    if (targets.length == 0) return REFUSED;
    this.sortTargets();
    return this.stateOf(
      this.keptContext((byte == Ascii.LineFeed ? AFTER_NEWLINE : 0) | (isWord(byte) ? AFTER_WORD : 0)),
    );
  }

  private addTarget(at: u32): void {
    if (this.targetMarks.get(at) == this.mark) return;
    this.targetMarks.set(at, this.mark);
    this.targets.push(at);
  }

  private sortTargets(): void {
    const targets = this.targets;
    const length = targets.length;
    if (length > FEW_TARGETS) {
      this.work += this.program.length;
      targets.length = 0;
      for (let at: u32 = 0; at < this.program.length; at++) if (this.targetMarks.get(at) == this.mark) targets.push(at);
      return;
    }
    for (let i: u32 = 1; i < length; i++) {
      const value = targets.get(i);
      let j = i;
      for (; j > 0 && targets.get(j - 1) > value; j--) targets.set(j, targets.get(j - 1));
      targets.set(j, value);
    }
  }

  /** Number of the state with these members, created if new. */
  private stateOf(context: u32): u32 {
    const targets = this.targets;
    const slots = this.slots;
    let hash = context * 0x9e3779b1;
    for (let i: u32 = 0; i < targets.length; i++) hash = rotl((hash ^ targets.get(i)) * 0x85ebca6b, 13);
    let slot = hash & (slots.length - 1);
    while (slots.get(slot) != 0) {
      if (this.isState(slots.get(slot), context)) return slots.get(slot);
      slot = (slot + 1) & (slots.length - 1);
    }
    const state = this.stateCount++;
    slots.set(slot, state);
    this.hashes.push(hash);
    this.context.push(context);
    for (let i: u32 = 0; i < targets.length; i++) this.members.push(targets.get(i));
    this.memberAt.push(this.members.length);
    if (this.stateCount * 2 > slots.length && !Row.exhausted) this.rehash();
    return state;
  }

  private rehash(): void {
    const slots = this.slots;
    slots.zeros(slots.length * 2);
    if (Row.exhausted) return;
    for (let state = START; state < this.stateCount; state++) {
      let slot = this.hashes.get(state) & (slots.length - 1);
      while (slots.get(slot) != 0) slot = (slot + 1) & (slots.length - 1);
      slots.set(slot, state);
    }
  }

  private isState(state: u32, context: u32): bool {
    const from = this.memberAt.get(state);
    const length = this.memberAt.get(state + 1) - from;
    if (length != this.targets.length || this.context.get(state) != context) return false;
    return memory.compare(this.members.at + ((<usize>from) << 2), this.targets.at, (<usize>length) << 2) == 0;
  }
}
