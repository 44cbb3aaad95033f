// How the messages of one network are written: encodings, and the format and length of each data element.

/** Data elements are numbered up to this (three bitmaps). */
export const LAST_ELEMENT: u32 = 192;

/** What a data element may hold. Lengths are in characters or digits; of Binary, in bytes. */
export const enum IsoFormat {
  /** Not in the specification. */
  None = 0,
  /** `n`: digits. */
  Numeric = 1,
  /** `a`: letters. */
  Alphabetic = 2,
  /** `an`, `anp`: letters, digits, and spaces for padding. */
  Alphanumeric = 3,
  /** `ans`: printable characters, and bytes beyond ASCII where the text is ASCII (names in GBK). */
  Special = 4,
  /** `b`: bytes. */
  Binary = 5,
  /** `z`: digits and the separator `=` or `D` of a magnetic track. */
  Track = 6,
  /** `x+n`: C or D, then digits. */
  Signed = 7,
}

/** How characters, digits and bytes are put into the message. */
export const enum IsoEncoding {
  Ascii = 0,
  Ebcdic = 1,
  /** Two digits to a byte. */
  Bcd = 2,
  /** As they are. */
  Binary = 3,
  /** Two hexadecimal digits of ASCII for a byte. */
  Hex = 4,
}

const LENGTH_SHIFT: u32 = 16;
const FORMAT_SHIFT: u32 = 20;

/** A specification: made when a configuration is compiled, then only read. */
export class IsoSpec {
  /** Bytes before the message type, skipped: TPDU (5) and headers. */
  headerBytes: u32 = 0;
  /** Message type: Ascii, Ebcdic or Bcd. */
  messageType: IsoEncoding = IsoEncoding.Ascii;
  /** Bitmaps: Binary or Hex. */
  bitmap: IsoEncoding = IsoEncoding.Binary;
  /** Length prefixes: Ascii, Ebcdic, Bcd or Binary (big-endian). */
  lengths: IsoEncoding = IsoEncoding.Ascii;
  /** `n` and the digits of `x+n`: Ascii, Ebcdic or Bcd. */
  digits: IsoEncoding = IsoEncoding.Ascii;
  /** `a`, `an`, `ans`: Ascii or Ebcdic. */
  text: IsoEncoding = IsoEncoding.Ascii;
  /** `z`: Ascii, Ebcdic or Bcd. */
  track: IsoEncoding = IsoEncoding.Ascii;
  /** `b`: Binary or Hex. */
  bytes: IsoEncoding = IsoEncoding.Binary;
  /** An odd number of BCD digits is filled up at the right (else, with a zero, at the left). */
  fillsRight: bool = false;

  /** By element: longest value, digits of the length prefix (0: the length is fixed), format. */
  private readonly elements: StaticArray<u32> = new StaticArray<u32>(<i32>LAST_ELEMENT + 1);

  /** Defines a data element. `prefix`: digits of its length prefix, 0 if the length is fixed; `most`: its length, at most 9999. */
  define(element: u32, format: IsoFormat, prefix: u32, most: u32): void {
    if (element <= LAST_ELEMENT) this.elements[element] = min<u32>(most, 9999) | (min<u32>(prefix, 4) << LENGTH_SHIFT) | (format << FORMAT_SHIFT);
  }

  format(element: u32): IsoFormat {
    return element > LAST_ELEMENT ? IsoFormat.None : <IsoFormat>(unchecked(this.elements[element]) >> FORMAT_SHIFT);
  }

  prefix(element: u32): u32 {
    return (unchecked(this.elements[element]) >> LENGTH_SHIFT) & 15;
  }

  most(element: u32): u32 {
    return unchecked(this.elements[element]) & 0xffff;
  }

  /** Encoding of an element's value. */
  encoding(format: IsoFormat): IsoEncoding {
    if (format == IsoFormat.Numeric || format == IsoFormat.Signed) return this.digits;
    if (format == IsoFormat.Track) return this.track;
    return format == IsoFormat.Binary ? this.bytes : this.text;
  }

  /** Writes everything in BCD and bytes, as terminals do: lengths, digits, tracks, message type. */
  useBcd(): void {
    this.messageType = IsoEncoding.Bcd;
    this.lengths = IsoEncoding.Bcd;
    this.digits = IsoEncoding.Bcd;
    this.track = IsoEncoding.Bcd;
  }
}
