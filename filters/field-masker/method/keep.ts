// Methods that leave a part of a value and write one character for each other one.
import { Ascii } from '../../memory/ascii';
import { Bytes } from '../../memory/bytes';
import { Writer } from '../../memory/writer';
import { codePoints } from '../../message/code-points';
import { isWordPart } from '../detect/digit-groups';
import { isDash, isPoint, isSpace, unitAt, unitEnd } from '../detect/units';
import { characters, nextCharacter, skipCharacters } from './characters';
import { Method } from './method';

/** At least one of this many characters is hidden by `KeepEnds`. A value that is too short for it is hidden whole. */
const HIDDEN_SHARE: u32 = 3;

/** Whether `char` may stand for a hidden character: one visible code point that needs no escape in JSON. */
export function isMaskCharacter(char: Bytes): bool {
  if (char.length == 0 || codePoints(char.pointer, char.length) != 1) return false;
  const first = load<u8>(char.pointer);
  if (char.length == 2 && first == 0xc2 && load<u8>(char.pointer, 1) <= 0xa0) return false; // C1 control characters, no-break space
  return first > 32 && first != Ascii.Quote && first != Ascii.Backslash && first != 127;
}

/** Writes a character `count` times. */
export function repeat(char: Bytes, count: u32, out: Writer): void {
  const size = <usize>char.length;
  const bytes = <usize>count * size;
  const to = out.reserve(bytes);
  if (to == 0) return;
  const from = char.pointer;
  if (size == 1) memory.fill(to, load<u8>(from), bytes);
  else for (let at: usize = 0; at < bytes; at += size) memory.copy(to + at, from, size);
  out.advance(bytes);
}

/** All but the first and the last few. The number of characters stays. */
export class KeepEnds extends Method {
  constructor(
    private readonly first: u32,
    private readonly last: u32,
    private readonly char: Bytes,
  ) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    const count = characters(pointer, end);
    const kept = this.fits(count);
    const first = kept ? this.first : 0;
    const hidden = kept ? count - first - this.last : count;
    const from = skipCharacters(pointer, end, first);
    out.bytes(pointer, <u32>(from - pointer));
    repeat(this.char, hidden, out);
    const to = skipCharacters(from, end, hidden);
    out.bytes(to, <u32>(end - to));
    return true;
  }

  /** Separators stay, also escaped ones; other characters are counted and hidden, as what their escapes stand for. */
  hideFound(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    let count: u32 = 0;
    for (let at = pointer; at < end; at = unitEnd()) if (isPlace(unitAt(at, end))) count++;
    const kept = this.fits(count);
    const first = kept ? this.first : 0;
    const last = kept ? count - this.last : count;
    let position: u32 = 0;
    for (let at = pointer; at < end;) {
      const counts = isPlace(unitAt(at, end));
      const next = unitEnd();
      const isShown = !counts || position < first || position >= last;
      if (counts) position++;
      if (isShown) out.bytes(at, <u32>(next - at));
      else repeat(this.char, 1, out);
      at = next;
    }
    return true;
  }

  /** Whether a value of `count` characters is long enough to keep its ends. */
  private fits(count: u32): bool {
    const kept = this.first + this.last;
    return kept < count && (count - kept) * HIDDEN_SHARE >= count;
  }
}

/** The first few and the domain of an e-mail address. What is none is hidden whole. */
export class KeepDomain extends Method {
  private readonly local: KeepEnds;

  constructor(first: u32, last: u32, char: Bytes) {
    super();
    this.local = new KeepEnds(first, last, char);
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    const at = domainSeparator(pointer, end);
    if (at == 0) return false;
    this.local.hide(pointer, <u32>(at - pointer), out);
    out.bytes(at, <u32>(end - at));
    return true;
  }
}

/** Characters number `from` to `to` (from 1, both included), or all others. */
export class Range extends Method {
  constructor(
    private readonly from: u32,
    private readonly to: u32,
    /** Whether the range is what stays. */
    private readonly keeps: bool,
    private readonly char: Bytes,
  ) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    let hidden: u32 = 0;
    let position: u32 = 0;
    for (let at = pointer; at < end;) {
      const next = nextCharacter(at, end);
      position++;
      const inside = position >= this.from && position <= this.to;
      if (inside == this.keeps) out.bytes(at, <u32>(next - at));
      else {
        repeat(this.char, 1, out);
        hidden++;
      }
      at = next;
    }
    return hidden != 0;
  }
}

/** Keeps the part before or behind the first `separator`. */
export class Beside extends Method {
  constructor(
    private readonly separator: Bytes,
    private readonly before: bool,
    private readonly char: Bytes,
  ) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    const size = this.separator.length;
    for (let at = pointer; at + size <= end; at = nextCharacter(at, end)) {
      if (memory.compare(at, this.separator.pointer, size) != 0) continue;
      const behind = at + size;
      if (this.before) {
        repeat(this.char, characters(pointer, at), out);
        out.bytes(at, <u32>(end - at));
        return at > pointer;
      }
      out.bytes(pointer, <u32>(behind - pointer));
      repeat(this.char, characters(behind, end), out);
      return behind < end;
    }
    return false;
  }
}

/** Whether a character is one of a value, and nothing that parts its groups. */
function isPlace(point: u32): bool {
  if (point < 0x80) return isWordPart(point);
  return !isSpace(point) && !isDash(point) && !isMark(point);
}

/** Points, brackets and commas beyond ASCII. */
function isMark(point: u32): bool {
  return (
    point == 0xb7 || point == 0x30fb || point == 0x2022 || point - 0xff08 < 7 || point - 0x3001 < 2 || isPoint(point)
  );
}

function isLetter(byte: u32): bool {
  return (byte | 32) - 97 < 26;
}

/** Address of the `@` before a host name that has a dot and ends in a letter. 0 if the text is no e-mail address. */
function domainSeparator(pointer: usize, end: usize): usize {
  let dotted = false;
  if (end <= pointer || !isLetter(load<u8>(end - 1))) return 0;
  for (let at = end - 1; at > pointer; at--) {
    const byte = <u32>load<u8>(at);
    if (byte == Ascii.AtSign) return dotted ? at : 0;
    if (byte == Ascii.Point) dotted = true;
    else if (!isLetter(byte) && byte - 48 >= 10 && byte != Ascii.Minus) return 0;
  }
  return 0;
}
