// Labels before values: `姓名：`, `"custName":`, `<passportNo>`, `addr=`. What they name stands in the dictionary of
// kinds.
import { Ascii } from '../../memory/ascii';
import { KIND_NAMES, KIND_NAMES_MASK, KIND_NAMES_SLOTS } from '../kinds.gen';
import { Find, bitOf } from './find';
import { digitOf, isHan, isLatin, isSpace, narrow, unitBefore, unitStart } from './units';

/** Characters between a label and its value: quotes, colon, spaces. */
const MAX_GAP: u32 = 10;
/** Characters of a label that are looked at. */
const MAX_LABEL: u32 = 32;
const HAN_BYTES: u32 = 3;
const MAX_HAN: u32 = 10;
const FNV_BASIS: u32 = 0x811c9dc5;
const FNV_PRIME: u32 = 0x01000193;

/** Kinds whose values are looked for because a label stands before them; kinds of labels that announce digits. */
const LABELLED: u32 = ((<u32>1) << Find.Name) | ((<u32>1) << Find.Address) | ((<u32>1) << Find.KeyMaterial);
const ANNOUNCING: u32 =
  ((<u32>1) << Find.IdCard) |
  ((<u32>1) << Find.Phone) |
  ((<u32>1) << Find.FixedPhone) |
  ((<u32>1) << Find.Passport) |
  ((<u32>1) << Find.HkMacaoPermit) |
  ((<u32>1) << Find.TaiwanPermit);

/** Bit n of a set of 4096: some name of a kind of the group ends in three bytes that make n. */
const ENDINGS: usize = memory.data(512);
const DIGIT_ENDINGS: usize = memory.data(512);
const TEXT: usize = memory.data(128);
let ready = false;

function endingOf(bytes: u32): u32 {
  return (bytes * 0x9e3779b1) >> 20;
}

function addEnding(set: usize, bit: u32): void {
  const word = set + <usize>((bit >> 3) & ~3);
  store<u32>(word, load<u32>(word) | ((<u32>1) << (bit & 31)));
}

/** Fills the sets of endings. Once. */
export function prepareLabels(): void {
  if (ready) return;
  ready = true;
  for (let slot: u32 = 0; slot <= KIND_NAMES_MASK; slot++) {
    const offset = <u32>load<u16>(KIND_NAMES_SLOTS + ((<usize>slot) << 1));
    if (offset == 0) continue;
    const entry = KIND_NAMES + offset - 1;
    const length = <u32>load<u8>(entry);
    const kind = bitOf(load<u8>(entry, 1));
    if (length < 2) continue;
    const third = length > 2 ? <u32>load<u8>(entry + length - 1) : 0;
    const bit = endingOf(third | ((<u32>load<u16>(entry + length)) << 8));
    if ((kind & LABELLED) != 0) addEnding(ENDINGS, bit);
    if ((kind & ANNOUNCING) != 0) addEnding(DIGIT_ENDINGS, bit);
  }
}

/** Whether a label of a LABELLED kind may end before the separator or value at `at`. Quick; reads a few bytes. */
export function mayFollowLabel(begin: usize, at: usize): bool {
  return endsIn(ENDINGS, begin, at);
}

/** The same for labels that announce the digits at `at`. */
export function mayAnnounce(begin: usize, at: usize): bool {
  // Directly before the digits a label ends in Han, plain or escaped.
  if (at > begin && isPlainSign(load<u8>(at - 1))) return false;
  return endsIn(DIGIT_ENDINGS, begin, at);
}

function endsIn(set: usize, begin: usize, at: usize): bool {
  let from = at;
  while (from > begin && at - from < MAX_GAP && isPlainGap(load<u8>(from - 1))) from--;
  let bytes: u32 = 0;
  let shift: u32 = 0;
  if (from >= begin + 8 && areLetters(load<u32>(from - 4) >> 8)) return mayEnd(set, from);
  for (const stop = max(begin + 4, from) - 4; from > stop && shift < 24; from--) {
    const byte = <u32>load<u8>(from - 1);
    if (byte == Ascii.Semicolon) return true;
    if (byte == Ascii.Underscore || byte == Ascii.Minus) continue;
    if (byte < 0x80 && !isLatin(byte) && byte - 48 >= 10) break;
    bytes |= lower(byte) << (16 - shift);
    shift += 8;
  }
  if (shift < 16 || isEscape(begin, from)) return true;
  const bit = endingOf(bytes);
  return ((load<u8>(set + (bit >> 3)) >> (bit & 7)) & 1) != 0;
}

