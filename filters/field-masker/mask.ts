// Masks one value: characters that stay visible, and the replacement of the others. Reads text and writes the inside of
// a JSON string.
import { Bytes } from '../memory/bytes';
import { Writer } from '../memory/writer';
import { codePoints, skipCodePoints } from '../message/code-points';
import { MaskKind, MaskMethod } from './config.gen';
import { digitBytes } from './digits';
import { KIND_FULL, KIND_KEEP_FIRST, KIND_KEEP_LAST } from './kinds.gen';

/** At least one of this many characters is hidden. A value that is too short to keep its ends is hidden completely. */
const HIDDEN_SHARE: u32 = 3;
/** Mask characters for `true` and `false`, whose lengths would reveal them. */
const BOOLEAN_LENGTH: u32 = 3;

/** Characters that a kind keeps at the front. The README has the table of defaults. */
export function defaultKeepFirst(kind: MaskKind): u32 {
  return load<u8>(KIND_KEEP_FIRST + kind);
}

/** Characters that a kind keeps at the end. */
export function defaultKeepLast(kind: MaskKind): u32 {
  return load<u8>(KIND_KEEP_LAST + kind);
}

/** Whether `char` may replace a hidden character: one visible code point that a JSON string holds unescaped. */
export function isMaskCharacter(char: Bytes): bool {
  if (char.length == 0 || codePoints(char.pointer, char.length) != 1) return false;
  const first = load<u8>(char.pointer);
  if (char.length == 2 && first == 0xc2 && load<u8>(char.pointer, 1) <= 0xa0) return false; // C1 control characters, no-break space
  return first > 32 && first != 34 && first != 92 && first != 127;
}

/** A compiled mask. */
export class Mask {
  private readonly email: bool;
  private readonly keepFirst: u32;
  private readonly keepLast: u32;

  /** `keepFirst` / `keepLast`: characters, negative for the kind's default. `char`: checked by `isMaskCharacter`. */
  constructor(
    kind: MaskKind,
    method: MaskMethod,
    keepFirst: i32,
    keepLast: i32,
    private readonly char: Bytes,
  ) {
    const full = method == MaskMethod.Full || (method == MaskMethod.ByKind && load<u8>(KIND_FULL + kind) != 0);
    this.email = !full && kind == MaskKind.Email;
    this.keepFirst = full ? 0 : keepFirst < 0 ? defaultKeepFirst(kind) : <u32>keepFirst;
    this.keepLast = full ? 0 : keepLast < 0 ? defaultKeepLast(kind) : <u32>keepLast;
  }

  /**
   * Writes the text with its middle hidden, escaped for the inside of a JSON string. The number of characters stays the
   * same.
   */
  text(pointer: usize, length: u32, out: Writer): void {
    const end = pointer + length;
    if (!this.email) {
      this.middle(pointer, end, out);
      return;
    }
    const at = domainSeparator(pointer, end);
    if (at == 0) {
      this.repeat(codePoints(pointer, length), out);
      return;
    }
    this.middle(pointer, at, out);
    out.bytes(at, <u32>(end - at));
  }

  private middle(pointer: usize, end: usize, out: Writer): void {
    const count = codePoints(pointer, <u32>(end - pointer));
    const kept = this.keptOf(count);
    const first = kept ? this.keepFirst : 0;
    const hidden = kept ? count - first - this.keepLast : count;
    const from = skipCodePoints(pointer, end, first);
    out.jsonText(pointer, <u32>(from - pointer));
    this.repeat(hidden, out);
    const to = skipCodePoints(from, end, hidden);
    out.jsonText(to, <u32>(end - to));
  }

  /** Whether a value of `count` characters is long enough to keep its ends. */
  private keptOf(count: u32): bool {
    const kept = this.keepFirst + this.keepLast;
    return kept < count && (count - kept) * HIDDEN_SHARE >= count;
  }

  /**
   * Writes a detected number, which may have separators. Separators stay, digits and a check letter are hidden like
   * characters. No character needs an escape.
   */
  digits(pointer: usize, length: u32, out: Writer): void {
    const end = pointer + length;
    let count: u32 = 0;
    for (let at = pointer; at < end; at += characterBytes(at, end)) if (isPlace(at, end)) count++;
    const kept = this.keptOf(count);
    const first = kept ? this.keepFirst : 0;
    const last = kept ? count - this.keepLast : count;
    let position: u32 = 0;
    for (let at = pointer; at < end;) {
      const bytes = characterBytes(at, end);
      if (!isPlace(at, end)) out.bytes(at, bytes);
      else {
        if (position >= first && position < last) this.repeat(1, out);
        else out.bytes(at, bytes);
        position++;
      }
      at += bytes;
    }
  }

  /** Writes the replacement of `true` and `false`. */
  boolean(out: Writer): void {
    this.repeat(BOOLEAN_LENGTH, out);
  }

  private repeat(count: u32, out: Writer): void {
    const size = <usize>this.char.length;
    const bytes = <usize>count * size;
    const to = out.reserve(bytes);
    if (to == 0) return;
    const char = this.char.pointer;
    if (size == 1) memory.fill(to, load<u8>(char), bytes);
    else for (let at: usize = 0; at < bytes; at += size) memory.copy(to + at, char, size);
    out.advance(bytes);
  }
}

/** Bytes of the character at `at`. */
function characterBytes(at: usize, end: usize): u32 {
  return <u32>(skipCodePoints(at, end, 1) - at);
}

/** Whether a digit or a check letter stands there. */
function isPlace(at: usize, end: usize): bool {
  return digitBytes(at, end) != 0 || isLetter(load<u8>(at));
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
    if (byte == 64) return dotted ? at : 0;
    if (byte == 46) dotted = true;
    else if (!isLetter(byte) && byte - 48 >= 10 && byte != 45) return 0;
  }
  return 0;
}
