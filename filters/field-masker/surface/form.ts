// Values of forms. The parts are walked beside the fields, which stand in the same order.
import { Ascii } from '../../memory/ascii';
import { Writer } from '../../memory/writer';
import { FieldTree } from '../../message/field-tree';
import { Surface } from './surface';

const AMPERSAND: u8 = 38;
const EQUALS: u8 = 61;
const STAR: u8 = 42;
const HEX: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70]);

export class FormSurface extends Surface {
  /** Whether the form is not percent-encoded. */
  plain: bool = false;
  private node: u32 = 0;
  private at: usize = 0;
  private partFrom: usize = 0;
  private partTo: usize = 0;
  private equals: usize = 0;
  private firstLeft: u32 = 0;

  begin(tree: FieldTree, length: u32): void {
    super.begin(tree, length);
    this.node = 0;
    this.firstLeft = 0;
    this.at = tree.sourcePointer;
  }

  /** Moves to the part of a field. */
  private seek(node: u32): bool {
    const tree = this.tree;
    const end = tree.sourcePointer + this.length;
    while (this.node != node) {
      const next = this.node == 0 ? tree.firstChild(tree.root) : tree.nextSibling(this.node);
      if (next == 0) return false;
      while (this.at < end && load<u8>(this.at) == AMPERSAND) this.at++;
      this.partFrom = this.at;
      this.equals = 0;
      this.partTo = this.plain ? this.plainEnd(next, end) : this.encodedEnd(end);
      this.at = this.partTo;
      this.node = next;
    }
    return true;
  }

  private encodedEnd(end: usize): usize {
    let at = this.at;
    for (; at < end && load<u8>(at) != AMPERSAND; at++)
      if (this.equals == 0 && load<u8>(at) == EQUALS) this.equals = at;
    return at;
  }

  /** A text that is not encoded stands in the source as it is. */
  private plainEnd(node: u32, end: usize): usize {
    const tree = this.tree;
    const value = tree.sourcePointer + tree.start(node);
    const behind = tree.sourcePointer + tree.end(node);
    if (value > this.at && load<u8>(value - 1) == EQUALS) this.equals = value - 1;
    return this.equals == 0 ? this.encodedEnd(end) : behind;
  }

  locate(node: u32): bool {
    if (!this.seek(node)) return false;
    const source = this.tree.sourcePointer;
    const from = this.equals == 0 ? this.partTo : this.equals + 1;
    this.from = <u32>(from - source);
    this.to = <u32>(this.partTo - source);
    return true;
  }

  locateWhole(node: u32): bool {
    if (!this.seek(node)) return false;
    const source = this.tree.sourcePointer;
    let from = this.partFrom;
    let to = this.partTo;
    const next = this.tree.nextSibling(node);
    if (node != this.tree.firstChild(this.tree.root) && node != this.firstLeft) {
      this.firstLeft = 0;
      from--;
    } else {
      this.firstLeft = next;
      if (next != 0) to++;
    }
    this.from = <u32>(from - source);
    this.to = <u32>(to - source);
    return true;
  }

  write(node: u32, text: usize, length: u32, out: Writer): bool {
    if (!this.plain) {
      writePercent(text, length, out);
      return true;
    }
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(text + i);
      if (byte == AMPERSAND || byte == Ascii.OpenBracket || byte == Ascii.OpenBrace) return false;
    }
    out.bytes(text, length);
    return true;
  }

  writeHidden(node: u32, text: usize, length: u32, out: Writer): void {
    out.byte(STAR);
  }

  writeNull(node: u32, out: Writer): bool {
    return true;
  }
}

/** Writes a text percent-encoded, as application/x-www-form-urlencoded has it. */
export function writePercent(text: usize, length: u32, out: Writer): void {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(text + i);
    if (isPlain(byte)) out.byte(<u8>byte);
    else {
      out.byte(37);
      out.byte(load<u8>(HEX + (byte >> 4)));
      out.byte(load<u8>(HEX + (byte & 15)));
    }
  }
}

function isPlain(byte: u32): bool {
  return (
    byte - 48 < 10 ||
    (byte | 32) - 97 < 26 ||
    byte == Ascii.Asterisk ||
    byte == Ascii.Minus ||
    byte == Ascii.Point ||
    byte == Ascii.Underscore
  );
}
