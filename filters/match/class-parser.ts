// Character classes in a pattern: `[…]`, `\d` and the like, `[:alpha:]`, `\p{Han}`.
import { Ascii } from '../memory/ascii';
import { ErrorId } from '../errors.gen';
import { CharClass } from './char-class';
import { PatternReader } from './pattern-reader';

const DIGITS: u64 = 0x03ff000000000000;
const UPPER: u64 = 0x07fffffe;
const LOWER: u64 = 0x07fffffe00000000;
/** Tab, line feed, form feed, carriage return and space: `\s`. The class [:space:] also contains the vertical tab. */
const SPACES: u64 = 0x0000000100003600;
const VERTICAL_TAB: u64 = 0x800;
const UNDERSCORE: u64 = 0x80000000;
const HEX_LETTERS: u64 = 0x0000007e0000007e;
/** Visible characters: 21-7E. */
const GRAPH_LOW: u64 = 0xfffffffe00000000;
const GRAPH_HIGH: u64 = 0x7fffffffffffffff;
const CONTROL_LOW: u64 = 0x00000000ffffffff;
const DELETE: u64 = 0x8000000000000000;

/** First and last characters of the ranges of the script Han, Unicode 17. */
const HAN: StaticArray<u32> = [
  0x2e80, 0x2e99, 0x2e9b, 0x2ef3, 0x2f00, 0x2fd5, 0x3005, 0x3005, 0x3007, 0x3007, 0x3021, 0x3029, 0x3038, 0x303b,
  0x3400, 0x4dbf, 0x4e00, 0x9fff, 0xf900, 0xfa6d, 0xfa70, 0xfad9, 0x16fe2, 0x16fe3, 0x16ff0, 0x16ff6, 0x20000, 0x2a6df,
  0x2a700, 0x2b81d, 0x2b820, 0x2cead, 0x2ceb0, 0x2ebe0, 0x2ebf0, 0x2ee5d, 0x2f800, 0x2fa1d, 0x30000, 0x3134a, 0x31350,
  0x33479,
];

export class ClassParser {
  /** Error of the last failed call. */
  error: ErrorId = 0;
  /** Class that was read last. */
  readonly chars: CharClass = new CharClass();
  /** Reader of the pattern. */
  readonly reader: PatternReader = new PatternReader();

  private readonly item: CharClass = new CharClass();

  private fail(error: ErrorId): i32 {
    this.error = error;
    return -1;
  }

  /** Reads `[…]` into the class. */
  bracket(fold: bool): bool {
    const reader = this.reader;
    reader.skip();
    this.chars.clear();
    const negated = reader.peek() == Ascii.Caret;
    if (negated) reader.skip();
    let first = true;
    while (!reader.done && (first || reader.peek() != Ascii.CloseBracket)) {
      first = false;
      const group = this.group(fold);
      if (group < 0 || (group == 0 && !this.range(fold))) return false;
    }
    if (reader.done) return this.fail(ErrorId.FIM_CFG_0022) >= 0;
    reader.skip();
    if (negated) this.chars.negate();
    return true;
  }

  /** A named group of characters: 1 taken, 0 none here, -1 refused. */
  private group(fold: bool): i32 {
    const reader = this.reader;
    if (reader.peek() == Ascii.Backslash) return this.shorthand(fold);
    return reader.peek() == Ascii.OpenBracket && reader.peekAt(1) == Ascii.Colon ? this.posix(fold) : 0;
  }

  private range(fold: bool): bool {
    const reader = this.reader;
    const first = this.character();
    if (first < 0) return false;
    let last = first;
    if (reader.peek() == Ascii.Minus && reader.peekAt(1) != Ascii.CloseBracket && reader.peekAt(1) != 0) {
      reader.skip();
      last = this.character();
      if (last < 0) return false;
      if (last < first) return this.fail(ErrorId.FIM_CFG_0022) >= 0;
    }
    if (!fold) {
      this.chars.add(first, last);
      return true;
    }
    this.item.clear();
    this.item.add(first, last);
    this.take(false, true);
    return true;
  }

  private character(): i32 {
    const reader = this.reader;
    if (reader.done) return this.fail(ErrorId.FIM_CFG_0022);
    const value = reader.peek() == Ascii.Backslash ? reader.escape() : reader.character();
    return value < 0 ? this.fail(reader.error) : value;
  }

