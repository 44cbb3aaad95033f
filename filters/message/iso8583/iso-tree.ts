// An ISO 8583 message as fields: MTI, DE2 …, with the chip data objects below DE55. Values are text in any encoding:
// digits of BCD, hexadecimal digits of bytes.
import { ErrorId } from '../../errors.gen';
import { MAX_TLV_NODES } from '../../limits';
import { Arena } from '../../memory/arena';
import { FieldKind } from '../field-tree';
import { hexDigit, readHex, writeHex } from '../hex-text';
import { TEXT } from '../nodes';
import { TlvTree } from '../tlv/tlv-tree';
import { CUPS_PARTS, cupsHeaderBytes, HEADER_NAME, returnedHeaderBytes } from './cups-header';
import { ASCII_OF_EBCDIC } from './ebcdic';
import { encodedBytes, isElement } from './element-format';
import { fieldName, fieldNameHash, fieldNameLength, fillFieldNames, MTI, TPDU } from './field-names';
import { numberBytes, readNumber } from './numbers';
import {
  IsoContent,
  IsoEncoding,
  IsoFormat,
  IsoSpec,
  LAST_ELEMENT,
  LengthHeader,
  NetworkHeader,
  rowContent,
  rowEncoding,
  rowFillsRight,
  rowFormat,
  rowLengthEncoding,
  rowMost,
  rowPrefix,
  SHORT_CUPS_BYTES,
  TPDU_BYTES,
} from './spec';

const BITMAP_BYTES: u32 = 8;
const TYPE_DIGITS: u32 = 4;
/** Most fields besides chip data: the root, TPDU, header and its parts, message type, elements. */
const MOST_FIELDS: u32 = LAST_ELEMENT + 16;
/** A length prefix has up to four digits. */
const PREFIX_BITS: u32 = 3;
const TEXT_INFO: u32 = FieldKind.String | TEXT;

/** Fields of one message at a time. */
export class IsoTree extends TlvTree {
  /** Data element at which `read` failed. 0 for the header, the message type and the bitmap. */
  errorElement: u32 = 0;
  /** Address of the message type, where the range of a message authentication code begins. */
  messageStart: usize = 0;
  /** Length of the message type, bytes. */
  messageTypeBytes: u32 = 0;

  /** By element: address of its value. */
  private readonly values: StaticArray<usize> = new StaticArray<usize>(<i32>LAST_ELEMENT + 1);
  /** By element: start, including its length prefix, and end. */
  private readonly starts: StaticArray<usize> = new StaticArray<usize>(<i32>LAST_ELEMENT + 1);
  private readonly ends: StaticArray<usize> = new StaticArray<usize>(<i32>LAST_ELEMENT + 1);
  /** By element, with the message type at 0: its field. */
  private readonly fieldOf: StaticArray<u32> = new StaticArray<u32>(<i32>LAST_ELEMENT + 1);
  /** By element: the length in its prefix, and in the three lowest bits the number of the prefix's digits. */
  private readonly lengths: StaticArray<u32> = new StaticArray<u32>(<i32>LAST_ELEMENT + 1);
  private low: u64 = 0;
  private middle: u64 = 0;
  private high: u64 = 0;
  /** Position of `take`, and the end of the message. */
  private at: usize = 0;
  private messageEnd: usize = 0;
  /** Previous field below the root. */
  private last: u32 = 0;

  constructor() {
    super();
    fillFieldNames();
  }

