// Translates regular expressions in RE2's syntax to a program while reading them. README.md lists the supported and
// refused syntax.
import { Ascii } from '../memory/ascii';
import { MAX_PATTERN_DEPTH, MAX_PATTERN_REPEAT } from '../limits';
import { ErrorId } from '../errors.gen';
import { CharClass } from './char-class';
import { ClassParser } from './class-parser';
import { Look, Program } from './program';
import { PatternReader } from './pattern-reader';

/** Flags `(?i)`, `(?m)`, `(?s)`. */
export const FOLD_CASE: u32 = 1;
export const MULTI_LINE: u32 = 2;
export const DOT_NEWLINE: u32 = 4;

export class PatternParser {
  /** Error of the last `parse`. 0 if there was none. */
  error: ErrorId = 0;

  private readonly classes: ClassParser = new ClassParser();
  private flags: u32 = 0;
  private depth: u32 = 0;

  constructor(private readonly program: Program) {}

  /** Address of what the parser read last. */
  get position(): usize {
    return this.reader.position;
  }

  private get reader(): PatternReader {
    return this.classes.reader;
  }

  private get chars(): CharClass {
    return this.classes.chars;
  }

  /**
   * Appends the program of the pattern. `whole`: it must match the whole text. `number`: that of its end. False, with
   * `error` set, if it is refused.
   */
  parse(source: usize, length: u32, whole: bool, number: u32 = 0): bool {
    this.error = 0;
    this.flags = 0;
    this.depth = 0;
    this.reader.begin(source, length);
    if (whole) this.program.look(Look.TextStart);
    if (!this.alternation()) return false;
    if (!this.reader.done) return this.fail(ErrorId.FIM_CFG_0022);
    if (whole) this.program.look(Look.TextEnd);
    this.program.match(number);
    return this.program.overflowed ? this.fail(ErrorId.FIM_CFG_0024) : true;
  }

  private fail(error: ErrorId): bool {
    this.error = error;
    return false;
  }

  /** Alternatives up to `)` or the end. */
  private alternation(): bool {
    const program = this.program;
    const reader = this.reader;
    let start = program.length;
    let jump: i32 = -1; // last of the jumps to the end; each links to the one before
    while (true) {
      if (!this.sequence()) return false;
      if (reader.peek() != Ascii.Bar || reader.done) break;
      reader.skip();
      const count = <i32>(program.length - start);
      program.insertSplit(start, count + 2);
      program.jump(jump);
      jump = <i32>program.length - 1;
      start = program.length;
      if (program.overflowed) return this.fail(ErrorId.FIM_CFG_0024);
    }
    while (jump >= 0 && !program.overflowed) {
      const before = program.link(jump);
      program.aim(jump, program.length);
      jump = before;
    }
    return true;
  }

  private sequence(): bool {
    const reader = this.reader;
    const program = this.program;
    let repeatable = false;
    while (!reader.done) {
      const start = program.length;
      const byte = reader.peek();
      if (byte == Ascii.Bar || byte == Ascii.CloseParenthesis) return true;
      if (
        byte == Ascii.Asterisk ||
        byte == Ascii.Plus ||
        byte == Ascii.Question ||
        (byte == Ascii.OpenBrace && this.repetitionAhead())
      )
        return this.fail(ErrorId.FIM_CFG_0022);
      if (byte == Ascii.Backslash && reader.peekAt(1) == Ascii.UpperQ) {
        if (!this.quoted()) return false;
        continue;
      }
      repeatable = true;
      if (byte == Ascii.OpenParenthesis) {
        const opened = this.group();
        if (opened < 0) return false;
        repeatable = opened != 0;
      } else if (!this.atom(byte)) return false;
      if (repeatable && !this.repetition(start)) return false;
      if (program.overflowed) return this.fail(ErrorId.FIM_CFG_0024);
    }
    return true;
  }

  /** Content of parentheses. 1: a group, 0: flags for what follows, -1: refused. */
  private group(): i32 {
    const reader = this.reader;
    const outer = this.flags;
    reader.skip();
    if (reader.peek() == Ascii.Question && !reader.done) {
      reader.skip();
      const kind = this.groupKind();
      if (kind <= 0) return kind;
    }
    if (++this.depth > MAX_PATTERN_DEPTH) {
      this.fail(ErrorId.FIM_CFG_0024);
      return -1;
    }
    if (!this.alternation()) return -1;
    this.depth--;
    this.flags = outer;
    if (reader.done) {
      this.fail(ErrorId.FIM_CFG_0022);
      return -1;
    }
    reader.skip();
    return 1;
  }

  /** Reads from after `(?` to the start of the group's content (1) or past its `)` (0). */
  private groupKind(): i32 {
    const reader = this.reader;
    const byte = reader.peek();
    const named = byte == Ascii.UpperP && reader.peekAt(1) == Ascii.Less; // (?P<
    if (named || (byte == Ascii.Less && reader.peekAt(1) != Ascii.Equals && reader.peekAt(1) != Ascii.Exclamation)) {
      reader.skip();
      if (named) reader.skip();
      if (reader.word() && reader.peek() == Ascii.Greater) {
        reader.skip();
        return 1;
      }
      this.fail(ErrorId.FIM_CFG_0022);
      return -1;
    }
    if (
      byte == Ascii.Equals ||
      byte == Ascii.Exclamation ||
      byte == Ascii.Less ||
      byte == Ascii.Greater ||
      byte == Ascii.OpenParenthesis ||
      byte == Ascii.Hash ||
      byte == Ascii.Bar ||
      byte == Ascii.UpperP
    ) {
      this.fail(ErrorId.FIM_CFG_0023); // (?= (?! (?<= (?> (?( (?# (?| (?P=
      return -1;
    }
    return this.flagGroup();
  }

