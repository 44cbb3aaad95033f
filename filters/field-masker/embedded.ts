// Messages amid other text: `request: {"cardNo":"…"} took 3 ms`, `<cardNo>…</cardNo> was declined`. Finds where one may
// begin and end; whether it is one, its reader says.
import { Ascii } from '../memory/ascii';
import { equalBytes, hashBytes } from '../memory/bytes';
import { Writer } from '../memory/writer';

/** Most brackets around each other that are counted; a deeper text is none. */
const MOST_DEPTH: u32 = 64;
/** Names without an end tag that are remembered, so that many of them are not each looked for to the end. */
const OPEN_NAMES: u32 = 16;
/** Bytes that are looked at for each byte of a text, and for any text. */
const LOOKS: u32 = 16;
const LOOKS_ANYWAY: u32 = 4096;

const SLASH: u8 = 47;
const QUESTION: u8 = 63;
const LESS: u8 = 60;
const GREATER: u8 = 62;

/** Kind of message that may stand between `from` and `to`. */
export const enum Embedded {
  Nothing = 0,
  Json = 1,
  /** JSON whose quotes are escaped once, as in `{\"a\":1}`. */
  EscapedJson = 2,
  Xml = 3,
  /** An object that the text breaks off. `cut` is behind its last complete member. */
  BrokenJson = 4,
}

/** The end that a message lacks which is broken off: a quote, if one is open, and a bracket for each that is. */
export class Closers {
  private depth: u32 = 0;
  private braces: u64 = 0;
  private quoted: bool = false;

  /** `braces`: a bit for each open bracket, innermost lowest, 1 for a brace. */
  set(depth: u32, braces: u64, quoted: bool): void {
    this.depth = depth;
    this.braces = braces;
    this.quoted = quoted;
  }

  get brackets(): u32 {
    return this.depth;
  }

  get length(): u32 {
    return this.depth + u32(this.quoted);
  }

  write(out: Writer): void {
    if (this.quoted) out.byte(<u8>Ascii.Quote);
    let braces = this.braces;
    for (let i: u32 = 0; i < this.depth; i++) {
      out.byte((braces & 1) != 0 ? <u8>Ascii.CloseBrace : <u8>Ascii.CloseBracket);
      braces >>= 1;
    }
  }
}

/** Goes through one text at a time. Linear: what would take longer is `exhausted`. */
export class EmbeddedFinder {
  from: usize = 0;
  to: usize = 0;
  kind: Embedded = Embedded.Nothing;
  /** Of a broken object: where its last complete member ends, and what ends it there and at the text's end. */
  cut: usize = 0;
  readonly atCut: Closers = new Closers();
  readonly atEnd: Closers = new Closers();
  /** Whether the text was not looked through to its end. */
  exhausted: bool = false;
  private at: usize = 0;
  private end: usize = 0;
  private left: i64 = 0;
  private readonly openNames: StaticArray<u32> = new StaticArray<u32>(<i32>OPEN_NAMES);
  private openCount: u32 = 0;

  begin(text: usize, end: usize): void {
    this.at = text;
    this.end = end;
    this.left = <i64>(end - text) * LOOKS + LOOKS_ANYWAY;
    this.openCount = 0;
    this.exhausted = false;
  }

  /** Finds the next place. False: there is none. */
  next(): bool {
    const end = this.end;
    for (; this.at < end; this.at++) {
      const byte = load<u8>(this.at);
      if (byte != <u8>Ascii.OpenBrace && byte != <u8>Ascii.OpenBracket && byte != LESS) continue;
      if (this.left < 0) {
        this.exhausted = true;
        return false;
      }
      this.from = this.at;
      this.kind = byte == LESS ? this.xml() : this.json(byte);
      if (this.kind == Embedded.Nothing) continue;
      this.at++;
      return true;
    }
    return false;
  }

  /** Takes the finding for a message: the next one is behind it. */
  pass(): void {
    this.at = this.to;
  }

  private json(first: u8): Embedded {
    const end = this.end;
    let at = this.from + 1;
    while (at < end && load<u8>(at) <= 32) at++;
    if (at >= end) return Embedded.Nothing;
    const inside = load<u8>(at);
    const escaped = inside == <u8>Ascii.Backslash;
    const isObject = first == <u8>Ascii.OpenBrace;
    if (escaped ? at + 1 >= end || load<u8>(at, 1) != <u8>Ascii.Quote : !mayFollow(inside, isObject))
      return Embedded.Nothing;
    return this.brackets(escaped, isObject);
  }

