// Message specification of one network: header, encodings, and the format and length of each data element.

/** Highest number of a data element (three bitmaps). */
export const LAST_ELEMENT: u32 = 192;

/** Format of a data element. Lengths are in characters or digits, and for Binary in bytes. */
export const enum IsoFormat {
  /** Not in the specification. */
  None = 0,
  /** `n`: digits. */
  Numeric = 1,
  /** `an`, `anp`: letters, digits, and spaces as padding. */
  Alphabetic = 2,
  /** `an`, `anp`: letters, digits, and spaces for padding. */
  Alphanumeric = 3,
  /** `ans`: printable characters, and bytes beyond ASCII in ASCII text (names in GBK). */
  Special = 4,
  /** `b`: bytes. */
  Binary = 5,
  /** `z`: digits and the separator `=` or `D` of a magnetic track. */
  Track = 6,
  /** `x+n`: C or D, then digits. */
  Signed = 7,
  /** `ansb`: text with binary parts (a usage and a length, then enciphered data). Any byte is permitted. */
  Mixed = 8,
  /** `zh`: a track that may be enciphered: hexadecimal digits and `=`. */
  SealedTrack = 9,
}

/** Encoding of characters, digits and bytes in the message. */
export const enum IsoEncoding {
  Ascii = 0,
  Ebcdic = 1,
  /** Two digits to a byte. */
  Bcd = 2,
  /** Raw bytes. */
  Binary = 3,
  /** Two ASCII hexadecimal digits for a byte. */
  Hex = 4,
  /** For an element: the specification's encoding of its format. */
  Default = 7,
}

/** Padding side of an odd number of BCD digits. */
export const enum IsoFill {
  /** For an element: the specification's padding of its format. */
  Default = 0,
  /** Padded with a leading zero. */
  Left = 1,
  /** Padded with a trailing zero or F. */
  Right = 2,
}

/** Content of a data element's value. */
export const enum IsoContent {
  /** One value. */
  Text = 0,
  /** BER-TLV: an object for each tag. */
  Tlv = 1,
}

/** Length header in front of the message: the number of bytes that follow. */
export const enum LengthHeader {
  None = 0,
  /** Two bytes, big-endian. */
  Binary2 = 1,
  /** Four digits in two bytes. */
  Bcd2 = 2,
  /** Four digits. */
  Ascii4 = 3,
}

/** Header between the TPDU and the message type. */
export const enum NetworkHeader {
  None = 0,
  /** UnionPay's message header between switches: ten fields in 46 bytes, or the first nine in 41. */
  Cups = 1,
  /** `networkBytes` bytes, skipped. */
  Opaque = 2,
}

/** Length of a TPDU, bytes: identifier, destination, origin. */
export const TPDU_BYTES: u32 = 5;
/** Length of UnionPay's message header, bytes. */
export const CUPS_BYTES: u32 = 46;
/** Length of the same without a reject code, bytes. Messages of issuers' debit systems have this form. */
export const SHORT_CUPS_BYTES: u32 = 41;

const PREFIX_SHIFT: u32 = 14;
const FORMAT_SHIFT: u32 = 17;
const ENCODING_SHIFT: u32 = 21;
const LENGTH_ENCODING_SHIFT: u32 = 24;
const CONTENT_SHIFT: u32 = 27;
const FILL_SHIFT: u32 = 28;
/** Most characters, digits or bytes of an element. */
const MAX_LENGTH: u32 = 9999;

/** Members of a data element's row. Row 0 is an element that the specification does not have. */
// @ts-ignore: decorator
@inline
export function rowMost(row: u32): u32 {
  return row & 0x3fff;
}

/** Digits of the length prefix. 0 for a fixed length. */
// @ts-ignore: decorator
@inline
export function rowPrefix(row: u32): u32 {
  return (row >> PREFIX_SHIFT) & 7;
}

// @ts-ignore: decorator
@inline
export function rowFormat(row: u32): IsoFormat {
  return <IsoFormat>((row >> FORMAT_SHIFT) & 15);
}

// @ts-ignore: decorator
@inline
export function rowEncoding(row: u32): IsoEncoding {
  return <IsoEncoding>((row >> ENCODING_SHIFT) & 7);
}

/** Encoding of the length prefix. */
// @ts-ignore: decorator
@inline
export function rowLengthEncoding(row: u32): IsoEncoding {
  return <IsoEncoding>((row >> LENGTH_ENCODING_SHIFT) & 7);
}

// @ts-ignore: decorator
@inline
export function rowContent(row: u32): IsoContent {
  return <IsoContent>((row >> CONTENT_SHIFT) & 1);
}

/** Whether an odd number of BCD digits is padded at the right. */
// @ts-ignore: decorator
@inline
export function rowFillsRight(row: u32): bool {
  return row >> FILL_SHIFT == IsoFill.Right;
}

/** Whether the format is that of a magnetic track. */
export function isTrack(format: IsoFormat): bool {
  return format == IsoFormat.Track || format == IsoFormat.SealedTrack;
}

