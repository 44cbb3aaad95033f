// Scanners of XML tokens (XML 1.0, fifth edition). Each takes an address and the end of the text. It returns the
// address after its token, or 0 after setting `scanError` and `scanErrorAt`. They may read, but never use, up to 31
// bytes after `end`; the caller ensures that these are in memory. UTF-8 and the characters of XML have been checked
// before.
import { Ascii } from '../../memory/ascii';
import { ErrorId } from '../../errors.gen';
import { isNameStart, nameEnd } from './names';

/** Error of the last failed scan. */
export let scanError: ErrorId = 0;
/** Address of the last failed scan. */
export let scanErrorAt: usize = 0;
/**
 * Whether the last `scanText` or `scanValue` passed characters that need decoding: references, or line ends to
 * normalise.
 */
export let scanDecodes: bool = false;

const LT: u32 = 60;
const AMP: u32 = 38;
const CR: u32 = 13;

/** Records a failure. Always returns 0. */
export function fail(error: ErrorId, at: usize): usize {
  scanError = error;
  scanErrorAt = at;
  return 0;
}

/** Records a failure. At or after the end of the text it means that the text is truncated. */
function failAt(error: ErrorId, at: usize, end: usize): usize {
  return at >= end ? fail(ErrorId.FIM_XML_0002, end) : fail(error, at);
}

// @ts-ignore: decorator
@inline
export function isSpace(byte: u32): bool {
  return byte == Ascii.Space || byte == Ascii.LineFeed || byte == CR || byte == Ascii.Tab;
}

/** First byte that is not white space, or an address at or after `end`. */
export function skipSpace(p: usize, end: usize): usize {
  while (p < end && isSpace(load<u8>(p))) p++;
  return p;
}

/** Whether `length` bytes (up to 8) at `p` equal those of `word`, little-endian. */
// @ts-ignore: decorator
@inline
function startsWith(p: usize, end: usize, word: u64, length: u32): bool {
  return p + length <= end && (load<u64>(p) & (u64.MAX_VALUE >> (64 - length * 8))) == word;
}

/** Scans text up to the next `<` (3.1, 2.4). Checks references and refuses `]]>`. */
export function scanText(p: usize, end: usize): usize {
  const lt = i8x16.splat(<i8>LT);
  const amp = i8x16.splat(<i8>AMP);
  const bracket = i8x16.splat(93);
  const cr = i8x16.splat(<i8>CR);
  scanDecodes = false;
  while (p < end) {
    const bytes = v128.load(p);
    const stops = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, lt), i8x16.eq(bytes, amp)),
        v128.or(i8x16.eq(bytes, bracket), i8x16.eq(bytes, cr)),
      ),
    );
    if (stops == 0) {
      p += 16;
      continue;
    }
    p += ctz(stops);
    if (p >= end) break;
    const byte = <u32>load<u8>(p);
    if (byte == LT) return p;
    if (byte == AMP) {
      p = scanReference(p, end);
      if (p == 0) return 0;
      scanDecodes = true;
      continue;
    }
    if (byte == CR) scanDecodes = true;
    else if (startsWith(p, end, 0x3e5d5d, 3)) return fail(ErrorId.FIM_XML_0001, p);
    p++;
  }
  return fail(ErrorId.FIM_XML_0002, end);
}

/** Scans an attribute's value from after its opening quote to its closing one (3.3.3). */
export function scanValue(p: usize, end: usize, quote: u32): usize {
  scanDecodes = false;
  const closing = i8x16.splat(<i8>quote);
  const lt = i8x16.splat(<i8>LT);
  const amp = i8x16.splat(<i8>AMP);
  const space = i8x16.splat(32);
  while (p < end) {
    const bytes = v128.load(p);
    const ends = v128.or(i8x16.eq(bytes, closing), i8x16.eq(bytes, lt));
    const stops = i8x16.bitmask(v128.or(v128.or(ends, i8x16.eq(bytes, amp)), i8x16.lt_u(bytes, space)));
    if (stops == 0) {
      p += 16;
      continue;
    }
    p += ctz(stops);
    if (p >= end) break;
    const byte = <u32>load<u8>(p);
    if (byte == quote) return p;
    if (byte == LT) return fail(ErrorId.FIM_XML_0001, p);
    scanDecodes = true;
    if (byte != AMP) p++;
    else {
      p = scanReference(p, end);
      if (p == 0) return 0;
    }
  }
  return fail(ErrorId.FIM_XML_0002, end);
}

/** `&lt;` `&gt;` `&amp;` `&quot;` `&apos;` or a character reference (4.1, 4.6). */
function scanReference(p: usize, end: usize): usize {
  const body = p + 1;
  if (body >= end) return fail(ErrorId.FIM_XML_0002, end);
  if (load<u8>(body) == Ascii.Hash) return scanCharacter(p, end);
  if (startsWith(body, end, 0x3b746c, 3) || startsWith(body, end, 0x3b7467, 3)) return body + 3;
  if (startsWith(body, end, 0x3b706d61, 4)) return body + 4;
  if (startsWith(body, end, 0x3b746f7571, 5) || startsWith(body, end, 0x3b736f7061, 5)) return body + 5;
  const name = nameEnd(body, end);
  if (name == body || name >= end || load<u8>(name) != Ascii.Semicolon) return failAt(ErrorId.FIM_XML_0001, name, end);
  return fail(ErrorId.FIM_XML_0006, p);
}

