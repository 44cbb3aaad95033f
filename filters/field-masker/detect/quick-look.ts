// A quick look at digits: whether something may begin with them. It says yes too often and never no too often, and reads
// a few bytes; most numbers of a message end here.
import { Ascii } from '../../memory/ascii';
import { Find, bitOf } from './find';
import { mayAnnounce } from './labels';
import { hexOf, isLatin } from './units';

/** Kinds that begin with digits in groups. */
export const GROUPED: u32 =
  ((<u32>1) << Find.IdCard) |
  ((<u32>1) << Find.BankCard) |
  ((<u32>1) << Find.UnionPayCard) |
  ((<u32>1) << Find.Phone) |
  ((<u32>1) << Find.FixedPhone);
/** Kinds of digits behind letters, which a label announces. */
export const DOCUMENTS: u32 =
  ((<u32>1) << Find.Passport) | ((<u32>1) << Find.HkMacaoPermit) | ((<u32>1) << Find.TaiwanPermit);
const WITH_LETTERS: u32 = DOCUMENTS | ((<u32>1) << Find.SocialCreditCode) | ((<u32>1) << Find.FixedPhone);

/** Digits in a row that are always looked at, and the fewest of a document, of one without letters, of a later group. */
const LONG_RUN: u32 = 11;
const DOCUMENT_RUN: u32 = 6;
const PLAIN_RUN: u32 = 7;
const NEXT_RUN: usize = 3;
/** Bytes before digits among which an escape could begin that ends directly before their letters. */
const WORD_LOOK: usize = 9;
const COUNTRY: u16 = 0x3638; // 86

/** Whether a digit, separator or letter may begin here that is written in more than one byte. */
// @ts-ignore: decorator
@inline
function isLead(byte: u32): bool {
  if (byte < 0x80) return byte == Ascii.Backslash || byte == Ascii.Percent || byte == Ascii.Ampersand;
  // U+0080 to U+00BF, the Arabic decimal point, U+2000 to U+3FFF, full-width forms
  return byte == 0xc2 || byte == 0xd9 || byte == 0xe2 || byte == 0xe3 || byte == 0xef;
}

/**
 * The byte behind digits; 0 at the end of the text, and for a `%` or `&` with which no escape begins. A quote behind a
 * backslash ends them as one without does.
 */
// @ts-ignore: decorator
@inline
function byteBehind(at: usize, end: usize): u32 {
  if (at >= end) return 0;
  const byte = <u32>load<u8>(at);
  if (byte - Ascii.Percent < 2) return mayBeEscape(byte, at + 1, end) ? byte : 0;
  return byte == Ascii.Backslash && at + 1 < end && load<u8>(at, 1) == Ascii.Quote ? Ascii.Quote : byte;
}

/** Whether `%` or `&` before `at` begins an escape: a hexadecimal digit, a number or an entity that is known follows. */
function mayBeEscape(lead: u32, at: usize, end: usize): bool {
  if (at >= end) return false;
  const byte = <u32>load<u8>(at);
  if (lead == Ascii.Percent) return hexOf(byte) < 16;
  if (byte == Ascii.Hash || byte == Ascii.LowerL || byte == Ascii.LowerG) return true;
  if (end - at < 4) return false;
  const name = load<u32>(at);
  // `amp;`, `nbsp`, `ensp`, `emsp`, `quot`
  return name == 0x3b706d61 || name == 0x7073626e || name == 0x70736e65 || name == 0x70736d65 || name == 0x746f7571;
}

// @ts-ignore: decorator
@inline
function parts(byte: u32): bool {
  return (
    byte == Ascii.Space ||
    byte == Ascii.Minus ||
    byte == Ascii.Point ||
    byte == Ascii.Plus ||
    byte == Ascii.CloseParenthesis
  );
}

/** Whether the digits from `at` to `stop` of the text [`begin`, `end`) may begin something of the set. */
export function mayBeNumber(begin: usize, at: usize, stop: usize, end: usize, set: u32): bool {
  const count = <u32>(stop - at);
  const next = byteBehind(stop, end);
  if (count >= LONG_RUN) return mayBeLong(begin, at, next, count, set);
  if (isLead(next)) return true;
  if (next == Ascii.Point && count <= 3) return (set & bitOf(Find.IpAddress)) != 0;
  if (count >= DOCUMENT_RUN && (set & WITH_LETTERS) != 0 && mayBeDocument(begin, at, next, count)) return true;
  if (count < 2 || (set & GROUPED) == 0 || stop >= end) return false;
  if (next == Ascii.LineFeed || next == Ascii.CarriageReturn) return count >= 3;
  if (count == 2) return load<u16>(at) == COUNTRY && parts(next);
  return parts(next) && mayGoOn(stop + 1, end) && !goesOnBefore(begin, at);
}

