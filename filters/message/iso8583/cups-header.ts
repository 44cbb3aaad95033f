// UnionPay's message header between switches (46 bytes, or 41 without its last part), as public implementations give
// it: its parts, and which of them are text.
import { Bytes } from '../../memory/bytes';
import { NO_NUMBER, readNumber } from './numbers';
import { CUPS_BYTES, IsoEncoding, SHORT_CUPS_BYTES } from './spec';

/** One part: its name, offset and bytes; bytes that are no text are read as hexadecimal digits. */
export class HeaderPart {
  constructor(
    readonly name: Bytes,
    readonly offset: u32,
    readonly bytes: u32,
    readonly isText: bool,
  ) {}
}

/** Name of the field that holds the parts. */
export const HEADER_NAME: Bytes = Bytes.from('Header');

/** The parts, in order. */
export const CUPS_PARTS: StaticArray<HeaderPart> = [
  new HeaderPart(Bytes.from('HeaderLength'), 0, 1, false),
  new HeaderPart(Bytes.from('Version'), 1, 1, false),
  new HeaderPart(Bytes.from('TotalLength'), 2, 4, true),
  new HeaderPart(Bytes.from('DestinationId'), 6, 11, true),
  new HeaderPart(Bytes.from('SourceId'), 17, 11, true),
  new HeaderPart(Bytes.from('Reserved'), 28, 3, false),
  new HeaderPart(Bytes.from('BatchNumber'), 31, 1, false),
  new HeaderPart(Bytes.from('TransactionInformation'), 32, 8, true),
  new HeaderPart(Bytes.from('UserInformation'), 40, 1, false),
  new HeaderPart(Bytes.from('RejectCode'), 41, 5, true),
];

/**
 * Bytes of the header of a message that ends at `end`, by what the header says of its own length; 0 if it is none:
 * another length, or a length of header and message that is wrong. The caller has at least the shorter header, and sees
 * to a longer one that is cut off.
 */
export function cupsHeaderBytes(header: usize, end: usize): u32 {
  const there = end - header;
  const bytes = <u32>load<u8>(header);
  if (bytes != CUPS_BYTES && bytes != SHORT_CUPS_BYTES) return 0;
  if (there < bytes) return bytes;
  const total = readNumber(IsoEncoding.Ascii, header + 2, 4);
  return total != NO_NUMBER && <usize>total == there ? bytes : 0;
}