/** `&#10;` or `&#xA;`, for a character that XML allows. */
function scanCharacter(p: usize, end: usize): usize {
  let at = p + 2;
  const hexadecimal = at < end && load<u8>(at) == Ascii.LowerX;
  if (hexadecimal) at++;
  const first = at;
  let point: u32 = 0;
  for (; at < end; at++) {
    const digit = digitOf(load<u8>(at), hexadecimal);
    if (digit < 0) break;
    if (point <= 0x10ffff) point = point * (hexadecimal ? 16 : 10) + <u32>digit;
  }
  if (at == first || at >= end || load<u8>(at) != Ascii.Semicolon) return failAt(ErrorId.FIM_XML_0001, at, end);
  return isCharacter(point) ? at + 1 : fail(ErrorId.FIM_XML_0004, p);
}

/** Value of a digit. Negative for any other byte. */
export function digitOf(byte: u32, hexadecimal: bool): i32 {
  if (byte - 48 < 10) return <i32>(byte - 48);
  const letter = (byte | 32) - 97;
  return hexadecimal && letter < 6 ? <i32>letter + 10 : -1;
}

/** The production Char (2.2). */
function isCharacter(point: u32): bool {
  if (point < 32) return isSpace(point);
  return point < 0xd800 || (point >= 0xe000 && point < 0xfffe) || (point >= 0x10000 && point <= 0x10ffff);
}

/** Address of the next `byte`, or an address at or after `end`. */
export function findByte(p: usize, end: usize, byte: u32): usize {
  const wanted = i8x16.splat(<i8>byte);
  while (p < end) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), wanted));
    if (found != 0) return p + ctz(found);
    p += 16;
  }
  return end;
}

/**
 * From `<!`: a comment (2.5) or, `inside` an element, a CDATA section (2.7). A document type declaration is refused.
 */
export function scanDeclaration(p: usize, end: usize, inside: bool): usize {
  if (startsWith(p, end, 0x2d2d213c, 4)) return scanComment(p + 4, end);
  if (inside && startsWith(p, end, 0x41544144435b213c, 8) && p + 8 < end && load<u8>(p, 8) == Ascii.OpenBracket)
    return scanCdata(p + 9, end);
  if (startsWith(p, end, 0x4f44213c, 4)) return fail(ErrorId.FIM_XML_0005, p);
  // A beginning of these that the end cuts off means a truncated text.
  return fail(p + 9 > end ? ErrorId.FIM_XML_0002 : ErrorId.FIM_XML_0001, p + 9 > end ? end : p);
}

function scanComment(p: usize, end: usize): usize {
  while (true) {
    p = findByte(p, end, 45);
    if (p + 1 >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (load<u8>(p, 1) != Ascii.Minus) {
      p++;
      continue;
    }
    if (p + 2 >= end) return fail(ErrorId.FIM_XML_0002, end);
    return load<u8>(p, 2) == Ascii.Greater ? p + 3 : fail(ErrorId.FIM_XML_0001, p);
  }
}

function scanCdata(p: usize, end: usize): usize {
  while (true) {
    p = findByte(p, end, 93);
    if (p + 2 >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (load<u16>(p, 1) == 0x3e5d) return p + 3;
    p++;
  }
}

/** From `<?`: a processing instruction (2.6). Its target is a name without colon, and not `xml`. */
export function scanInstruction(p: usize, end: usize): usize {
  const target = p + 2;
  if (target >= end) return fail(ErrorId.FIM_XML_0002, end);
  if (!isNameStart(target, end)) return fail(ErrorId.FIM_XML_0001, target);
  const after = nameEnd(target, end);
  if (after - target == 3 && (load<u32>(target) & 0xdfdfdf) == 0x4c4d58) return fail(ErrorId.FIM_XML_0001, p);
  if (after >= end) return fail(ErrorId.FIM_XML_0002, end);
  if (!isSpace(load<u8>(after)) && !startsWith(after, end, 0x3e3f, 2))
    return fail(after + 1 >= end ? ErrorId.FIM_XML_0002 : ErrorId.FIM_XML_0001, after);
  p = after;
  while (true) {
    p = findByte(p, end, 63);
    if (p + 1 >= end) return fail(ErrorId.FIM_XML_0002, end);
    if (load<u8>(p, 1) == Ascii.Greater) return p + 2;
    p++;
  }
}

/**
 * Scans comments, instructions and white space outside the root element (2.8). Returns the address after them, which
 * may be `end`.
 */
export function scanMisc(p: usize, end: usize): usize {
  while (true) {
    p = skipSpace(p, end);
    if (p + 1 >= end || load<u8>(p) != LT) return p;
    const next = load<u8>(p, 1);
    if (next == 33) p = scanDeclaration(p, end, false);
    else if (next == 63) p = scanInstruction(p, end);
    else return p;
    if (p == 0) return 0;
  }
}