/** Whether the word whose last three letters stand before `from` may end a name of the set. Reads eight bytes. */
// @ts-ignore: decorator
@inline
function mayEnd(set: usize, from: usize): bool {
  const eight = load<u64>(from - 8);
  const bit = endingOf((<u32>(eight >> 40)) | 0x202020);
  const isEnding = ((<u32>load<u8>(set + (bit >> 3))) >> (bit & 7)) & 1;
  return (isEnding | (<u32>hasEscape(eight << 24))) != 0;
}

/** Whether `%` or `\\u` is among eight bytes: an escape begins there, whose last digit may look like a letter. */
// @ts-ignore: decorator
@inline
function hasEscape(bytes: u64): bool {
  const unicode = zeroBytes(bytes ^ 0x5c5c5c5c5c5c5c5c) & (zeroBytes(bytes ^ 0x7575757575757575) >> 8);
  return (unicode | zeroBytes(bytes ^ 0x2525252525252525)) != 0;
}

/** The highest bit of each byte that is zero. */
// @ts-ignore: decorator
@inline
function zeroBytes(bytes: u64): u64 {
  const low: u64 = 0x7f7f7f7f7f7f7f7f;
  return ~(((bytes & low) + low) | bytes | low);
}

/**
 * Whether a label of a LABELLED kind may stand before the separator at `at`, at least twelve bytes of whose text are
 * before it. Quicker than `mayFollowLabel` where letters or a quote, plain or behind a backslash, stand before it; says
 * yes of everything else.
 */
// @ts-ignore: decorator
@inline
export function mayBeLabel(at: usize): bool {
  const quote = <usize>(load<u8>(at - 1) == Ascii.Quote);
  const from = at - quote - (quote & (<usize>(load<u8>(at - 2) == Ascii.Backslash)));
  return (u32(!areLetters(load<u32>(from - 4) >> 8)) | u32(mayEnd(ENDINGS, from))) != 0;
}

/** Whether the three low bytes are ASCII letters. */
// @ts-ignore: decorator
@inline
function areLetters(bytes: u32): bool {
  if ((bytes & 0x808080) != 0) return false;
  const folded = bytes | 0x202020;
  const fromA = folded + 0x1f1f1f;
  const behindZ = folded + 0x050505;
  return (fromA & ~behindZ & 0x808080) == 0x808080;
}

/** Whether one of the bytes before the last ones shows that the label is written in escapes. */
function isEscape(begin: usize, from: usize): bool {
  for (let i = 0; i < 4 && from > begin; i++) {
    from--;
    const byte = <u32>load<u8>(from);
    if (byte == Ascii.Backslash || byte == Ascii.Percent) return true;
  }
  return false;
}

function isPlainGap(byte: u32): bool {
  return (
    byte == Ascii.Quote ||
    byte == Ascii.Backslash ||
    byte == Ascii.Space ||
    byte == Ascii.Apostrophe ||
    byte == Ascii.Colon ||
    byte == Ascii.Equals ||
    byte == Ascii.Greater
  );
}

/** Whether a byte is a sign that ends no escape and stands in no gap. */
function isPlainSign(byte: u32): bool {
  return (
    byte == Ascii.Point ||
    byte == Ascii.Comma ||
    byte == Ascii.Minus ||
    byte == Ascii.Underscore ||
    byte == Ascii.Plus ||
    byte == Ascii.OpenParenthesis ||
    byte == Ascii.OpenBracket
  );
}

function lower(byte: u32): u32 {
  return byte - 65 < 26 ? byte + 32 : byte;
}

/** Kind of the folded name of `length` bytes at `text`. Nothing if it is not in the dictionary. */
function kindOf(text: usize, length: u32): u32 {
  let hash = FNV_BASIS;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(text + i)) * FNV_PRIME;
  let slot = hash & KIND_NAMES_MASK;
  while (true) {
    const offset = <u32>load<u16>(KIND_NAMES_SLOTS + ((<usize>slot) << 1));
    if (offset == 0) return Find.Nothing;
    const entry = KIND_NAMES + offset - 1;
    if (<u32>load<u8>(entry) == length && memory.compare(entry + 2, text, length) == 0) return load<u8>(entry, 1);
    slot = (slot + 1) & KIND_NAMES_MASK;
  }
}

