// Patterns: regular expressions that match in time linear in the text, for any pattern and text.
import { MAX_PATTERN_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { ErrorId } from '../errors.gen';
import { MATCHED, REFUSED, START } from './pattern-dfa';
import { builder, endCompilation, parser, program } from './pattern-workspace';

/** A compiled pattern. Matching allocates nothing and reads each byte of the text at most once. */
export class Pattern {
  /** Error for which the last `compile` returned null: FIM-CFG-0022 (syntax), 0023 (not linear) or 0024 (size). */
  static lastError: ErrorId = 0;
  /** States of the last compiled pattern. If it was too large: the states, or program instructions, reached. */
  static lastStates: u32 = 0;

  private constructor(
    private readonly classOf: StaticArray<u8>,
    private readonly table: StaticArray<u16>,
    private readonly atEnd: StaticArray<u8>,
    private readonly shift: u32,
  ) {}

  /** Compiles a pattern in RE2's syntax (see README.md). Null if it is refused. */
  static compile(source: Bytes): Pattern | null {
    return Pattern.make(source, false);
  }

  /** The same for a pattern that must match the whole text (RE2's FullMatch). */
  static compileWhole(source: Bytes): Pattern | null {
    return Pattern.make(source, true);
  }

  private static make(source: Bytes, whole: bool): Pattern | null {
    program.begin();
    Pattern.lastStates = 0;
    let pattern: Pattern | null = null;
    if (source.length > MAX_PATTERN_BYTES) {
      Pattern.lastError = ErrorId.FIM_CFG_0024;
      Pattern.lastStates = source.length;
    } else if (!parser.parse(source.pointer, source.length, whole)) {
      Pattern.lastError = parser.error;
      Pattern.lastStates = program.length;
    } else if (!builder.build()) {
      Pattern.lastError = ErrorId.FIM_CFG_0024;
      Pattern.lastStates = builder.stateCount;
    } else {
      Pattern.lastError = 0;
      Pattern.lastStates = builder.stateCount;
      pattern = Pattern.take();
    }
    endCompilation();
    return pattern;
  }

  /** Copies the builder's tables. Row lengths are powers of two, so that a step needs no multiplication. */
  private static take(): Pattern {
    const classes = builder.classCount;
    const states = builder.stateCount;
    const shift = builder.columnBits;
    const table = new StaticArray<u16>(<i32>(states << shift));
    const atEnd = new StaticArray<u8>(<i32>states);
    const classOf = new StaticArray<u8>(256);
    memory.copy(changetype<usize>(classOf), changetype<usize>(builder.classOf), 256);
    for (let state: u32 = 0; state < states; state++) {
      unchecked((atEnd[state] = <u8>builder.atEnd.get(state)));
      const row = state * classes;
      for (let c: u32 = 0; c < classes; c++) unchecked((table[(state << shift) + c] = <u16>builder.table.get(row + c)));
    }
    return new Pattern(classOf, table, atEnd, shift);
  }

  /** Whether some part of the text matches (RE2's PartialMatch). */
  matches(pointer: usize, length: u32): bool {
    const classOf = changetype<usize>(this.classOf);
    const table = changetype<usize>(this.table);
    const shift = this.shift + 1;
    const end = pointer + length;
    let state = START;
    while (pointer < end) {
      const column = (<usize>load<u8>(classOf + load<u8>(pointer))) << 1;
      state = load<u16>(table + ((<usize>state) << shift) + column);
      if (state <= MATCHED) return state == MATCHED;
      pointer++;
    }
    return unchecked(this.atEnd[state]) != 0;
  }

  /** Whether the text matches unchanged or with one more byte appended. */
  matchesWithOrWithout(pointer: usize, length: u32, last: u8): bool {
    const classOf = this.classOf;
    const table = this.table;
    const end = pointer + length;
    let state = START;
    for (; pointer < end; pointer++) {
      state = unchecked(table[(state << this.shift) + unchecked(classOf[load<u8>(pointer)])]);
      if (state <= MATCHED) return state == MATCHED;
    }
    if (unchecked(this.atEnd[state]) != 0) return true;
    state = unchecked(table[(state << this.shift) + unchecked(classOf[last])]);
    return state == MATCHED || (state != REFUSED && unchecked(this.atEnd[state]) != 0);
  }

  /** Bytes that begin every matching text, at most `most`. For patterns compiled whole. */
  literalPrefix(most: u32): Bytes {
    const text = new StaticArray<u8>(<i32>most);
    let length: u32 = 0;
    let state = START;
    while (length < most && state > MATCHED && this.atEnd[state] == 0) {
      const byte = this.onlyByte(state);
      if (byte < 0) break;
      text[length++] = <u8>byte;
      state = this.table[(state << this.shift) + this.classOf[byte]];
    }
    return Bytes.copy(changetype<usize>(text), length);
  }

  /** The only byte that leads on from a state. -1 if there is none or more than one. */
  private onlyByte(state: u32): i32 {
    let only = -1;
    for (let byte = 0; byte < 256; byte++) {
      if (this.table[(state << this.shift) + this.classOf[byte]] == REFUSED) continue;
      if (only >= 0) return -1;
      only = byte;
    }
    return only;
  }

  /** Memory of the tables, bytes. */
  get size(): u32 {
    return ((<u32>this.table.length) << 1) + this.atEnd.length + 256;
  }
}