/** A specification. It is built when a configuration is compiled, `seal`ed, and then read only. */
export class IsoSpec {
  lengthHeader: LengthHeader = LengthHeader.None;
  /** Whether a TPDU of five bytes comes first. */
  tpdu: bool = false;
  network: NetworkHeader = NetworkHeader.None;
  /** Length of an Opaque network header, bytes. */
  networkBytes: u32 = 0;
  /** Accepted first digits of the message type, as bits: 1 << version. */
  versions: u32 = 0x3ff;
  /** Message type: Ascii, Ebcdic or Bcd. */
  messageType: IsoEncoding = IsoEncoding.Ascii;
  /** Bitmaps: Binary or Hex. */
  bitmap: IsoEncoding = IsoEncoding.Binary;
  /** Length prefixes: Ascii, Ebcdic, Bcd or Binary (big-endian). */
  lengths: IsoEncoding = IsoEncoding.Ascii;
  /** `n` and the digits of `x+n`: Ascii, Ebcdic or Bcd. */
  digits: IsoEncoding = IsoEncoding.Ascii;
  /** `a`, `an`, `ans`, `ansb`: Ascii or Ebcdic. */
  text: IsoEncoding = IsoEncoding.Ascii;
  /** `z`, `zh`: Ascii, Ebcdic or Bcd. */
  track: IsoEncoding = IsoEncoding.Ascii;
  /** `b`: Binary or Hex. */
  bytes: IsoEncoding = IsoEncoding.Binary;
  /** Padding side of an odd number of digits: Left or Right. */
  fill: IsoFill = IsoFill.Left;
  /** The same for tracks. */
  trackFill: IsoFill = IsoFill.Left;

  private readonly defined: StaticArray<u32> = new StaticArray<u32>(<i32>LAST_ELEMENT + 1);
  private readonly rows: StaticArray<u32> = new StaticArray<u32>(<i32>LAST_ELEMENT + 1);

  /**
   * Defines a data element. `prefix`: digits of its length prefix, 0 for a fixed length. `most`: its length, at most
   * 9999. `encoding`, `lengthEncoding`, `fill`: Default, or its own.
   */
  define(
    element: u32,
    format: IsoFormat,
    prefix: u32,
    most: u32,
    encoding: IsoEncoding = IsoEncoding.Default,
    lengthEncoding: IsoEncoding = IsoEncoding.Default,
    content: IsoContent = IsoContent.Text,
    fill: IsoFill = IsoFill.Default,
  ): void {
    const bits =
      min<u32>(most, MAX_LENGTH) |
      (min<u32>(prefix, 4) << PREFIX_SHIFT) |
      (format << FORMAT_SHIFT) |
      (encoding << ENCODING_SHIFT) |
      (lengthEncoding << LENGTH_ENCODING_SHIFT) |
      (content << CONTENT_SHIFT) |
      (fill << FILL_SHIFT);
    this.defineRow(element, format == IsoFormat.None ? 0 : bits);
  }

  /** Defines a data element from a row of the generated tables. */
  defineRow(element: u32, row: u32): void {
    if (element <= LAST_ELEMENT) this.defined[element] = row;
  }

  /** Resets the padding of the elements defined so far: of digits, of tracks, or of both. */
  forgetFills(digits: bool, tracks: bool): void {
    for (let element: u32 = 0; element <= LAST_ELEMENT; element++) {
      const row = this.defined[element];
      if (isTrack(rowFormat(row)) ? tracks : digits) this.defined[element] = row & ~(3 << FILL_SHIFT);
    }
  }

  /** Sets the specification's encodings on elements without their own. Nothing may change afterwards. */
  seal(): IsoSpec {
    for (let element: u32 = 0; element <= LAST_ELEMENT; element++) {
      let row = this.defined[element];
      if (row != 0 && rowEncoding(row) == IsoEncoding.Default)
        row = (row & ~(7 << ENCODING_SHIFT)) | (this.encodingOf(rowFormat(row)) << ENCODING_SHIFT);
      if (row != 0 && rowLengthEncoding(row) == IsoEncoding.Default)
        row = (row & ~(7 << LENGTH_ENCODING_SHIFT)) | (this.lengths << LENGTH_ENCODING_SHIFT);
      if (row != 0 && row >> FILL_SHIFT == IsoFill.Default)
        row |= (isTrack(rowFormat(row)) ? this.trackFill : this.fill) << FILL_SHIFT;
      this.rows[element] = row;
    }
    return this;
  }

  /** Row of a data element. 0 if it is not defined. `element`: up to LAST_ELEMENT. */
  // @ts-ignore: decorator
  @inline
  row(element: u32): u32 {
    return unchecked(this.rows[element]);
  }

  private encodingOf(format: IsoFormat): IsoEncoding {
    if (format == IsoFormat.Numeric || format == IsoFormat.Signed) return this.digits;
    if (isTrack(format)) return this.track;
    return format == IsoFormat.Binary ? this.bytes : this.text;
  }
}
