// Canonical form of request paths for comparison with routes (README.md, "Canonical paths").
// envoy/route/canonical-path.ts implements the same rules for routes. test/vectors/canonical-paths.json tests both.
import { Ascii } from '../memory/ascii';
import { equalBytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { hexDigit } from '../message/hex-text';
import { resolveSegments } from './path-segments';

const SPACE: u32 = 32;
const HASH: u32 = 35;
const PERCENT: u32 = 37;
const DOT: u32 = 46;
const SLASH: u32 = 47;
const SEMICOLON: u32 = 59;
const BACKSLASH: u32 = 92;
const DELETE: u32 = 127;

/** Effect of a byte on a path: unescaped (low half) and escaped (high half). */
const enum Kind {
  Plain = 0,
  Slash = 1,
  Escape = 2,
  Parameter = 3,
  /** Ends the path. */
  Query = 4,
  /** Equals its escape. */
  Encode = 5,
  /** No path contains it. */
  Refuse = 6,
  RawMask = 15,
  /** Its escape equals the byte itself. */
  Decode = 16,
  /** Its escape is refused, because servers differ in whether it still separates, ends or hides something. */
  RefuseEscaped = 32,
}

const KINDS: usize = memory.data(256, 16);
const HEX: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70]);

function mark(first: u32, last: u32, kind: u32): void {
  for (let byte = first; byte <= last; byte++) store<u8>(KINDS + byte, <u8>kind);
}

function markAll(text: string, kind: u32): void {
  for (let i = 0; i < text.length; i++) store<u8>(KINDS + text.charCodeAt(i), <u8>kind);
}

function fillKinds(): void {
  mark(0, 31, Kind.Refuse | Kind.RefuseEscaped);
  mark(32, 32, Kind.Refuse);
  mark(127, 127, Kind.Refuse | Kind.RefuseEscaped);
  mark(128, 255, Kind.Encode);
  mark(48, 57, Kind.Plain | Kind.Decode);
  mark(65, 90, Kind.Plain | Kind.Decode);
  mark(97, 122, Kind.Plain | Kind.Decode);
  markAll("-._~!$&'()*+,=:@", Kind.Plain | Kind.Decode);
  markAll(';', Kind.Parameter | Kind.Decode);
  markAll('"<>[]^`{|}', Kind.Encode);
  markAll('/', Kind.Slash | Kind.RefuseEscaped);
  markAll('\\', Kind.Refuse | Kind.RefuseEscaped);
  markAll('%', Kind.Escape);
  markAll('?', Kind.Query);
  markAll('#', Kind.Refuse);
}
fillKinds();

/** A parsed request path. One per VM; addresses are valid until the host call ends. */
export class RequestPath {
  /** Canonical path. */
  pointer: usize = 0;
  length: u32 = 0;
  /** Length before the query, as received. */
  end: u32 = 0;
  /** Whether the canonical path differs from the received one. */
  rewritten: bool = false;
  /** Whether it has parameters (`;`). */
  parameters: bool = false;
  /** Whether it has no canonical form. */
  malformed: bool = false;
  /** Whether it has segments that `resolveSegments` may remove. */
  private unresolved: bool = false;
  /** Whether it has escapes or bytes that the canonical path spells differently. */
  private respelt: bool = false;
  private arrived: usize = 0;

  /** Reads a path with or without query. False if there is no memory for its canonical form. */
  read(path: usize, length: u32): bool {
    this.arrived = path;
    this.pointer = path;
    this.rewritten = false;
    this.parameters = false;
    this.unresolved = false;
    this.respelt = false;
    this.malformed = length != 0 && load<u8>(path) != SLASH && !(length == 1 && load<u8>(path) == Ascii.Asterisk);
    this.end = this.scan(path, length);
    this.length = this.end;
    if (this.malformed || !(this.unresolved || this.respelt)) return true;
    const spelt = this.respell(false);
    if (spelt == 0) return false;
    this.pointer = spelt;
    this.length = this.respeltLength;
    if (this.unresolved && !this.resolve(false)) return false;
    this.rewritten = this.length != this.end || !equalBytes(this.pointer, path, this.length);
    return true;
  }

  /** Reads each byte once. Returns the end of the path. */
  private scan(path: usize, length: u32): u32 {
    let at: u32 = 0;
    while (at < length) {
      const kind = (<u32>load<u8>(KINDS + load<u8>(path + at))) & Kind.RawMask;
      if (kind == Kind.Plain) at++;
      else if (kind == Kind.Escape) at += this.scanEscape(path + at, length - at);
      else if (kind == Kind.Query) return at;
      else this.note(path, at++, length, kind);
    }
    return length;
  }