  /** Looks for the bracket that closes the first. */
  private brackets(escaped: bool, isObject: bool): Embedded {
    const end = this.end;
    let at = this.from;
    let stack: u64 = 0;
    let depth: u32 = 0;
    let quoted = false;
    let slashes: u32 = 0;
    this.cut = 0;
    for (; at < end; at++) {
      const byte = load<u8>(at);
      if (byte == <u8>Ascii.Backslash) {
        slashes++;
        continue;
      }
      if (byte == <u8>Ascii.Quote) {
        if (escaped ? slashes == 1 : !quoted || (slashes & 1) == 0) quoted = !quoted;
      } else if (!quoted) {
        if (byte == <u8>Ascii.OpenBrace || byte == <u8>Ascii.OpenBracket) {
          if (depth == MOST_DEPTH) break;
          stack = (stack << 1) | u64(byte == <u8>Ascii.OpenBrace);
          depth++;
        } else if (byte == <u8>Ascii.CloseBrace || byte == <u8>Ascii.CloseBracket) {
          if (((stack & 1) != 0) != (byte == <u8>Ascii.CloseBrace)) break;
          stack >>= 1;
          if (--depth == 0) break;
        } else if (byte == <u8>Ascii.Comma) {
          this.cut = at;
          this.atCut.set(depth, stack, false);
        }
      }
      slashes = 0;
    }
    this.left -= <i64>(at - this.from);
    if (depth == 0 && at < end) {
      this.to = at + 1;
      return escaped ? Embedded.EscapedJson : Embedded.Json;
    }
    if (at < end || escaped || !isObject) return Embedded.Nothing;
    if (this.cut == 0) {
      this.cut = this.from + 1;
      this.atCut.set(1, 1, false);
    }
    this.atEnd.set(depth, stack, quoted);
    this.to = end;
    return Embedded.BrokenJson;
  }

  /** An element, with the declaration before it. */
  private xml(): Embedded {
    const end = this.end;
    let at = this.from + 1;
    if (at < end && load<u8>(at) == QUESTION) {
      while (at < end && load<u8>(at) != LESS) at++;
      at++;
    }
    const name = at;
    while (at < end && isNameByte(load<u8>(at), at == name)) at++;
    const length = <u32>(at - name);
    if (length == 0 || at >= end) return Embedded.Nothing;
    const hash = hashBytes(name, length);
    for (let i: u32 = 0; i < this.openCount; i++) if (unchecked(this.openNames[i]) == hash) return Embedded.Nothing;
    const found = this.endOf(name, length);
    this.left -= <i64>((found == 0 ? end : found) - this.from);
    this.to = found;
    if (found != 0) return Embedded.Xml;
    if (this.openCount < OPEN_NAMES) unchecked((this.openNames[this.openCount++] = hash));
    return Embedded.Nothing;
  }

  /** Behind the end tag of the element of the name. 0: there is none. */
  private endOf(name: usize, length: u32): usize {
    const end = this.end;
    let depth: i32 = 0;
    for (let at = name - 1; at < end; at++) {
      if (load<u8>(at) != LESS) continue;
      const closes = at + 1 < end && load<u8>(at, 1) == SLASH;
      const tag = at + 1 + usize(closes);
      if (tag + length >= end || !equalBytes(tag, name, length) || isNameByte(load<u8>(tag + length), false)) continue;
      let stop = tag + length;
      while (stop < end && load<u8>(stop) != GREATER) stop++;
      if (stop == end) return 0;
      if (closes) depth--;
      else if (load<u8>(stop - 1) != SLASH) depth++;
      if (depth <= 0) return stop + 1;
      at = stop;
    }
    return 0;
  }
}

/** Whether a byte may be the first inside an object, or a list that holds objects. */
function mayFollow(byte: u8, isObject: bool): bool {
  if (byte == <u8>Ascii.Quote) return true;
  return isObject
    ? byte == <u8>Ascii.CloseBrace
    : byte == <u8>Ascii.OpenBrace || byte == <u8>Ascii.OpenBracket || byte == <u8>Ascii.Minus || byte - 48 < 10;
}

/** Whether a byte may stand in the name of an element. */
function isNameByte(byte: u8, first: bool): bool {
  if ((byte | 32) - 97 < 26 || byte == Ascii.Underscore || byte >= 0x80) return true;
  return !first && (byte - 48 < 10 || byte == Ascii.Minus || byte == Ascii.Point || byte == Ascii.Colon);
}
