// Forms and query strings: `name=value` joined by `&`, percent-encoded, `+` for a blank
// (application/x-www-form-urlencoded, WHATWG URL standard, 5.1). Strict: input that the standard would repair is
// refused.
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';
import { MAX_FORM_BYTES, MAX_FORM_FIELDS } from '../../limits';
import { DuplicateCheck, NO_DUPLICATE, OUT_OF_MEMORY } from '../duplicates';
import { FieldTree } from '../field-tree';
import { hexDigit } from '../hex-text';
import { FieldKind } from '../nodes';
import { isUtf8 } from '../utf8';

const AMPERSAND: u8 = 38;
const EQUALS: u8 = 61;
const PERCENT: u8 = 37;
const PLUS: u8 = 43;
const OPEN_BRACKET: u8 = 91;
const OPEN_BRACE: u8 = 123;
/** Bytes that may be read after the end of the text. */
const READ_AHEAD_BYTES: usize = 16;
/** Initial capacity, fields. */
const FIRST_FIELDS: u32 = 64;

/**
 * Tree of one form at a time: an object with a String for each field. Empty parts between `&` are skipped. A part
 * without `=` is a name with an empty value. A name may occur once, since receivers do not agree on a form for lists.
 */
export class FormDocument extends FieldTree {
  /** Offset of the error after a failed `parse`, bytes. */
  errorOffset: u32 = 0;
  /** Whether a part without `=` stands in it: a name by itself. */
  hasBareName: bool = false;
  private readonly duplicates: DuplicateCheck = new DuplicateCheck();
  /** Whether the text is not percent-encoded. */
  private plain: bool = false;
  private error: ErrorId = ErrorId.None;
  private textAt: usize = 0;
  private textBytes: u32 = 0;

  /**
   * Indexes a form, or a query string without its `?`. Returns 0, or an `ErrorId` with `errorOffset` set: FIM-FORM-0001
   * to 0004, or FIM-RT-0006 when the arena is full. Linear in the length.
   */
  parse(source: usize, length: u32, arena: Arena): u32 {
    this.plain = false;
    return this.split(source, length, arena);
  }

  /**
   * Indexes a form that is not percent-encoded, as `parse` does: a name ends at the first `=`, a value at the next `&`
   * that is not between `{` and `}` or `[` and `]` (as the kits of UnionPay read their gateways' answers).
   */
  parsePlain(source: usize, length: u32, arena: Arena): u32 {
    this.plain = true;
    return this.split(source, length, arena);
  }

  private split(source: usize, length: u32, arena: Arena): u32 {
    this.root = 0;
    this.errorOffset = 0;
    this.hasBareName = false;
    const end = source + length;
    if (length > MAX_FORM_BYTES) return ErrorId.FIM_FORM_0004;
    if (end + READ_AHEAD_BYTES > (<usize>memory.size()) << 16 && memory.grow(1) < 0) return ErrorId.FIM_RT_0006;
    if (!this.begin(source, arena, FIRST_FIELDS) || !this.open(0, 0, FieldKind.Object)) return ErrorId.FIM_RT_0006;
    this.error = ErrorId.None;
    let p = source;
    while (p < end) {
      if (load<u8>(p) == AMPERSAND) p++;
      else {
        p = this.field(p, end, arena);
        if (p == 0) return this.failed();
      }
    }
    const count = this.count(this.root);
    const twice = count < 2 ? NO_DUPLICATE : this.duplicates.find(this.nodes, this.firstChild(this.root), count, arena);
    if (twice == OUT_OF_MEMORY) this.fail(ErrorId.FIM_RT_0006, source);
    else if (twice != NO_DUPLICATE) this.fail(ErrorId.FIM_FORM_0003, end);
    if (this.error != ErrorId.None) return this.failed();
    this.setSpan(this.root, 0, length);
    this.close();
    return 0;
  }

  private failed(): u32 {
    this.root = 0;
    return this.error;
  }

  private fail(error: ErrorId, at: usize): usize {
    this.error = error;
    this.errorOffset = <u32>(at - this.source);
    return 0;
  }