/** Whether the digits are a later group of a chain with dashes or dots, written plainly. */
function goesOnBefore(begin: usize, at: usize): bool {
  if (at - begin < 7) return false;
  const before = <u32>load<u8>(at - 1);
  if ((before != Ascii.Minus && before != Ascii.Point) || hexOf(load<u8>(at - 2)) > 15) return false;
  // The hexadecimal digit may be the end of an escape: `\uXXXX`, `%XX`, `%25XX`.
  return load<u8>(at - 7) != Ascii.Backslash && load<u8>(at - 4) != Ascii.Percent && load<u8>(at - 6) != Ascii.Percent;
}

/** First digits, as bits, of what has 11 to 19 digits in a row: telephones, cards, identity numbers, credit codes. */
const FIRST_DIGITS: usize = memory.data<u16>([0x103, 0x101, 0x110, 0x8, 0x3ff, 0x3fc, 0x3fe, 0x3fe, 0x3fc]);
const LAST_LONG: u32 = 19;
const ID_RUN: u32 = 17;

/** Whether many digits in a row may be something. `next`: the byte behind them. */
function mayBeLong(begin: usize, at: usize, next: u32, count: u32, set: u32): bool {
  if (count > LAST_LONG) return false;
  const before = at > begin ? <u32>load<u8>(at - 1) : 0;
  if (before == Ascii.Point && at - begin >= 2 && <u32>load<u8>(at - 2) - 48 < 10) return false;
  if (isLead(next) || next == Ascii.LineFeed || next == Ascii.CarriageReturn) return true;
  const letter = isLatin(next);
  if (isLatin(before) || before == Ascii.Underscore || (letter && ((next | 32) != Ascii.LowerX || count != ID_RUN)))
    return (set & bitOf(Find.SocialCreditCode)) != 0 && count <= ID_RUN;
  if (count == ID_RUN && !letter && next != Ascii.Space && next != Ascii.Minus) return <u32>load<u8>(at) - 50 < 8;
  return (((<u32>load<u16>(FIRST_DIGITS + ((<usize>(count - LONG_RUN)) << 1))) >> (<u32>load<u8>(at) - 48)) & 1) != 0;
}

/** Whether a letter or a label may stand before the digits, or a letter behind them. */
function mayBeDocument(begin: usize, at: usize, next: u32, count: u32): bool {
  const before = at > begin ? <u32>load<u8>(at - 1) : 0;
  if (isLatin(before)) return !isInWord(begin, at);
  if (before >= 0x80 || before == Ascii.Semicolon) return true;
  if ((isLatin(next) && count >= PLAIN_RUN) || next == Ascii.OpenParenthesis) return true;
  return count >= PLAIN_RUN && before - 48 >= 10 && mayAnnounce(begin, at);
}

/** Whether the digits and the letter before them go on a word that is written plainly. A document has two letters at most. */
function isInWord(begin: usize, at: usize): bool {
  if (at - begin < WORD_LOOK) return false;
  for (let i: usize = 2; i <= WORD_LOOK; i++) {
    const byte = <u32>load<u8>(at - i);
    if (byte == Ascii.Backslash || byte == Ascii.Percent) return false;
  }
  const second = <u32>load<u8>(at - 2);
  if (!isLatin(second)) return second - 48 < 10 || second == Ascii.Underscore;
  const third = <u32>load<u8>(at - 3);
  return isLatin(third) || third - 48 < 10 || third == Ascii.Underscore;
}

/** Whether a next group may stand at `at`. A day or a month is shorter. */
function mayGoOn(at: usize, end: usize): bool {
  for (let i: usize = 0; i < NEXT_RUN && at + i < end; i++) {
    const byte = <u32>load<u8>(at + i);
    if (isLead(byte)) return true;
    if (byte - 48 < 10) continue;
    return i == 0 && (byte == Ascii.Space || byte == Ascii.Minus);
  }
  return at + NEXT_RUN <= end;
}
