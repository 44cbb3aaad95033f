// CNAPS2 messages: a header block {H:…} with fixed positions, optional blocks such as {S:…}, an XML document, and
// optional further blocks.
import { Ascii } from '../../memory/ascii';
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';
import { MAX_BLOCK_BYTES } from '../../limits';
import { FieldKind } from '../nodes';
import { scanProlog } from '../xml/declaration';
import { XmlDocument } from '../xml/document';
import { fail, skipSpace } from '../xml/scan';
import { layoutOf } from './header';

const OPENING: u8 = 123;
const CLOSING: u8 = 125;
/** `{H:` */
const HEADER: u32 = 0x3a487b;
/** Length of `{H:`, `{S:` and the like, bytes. */
const OPENING_BYTES: u32 = 3;
const LETTER_H: u32 = 7;

/**
 * Field tree of one message at a time. `$.H` has a String for each header field, without trailing blanks. `$.S` and so
 * on hold the text of other blocks. The document's root element is as in XmlDocument.
 */
export class Cnaps2Document extends XmlDocument {
  /** Block letters that have occurred, one bit each. */
  private seen: u32 = 0;

  /**
   * Indexes the message. Returns 0, or an `ErrorId` with `errorOffset` set: FIM-CNAPS-0001 to 0003, or an error of
   * XmlDocument.
   */
  parse(source: usize, length: u32, arena: Arena): u32 {
    this.root = 0;
    this.errorOffset = 0;
    const end = source + length;
    let error = this.admit(source, length);
    if (error != 0) return error;
    if (!this.prepare(source, length, arena)) return ErrorId.FIM_RT_0006;
    let p = this.header(source, end);
    if (p != 0) p = this.blocks(p, end);
    if (p != 0) p = scanProlog(p, end);
    if (p == 0) return this.failed(source, end);
    error = this.checkCharacters(source, p, end);
    if (error != 0) {
      this.root = 0;
      return error;
    }
    p = this.element(p, end, arena);
    if (p != 0) p = this.blocks(p, end);
    if (p == 0) return this.failed(source, end);
    if (p < end) {
      fail(ErrorId.FIM_XML_0001, p);
      return this.failed(source, end);
    }
    this.close();
    return 0;
  }

  /** Reads the header. Returns the address after it and the white space that follows. */
  private header(p: usize, end: usize): usize {
    if (p + OPENING_BYTES + 2 > end || (load<u32>(p) & 0xffffff) != HEADER) return fail(ErrorId.FIM_CNAPS_0001, p);
    this.seen = 1 << LETTER_H;
    const layout = layoutOf(load<u16>(p, OPENING_BYTES));
    if (layout == null) return fail(ErrorId.FIM_CNAPS_0002, p + OPENING_BYTES);
    let at = p + OPENING_BYTES;
    const close = at + layout.length;
    if (close >= end || load<u8>(close) != CLOSING || !isPrintable(at, close)) return fail(ErrorId.FIM_CNAPS_0003, p);
    this.open(p + 1, 1, FieldKind.Object);
    this.setSpan(this.current, <u32>(p - this.source), <u32>(close + 1 - this.source));
    for (let i = 0; i < layout.lengths.length; i++) {
      const name = unchecked(layout.names[i]);
      const next = at + unchecked(layout.lengths[i]);
      let length = <u32>(next - at);
      while (length > 0 && load<u8>(at + length - 1) == Ascii.Space) length--;
      this.addText(name.pointer, name.length, at, length);
      at = next;
    }
    this.close();
    return skipSpace(close + 1, end);
  }

  /** Reads all consecutive blocks other than the header. Returns the address after them. */
  private blocks(p: usize, end: usize): usize {
    while (p < end && load<u8>(p) == OPENING) {
      if (p + OPENING_BYTES >= end) return fail(ErrorId.FIM_CNAPS_0003, p);
      const letter = <u32>load<u8>(p, 1) - 65;
      if (letter >= 26 || load<u8>(p, 2) != Ascii.Colon || ((this.seen >> letter) & 1) != 0)
        return fail(ErrorId.FIM_CNAPS_0003, p);
      this.seen |= 1 << letter;
      const text = p + OPENING_BYTES;
      let close = text;
      const last = min(end, text + MAX_BLOCK_BYTES + 1);
      while (close < last && load<u8>(close) != CLOSING) close++;
      if (close >= last || !isPrintable(text, close)) return fail(ErrorId.FIM_CNAPS_0003, p);
      this.addText(p + 1, 1, text, <u32>(close - text));
      p = skipSpace(close + 1, end);
    }
    return p;
  }
}

/** Printable ASCII, and line ends, which base64 signatures contain. */
function isPrintable(p: usize, end: usize): bool {
  for (; p < end; p++) {
    const byte = <u32>load<u8>(p);
    if (byte - 32 >= 95 && byte != Ascii.LineFeed && byte != Ascii.CarriageReturn) return false;
  }
  return true;
}
