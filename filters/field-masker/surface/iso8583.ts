// Values of ISO 8583 messages, with the tags of chip data. Lengths and bitmaps follow what is changed. A character that an
// element's format does not take becomes a 0.
import { scratch } from '../../memory/scratch';
import { Writer } from '../../memory/writer';
import { FieldTree } from '../../message/field-tree';
import { hexDigit } from '../../message/hex-text';
import { IsoTree } from '../../message/iso8583/iso-tree';
import { elementNumber } from '../../message/iso8583/field-names';
import { numberBytes, readNumber } from '../../message/iso8583/numbers';
import {
  IsoEncoding,
  IsoSpec,
  LAST_ELEMENT,
  LengthHeader,
  NetworkHeader,
  rowEncoding,
  TPDU_BYTES,
} from '../../message/iso8583/spec';
import { encodedElement, encodedElementBytes, encodeElement, encodeHidden, writeNumber } from './iso-element';
import { Surface } from './surface';
import { TagWalk } from './tags';

const ROOT: u32 = 1;
/** Elements of one bitmap. */
const MAP_ELEMENTS: u32 = 64;
const MAP_BYTES: u32 = 8;
/** Offset of the total length in UnionPay's header, and its digits. */
const CUPS_LENGTH_AT: u32 = 2;
const LENGTH_DIGITS: u32 = 4;

export class IsoSurface extends Surface {
  private iso: IsoTree | null = null;
  private spec: IsoSpec = NO_SPEC;
  private element: u32 = 0;
  private readonly tags: TagWalk = new TagWalk();
  private walked: u32 = 0;
  private inTag: bool = false;
  private readonly gone: StaticArray<bool> = new StaticArray<bool>(<i32>LAST_ELEMENT + 1);
  private hasGone: bool = false;

  /** Sets the reader and the specification of the message, before `begin`. */
  read(iso: IsoTree, spec: IsoSpec): void {
    this.iso = iso;
    this.spec = spec;
  }

  begin(tree: FieldTree, length: u32): void {
    super.begin(tree, length);
    this.walked = 0;
    if (this.hasGone) memory.fill(changetype<usize>(this.gone), 0, LAST_ELEMENT + 1);
    this.hasGone = false;
  }

  locate(node: u32): bool {
    const iso = this.iso;
    if (iso == null || !this.find(node)) return false;
    const element = this.element;
    const source = this.tree.sourcePointer;
    const top = iso.elementNode(element);
    this.inTag = node != top;
    if (!this.inTag) {
      this.from = <u32>(iso.elementStart(element) - source);
      this.to = <u32>(iso.elementEnd(element) - source);
      return true;
    }
    const tags = this.tags;
    if (this.walked != element || !tags.reaches(node)) {
      tags.begin(iso.value(element), rowEncoding(this.spec.row(element)) == IsoEncoding.Hex, top + 1);
      this.walked = element;
    }
    tags.seek(this.tree, node);
    this.from = <u32>(iso.value(element) - source) + tags.from;
    this.to = this.from + tags.size;
    return true;
  }

  /** The data element that the node is or stands in. */
  private find(node: u32): bool {
    const tree = this.tree;
    while (tree.parent(node) > ROOT) node = tree.parent(node);
    this.element = elementNumber(tree.key(node), tree.keyLength(node));
    return this.element != 0;
  }

  locateWhole(node: u32): bool {
    const iso = this.iso;
    if (iso == null || !this.find(node) || iso.elementNode(this.element) != node) return false;
    this.from = <u32>(iso.elementStart(this.element) - this.tree.sourcePointer);
    this.to = <u32>(iso.elementEnd(this.element) - this.tree.sourcePointer);
    unchecked((this.gone[this.element] = true));
    this.hasGone = true;
    return true;
  }

  write(node: u32, text: usize, length: u32, out: Writer): bool {
    const iso = this.iso;
    if (iso == null) return false;
    if (this.inTag) {
      const old = this.tree.text(node, scratch);
      return old != 0 && this.tags.write(old, this.tree.textLength, text, length, out);
    }
    if (!encodeElement(this.spec.row(this.element), text, length, iso.elementLength(this.element))) return false;
    out.bytes(encodedElement(), encodedElementBytes());
    return true;
  }