  /** Reads one field. Returns the address of the `&` after it, or the end. */
  private field(p: usize, end: usize, arena: Arena): usize {
    if (this.size > MAX_FORM_FIELDS) return this.fail(ErrorId.FIM_FORM_0004, p);
    if (this.size + 1 >= this.capacity && !this.grow(arena, MAX_FORM_FIELDS + 1))
      return this.fail(ErrorId.FIM_RT_0006, p);
    let stop = this.part(p, end, true, arena);
    if (stop == 0) return 0;
    const name = this.textAt;
    const nameBytes = this.textBytes;
    let value = stop;
    let valueBytes: u32 = 0;
    if (stop < end && load<u8>(stop) == EQUALS) {
      stop = this.part(stop + 1, end, false, arena);
      if (stop == 0) return 0;
      value = this.textAt;
      valueBytes = this.textBytes;
    } else this.hasBareName = true;
    this.addText(name, nameBytes, value, valueBytes);
    return stop;
  }

  /** Decodes a name or a value to `textAt`. Returns the address of the next `&` (or `=` after a name), or the end. */
  private part(from: usize, end: usize, isName: bool, arena: Arena): usize {
    if (this.plain) return this.plainPart(from, end, isName);
    let p = from;
    let encoded = false;
    while (p < end) {
      const stops = partStops(p);
      if (stops == 0) {
        p += 16;
        continue;
      }
      p += ctz(stops);
      if (p >= end) break;
      const byte = load<u8>(p);
      if (byte == AMPERSAND || (byte == EQUALS && isName)) break;
      if (byte == PERCENT || byte == PLUS) encoded = true;
      else if (byte != EQUALS) return this.fail(ErrorId.FIM_FORM_0001, p);
      p++;
    }
    const stop = min(p, end);
    this.textAt = from;
    this.textBytes = <u32>(stop - from);
    return !encoded || this.decode(from, stop, arena) ? stop : 0;
  }

  private plainPart(from: usize, end: usize, isName: bool): usize {
    let p = from;
    let close: u8 = 0;
    for (; p < end; p++) {
      const byte = load<u8>(p);
      if (close != 0) {
        if (byte == close) close = 0;
        continue;
      }
      if (byte == AMPERSAND || (byte == EQUALS && isName)) break;
      // The closing one stands two behind the opening one.
      if (!isName && (byte == OPEN_BRACE || byte == OPEN_BRACKET)) close = byte + 2;
    }
    this.textAt = from;
    this.textBytes = <u32>(p - from);
    if (close != 0) return this.fail(ErrorId.FIM_FORM_0001, from);
    return isUtf8(from, this.textBytes) ? p : this.fail(ErrorId.FIM_FORM_0002, from);
  }

  private decode(from: usize, end: usize, arena: Arena): bool {
    const to = arena.allocate(end - from);
    if (to == 0) return this.fail(ErrorId.FIM_RT_0006, from) != 0;
    let out = to;
    for (let p = from; p < end; p++) {
      let byte = load<u8>(p);
      if (byte == PLUS) byte = 32;
      else if (byte == PERCENT) {
        if (p + 2 >= end) return this.fail(ErrorId.FIM_FORM_0001, p) != 0;
        const high = hexDigit(load<u8>(p, 1));
        const low = hexDigit(load<u8>(p, 2));
        if ((high | low) > 15) return this.fail(ErrorId.FIM_FORM_0001, p) != 0;
        byte = <u8>((high << 4) | low);
        p += 2;
      }
      store<u8>(out++, byte);
    }
    this.textAt = to;
    this.textBytes = <u32>(out - to);
    return isUtf8(to, this.textBytes) || this.fail(ErrorId.FIM_FORM_0002, from) != 0;
  }
}

/**
 * Bit i is set if byte i of the 16 at `p` is not a plain character: `&`, `=`, `%`, `+`, or a character that a form must
 * not contain.
 */
// @ts-ignore: decorator
@inline
function partStops(p: usize): u32 {
  const bytes = v128.load(p);
  const ends = v128.or(i8x16.eq(bytes, i8x16.splat(<i8>AMPERSAND)), i8x16.eq(bytes, i8x16.splat(<i8>EQUALS)));
  const codes = v128.or(i8x16.eq(bytes, i8x16.splat(<i8>PERCENT)), i8x16.eq(bytes, i8x16.splat(<i8>PLUS)));
  // Printable ASCII without the blank is 33 to 126.
  const others = i8x16.gt_u(i8x16.sub(bytes, i8x16.splat(33)), i8x16.splat(93));
  return <u32>i8x16.bitmask(v128.or(v128.or(ends, codes), others));
}
