// Specifications that come with FIM. A configuration starts from one of them and defines its own elements over it.
//
// ISO 8583:1987 follows the public tables of that edition; element 55 holds chip data (BER-TLV), as everywhere today. The UnionPay profile is the project's
// reading of public descriptions of JR/T 0055, whose text was not at hand: lengths are the widest that were found.
import { IsoEncoding, IsoFormat, IsoSpec } from './spec';

/** Element, format, digits of the length prefix, length. */
const ISO_1987: StaticArray<u32> = [
  2, IsoFormat.Numeric, 2, 19, 3, IsoFormat.Numeric, 0, 6, 4, IsoFormat.Numeric, 0, 12, 5, IsoFormat.Numeric, 0, 12,
  6, IsoFormat.Numeric, 0, 12, 7, IsoFormat.Numeric, 0, 10, 8, IsoFormat.Numeric, 0, 8, 9, IsoFormat.Numeric, 0, 8,
  10, IsoFormat.Numeric, 0, 8, 11, IsoFormat.Numeric, 0, 6, 12, IsoFormat.Numeric, 0, 6, 13, IsoFormat.Numeric, 0, 4,
  14, IsoFormat.Numeric, 0, 4, 15, IsoFormat.Numeric, 0, 4, 16, IsoFormat.Numeric, 0, 4, 17, IsoFormat.Numeric, 0, 4,
  18, IsoFormat.Numeric, 0, 4, 19, IsoFormat.Numeric, 0, 3, 20, IsoFormat.Numeric, 0, 3, 21, IsoFormat.Numeric, 0, 3,
  22, IsoFormat.Numeric, 0, 3, 23, IsoFormat.Numeric, 0, 3, 24, IsoFormat.Numeric, 0, 3, 25, IsoFormat.Numeric, 0, 2,
  26, IsoFormat.Numeric, 0, 2, 27, IsoFormat.Numeric, 0, 1, 28, IsoFormat.Signed, 0, 9, 29, IsoFormat.Signed, 0, 9,
  30, IsoFormat.Signed, 0, 9, 31, IsoFormat.Signed, 0, 9, 32, IsoFormat.Numeric, 2, 11, 33, IsoFormat.Numeric, 2, 11,
  34, IsoFormat.Special, 2, 28, 35, IsoFormat.Track, 2, 37, 36, IsoFormat.Track, 3, 104, 37, IsoFormat.Alphanumeric, 0, 12,
  38, IsoFormat.Alphanumeric, 0, 6, 39, IsoFormat.Alphanumeric, 0, 2, 40, IsoFormat.Alphanumeric, 0, 3, 41, IsoFormat.Special, 0, 8,
  42, IsoFormat.Special, 0, 15, 43, IsoFormat.Special, 0, 40, 44, IsoFormat.Special, 2, 25, 45, IsoFormat.Special, 2, 76,
  46, IsoFormat.Special, 3, 999, 47, IsoFormat.Special, 3, 999, 48, IsoFormat.Special, 3, 999, 49, IsoFormat.Alphanumeric, 0, 3,
  50, IsoFormat.Alphanumeric, 0, 3, 51, IsoFormat.Alphanumeric, 0, 3, 52, IsoFormat.Binary, 0, 8, 53, IsoFormat.Numeric, 0, 16,
  54, IsoFormat.Special, 3, 120, 55, IsoFormat.Binary, 3, 255, 56, IsoFormat.Special, 3, 999, 57, IsoFormat.Special, 3, 999,
  58, IsoFormat.Special, 3, 999, 59, IsoFormat.Special, 3, 999, 60, IsoFormat.Special, 3, 999, 61, IsoFormat.Special, 3, 999,
  62, IsoFormat.Special, 3, 999, 63, IsoFormat.Special, 3, 999, 64, IsoFormat.Binary, 0, 8, 66, IsoFormat.Numeric, 0, 1,
  67, IsoFormat.Numeric, 0, 2, 68, IsoFormat.Numeric, 0, 3, 69, IsoFormat.Numeric, 0, 3, 70, IsoFormat.Numeric, 0, 3,
  71, IsoFormat.Numeric, 0, 4, 72, IsoFormat.Numeric, 0, 4, 73, IsoFormat.Numeric, 0, 6, 74, IsoFormat.Numeric, 0, 10,
  75, IsoFormat.Numeric, 0, 10, 76, IsoFormat.Numeric, 0, 10, 77, IsoFormat.Numeric, 0, 10, 78, IsoFormat.Numeric, 0, 10,
  79, IsoFormat.Numeric, 0, 10, 80, IsoFormat.Numeric, 0, 10, 81, IsoFormat.Numeric, 0, 10, 82, IsoFormat.Numeric, 0, 12,
  83, IsoFormat.Numeric, 0, 12, 84, IsoFormat.Numeric, 0, 12, 85, IsoFormat.Numeric, 0, 12, 86, IsoFormat.Numeric, 0, 16,
  87, IsoFormat.Numeric, 0, 16, 88, IsoFormat.Numeric, 0, 16, 89, IsoFormat.Numeric, 0, 16, 90, IsoFormat.Numeric, 0, 42,
  91, IsoFormat.Alphanumeric, 0, 1, 92, IsoFormat.Alphanumeric, 0, 2, 93, IsoFormat.Alphanumeric, 0, 5, 94, IsoFormat.Alphanumeric, 0, 7,
  95, IsoFormat.Alphanumeric, 0, 42, 96, IsoFormat.Binary, 0, 8, 97, IsoFormat.Signed, 0, 17, 98, IsoFormat.Special, 0, 25,
  99, IsoFormat.Numeric, 2, 11, 100, IsoFormat.Numeric, 2, 11, 101, IsoFormat.Special, 2, 17, 102, IsoFormat.Special, 2, 28,
  103, IsoFormat.Special, 2, 28, 104, IsoFormat.Special, 3, 100, 105, IsoFormat.Special, 3, 999, 106, IsoFormat.Special, 3, 999,
  107, IsoFormat.Special, 3, 999, 108, IsoFormat.Special, 3, 999, 109, IsoFormat.Special, 3, 999, 110, IsoFormat.Special, 3, 999,
  111, IsoFormat.Special, 3, 999, 112, IsoFormat.Special, 3, 999, 113, IsoFormat.Special, 3, 999, 114, IsoFormat.Special, 3, 999,
  115, IsoFormat.Special, 3, 999, 116, IsoFormat.Special, 3, 999, 117, IsoFormat.Special, 3, 999, 118, IsoFormat.Special, 3, 999,
  119, IsoFormat.Special, 3, 999, 120, IsoFormat.Special, 3, 999, 121, IsoFormat.Special, 3, 999, 122, IsoFormat.Special, 3, 999,
  123, IsoFormat.Special, 3, 999, 124, IsoFormat.Special, 3, 999, 125, IsoFormat.Special, 3, 999, 126, IsoFormat.Special, 3, 999,
  127, IsoFormat.Special, 3, 999, 128, IsoFormat.Binary, 0, 8,
];