/** Passes over characters that may stand between a label and its value. */
function isGap(point: u32): bool {
  return (
    point == Ascii.Colon ||
    point == Ascii.Equals ||
    point == Ascii.Quote ||
    point == Ascii.Apostrophe ||
    point == Ascii.Greater ||
    point == 0xff1a ||
    point == 0x201c ||
    point == 0x201d ||
    point == 0x3a ||
    point == 0x4e3a ||
    point == 0x662f ||
    point == Ascii.Backslash ||
    isSpace(point)
  );
}

/**
 * Kind that the label before the value at `at` names, or before a separator that ends there. Nothing without a label.
 */
export function labelBefore(begin: usize, at: usize): u32 {
  let gap: u32 = 0;
  let point = unitBefore(begin, at);
  while (gap < MAX_GAP && isGap(point) && at > begin) {
    at = unitStart();
    point = unitBefore(begin, at);
    gap++;
  }
  return isHan(point) ? hanLabel(begin, at) : gap == 0 ? Find.Nothing : latinLabel(begin, at);
}

/** Whether the name of a field may be a label of a LABELLED kind. Quick. */
// @ts-ignore: decorator
@inline
export function mayNameLabel(name: usize, length: u32): bool {
  const end = name + length;
  return length > 1 && (length < 3 || !areLetters(load<u32>(end - 4) >> 8) || mayEnd(ENDINGS, end));
}

/** Kind that the name of a field means, as a label does. Only a LABELLED or ANNOUNCING one matters. */
export function labelOf(name: usize, length: u32): u32 {
  const end = name + length;
  if (length > 2 && areLetters(load<u32>(end - 4) >> 8) && !mayEnd(ENDINGS, end) && !mayEnd(DIGIT_ENDINGS, end))
    return Find.Nothing;
  return isHan(unitBefore(name, end)) ? hanLabel(name, end) : latinLabel(name, end);
}

/** A label in Han: the longest one that stands directly before `at`. */
function hanLabel(begin: usize, at: usize): u32 {
  let kind: u32 = Find.Nothing;
  let from = TEXT + MAX_HAN * HAN_BYTES;
  const stop = from;
  for (let i: u32 = 0; i < MAX_HAN; i++) {
    const point = unitBefore(begin, at);
    if (!isHan(point)) break;
    at = unitStart();
    from -= HAN_BYTES;
    store<u8>(from, 0xe0 | (point >> 12));
    store<u8>(from, 0x80 | ((point >> 6) & 63), 1);
    store<u8>(from, 0x80 | (point & 63), 2);
    if (i == 0) continue;
    const found = kindOf(from, <u32>(stop - from));
    if (found != Find.Nothing) kind = found;
  }
  return kind;
}

/** Whether the byte before `at` may end an escape. */
function isEscaped(begin: usize, at: usize): bool {
  if (at - begin >= 2 && load<u8>(at - 2) == Ascii.Backslash) return true;
  if (at - begin >= 3 && load<u8>(at - 3) == Ascii.Percent) return true;
  if (at - begin >= 5 && load<u8>(at - 5) == Ascii.Percent) return true;
  return at - begin >= 6 && load<u8>(at - 6) == Ascii.Backslash && load<u8>(at - 5) == Ascii.LowerU;
}

/** A label in letters: the whole word, folded. */
function latinLabel(begin: usize, at: usize): u32 {
  let from = TEXT + MAX_LABEL;
  const stop = from;
  // Plain bytes need no look for escapes.
  while (at > begin && from > TEXT) {
    const byte = <u32>load<u8>(at - 1);
    const isJoint = byte == Ascii.Underscore || byte == Ascii.Minus || byte == Ascii.Point;
    if (!isJoint && (byte >= 0x80 || (!isLatin(byte) && byte - 48 >= 10) || isEscaped(begin, at))) break;
    at--;
    if (!isJoint) store<u8>(--from, lower(byte));
  }
  for (let i: u32 = <u32>(stop - from); i <= MAX_LABEL; i++) {
    const point = narrow(unitBefore(begin, at));
    const isJoint = point == Ascii.Underscore || point == Ascii.Minus || point == Ascii.Point;
    if (!isJoint && !isLatin(point) && digitOf(point) > 9) break;
    if (i == MAX_LABEL) return Find.Nothing;
    at = unitStart();
    if (isJoint) continue;
    store<u8>(--from, lower(point));
  }
  return from == stop ? Find.Nothing : kindOf(from, <u32>(stop - from));
}