  /**
   * Reads a message. The second bitmap follows the first, and the third follows the second (bit 65). Returns 0, or
   * FIM-ISO-0001 to 0008 or, for chip data, FIM-TLV-0001 to 0004, with `errorElement` and `errorOffset` set;
   * FIM-RT-0006 if the arena is full. Linear.
   */
  read(source: usize, length: u32, spec: IsoSpec, arena: Arena): u32 {
    this.errorElement = 0;
    this.low = 0;
    this.middle = 0;
    this.high = 0;
    const tags = min(length / 2, MAX_TLV_NODES);
    if (!this.prepare(source, length, MOST_FIELDS + tags, tags, arena)) return ErrorId.FIM_RT_0006;
    this.setSpan(this.put(0, 0, 0, FieldKind.Object, 0, 0), 0, length);
    this.at = source;
    this.messageEnd = source + length;
    this.last = 0;
    let error = this.readFrame(spec);
    if (error == 0) error = this.readElements(spec);
    if (error == 0) {
      this.root = 1;
      return 0;
    }
    if (this.errorOffset == 0) this.errorOffset = <u32>(this.at - source);
    this.size = 0;
    this.low = 0;
    this.middle = 0;
    this.high = 0;
    return error;
  }

  /** Header, message type, bitmaps. */
  private readFrame(spec: IsoSpec): u32 {
    const error = this.readHeader(spec);
    if (error != 0) return error;
    const bytes = numberBytes(spec.messageType, TYPE_DIGITS);
    if (!this.hasMore(bytes)) return ErrorId.FIM_ISO_0001;
    const type = readNumber(spec.messageType, this.at, TYPE_DIGITS);
    if (!isMessageType(type, spec.versions)) return ErrorId.FIM_ISO_0002;
    this.messageStart = this.at;
    this.messageTypeBytes = bytes;
    const node = this.field(MTI, TEXT_INFO);
    this.fieldOf[MTI] = node;
    if (spec.messageType == IsoEncoding.Ascii) this.span(node, this.at, TYPE_DIGITS);
    else if (spec.messageType == IsoEncoding.Bcd) this.hexText(node, this.at, bytes, 0, TYPE_DIGITS);
    else this.ebcdicText(node, this.at, TYPE_DIGITS);
    this.at += bytes;
    return this.readBitmaps(spec);
  }

  /** Length header, TPDU and network header. */
  private readHeader(spec: IsoSpec): u32 {
    if (spec.lengthHeader != LengthHeader.None) {
      const encoding =
        spec.lengthHeader == LengthHeader.Binary2
          ? IsoEncoding.Binary
          : spec.lengthHeader == LengthHeader.Bcd2
            ? IsoEncoding.Bcd
            : IsoEncoding.Ascii;
      const bytes = numberBytes(encoding, 4);
      if (!this.hasMore(bytes)) return ErrorId.FIM_ISO_0001;
      const length = readNumber(encoding, this.at, 4);
      if (length < 0 || <usize>length != this.messageEnd - this.at - bytes) return ErrorId.FIM_ISO_0008;
      this.at += bytes;
    }
    if (spec.tpdu) {
      if (!this.hasMore(TPDU_BYTES)) return ErrorId.FIM_ISO_0001;
      this.hexText(this.field(TPDU, TEXT_INFO), this.at, TPDU_BYTES, 0, TPDU_BYTES * 2);
      this.at += TPDU_BYTES;
    }
    let bytes = spec.network == NetworkHeader.Opaque ? spec.networkBytes : 0;
    if (spec.network == NetworkHeader.Cups) {
      if (!this.hasMore(SHORT_CUPS_BYTES)) return ErrorId.FIM_ISO_0001;
      bytes = cupsHeaderBytes(this.at, this.messageEnd);
      if (bytes == 0) return ErrorId.FIM_ISO_0008;
    }
    if (!this.hasMore(bytes)) return ErrorId.FIM_ISO_0001;
    if (spec.network == NetworkHeader.Cups) this.addCupsHeader(bytes);
    this.at += bytes;
    if (spec.network == NetworkHeader.Cups) this.at += returnedHeaderBytes(this.at, bytes, this.messageEnd);
    return 0;
  }

  private addCupsHeader(bytes: u32): void {
    const header = this.put(HEADER_NAME.pointer, HEADER_NAME.length, HEADER_NAME.hash, FieldKind.Object, 1, this.last);
    this.last = header;
    this.span(header, this.at, bytes);
    let last: u32 = 0;
    for (let i = 0; i < CUPS_PARTS.length; i++) {
      const part = unchecked(CUPS_PARTS[i]);
      if (part.offset >= bytes) break;
      last = this.put(part.name.pointer, part.name.length, part.name.hash, TEXT_INFO, header, last);
      if (part.isText) this.byteText(last, this.at + part.offset, part.bytes);
      else this.hexText(last, this.at + part.offset, part.bytes, 0, part.bytes * 2);
    }
  }