/** What differs in the UnionPay profile. */
const UNION_PAY: StaticArray<u32> = [
  45, IsoFormat.Special, 2, 79, 48, IsoFormat.Special, 3, 512, 57, IsoFormat.Special, 3, 100, 58, IsoFormat.Special, 3, 100,
  59, IsoFormat.Special, 3, 600, 60, IsoFormat.Special, 3, 100, 61, IsoFormat.Special, 3, 200, 62, IsoFormat.Special, 3, 200,
  63, IsoFormat.Special, 3, 512, 121, IsoFormat.Special, 3, 100, 122, IsoFormat.Special, 3, 100, 123, IsoFormat.Special, 3, 100,
];

function define(spec: IsoSpec, rows: StaticArray<u32>): void {
  for (let i = 0; i < rows.length; i += 4) spec.define(rows[i], <IsoFormat>rows[i + 1], rows[i + 2], rows[i + 3]);
}

/** ISO 8583:1987 in characters: ASCII, or EBCDIC (code page 037); binary elements and bitmaps as bytes. */
export function iso1987(encoding: IsoEncoding): IsoSpec {
  const spec = new IsoSpec();
  define(spec, ISO_1987);
  spec.messageType = encoding;
  spec.lengths = encoding;
  spec.digits = encoding;
  spec.text = encoding;
  spec.track = encoding;
  return spec;
}

/** The same with message type, lengths, digits and tracks in BCD. */
export function iso1987Bcd(): IsoSpec {
  const spec = iso1987(IsoEncoding.Ascii);
  spec.useBcd();
  return spec;
}

/** UnionPay between switches: ASCII, bitmaps and binary elements as bytes; the message header is 46 bytes. */
export function unionPaySwitch(): IsoSpec {
  const spec = iso1987(IsoEncoding.Ascii);
  define(spec, UNION_PAY);
  spec.headerBytes = 46;
  return spec;
}

/** UnionPay from terminals: BCD filled up at the right; TPDU (5 bytes) and header (6 bytes) in front. */
export function unionPayTerminal(): IsoSpec {
  const spec = iso1987Bcd();
  define(spec, UNION_PAY);
  spec.fillsRight = true;
  spec.headerBytes = 11;
  return spec;
}
