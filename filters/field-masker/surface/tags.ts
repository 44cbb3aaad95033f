// Values of chip data and of other BER-TLV. Their lengths stay: what has another length is hidden whole.
import { Writer } from '../../memory/writer';
import { FieldKind, FieldTree } from '../../message/field-tree';
import { hexDigit } from '../../message/hex-text';
import { nextCharacter, pointAt } from '../method/characters';

const STAR: u8 = 42;
const HEX: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70]);

/** Objects of one field, walked beside their nodes in the order of both. */
export class TagWalk {
  /** Place of the value found last in the bytes of the field: first byte, and bytes. */
  value: u32 = 0;
  bytes: u32 = 0;
  private base: usize = 0;
  private isHex: bool = false;
  private at: u32 = 0;
  private next: u32 = 0;

  /** Begins at the objects at `base`, whose first node is `first`. `isHex`: two characters are a byte. */
  begin(base: usize, isHex: bool, first: u32): void {
    this.base = base;
    this.isHex = isHex;
    this.at = 0;
    this.next = first;
  }

  /** Whether the walk has not passed the node. */
  reaches(node: u32): bool {
    return node >= this.next;
  }

  /** Finds the value of a node. The message was read: the objects are sound. */
  seek(tree: FieldTree, node: u32): void {
    while (this.next <= node) {
      while (this.byte(this.at) == 0) this.at++;
      let at = this.at;
      if ((this.byte(at++) & 0x1f) == 0x1f) while ((this.byte(at++) & 0x80) != 0) {}
      let length = this.byte(at++);
      if (length >= 0x80) {
        let more = length & 0x7f;
        for (length = 0; more > 0; more--) length = (length << 8) | this.byte(at++);
      }
      this.value = at;
      this.bytes = length;
      this.at = tree.kind(this.next) == FieldKind.Object ? at : at + length;
      this.next++;
    }
  }

  private byte(at: u32): u32 {
    if (!this.isHex) return load<u8>(this.base + at);
    return (hexDigit(load<u8>(this.base + at * 2)) << 4) | hexDigit(load<u8>(this.base + at * 2 + 1));
  }

  /** Offset from the field's first byte in the message to that of the value. */
  get from(): u32 {
    return this.isHex ? this.value * 2 : this.value;
  }

  get size(): u32 {
    return this.isHex ? this.bytes * 2 : this.bytes;
  }

  /** Writes a text over the value whose text was `old`. False: it has another length. */
  write(old: usize, oldLength: u32, text: usize, length: u32, out: Writer): bool {
    const end = text + length;
    let count: u32 = 0;
    for (let at = text; at < end; at = nextCharacter(at, end)) count++;
    if (this.isText(old, oldLength)) {
      if (count > this.bytes) return false;
      for (let at = text; at < end; at = nextCharacter(at, end)) {
        const point = pointAt(at, end);
        this.put(point < 256 ? point : STAR, out);
      }
      for (; count < this.bytes; count++) this.put(0, out);
      return true;
    }
    if (count != oldLength) return false;
    const skip = this.skipped(old, oldLength);
    let at = text;
    let high: u32 = 0;
    for (let i: u32 = 0; i < this.bytes * 2; i++) {
      let digit = this.nibble(i);
      if (i >= skip && i < skip + oldLength) {
        const point = pointAt(at, end);
        digit = point < 128 ? hexDigit(point) & 15 : 0;
        if (point >= 128 || hexDigit(point) > 15) digit = 0;
        at = nextCharacter(at, end);
      }
      if ((i & 1) == 0) high = digit;
      else this.put((high << 4) | digit, out);
    }
    return true;
  }

  /** Writes the value with every character hidden. */
  writeHidden(old: usize, oldLength: u32, out: Writer): void {
    const isText = this.isText(old, oldLength);
    for (let i: u32 = 0; i < this.bytes; i++) this.put(isText ? STAR : 0, out);
  }

  /** Whether the text is the value's bytes as characters, and not their digits. */
  private isText(old: usize, oldLength: u32): bool {
    if (oldLength == 0 || oldLength != this.bytes) return oldLength < this.bytes;
    for (let i: u32 = 0; i < oldLength; i++) if (load<u8>(old + i) != this.byte(this.value + i)) return false;
    return true;
  }

  /** Digits before those of the text. */
  private skipped(old: usize, oldLength: u32): u32 {
    for (let i: u32 = 0; i < oldLength; i++) if (this.nibble(i) != hexDigit(load<u8>(old + i))) return 1;
    return 0;
  }

  private nibble(i: u32): u32 {
    const byte = this.byte(this.value + (i >> 1));
    return (i & 1) == 0 ? byte >> 4 : byte & 15;
  }

  private put(byte: u32, out: Writer): void {
    if (!this.isHex) out.byte(<u8>byte);
    else {
      out.byte(load<u8>(HEX + (byte >> 4)));
      out.byte(load<u8>(HEX + (byte & 15)));
    }
  }
}
