// Reads the text of a pattern: bytes, characters, single-character escapes, and the bounds of a repetition.
import { Ascii } from '../memory/ascii';
import { ErrorId } from '../errors.gen';
import { utf8Length } from '../message/utf8';

/** Larger bounds are cut, since they exceed every limit. */
const MAX_BOUND: i32 = 100_000;

export class PatternReader {
  /** Error for which `character` or `escape` returned -1. */
  error: ErrorId = 0;
  /** Bounds found by `repeatLength`. `repeatMost` is -1 for no upper bound. */
  repeatLeast: i32 = 0;
  repeatMost: i32 = 0;

  private at: usize = 0;
  private end: usize = 0;

  begin(source: usize, length: u32): void {
    this.at = source;
    this.end = source + length;
  }

  get done(): bool {
    return this.at >= this.end;
  }

  /** Address of the next byte. */
  get position(): usize {
    return this.at;
  }

  /** The next byte; 0 at the end. */
  peek(): u32 {
    return this.peekAt(0);
  }

  peekAt(offset: u32): u32 {
    return this.at + offset < this.end ? <u32>load<u8>(this.at + offset) : 0;
  }

  skip(): void {
    this.at++;
  }

  skipBytes(bytes: u32): void {
    this.at += bytes;
  }

  private fail(error: ErrorId): i32 {
    this.error = error;
    return -1;
  }

  /** Takes the next character. -1 if it is not UTF-8. */
  character(): i32 {
    const bytes = utf8Length(this.at, this.end);
    if (bytes == 0) return this.fail(ErrorId.FIM_CFG_0022);
    const first = <i32>load<u8>(this.at);
    let value = bytes == 1 ? first : first & (0x7f >> bytes);
    for (let i: u32 = 1; i < bytes; i++) value = (value << 6) | (load<u8>(this.at + i) & 63);
    this.at += bytes;
    return value;
  }

  /** Takes letters, digits and underscores. False if there are none. */
  word(): bool {
    const start = this.at;
    while (!this.done) {
      const byte = this.peek();
      if (!((byte | 32) - 97 < 26 || byte - 48 < 10 || byte == Ascii.Underscore)) break;
      this.at++;
    }
    return this.at != start;
  }

  /**
   * Takes `\x41`, `\x{20AC}`, `\101`, `
   * `, `\.` and so on. -1 for anything else.
   */
  escape(): i32 {
    this.at++;
    const byte = this.peek();
    if (this.done || byte >= 0x80) return this.fail(ErrorId.FIM_CFG_0022);
    if (byte == Ascii.LowerX) return this.hexEscape();
    if (byte - 48 < 8 && (byte == Ascii.Zero || this.peekAt(1) - 48 < 8)) return this.octalEscape();
    if (byte - 48 < 10 || byte == Ascii.LowerK || byte == Ascii.LowerG || byte == Ascii.UpperC)
      return this.fail(ErrorId.FIM_CFG_0023); // \1 \k \g \C
    this.at++;
    switch (byte) {
      case 97:
        return 7;
      case 102:
        return 12;
      case 110:
        return 10;
      case 114:
        return 13;
      case 116:
        return 9;
      case 118:
        return 11;
    }
    return (byte | 32) - 97 < 26 ? this.fail(ErrorId.FIM_CFG_0022) : byte;
  }

  private octalEscape(): i32 {
    let value: u32 = 0;
    for (let i = 0; i < 3 && this.peek() - 48 < 8 && !this.done; i++) {
      value = value * 8 + this.peek() - 48;
      this.at++;
    }
    return value;
  }

  private hexEscape(): i32 {
    this.at++;
    const braced = this.peek() == Ascii.OpenBrace;
    if (braced) this.at++;
    let value: u32 = 0;
    let digits = 0;
    while (!this.done && value <= 0x10ffff && (braced || digits < 2)) {
      const byte = this.peek();
      const letter = (byte | 32) - 97;
      if (byte - 48 < 10) value = (value << 4) + byte - 48;
      else if (letter < 6) value = (value << 4) + letter + 10;
      else break;
      this.at++;
      digits++;
    }
    if (value > 0x10ffff || digits == 0 || (!braced && digits != 2)) return this.fail(ErrorId.FIM_CFG_0022);
    if (braced) {
      if (this.peek() != Ascii.CloseBrace) return this.fail(ErrorId.FIM_CFG_0022);
      this.at++;
    }
    return value;
  }

  /** Length of `{n}`, `{n,}` or `{n,m}` here, with the bounds in `repeatLeast` and `repeatMost`. 0 if there is none. */
  repeatLength(): u32 {
    let at = this.at + 1;
    const first = at;
    this.repeatLeast = this.bound(at);
    at = this.afterDigits(at);
    if (at == first || at >= this.end) return 0;
    this.repeatMost = this.repeatLeast;
    if (load<u8>(at) == Ascii.Comma) {
      const second = ++at;
      at = this.afterDigits(at);
      this.repeatMost = at == second ? -1 : this.bound(second);
    }
    return at < this.end && load<u8>(at) == Ascii.CloseBrace ? <u32>(at + 1 - this.at) : 0;
  }

  private afterDigits(at: usize): usize {
    while (at < this.end && <u32>load<u8>(at) - 48 < 10) at++;
    return at;
  }

  private bound(at: usize): i32 {
    let value = 0;
    while (at < this.end && <u32>load<u8>(at) - 48 < 10 && value < MAX_BOUND) value = value * 10 + load<u8>(at++) - 48;
    return value;
  }
}