  private note(path: usize, at: u32, length: u32, kind: u32): void {
    if (kind == Kind.Slash) {
      const next = at + 1 < length ? load<u8>(path + at + 1) : 0;
      if (next == SLASH || next == DOT) this.unresolved = true;
    } else if (kind == Kind.Parameter) this.parameters = true;
    else if (kind == Kind.Encode) this.respelt = true;
    else this.malformed = true;
  }

  /** Length of the escape. 1 if it is none. */
  private scanEscape(escape: usize, left: u32): u32 {
    const value = escapedByte(escape, left);
    if (value < 0) {
      this.malformed = true;
      return 1;
    }
    const kind = <u32>load<u8>(KINDS + value);
    if ((kind & Kind.RefuseEscaped) != 0) this.malformed = true;
    else if ((kind & Kind.Decode) != 0) {
      this.respelt = true;
      if (value == SEMICOLON) this.parameters = true;
      else if (value == DOT) this.unresolved = true;
    } else if (load<u8>(escape, 1) > 96 || load<u8>(escape, 2) > 96) this.respelt = true;
    return 3;
  }

  private respeltLength: u32 = 0;

  /**
   * Address of the received path with each byte in its canonical spelling. 0: out of memory. `loose`: as the most
   * lenient server might read it. A backslash and an escaped slash then separate, NUL and a fragment end it, other
   * control characters are invisible (`$` of a pattern also matches before a last line break), and an invalid escape is
   * literal.
   */
  private respell(loose: bool): usize {
    const path = this.arrived;
    const end = this.end;
    const to = scratch.allocate(<usize>end * 3 + 1);
    if (to == 0) return 0;
    let out: usize = to;
    let at: u32 = 0;
    if (loose && end != 0 && load<u8>(path) != SLASH) store<u8>(out++, <u8>SLASH);
    while (at < end) {
      let byte = <u32>load<u8>(path + at);
      const value = byte == PERCENT ? escapedByte(path + at, end - at) : -1;
      at += value < 0 ? 1 : 3;
      if (value >= 0) byte = value;
      if (loose && (byte == 0 || (byte == HASH && value < 0))) break;
      if (loose && (byte < SPACE || byte == DELETE)) continue;
      if (loose && byte == BACKSLASH) byte = SLASH;
      const kind = <u32>load<u8>(KINDS + byte);
      const literal =
        value < 0 ? (kind & Kind.RawMask) != Kind.Encode : (kind & Kind.Decode) != 0 || (loose && byte == SLASH);
      if (literal) store<u8>(out++, <u8>byte);
      else {
        store<u8>(out, <u8>PERCENT);
        store<u8>(out, load<u8>(HEX + (byte >> 4)), 1);
        store<u8>(out, load<u8>(HEX + (byte & 15)), 2);
        out += 3;
      }
    }
    this.respeltLength = <u32>(out - to);
    return to;
  }

  private resolve(plain: bool): bool {
    const to = scratch.allocate(<usize>this.length + 1);
    if (to == 0) return false;
    this.length = resolveSegments(this.pointer, this.length, to, plain);
    this.pointer = to;
    return true;
  }

  /**
   * Switches to the path with decoded escapes but unresolved segments. False if that is the canonical path, or out of
   * memory.
   */
  readUnresolved(): bool {
    if (!this.unresolved) return false;
    const spelt = this.respell(false);
    if (spelt == 0) return false;
    this.pointer = spelt;
    this.length = this.respeltLength;
    return true;
  }

  /** Switches to a path without canonical form, as far as the rules apply. False if out of memory. */
  readStrictly(): bool {
    const spelt = this.respell(false);
    if (spelt == 0) return false;
    this.pointer = spelt;
    this.length = this.respeltLength;
    return this.resolve(false);
  }

  /**
   * Switches to the path as the most lenient server might read it, with or without parameters. False if out of memory.
   */
  readLoosely(plain: bool): bool {
    const spelt = this.respell(true);
    if (spelt == 0) return false;
    this.pointer = spelt;
    this.length = this.respeltLength;
    return this.resolve(plain);
  }

  /** Switches from the canonical path to the same without parameters. False if out of memory. */
  dropParameters(): bool {
    return this.resolve(true);
  }
}

/** Byte of an escape. -1 if it is none. */
function escapedByte(escape: usize, left: u32): i32 {
  if (left < 3) return -1;
  const high = hexDigit(load<u8>(escape, 1));
  const low = hexDigit(load<u8>(escape, 2));
  return (high | low) > 15 ? -1 : <i32>((high << 4) | low);
}