  private flagGroup(): i32 {
    const reader = this.reader;
    let set = true;
    let fresh = false; // whether a flag must follow
    while (!reader.done) {
      const byte = reader.peek();
      reader.skip();
      if ((byte == Ascii.CloseParenthesis || byte == Ascii.Colon) && !fresh) return byte == Ascii.Colon ? 1 : 0;
      if (byte == Ascii.Minus && set) {
        set = false;
        fresh = true;
        continue;
      }
      const flag =
        byte == Ascii.LowerI ? FOLD_CASE : byte == Ascii.LowerM ? MULTI_LINE : byte == Ascii.LowerS ? DOT_NEWLINE : 0;
      if (flag == 0 && byte != Ascii.UpperU) break; // (?U) only swaps greedy and not
      fresh = false;
      this.flags = set ? this.flags | flag : this.flags & ~flag;
    }
    this.fail(ErrorId.FIM_CFG_0022);
    return -1;
  }

  private atom(byte: u32): bool {
    const reader = this.reader;
    const program = this.program;
    const multiLine = (this.flags & MULTI_LINE) != 0;
    switch (byte) {
      case 94: // ^
        reader.skip();
        program.look(multiLine ? Look.LineStart : Look.TextStart);
        return true;
      case 36: // $
        reader.skip();
        program.look(multiLine ? Look.LineEnd : Look.TextEnd);
        return true;
      case 46: // .
        reader.skip();
        this.chars.clear();
        this.chars.addBits(this.flags & DOT_NEWLINE ? u64.MAX_VALUE : ~((<u64>1) << 10), u64.MAX_VALUE);
        this.chars.addBeyondAscii();
        this.chars.emit(program);
        return true;
      case 91: // [
        return this.classes.bracket((this.flags & FOLD_CASE) != 0) ? this.emitClass() : this.fail(this.classes.error);
      case 92: // backslash
        return this.escape();
    }
    return this.literal(reader.character());
  }

  private emitClass(): bool {
    this.chars.emit(this.program);
    return true;
  }

  /** `character` -1: the reader found an error. */
  private literal(character: i32): bool {
    if (character < 0) return this.fail(this.reader.error);
    if (character >= 0x80 && (this.flags & FOLD_CASE) == 0) {
      this.chars.clear();
      this.chars.add(character, character);
      return this.emitClass();
    }
    if ((this.flags & FOLD_CASE) == 0) {
      this.program.range(character, character);
      return true;
    }
    this.chars.clear();
    this.chars.add(character, character);
    this.chars.fold();
    return this.emitClass();
  }

  private escape(): bool {
    const reader = this.reader;
    switch (reader.peekAt(1)) {
      case 65: // \A
        return this.assertion(Look.TextStart);
      case 122: // \z
        return this.assertion(Look.TextEnd);
      case 98: // \b
        return this.assertion(Look.WordEdge);
      case 66: // \B
        return this.assertion(Look.NoWordEdge);
    }
    this.chars.clear();
    const found = this.classes.shorthand((this.flags & FOLD_CASE) != 0);
    if (found < 0) return this.fail(this.classes.error);
    return found > 0 ? this.emitClass() : this.literal(reader.escape());
  }

  private assertion(look: Look): bool {
    this.reader.skip();
    this.reader.skip();
    this.program.look(look);
    return true;
  }

  /** `\Q…\E` with an optional end. A repetition applies to the last character. */
  private quoted(): bool {
    const reader = this.reader;
    reader.skip();
    reader.skip();
    while (!reader.done) {
      if (reader.peek() == Ascii.Backslash && reader.peekAt(1) == Ascii.UpperE) {
        reader.skip();
        reader.skip();
        return true;
      }
      const start = this.program.length;
      if (!this.literal(reader.character())) return false;
      const ends = reader.done || (reader.peek() == Ascii.Backslash && reader.peekAt(1) == Ascii.UpperE);
      if (!ends) continue;
      if (!reader.done) {
        reader.skip();
        reader.skip();
      }
      return this.repetition(start);
    }
    return true;
  }

  /** Whether `{` begins a repetition. Otherwise it is a literal. */
  private repetitionAhead(): bool {
    return this.reader.repeatLength() != 0;
  }

  /** Applies the following repetition, if any, to the program from `start` on. */
  private repetition(start: u32): bool {
    const reader = this.reader;
    if (reader.done) return true;
    const byte = reader.peek();
    let least = 0;
    let most = -1;
    if (byte == Ascii.Plus) least = 1;
    else if (byte == Ascii.Question) most = 1;
    else if (byte == Ascii.OpenBrace) {
      if (!this.repetitionAhead()) return true;
      least = reader.repeatLeast;
      most = reader.repeatMost;
      if (least > <i32>MAX_PATTERN_REPEAT || most > <i32>MAX_PATTERN_REPEAT || (most >= 0 && least > most))
        return this.fail(ErrorId.FIM_CFG_0022);
    } else if (byte != Ascii.Asterisk) return true;
    reader.skipBytes(byte == Ascii.OpenBrace ? reader.repeatLength() : 1);
    if (!reader.done && reader.peek() == Ascii.Question) reader.skip();
    this.program.repeat(start, least, most);
    if (reader.done) return true;
    const after = reader.peek();
    if (after == Ascii.Plus) return this.fail(ErrorId.FIM_CFG_0023); // possessive
    return after == Ascii.Asterisk || after == Ascii.Question || (after == Ascii.OpenBrace && this.repetitionAhead())
      ? this.fail(ErrorId.FIM_CFG_0022)
      : true;
  }
}