  /** One to three bitmaps. */
  private readBitmaps(spec: IsoSpec): u32 {
    const size = spec.bitmap == IsoEncoding.Hex ? BITMAP_BYTES * 2 : BITMAP_BYTES;
    for (let map = 0; map < 3; map++) {
      if (!this.hasMore(size)) return ErrorId.FIM_ISO_0001;
      let bits: u64 = 0;
      if (spec.bitmap == IsoEncoding.Hex) {
        for (let i: u32 = 0; i < size; i++) {
          const digit = hexDigit(load<u8>(this.at + i));
          if (digit > 15) return ErrorId.FIM_ISO_0003;
          bits = (bits << 4) | (<u64>digit);
        }
      } else bits = bswap(load<u64>(this.at));
      this.at += size;
      if (map == 0) this.low = bits;
      else if (map == 1) this.middle = bits;
      else this.high = bits;
      if (bits >> 63 == 0) break;
    }
    // The first bit of a bitmap announces another one. In the third it is element 129.
    this.low &= u64.MAX_VALUE >> 1;
    this.middle &= u64.MAX_VALUE >> 1;
    return 0;
  }

  private readElements(spec: IsoSpec): u32 {
    for (let word: u32 = 0; word < 3; word++) {
      let bits = word == 0 ? this.low : word == 1 ? this.middle : this.high;
      while (bits != 0) {
        const place = <u32>clz(bits);
        bits &= ~(((<u64>1) << 63) >> place);
        const element = word * 64 + place + 1;
        this.errorElement = element;
        const error = this.readElement(element, spec.row(element));
        if (error != 0) return error;
      }
    }
    this.errorElement = 0;
    return this.at == this.messageEnd ? 0 : ErrorId.FIM_ISO_0007;
  }

  private readElement(element: u32, row: u32): u32 {
    if (row == 0) return ErrorId.FIM_ISO_0004;
    let p = this.at;
    unchecked((this.starts[element] = p));
    let units = rowMost(row);
    const prefix = rowPrefix(row);
    if (prefix != 0) {
      const encoding = rowLengthEncoding(row);
      const bytes = numberBytes(encoding, prefix);
      if (!this.hasMore(bytes)) return ErrorId.FIM_ISO_0001;
      const wanted = readNumber(encoding, p, prefix);
      if (wanted < 0 || <u32>wanted > units) return ErrorId.FIM_ISO_0005;
      units = wanted;
      p += bytes;
      this.at = p;
    }
    const format = rowFormat(row);
    const encoding = rowEncoding(row);
    const right = rowFillsRight(row);
    const bytes = encodedBytes(format, encoding, units);
    if (!this.hasMore(bytes)) return ErrorId.FIM_ISO_0001;
    if (!isElement(format, encoding, p, units, right)) return ErrorId.FIM_ISO_0006;
    unchecked((this.values[element] = p));
    unchecked((this.ends[element] = p + bytes));
    unchecked((this.lengths[element] = (units << PREFIX_BITS) | prefix));
    this.at = p + bytes;
    if (rowContent(row) == IsoContent.Tlv) return this.readChip(element, encoding, p, bytes);
    const node = this.field(element, TEXT_INFO);
    unchecked((this.fieldOf[element] = node));
    this.setValue(node, format, encoding, p, units, bytes, right);
    return 0;
  }

