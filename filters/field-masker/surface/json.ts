// Values of JSON. Numbers and words become strings. Escapes are written as the value had them.
import { Ascii } from '../../memory/ascii';
import { Writer } from '../../memory/writer';
import { FieldKind, FieldTree } from '../../message/field-tree';
import { pointAt } from '../method/characters';
import { Surface } from './surface';

const QUOTE: u8 = 34;
const BACKSLASH: u8 = 92;
const SLASH: u8 = 47;
const COMMA: u8 = 44;
const COLON: u8 = 58;
const STAR: u8 = 42;
/** Letters behind the backslash for control characters 8 to 13, 0 where there is none. */
const SHORT: usize = memory.data<u8>([98, 116, 110, 0, 102, 114]);

export class JsonSurface extends Surface {
  /** Sibling before which every member of its container was removed. 0: none. */
  private firstLeft: u32 = 0;

  get quotes(): bool {
    return true;
  }

  begin(tree: FieldTree, length: u32): void {
    super.begin(tree, length);
    this.firstLeft = 0;
  }

  locate(node: u32): bool {
    this.from = this.tree.start(node);
    this.to = this.tree.end(node);
    return true;
  }

  /** The member with its name, and one comma. The root stays. */
  locateWhole(node: u32): bool {
    const tree = this.tree;
    const parent = tree.parent(node);
    if (parent == 0) return false;
    const source = tree.sourcePointer;
    let from = source + tree.start(node);
    let to = source + tree.end(node);
    if (tree.kind(parent) == FieldKind.Object) from = nameStart(from);
    const next = tree.nextSibling(node);
    if (node != tree.firstChild(parent) && node != this.firstLeft) {
      this.firstLeft = 0;
      while (load<u8>(from - 1) != COMMA) from--;
      from--;
    } else {
      this.firstLeft = next;
      if (next != 0) {
        while (load<u8>(to) != COMMA) to++;
        to++;
      }
    }
    this.from = <u32>(from - source);
    this.to = <u32>(to - source);
    return true;
  }

  write(node: u32, text: usize, length: u32, out: Writer): bool {
    const at = this.tree.sourcePointer + this.from;
    const end = this.tree.sourcePointer + this.to;
    out.byte(QUOTE);
    if (this.tree.kind(node) == FieldKind.String && this.tree.escaped(node))
      writeEscaped(text, length, hasEscape(at, end, SLASH), hasUnicodeEscape(at, end), out);
    else writeEscaped(text, length, false, false, out);
    out.byte(QUOTE);
    return true;
  }

  writeHidden(node: u32, text: usize, length: u32, out: Writer): void {
    out.byte(QUOTE);
    out.byte(STAR);
    out.byte(QUOTE);
  }

  writeNull(node: u32, out: Writer): bool {
    out.ascii('null');
    return true;
  }
}

/** Address of the opening quote of the name whose value begins at `value`. */
function nameStart(value: usize): usize {
  let at = value - 1;
  while (load<u8>(at) != COLON) at--;
  at--;
  while (load<u8>(at) != QUOTE) at--;
  do {
    at--;
  } while (load<u8>(at) != QUOTE || isEscaped(at));
  return at;
}

function isEscaped(at: usize): bool {
  let backslashes: u32 = 0;
  while (load<u8>(at - 1 - backslashes) == BACKSLASH) backslashes++;
  return (backslashes & 1) != 0;
}

/** Whether an escape of this letter stands there. */
function hasEscape(at: usize, end: usize, letter: u8): bool {
  for (; at + 1 < end; at++) {
    if (load<u8>(at) != BACKSLASH) continue;
    if (load<u8>(at, 1) == letter) return true;
    at++;
  }
  return false;
}

/** Whether a character beyond ASCII is written as an escape. */
function hasUnicodeEscape(at: usize, end: usize): bool {
  for (; at + 5 < end; at++) {
    if (load<u8>(at) != BACKSLASH) continue;
    if (load<u8>(at, 1) == Ascii.LowerU && (load<u16>(at, 2) != 0x3030 || load<u8>(at, 4) > 55)) return true;
    at++;
  }
  return false;
}

/** The inside of a JSON string. `slashes`, `ascii`: whether slashes, and characters beyond ASCII, are escaped. */
export function writeEscaped(text: usize, length: u32, slashes: bool, ascii: bool, out: Writer): void {
  const end = text + length;
  for (let at = text; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == QUOTE || byte == BACKSLASH || (slashes && byte == SLASH)) {
      out.byte(BACKSLASH);
      out.byte(byte);
    } else if (byte < 32) {
      const letter: u8 = byte - 8 < 6 ? load<u8>(SHORT + (byte - 8)) : 0;
      if (letter != 0) {
        out.byte(BACKSLASH);
        out.byte(letter);
      } else writeUnit(byte, out);
    } else if (byte < 0x80 || !ascii) out.byte(byte);
    else {
      const point = pointAt(at, end);
      if (point < 0x10000) writeUnit(point, out);
      else {
        writeUnit(0xd7c0 + (point >> 10), out);
        writeUnit(0xdc00 | (point & 0x3ff), out);
      }
      at += point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    }
  }
}

function writeUnit(unit: u32, out: Writer): void {
  out.byte(BACKSLASH);
  out.byte(117);
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (unit >> shift) & 15;
    out.byte(<u8>(digit < 10 ? 48 + digit : 87 + digit));
  }
}
