// UnionPay's message header between switches (46 bytes, or 41 without its last part), from public implementations.
import { Bytes } from '../../memory/bytes';
import { NO_NUMBER, readNumber } from './numbers';
import { CUPS_BYTES, IsoEncoding, SHORT_CUPS_BYTES } from './spec';

const REJECT_CODE_BYTES: usize = 5;
const ZERO: u8 = 48;

/** One part: name, offset and length in bytes. Binary parts are read as hexadecimal digits. */
export class HeaderPart {
  constructor(
    readonly name: Bytes,
    readonly offset: u32,
    readonly bytes: u32,
    readonly isText: bool,
  ) {}
}

/** Name of the field that contains the parts. */
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
 * Length of the header, from the length that it states, of a message that ends at `end`. 0 if the stated length of
 * header or message is wrong. The caller provides at least the shorter header and handles a truncated longer one.
 */
export function cupsHeaderBytes(header: usize, end: usize): u32 {
  const there = end - header;
  const bytes = <u32>load<u8>(header);
  if (bytes != CUPS_BYTES && bytes != SHORT_CUPS_BYTES) return 0;
  if (there < bytes) return bytes;
  const total = readNumber(IsoEncoding.Ascii, header + 2, 4);
  return total != NO_NUMBER && <usize>total == there ? bytes : 0;
}

/**
 * Bytes of a second header at `at`, behind one of `bytes` bytes: a message that the switch returns with a reject code
 * still has the header that it came with. 0 if there is none. No message type begins as a header does.
 */
export function returnedHeaderBytes(at: usize, bytes: u32, end: usize): u32 {
  if (bytes != CUPS_BYTES || end - at <= CUPS_BYTES || load<u8>(at) != CUPS_BYTES) return 0;
  for (let digit = at - REJECT_CODE_BYTES; digit < at; digit++) if (load<u8>(digit) != ZERO) return CUPS_BYTES;
  return 0;
}