  /** Sets the text of an element. */
  private setValue(
    node: u32,
    format: IsoFormat,
    encoding: IsoEncoding,
    p: usize,
    units: u32,
    bytes: u32,
    right: bool,
  ): void {
    if (encoding == IsoEncoding.Ascii) {
      if (format == IsoFormat.Special || format == IsoFormat.Mixed) this.byteText(node, p, units);
      else this.span(node, p, units);
    } else if (encoding == IsoEncoding.Ebcdic) this.ebcdicText(node, p, units);
    else if (encoding == IsoEncoding.Hex) this.upperText(node, p, bytes);
    else if (encoding == IsoEncoding.Binary) this.hexText(node, p, bytes, 0, bytes * 2);
    else if (format != IsoFormat.Signed) this.hexText(node, p, bytes, right ? 0 : units & 1, units);
    else {
      // The sign replaces the padding digit, or precedes the digits.
      const skip: u32 = right ? 0 : (units - 1) & 1;
      const to = this.out;
      writeHex(p + 1, bytes - 1, to + 1 - skip);
      store<u8>(to, load<u8>(p));
      this.span(node, to, units);
      this.out = to + bytes * 2;
    }
  }

  /** Reads chip data. Its objects become fields of the element. */
  private readChip(element: u32, encoding: IsoEncoding, p: usize, bytes: u32): u32 {
    const node = this.field(element, FieldKind.Object);
    unchecked((this.fieldOf[element] = node));
    this.span(node, p, bytes);
    if (encoding == IsoEncoding.Hex) {
      const to = this.out;
      readHex(p, bytes, to);
      p = to;
      bytes >>= 1;
      this.out = to + bytes;
    }
    return this.readObjects(p, p + bytes, node);
  }

  /** Adds a field below the root. */
  // @ts-ignore: decorator
  @inline
  private field(slot: u32, info: u32): u32 {
    this.last = this.put(fieldName(slot), fieldNameLength(slot), fieldNameHash(slot), info, 1, this.last);
    return this.last;
  }

  private ebcdicText(node: u32, from: usize, length: u32): void {
    const to = this.out;
    for (let i: u32 = 0; i < length; i++) store<u8>(to + i, load<u8>(ASCII_OF_EBCDIC + load<u8>(from + i)));
    this.span(node, to, length);
    this.out = to + length;
  }

  /** Capital hexadecimal digits. */
  private upperText(node: u32, from: usize, length: u32): void {
    const to = this.out;
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(from + i);
      store<u8>(to + i, byte > 96 ? byte - 32 : byte);
    }
    this.span(node, to, length);
    this.out = to + length;
  }

  /** Whether `bytes` more bytes are available. */
  // @ts-ignore: decorator
  @inline
  private hasMore(bytes: u32): bool {
    return <usize>bytes <= this.messageEnd - this.at;
  }

  /** Whether the message has the data element. */
  has(element: u32): bool {
    const at = element - 1;
    if (at < 64) return ((this.low >> (63 - at)) & 1) != 0;
    if (at < 128) return ((this.middle >> (127 - at)) & 1) != 0;
    return at < 192 && ((this.high >> (191 - at)) & 1) != 0;
  }

  /** Address of an element's value in the message. 0 if the message does not have it. */
  value(element: u32): usize {
    return this.has(element) ? unchecked(this.values[element]) : 0;
  }

  /** Start of a present element, including its length prefix. */
  elementStart(element: u32): usize {
    return unchecked(this.starts[element]);
  }

  elementEnd(element: u32): usize {
    return unchecked(this.ends[element]);
  }

  /** Field of a present element, or of the message type (0). */
  elementNode(element: u32): u32 {
    return unchecked(this.fieldOf[element]);
  }

  /** Digits of a present element's length prefix. 0 for a fixed length. */
  prefixDigits(element: u32): u32 {
    return unchecked(this.lengths[element]) & ((1 << PREFIX_BITS) - 1);
  }

  /** Length of a present element, as in its prefix. */
  elementLength(element: u32): u32 {
    return unchecked(this.lengths[element]) >> PREFIX_BITS;
  }
}

/** Whether the specification accepts the version, and the class is 1 to 8; any function and origin. -1 is no type. */
function isMessageType(type: i32, versions: u32): bool {
  if (type < 0) return false;
  const kind = (type / 100) % 10;
  return ((versions >> (type / 1000)) & 1) != 0 && kind >= 1 && kind <= 8;
}
