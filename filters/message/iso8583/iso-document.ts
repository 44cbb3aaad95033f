// An index of an ISO 8583 message: its type, and where each data element stands. Nothing is copied or converted until it is asked for.
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';
import { ASCII_OF_EBCDIC } from './ebcdic';
import { encodedBytes, isElement } from './element-format';
import { IsoEncoding, IsoFormat, IsoSpec, LAST_ELEMENT } from './spec';

const BITMAP_BYTES: u32 = 8;
const NO_NUMBER: i32 = -1;

function hexValue(byte: u32): i32 {
  if (byte - 48 < 10) return byte - 48;
  const letter = (byte | 32) - 97;
  return letter < 6 ? letter + 10 : NO_NUMBER;
}

/** A number of `digits` decimal digits; -1 if it is none. Binary and BCD take as many bytes as the digits need. */
function readNumber(encoding: IsoEncoding, pointer: usize, digits: u32): i32 {
  let value = 0;
  if (encoding == IsoEncoding.Binary) return digits > 2 ? (<i32>load<u8>(pointer) << 8) | load<u8>(pointer, 1) : load<u8>(pointer);
  const bytes = numberBytes(encoding, digits);
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(pointer + i);
    if (encoding == IsoEncoding.Bcd) {
      if (byte > 0x99 || (byte & 15) > 9) return NO_NUMBER;
      value = value * 100 + (byte >> 4) * 10 + (byte & 15);
    } else {
      const digit = <u32>(encoding == IsoEncoding.Ebcdic ? load<u8>(ASCII_OF_EBCDIC + byte) : <u8>byte) - 48;
      if (digit > 9) return NO_NUMBER;
      value = value * 10 + digit;
    }
  }
  return value;
}

function numberBytes(encoding: IsoEncoding, digits: u32): u32 {
  return encoding == IsoEncoding.Bcd || encoding == IsoEncoding.Binary ? (digits + 1) >> 1 : digits;
}

/** The index of one message at a time. */
export class IsoDocument {
  /** Message type as a decimal number: 200 for 0200. */
  messageType: u32 = 0;
  /** Data element at which `parse` failed; 0 for the header, the message type and the bitmap. */
  errorElement: u32 = 0;
  /** Bytes of the last `text`. */
  textLength: u32 = 0;

  private spec: IsoSpec | null = null;
  private bitmapError: ErrorId = 0;
  /** By element: address of its value, and its characters, digits or bytes. */
  private readonly values: StaticArray<usize> = new StaticArray<usize>(<i32>LAST_ELEMENT + 1);
  private readonly units: StaticArray<u32> = new StaticArray<u32>(<i32>LAST_ELEMENT + 1);
  private low: u64 = 0;
  private middle: u64 = 0;
  private high: u64 = 0;

  /**
   * Indexes a message. The second bitmap follows the first, the third the second (bit 65). Answers 0, or FIM-ISO-0001 to 0007 with `errorElement`
   * set. Linear.
   */
  parse(source: usize, length: u32, spec: IsoSpec): u32 {
    this.spec = spec;
    this.errorElement = 0;
    this.clear();
    const error = this.index(source, length, spec);
    if (error != 0) this.clear();
    return error;
  }

  private clear(): void {
    this.messageType = 0;
    this.low = 0;
    this.middle = 0;
    this.high = 0;
  }

  private index(source: usize, length: u32, spec: IsoSpec): u32 {
    const end = source + length;
    const typeBytes = numberBytes(spec.messageType, 4);
    if (length < spec.headerBytes + typeBytes) return ErrorId.FIM_ISO_0001;
    let p = source + spec.headerBytes;
    const type = readNumber(spec.messageType, p, 4);
    if (type < 0 || !isMessageType(type)) return ErrorId.FIM_ISO_0002;
    this.messageType = type;
    p = this.readBitmaps(p + typeBytes, end, spec);
    if (p == 0) return this.bitmapError;
    return this.readElements(p, end, spec);
  }

  /** Reads one to three bitmaps; the address after them, or 0 with `bitmapError` set. */
  private readBitmaps(p: usize, end: usize, spec: IsoSpec): usize {
    const size = spec.bitmap == IsoEncoding.Hex ? BITMAP_BYTES * 2 : BITMAP_BYTES;
    for (let map = 0; map < 3; map++) {
      if (p + size > end) return this.badBitmap(ErrorId.FIM_ISO_0001);
      let bits: u64 = 0;
      if (spec.bitmap == IsoEncoding.Hex) {
        for (let i: u32 = 0; i < size; i++) {
          const digit = hexValue(load<u8>(p + i));
          if (digit < 0) return this.badBitmap(ErrorId.FIM_ISO_0003);
          bits = (bits << 4) | <u64>digit;
        }
      } else bits = bswap(load<u64>(p));
      p += size;
      if (map == 0) this.low = bits;
      else if (map == 1) this.middle = bits;
      else this.high = bits;
      if ((bits >> 63) == 0) break;
    }
    // The first bit of a bitmap says that another follows; of the third it is element 129.
    this.low &= u64.MAX_VALUE >> 1;
    this.middle &= u64.MAX_VALUE >> 1;
    return p;
  }

