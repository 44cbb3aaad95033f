// Several patterns compiled into one automaton that says where their matches end. It is entered at a place of a text and
// reads on from there; each match is of bounded length, so it leaves soon.
import { MAX_PATTERN_BYTES, MAX_SPAN_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { PartKind, Parts } from '../memory/parts';
import { ErrorId } from '../errors.gen';
import { REFUSED, START } from './pattern-dfa';
import { builder, endCompilation, parser, program } from './pattern-workspace';

/** Compiled patterns. Immutable; a step is one look-up. */
export class SpanPattern {
  /** Error for which the last `compile` returned null: FIM-CFG-0022 to 0024, or FIM-MASK-0009. */
  static lastError: ErrorId = 0;
  /** Number of the pattern that was refused; -1: all together are too large. */
  static refused: i32 = -1;

  private constructor(
    private readonly classOf: StaticArray<u8>,
    private readonly table: StaticArray<u16>,
    private readonly ends: StaticArray<u32>,
    private readonly shift: u32,
  ) {}

  /**
   * Compiles at most MAX_SPAN_PATTERNS patterns. Each must match texts of 1 to MAX_SPAN_BYTES bytes alone, and say
   * nothing of places (`^`, `$`, `\\b`). Null if one is refused.
   */
  static compile(sources: Bytes[]): SpanPattern | null {
    for (let i = 0; i < sources.length; i++) {
      SpanPattern.refused = i;
      SpanPattern.lastError = judge(sources, i, i + 1);
      if (SpanPattern.lastError == 0) SpanPattern.lastError = judgeLengths();
      endCompilation();
      if (SpanPattern.lastError != 0) return null;
    }
    SpanPattern.refused = -1;
    SpanPattern.lastError = judge(sources, 0, sources.length);
    const made = SpanPattern.lastError == 0 ? SpanPattern.take() : null;
    endCompilation();
    return made;
  }

  private static take(): SpanPattern {
    const classes = builder.classCount;
    const states = builder.stateCount;
    const shift = builder.columnBits;
    const table = new StaticArray<u16>(<i32>(states << shift));
    const ends = new StaticArray<u32>(<i32>states);
    const classOf = new StaticArray<u8>(256);
    memory.copy(changetype<usize>(classOf), changetype<usize>(builder.classOf), 256);
    for (let state = START; state < states; state++) {
      unchecked((ends[state] = builder.atEnd.get(state)));
      const row = state * classes;
      for (let c: u32 = 0; c < classes; c++) unchecked((table[(state << shift) + c] = <u16>builder.table.get(row + c)));
    }
    return new SpanPattern(classOf, table, ends, shift);
  }

  /** State after a byte; REFUSED if nothing can match any more. The first state is START. */
  // @ts-ignore: decorator
  @inline
  step(state: u32, byte: u32): u32 {
    return unchecked(this.table[(state << this.shift) + unchecked(this.classOf[byte])]);
  }

  /** Patterns of which a match ends in a state, as bits. */
  // @ts-ignore: decorator
  @inline
  endsIn(state: u32): u32 {
    return unchecked(this.ends[state]);
  }
}

/** Builds the automaton of some of the patterns. 0, or the error. */
function judge(sources: Bytes[], from: i32, to: i32): ErrorId {
  const starts = new StaticArray<u32>(to - from);
  program.begin();
  for (let i = from; i < to; i++) {
    const source = sources[i];
    starts[i - from] = program.length;
    if (source.length > MAX_PATTERN_BYTES) return ErrorId.FIM_CFG_0024;
    if (!parser.parse(source.pointer, source.length, false, i)) return parser.error;
    if (program.looks != 0) return ErrorId.FIM_MASK_0009;
  }
  return builder.buildSpans(starts) ? 0 : ErrorId.FIM_CFG_0024;
}

/** Whether each match has 1 to MAX_SPAN_BYTES bytes: the longest way through the states. */
function judgeLengths(): ErrorId {
  if (builder.atEnd.get(START) != 0) return ErrorId.FIM_MASK_0009;
  const states = builder.stateCount;
  const classes = builder.classCount;
  const depths = new StaticArray<u8>(<i32>states);
  let again = true;
  while (again) {
    again = false;
    for (let state = START; state < states; state++) {
      const depth = <u32>unchecked(depths[state]) + 1;
      for (let c: u32 = 0; c < classes; c++) {
        const next = builder.table.get(state * classes + c);
        if (next == REFUSED || <u32>unchecked(depths[next]) >= depth) continue;
        if (next == START || depth > MAX_SPAN_BYTES) return ErrorId.FIM_MASK_0009;
        unchecked((depths[next] = <u8>depth));
        again = true;
      }
    }
  }
  return 0;
}

/** `SpanPattern.compile`; equal lists that are already among the parts are reused. */
export function sharedSpans(parts: Parts, sources: Bytes[]): SpanPattern | null {
  let length: u32 = 0;
  for (let i = 0; i < sources.length; i++) length += sources[i].length + 1;
  const text = new StaticArray<u8>(<i32>length);
  let to = changetype<usize>(text);
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i];
    memory.copy(to + 1, source.pointer, source.length);
    to += source.length + 1;
  }
  const known = parts.find(PartKind.Spans, changetype<usize>(text), length);
  if (known != null) return <SpanPattern>known;
  const made = SpanPattern.compile(sources);
  if (made != null) parts.add(PartKind.Spans, changetype<usize>(text), length, made);
  return made;
}