  /** Adds the item to the class. */
  private take(negated: bool, fold: bool): i32 {
    if (fold) this.item.fold();
    if (negated) this.item.negate();
    this.chars.addAll(this.item);
    return 1;
  }

  /** Reads `\d \D \s \S \w \W \p{Han} \P{Han}` into the class: 1 taken, 0 none here, -1 refused. */
  shorthand(fold: bool): i32 {
    const reader = this.reader;
    const letter = reader.peekAt(1);
    const kind = letter | 32;
    if (kind != Ascii.LowerD && kind != Ascii.LowerS && kind != Ascii.LowerW && kind != Ascii.LowerP) return 0;
    reader.skipBytes(2);
    const item = this.item;
    item.clear();
    let negated = letter < 97;
    if (kind == Ascii.LowerD) item.addBits(DIGITS, 0);
    else if (kind == Ascii.LowerS) item.addBits(SPACES, 0);
    else if (kind == Ascii.LowerW) item.addBits(DIGITS, UPPER | LOWER | UNDERSCORE);
    else {
      const sign = this.script();
      if (sign < 0) return -1;
      if (sign == 1) negated = !negated;
    }
    return this.take(negated, fold);
  }

  /** Reads `{Han}` (0) or `{^Han}` (1) into the item. -1 for other properties. */
  private script(): i32 {
    const reader = this.reader;
    if (reader.peek() != Ascii.OpenBrace) return this.fail(ErrorId.FIM_CFG_0023);
    reader.skip();
    const negated = reader.peek() == Ascii.Caret;
    if (negated) reader.skip();
    const han =
      reader.peek() == Ascii.UpperH &&
      reader.peekAt(1) == Ascii.LowerA &&
      reader.peekAt(2) == Ascii.LowerN &&
      reader.peekAt(3) == Ascii.CloseBrace;
    if (!han) return this.fail(ErrorId.FIM_CFG_0023);
    reader.skipBytes(4);
    for (let i = 0; i < HAN.length; i += 2) this.item.add(HAN[i], HAN[i + 1]);
    return negated ? 1 : 0;
  }

  /** Reads `[:name:]` or `[:^name:]`. Without a following `:]`, `[` is a literal. */
  private posix(fold: bool): i32 {
    const reader = this.reader;
    let close: u32 = 2;
    while (reader.peekAt(close) != 0 && !(reader.peekAt(close) == 58 && reader.peekAt(close + 1) == 93)) close++;
    if (reader.peekAt(close) == 0) return 0;
    const negated = reader.peekAt(2) == Ascii.Caret;
    const from: u32 = negated ? 3 : 2;
    const name = String.UTF8.decodeUnsafe(reader.position + from, max<i32>(<i32>(close - from), 0));
    this.item.clear();
    if (!this.posixItem(name)) return this.fail(ErrorId.FIM_CFG_0022);
    reader.skipBytes(close + 2);
    return this.take(negated, fold);
  }

  private posixItem(name: string): bool {
    const item = this.item;
    if (name == 'alnum') item.addBits(DIGITS, UPPER | LOWER);
    else if (name == 'alpha') item.addBits(0, UPPER | LOWER);
    else if (name == 'ascii') item.addBits(u64.MAX_VALUE, u64.MAX_VALUE);
    else if (name == 'blank') item.addBits(0x0000000100000200, 0);
    else if (name == 'cntrl') item.addBits(CONTROL_LOW, DELETE);
    else if (name == 'digit') item.addBits(DIGITS, 0);
    else if (name == 'graph') item.addBits(GRAPH_LOW, GRAPH_HIGH);
    else if (name == 'lower') item.addBits(0, LOWER);
    else if (name == 'print') item.addBits(GRAPH_LOW | 0x0000000100000000, GRAPH_HIGH);
    else if (name == 'punct') item.addBits(GRAPH_LOW & ~DIGITS, GRAPH_HIGH & ~(UPPER | LOWER));
    else if (name == 'space') item.addBits(SPACES | VERTICAL_TAB, 0);
    else if (name == 'upper') item.addBits(0, UPPER);
    else if (name == 'word') item.addBits(DIGITS, UPPER | LOWER | UNDERSCORE);
    else if (name == 'xdigit') item.addBits(DIGITS, HEX_LETTERS);
    else return false;
    return true;
  }
}