  writeHidden(node: u32, text: usize, length: u32, out: Writer): void {
    const iso = this.iso;
    if (iso == null) return;
    if (this.inTag) {
      const old = this.tree.text(node, scratch);
      this.tags.writeHidden(old, this.tree.textLength, out);
      return;
    }
    encodeHidden(this.spec.row(this.element), iso.elementLength(this.element));
    out.bytes(encodedElement(), encodedElementBytes());
  }

  writeNull(node: u32, out: Writer): bool {
    return false;
  }

  finish(out: Writer): void {
    const iso = this.iso;
    if (iso == null || out.overflowed) return;
    const source = this.tree.sourcePointer;
    if (this.hasGone) {
      const maps = out.pointer + (iso.messageStart - source) + iso.messageTypeBytes;
      for (let element: u32 = 2; element <= LAST_ELEMENT; element++)
        if (unchecked(this.gone[element])) clearBit(maps, this.spec.bitmap == IsoEncoding.Hex, element - 1);
    }
    if (out.length == this.length) return;
    const spec = this.spec;
    let at: u32 = 0;
    if (spec.lengthHeader != LengthHeader.None) {
      const encoding =
        spec.lengthHeader == LengthHeader.Binary2
          ? IsoEncoding.Binary
          : spec.lengthHeader == LengthHeader.Bcd2
            ? IsoEncoding.Bcd
            : IsoEncoding.Ascii;
      at = numberBytes(encoding, LENGTH_DIGITS);
      writeNumber(encoding, out.pointer, LENGTH_DIGITS, out.length - at);
    }
    if (spec.tpdu) at += TPDU_BYTES;
    if (spec.network != NetworkHeader.Cups) return;
    const total = out.pointer + at + CUPS_LENGTH_AT;
    const before = readNumber(IsoEncoding.Ascii, total, LENGTH_DIGITS);
    const after = before + <i32>(out.length - this.length);
    if (before > 0 && after > 0) writeNumber(IsoEncoding.Ascii, total, LENGTH_DIGITS, <u32>after);
  }
}

const NO_SPEC: IsoSpec = new IsoSpec();

/** Clears bit `bit` (from 0, the first of the first map) of bitmaps that follow each other. */
function clearBit(maps: usize, isHex: bool, bit: u32): void {
  const byte = (bit / MAP_ELEMENTS) * MAP_BYTES + ((bit % MAP_ELEMENTS) >> 3);
  const mask: u32 = 0x80 >> (bit & 7);
  if (!isHex) {
    store<u8>(maps + byte, load<u8>(maps + byte) & ~mask);
    return;
  }
  const nibble = byte * 2 + ((bit & 7) >> 2);
  const digit = hexDigit(load<u8>(maps + nibble)) & ~(8 >> (bit & 3));
  store<u8>(maps + nibble, <u8>(digit < 10 ? 48 + digit : 55 + digit));
}

/** Values of BER-TLV by itself. */
export class TlvSurface extends Surface {
  private readonly tags: TagWalk = new TagWalk();

  begin(tree: FieldTree, length: u32): void {
    super.begin(tree, length);
    this.tags.begin(tree.sourcePointer, false, tree.root + 1);
  }

  locate(node: u32): bool {
    this.tags.seek(this.tree, node);
    this.from = this.tags.from;
    this.to = this.from + this.tags.size;
    return true;
  }

  locateWhole(node: u32): bool {
    return false;
  }

  write(node: u32, text: usize, length: u32, out: Writer): bool {
    const old = this.tree.text(node, scratch);
    return old != 0 && this.tags.write(old, this.tree.textLength, text, length, out);
  }

  writeHidden(node: u32, text: usize, length: u32, out: Writer): void {
    const old = this.tree.text(node, scratch);
    this.tags.writeHidden(old, this.tree.textLength, out);
  }

  writeNull(node: u32, out: Writer): bool {
    return false;
  }
}
