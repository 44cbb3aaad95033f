// XML declaration (2.8, 4.3.3), and detection of the encoding by the first bytes. Only UTF-8 is supported, and US-ASCII
// as the part of it that the bytes must keep to.
import { Ascii } from '../../memory/ascii';
import { equalIgnoreCase } from '../../memory/bytes';
import { ErrorId } from '../../errors.gen';
import { firstNonAscii } from '../utf8';
import { fail, isSpace, skipSpace } from './scan';

// "version", "encoding", "standalone", "1.0", "utf-8", "utf8", "us-ascii", "yes", "no"
const VERSION: usize = memory.data<u8>([118, 101, 114, 115, 105, 111, 110]);
const ENCODING: usize = memory.data<u8>([101, 110, 99, 111, 100, 105, 110, 103]);
const STANDALONE: usize = memory.data<u8>([115, 116, 97, 110, 100, 97, 108, 111, 110, 101]);
const ONE_ZERO: usize = memory.data<u8>([49, 46, 48]);
const UTF_8: usize = memory.data<u8>([117, 116, 102, 45, 56]);
/** As Python's serializers name them. */
const UTF8: usize = memory.data<u8>([117, 116, 102, 56]);
const US_ASCII: usize = memory.data<u8>([117, 115, 45, 97, 115, 99, 105, 105]);
const YES: usize = memory.data<u8>([121, 101, 115]);
const NO: usize = memory.data<u8>([110, 111]);

/** "<?xml" */
const OPENING: u64 = 0x6c6d783f3c;

// Value of the current pseudo-attribute.
let value: usize = 0;
let valueLength: u32 = 0;

/** Address after an optional byte order mark and declaration. 0 after an error. */
export function scanProlog(p: usize, end: usize): usize {
  const begin = p;
  if (p + 2 <= end) {
    const two = load<u16>(p);
    // UTF-16 and UTF-32, with or without byte order mark.
    if (two == 0xfffe || two == 0xfeff || two == 0x003c || two == 0x3c00 || two == 0)
      return fail(ErrorId.FIM_XML_0003, p);
  }
  if (p + 3 <= end && (load<u32>(p) & 0xffffff) == 0xbfbbef) p += 3;
  if (p + 6 > end || (load<u64>(p) & 0xffffffffff) != OPENING || !isSpace(load<u8>(p, 5))) return p;
  const start = p;
  p = pseudoAttribute(p + 5, end, VERSION, 7);
  if (p == 0) return 0;
  if (p == start + 5) return fail(ErrorId.FIM_XML_0001, p);
  if (!valueIs(ONE_ZERO, 3)) return fail(ErrorId.FIM_XML_0001, value);
  let next = pseudoAttribute(p, end, ENCODING, 8);
  if (next == 0) return 0;
  if (next != p && !valueIs(UTF_8, 5) && !valueIs(UTF8, 4)) {
    if (!isAsciiName()) return fail(ErrorId.FIM_XML_0003, value);
    const other = firstNonAscii(begin, end);
    if (other < end) return fail(ErrorId.FIM_XML_0003, other);
  }
  p = next;
  next = pseudoAttribute(p, end, STANDALONE, 10);
  if (next == 0) return 0;
  if (next != p && !isYesOrNo()) return fail(ErrorId.FIM_XML_0001, value);
  p = skipSpace(next, end);
  if (p + 2 > end) return fail(ErrorId.FIM_XML_0002, end);
  return load<u16>(p) == 0x3e3f ? p + 2 : fail(ErrorId.FIM_XML_0001, p);
}

/** `us-ascii` or `ascii`. */
function isAsciiName(): bool {
  return valueIs(US_ASCII, 8) || valueIs(US_ASCII + 3, 5);
}

function isYesOrNo(): bool {
  return (
    (valueLength == 3 && load<u16>(value) == load<u16>(YES) && load<u8>(value, 2) == Ascii.LowerS) ||
    (valueLength == 2 && load<u16>(value) == load<u16>(NO))
  );
}

function valueIs(text: usize, length: u32): bool {
  return valueLength == length && equalIgnoreCase(value, text, length);
}

/** Reads ` name = "value"`. Returns the same address if something else follows, 0 after an error. */
function pseudoAttribute(p: usize, end: usize, name: usize, length: u32): usize {
  const from = skipSpace(p, end);
  if (from == p || from + length > end || memory.compare(from, name, length) != 0) return p;
  let at = skipSpace(from + length, end);
  if (at >= end) return fail(ErrorId.FIM_XML_0002, end);
  if (load<u8>(at) != Ascii.Equals) return fail(ErrorId.FIM_XML_0001, at);
  at = skipSpace(at + 1, end);
  if (at >= end) return fail(ErrorId.FIM_XML_0002, end);
  const quote = load<u8>(at);
  if (quote != Ascii.Quote && quote != Ascii.Apostrophe) return fail(ErrorId.FIM_XML_0001, at);
  value = ++at;
  while (at < end && load<u8>(at) != quote) at++;
  if (at >= end) return fail(ErrorId.FIM_XML_0002, end);
  valueLength = <u32>(at - value);
  return at + 1;
}