  private badBitmap(error: ErrorId): usize {
    this.bitmapError = error;
    return 0;
  }

  private readElements(p: usize, end: usize, spec: IsoSpec): u32 {
    for (let word = 0; word < 3; word++) {
      let bits = word == 0 ? this.low : word == 1 ? this.middle : this.high;
      while (bits != 0) {
        const place = <u32>clz(bits);
        bits &= ~(((<u64>1) << 63) >> place);
        const element = <u32>word * 64 + place + 1;
        this.errorElement = element;
        const format = spec.format(element);
        if (format == IsoFormat.None) return ErrorId.FIM_ISO_0004;
        let units = spec.most(element);
        const prefix = spec.prefix(element);
        if (prefix != 0) {
          const bytes = numberBytes(spec.lengths, prefix);
          if (p + bytes > end) return ErrorId.FIM_ISO_0001;
          const wanted = readNumber(spec.lengths, p, prefix);
          if (wanted < 0 || <u32>wanted > units) return ErrorId.FIM_ISO_0005;
          units = wanted;
          p += bytes;
        }
        const encoding = spec.encoding(format);
        const bytes = encodedBytes(format, encoding, units);
        if (bytes > <u32>(end - p)) return ErrorId.FIM_ISO_0001;
        if (!isElement(format, encoding, p, units, spec.fillsRight)) return ErrorId.FIM_ISO_0006;
        unchecked((this.values[element] = p));
        unchecked((this.units[element] = units));
        p += bytes;
      }
    }
    this.errorElement = 0;
    return p == end ? 0 : ErrorId.FIM_ISO_0007;
  }

  /** Whether the message has the data element. */
  has(element: u32): bool {
    const at = element - 1;
    if (at < 64) return ((this.low >> (63 - at)) & 1) != 0;
    if (at < 128) return ((this.middle >> (127 - at)) & 1) != 0;
    return at < 192 && ((this.high >> (191 - at)) & 1) != 0;
  }

  /** Address of an element's value as it stands in the message; 0 if the message has none. */
  value(element: u32): usize {
    return this.has(element) ? unchecked(this.values[element]) : 0;
  }

  /** Its bytes there. */
  valueBytes(element: u32): u32 {
    const spec = this.spec;
    if (spec == null || !this.has(element)) return 0;
    const format = spec.format(element);
    return encodedBytes(format, spec.encoding(format), unchecked(this.units[element]));
  }

  /** Characters, digits or (of binary elements) bytes of an element. */
  length(element: u32): u32 {
    return this.has(element) ? unchecked(this.units[element]) : 0;
  }

  /**
   * An element's value as ASCII (binary ones as bytes), `textLength` bytes: where it stands if it is written so, else converted in the arena. 0 if the
   * message has no such element or the arena is full. Track separators read `=` or `D`, as they were written.
   */
  text(element: u32, arena: Arena): usize {
    this.textLength = 0;
    const spec = this.spec;
    if (spec == null || !this.has(element)) return 0;
    const from = unchecked(this.values[element]);
    const units = unchecked(this.units[element]);
    const format = spec.format(element);
    const encoding = spec.encoding(format);
    this.textLength = units;
    if (encoding == IsoEncoding.Ascii || encoding == IsoEncoding.Binary) return from;
    const copy = arena.allocate(units);
    if (copy == 0) this.textLength = 0;
    else if (encoding == IsoEncoding.Ebcdic) for (let i: u32 = 0; i < units; i++) store<u8>(copy + i, load<u8>(ASCII_OF_EBCDIC + load<u8>(from + i)));
    else if (encoding == IsoEncoding.Hex) for (let i: u32 = 0; i < units; i++) store<u8>(copy + i, <u8>((hexValue(load<u8>(from + i * 2)) << 4) | hexValue(load<u8>(from + i * 2 + 1))));
    else if (format == IsoFormat.Signed) {
      store<u8>(copy, load<u8>(from));
      copyDigits(copy + 1, from + 1, units - 1, spec.fillsRight);
    } else copyDigits(copy, from, units, spec.fillsRight);
    return copy;
  }
}

/** Version 0 to 2 (ISO), 8 (national) or 9 (private), class 1 to 8, any function and origin. */
function isMessageType(type: u32): bool {
  const version = type / 1000;
  const kind = (type / 100) % 10;
  return (version < 3 || version > 7) && kind >= 1 && kind <= 8;
}

function copyDigits(to: usize, from: usize, units: u32, right: bool): void {
  const skip: u32 = (units & 1) != 0 && !right ? 1 : 0;
  for (let i: u32 = 0; i < units; i++) {
    const at = i + skip;
    const byte = <u32>load<u8>(from + (at >> 1));
    const digit = (at & 1) != 0 ? byte & 15 : byte >> 4;
    store<u8>(to + i, <u8>(digit < 10 ? 48 + digit : 55 + digit));
  }
}
