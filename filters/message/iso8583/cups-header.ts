// UnionPay's message header between switches (46 bytes), as public implementations give it: its parts, and which of them are text.
import { Bytes } from '../../memory/bytes';
import { NO_NUMBER, readNumber } from './numbers';
import { CUPS_BYTES, IsoEncoding } from './spec';

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

/** Whether 46 bytes are such a header of a message that ends at `end`: its own length, and the length of header and message. */
export function isCupsHeader(header: usize, end: usize): bool {
  const total = readNumber(IsoEncoding.Ascii, header + 2, 4);
  return load<u8>(header) == <u8>CUPS_BYTES && total != NO_NUMBER && <usize>total == end - header;
}
