// Finds the places where something may begin: one pass of 48 bytes at a time over the text. Everything else is passed
// over.
//
// Each byte has bits by its class, from two tables by its halves. The bits of 64 bytes make words of 64 bits, one for
// each class, and what may begin where is said by shifts of these words. 16 of the 64 bytes only tell how what began
// before them goes on.
import { Ascii } from '../../memory/ascii';
import { isWordPart } from './digit-groups';
import { Find, bitOf } from './find';
import { House } from './house';
import { mayBeColon, mayBeIpv6 } from './internet';
import { mayBeLabel } from './labels';
import { DOCUMENTS, GROUPED, mayBeNumber } from './quick-look';

/** Bytes of a block, and bytes that are read for it. */
export const BLOCK: usize = 48;
const READ: usize = 80;

/** Kinds that are looked for behind a label. */
export const LABELLED: u32 = ((<u32>1) << Find.Name) | ((<u32>1) << Find.Address) | ((<u32>1) << Find.KeyMaterial);
const WITH_LETTERS: u32 = DOCUMENTS | ((<u32>1) << Find.SocialCreditCode) | ((<u32>1) << Find.FixedPhone);

/** Classes of bytes. The bytes of a class are all that have a low and a high half of it. */
const enum Class {
  Digit = 1,
  /** Whether a byte parts two groups of digits. */
  Part = 2,
  Line = 4,
  Dot = 8,
  Backslash = 16,
  /** `%` and `&`, with which a character of several bytes begins. */
  Escape = 32,
  /** `:`, `=`, `>`. */
  Separator = 64,
  /** The highest bit: the mask of its bytes needs no shift. */
  At = 128,
}
/** Places by which a class is shifted to the highest bit. */
const TO_DIGIT: u32 = 7;
const TO_PART: u32 = 6;
const TO_LINE: u32 = 5;
const TO_DOT: u32 = 4;
const TO_BACKSLASH: u32 = 3;
const TO_ESCAPE: u32 = 2;
const TO_SEPARATOR: u32 = 1;

/** Bytes before a separator in which its label and its escapes are read. */
const LABEL_LOOK: usize = 12;

/** Places of a block before which less than an escape is known. */
const KNOWN_BEFORE: u64 = 0xff;

/** The last block of a text, if what stands behind it cannot be read. */
const REST: usize = memory.data(128);

// @ts-ignore: decorator
@inline
function word(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = (<u32>i8x16.bitmask(a)) | ((<u32>i8x16.bitmask(b)) << 16);
  const high = (<u32>i8x16.bitmask(c)) | ((<u32>i8x16.bitmask(d)) << 16);
  return (<u64>low) | ((<u64>high) << 32);
}

/** Digits of runs of at most three whose byte behind is in `ends`. */
// @ts-ignore: decorator
@inline
function shortRuns(digits: u64, ends: u64): u64 {
  const one = (ends >> 1) & digits;
  const two = (one >> 1) & digits;
  return one | two | ((two >> 1) & digits);
}

/** Digits of runs of at most sixteen whose byte behind is in `ends`. */
// @ts-ignore: decorator
@inline
function runs(digits: u64, ends: u64): u64 {
  let found = (ends >> 1) & digits;
  found |= (found >> 1) & digits;
  const two = digits & (digits >> 1);
  found |= (found >> 2) & two;
  const four = two & (two >> 2);
  found |= (found >> 4) & four;
  return found | ((found >> 8) & four & (four >> 4));
}

/** ASCII letters, digits and underscores. */
// @ts-ignore: decorator
@inline
function areWords(bytes: v128): v128 {
  const letters = i8x16.lt_u(i8x16.sub(v128.or(bytes, i8x16.splat(32)), i8x16.splat(97)), i8x16.splat(26));
  const digits = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(48)), i8x16.splat(10));
  return v128.or(v128.or(digits, letters), i8x16.eq(bytes, i8x16.splat(95)));
}

/** The bits of bytes by two tables of their halves. */
// @ts-ignore: decorator
@inline
function byHalves(low: StaticArray<u8>, high: StaticArray<u8>, bytes: v128): v128 {
  const half = i8x16.splat(15);
  return v128.and(
    i8x16.relaxed_swizzle(v128.load(changetype<usize>(low)), v128.and(bytes, half)),
    i8x16.relaxed_swizzle(v128.load(changetype<usize>(high)), v128.and(i16x8.shr_u(bytes, 4), half)),
  );
}

/** Bytes with which, and with the one behind them, something of a house may begin. */
// @ts-ignore: decorator
@inline
function beginsHouse(house: House, at: usize): v128 {
  const next = v128.load(at, 1);
  const goesOn = v128.or(byHalves(house.nextLow, house.nextHigh, next), i8x16.lt_s(next, i8x16.splat(0)));
  return v128.and(byHalves(house.low, house.high, v128.load(at)), goesOn);
}

/** The same, but for those amid a word. `before`: the byte before them. */
// @ts-ignore: decorator
@inline
function houseStarts(house: House, at: usize, before: u32): u64 {
  const none = i8x16.splat(0);
  let first = beginsHouse(house, at);
  let second = beginsHouse(house, at + 16);
  let third = beginsHouse(house, at + 32);
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  if (house.wide) {
    const last = i8x16.splat(<i8>0xc1);
    first = v128.or(first, i8x16.gt_u(a, last));
    second = v128.or(second, i8x16.gt_u(b, last));
    third = v128.or(third, i8x16.gt_u(c, last));
  }
  if (!v128.any_true(v128.or(v128.or(first, second), third))) return 0;
  const starts = word(i8x16.ne(first, none), i8x16.ne(second, none), i8x16.ne(third, none), none);
  const words = word(areWords(a), areWords(b), areWords(c), none);
  return starts & ~(words & ((words << 1) | u64(isWordPart(before))));
}

/** Finds candidates for a set of kinds. */
export class Candidates {
  // By the low and the high half of a byte: it is of the classes that both have.
  private readonly low: StaticArray<u8> = new StaticArray<u8>(16);
  private readonly high: StaticArray<u8> = new StaticArray<u8>(16);
  private set: u32 = 0;
  private mails: bool = false;
  private labels: bool = false;
  private plates: bool = false;
  private keys: bool = false;
  private addresses: bool = false;
  private house: House | null = null;
  /** Where something of the house may begin, among the bytes that `of` read last. */
  own: u64 = 0;
  // Of the bytes that are looked at: separators, first digits of what may be something, and digits.
  private separators: u64 = 0;
  private numbers: u64 = 0;
  private digits: u64 = 0;
  /** Characters that are written in several bytes: what they stand for may begin something. */
  private escapes: u64 = 0;
  private groups: bool = false;
  private letters: bool = false;

  constructor() {
    for (let digit = 48; digit < 58; digit++) this.add(digit, Class.Digit);
    this.add(Ascii.Space, Class.Part);
    this.add(Ascii.CloseParenthesis, Class.Part);
    this.add(Ascii.Plus, Class.Part);
    this.add(Ascii.Minus, Class.Part);
    this.add(Ascii.Point, Class.Part | Class.Dot);
    this.add(Ascii.LineFeed, Class.Line);
    this.add(Ascii.CarriageReturn, Class.Line);
    this.add(Ascii.Backslash, Class.Backslash);
    this.add(Ascii.Percent, Class.Escape);
    this.add(Ascii.Ampersand, Class.Escape);
    this.add(Ascii.Colon, Class.Separator);
    this.add(Ascii.Equals, Class.Separator);
    this.add(Ascii.Greater, Class.Separator);
    this.add(64, Class.At);
  }

  private add(byte: u32, classes: u32): void {
    unchecked((this.high[byte >> 4] = <u8>(unchecked(this.high[byte >> 4]) | classes)));
    unchecked((this.low[byte & 15] = <u8>(unchecked(this.low[byte & 15]) | classes)));
  }

  /** Whether detectors of a house are looked for, too. */
  get hasHouse(): bool {
    return this.house != null;
  }

  /** Prepares for a set of kinds (bits of `Find`), and the detectors of a house. */
  prepare(set: u32, house: House | null): void {
    this.house = house;
    this.own = 0;
    this.set = set;
    this.mails = (set & bitOf(Find.Email)) != 0;
    this.labels = (set & LABELLED) != 0;
    this.plates = (set & bitOf(Find.LicencePlate)) != 0;
    this.keys = (set & bitOf(Find.KeyMaterial)) != 0;
    this.addresses = (set & bitOf(Find.IpAddress)) != 0;
    this.groups = (set & GROUPED) != 0;
    this.letters = (set & WITH_LETTERS) != 0;
  }

  /**
   * Candidates among the BLOCK bytes at `at` of the text [`begin`, `end`), as bits. What stands behind the text may
   * make more.
   */
  of(begin: usize, at: usize, end: usize): u64 {
    return this.find(begin, at, end, false);
  }

  /** The same, of a whole JSON message: nothing begins directly behind a quote that ends a string. */
  inBody(begin: usize, at: usize, end: usize): u64 {
    return this.find(begin, at, end, true);
  }

  // @ts-ignore: decorator
  @inline
  private find(begin: usize, at: usize, end: usize, isBody: bool): u64 {
    const before = at > begin ? <u32>load<u8>(at - 1) : 0;
    const left = end - at;
    const inside = left >= BLOCK ? ((<u64>1) << BLOCK) - 1 : ((<u64>1) << left) - 1;
    let from = at;
    if (at + READ > (<usize>memory.size()) << 16) {
      memory.fill(REST, 0, READ);
      memory.copy(REST, at, min(left, READ));
      from = REST;
    }
    const house = this.house;
    let found = this.among(from, before, isBody) & inside;
    if (house != null) this.own = (houseStarts(house, from, before) | this.escapes) & inside;
    const separators = this.separators & inside;
    if (separators != 0) found |= this.telling(begin, at, end, separators);
    const numbers = this.numbers & inside;
    return numbers == 0 ? found : found | this.counting(begin, at, end, numbers);
  }

  /** Places of first digits with which something may begin. */
  private counting(begin: usize, at: usize, end: usize, numbers: u64): u64 {
    const digits = this.digits;
    let found: u64 = 0;
    for (; numbers != 0; numbers &= numbers - 1) {
      const place = <usize>ctz(numbers);
      let stop = place + <usize>ctz(~(digits >> place));
      if (stop >= 64 || at + stop > end) stop = runEnd(at + place, end) - at;
      found |= (<u64>mayBeNumber(begin, at + place, at + stop, end, this.set)) << place;
    }
    return found;
  }

  /** Places of separators at which something may be found. At least one is given; there are seldom more than two. */
  private telling(begin: usize, at: usize, end: usize, separators: u64): u64 {
    const others = separators & (separators - 1);
    const first = <usize>ctz(separators);
    const second = <usize>ctz(others == 0 ? separators : others);
    let found = this.tells(begin, at + first, end) << first;
    found |= this.tells(begin, at + second, end) << second;
    for (let rest = others & (others - 1); rest != 0; rest &= rest - 1) {
      const place = <usize>ctz(rest);
      found |= this.tells(begin, at + place, end) << place;
    }
    return found;
  }

  /** 1 if something may be found at a separator. Almost without branches, since no processor could foresee them. */
  // @ts-ignore: decorator
  @inline
  private tells(begin: usize, place: usize, end: usize): u64 {
    if (place - begin < LABEL_LOOK) return 1;
    const label = u32(this.labels) & u32(mayBeLabel(place));
    if (label == 0 && this.addresses && mayBeColon(place)) return u64(mayBeIpv6(place, end));
    return label;
  }

  // @ts-ignore: decorator
  @inline
  private classes(bytes: v128): v128 {
    return byHalves(this.low, this.high, bytes);
  }

  // @ts-ignore: decorator
  @inline
  private among(at: usize, before: u32, isBody: bool): u64 {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const ca = this.classes(a);
    const cb = this.classes(b);
    const cc = this.classes(c);
    const cd = this.classes(d);
    const none = i8x16.splat(0);
    const classes = v128.or(v128.or(ca, cb), v128.or(cc, cd));
    let leads = hasClass(classes, TO_ESCAPE) ? shifted(ca, cb, cc, cd, TO_ESCAPE) : 0;
    let found = leads;
    if (this.mails && hasClass(classes, 0)) found |= word(ca, cb, cc, none);
    this.separators = this.labels || this.addresses ? shifted(ca, cb, cc, none, TO_SEPARATOR) : 0;
    const slashes = hasClass(classes, TO_BACKSLASH) ? shifted(ca, cb, cc, cd, TO_BACKSLASH) : 0;
    // The bytes before the first two are not known.
    if (isBody && this.separators != 0)
      this.separators &= ~((equal(a, b, c, none, Ascii.Quote) << 1) & ~(slashes << 2) & ~(<u64>3));
    const isHigh = v128.or(v128.or(a, b), v128.or(c, d));
    const high = i8x16.bitmask(isHigh) != 0 ? word(a, b, c, d) : 0;
    if (slashes != 0) {
      // Behind backslashes only a `u` begins what matters, and a quote ends whatever it is.
      found |= slashes & ((slashes | equal(a, b, c, d, Ascii.LowerU)) >> 1);
      leads |= slashes & ~(equal(a, b, c, d, Ascii.Quote) >> 1);
    }
    if (high != 0) {
      found |= equal(a, b, c, d, 0xef);
      leads |= high;
    }
    this.escapes = found;
    if (this.plates && (high | (before >> 7)) != 0) found |= ((high << 1) | (before >> 7)) & capitals(a, b, c);
    if (this.keys) found |= keyStarts(a, b, c, at);
    this.numbers = 0;
    const digits = shifted(ca, cb, cc, cd, TO_DIGIT);
    const starts = digits & ~((digits << 1) | u64(before - 48 < 10));
    if (starts == 0) return found;
    this.digits = digits;
    const ends = ~digits & (digits << 1);
    const three = starts & (digits >> 1) & (digits >> 2);
    const six = three & (digits >> 3) & (digits >> 4) & (digits >> 5);
    let numbers = this.letters
      ? six
      : six & (digits >> 6) & (digits >> 7) & (digits >> 8) & (digits >> 9) & (digits >> 10);
    if (leads != 0) numbers |= starts & runs(digits, ends & leads);
    if (this.groups) {
      const parts = shifted(ca, cb, cc, cd, TO_PART);
      const twoMore = (leads >> 2) | ((digits >> 2) & ((leads | digits) >> 3));
      const goesOn = parts & (((leads | parts) >> 1) | ((digits >> 1) & twoMore));
      const lines = hasClass(classes, TO_LINE) ? shifted(ca, cb, cc, cd, TO_LINE) : 0;
      const goOn = ends & (goesOn | lines);
      if (goOn != 0) {
        let grouped = three & runs(digits, goOn);
        // Later groups of a chain, where no escape can stand before them.
        if ((grouped & (parts << 1)) != 0 && (leads | slashes) == 0) {
          const joints = equal(a, b, c, none, Ascii.Minus) | equal(a, b, c, none, Ascii.Point);
          grouped &= ~((joints & (digits << 1) & ~KNOWN_BEFORE) << 1);
        }
        numbers |= grouped;
      }
      const two = starts & (digits >> 1) & (parts >> 2);
      if (two != 0) numbers |= two & countries(at);
    }
    if (this.addresses && hasClass(classes, TO_DOT)) {
      const dots = shifted(ca, cb, cc, cd, TO_DOT);
      const third = shortRuns(digits, (dots & ((digits | leads) >> 1)) | leads);
      const second = shortRuns(digits, (dots & ((third | leads) >> 1)) | leads);
      numbers |= starts & shortRuns(digits, dots & ((second | leads) >> 1));
    }
    this.numbers = numbers;
    return found;
  }
}

/** Whether some byte is of a class. */
// @ts-ignore: decorator
@inline
function hasClass(classes: v128, by: u32): bool {
  return i8x16.bitmask(i16x8.shl(classes, by)) != 0;
}

/** Address behind the digits that begin at `at`. */
function runEnd(at: usize, end: usize): usize {
  while (at < end && <u32>load<u8>(at) - 48 < 10) at++;
  return at;
}

/** The bytes of one class, moved to the highest bit. */
// @ts-ignore: decorator
@inline
function shifted(a: v128, b: v128, c: v128, d: v128, by: u32): u64 {
  return word(i16x8.shl(a, by), i16x8.shl(b, by), i16x8.shl(c, by), i16x8.shl(d, by));
}

// @ts-ignore: decorator
@inline
function equal(a: v128, b: v128, c: v128, d: v128, byte: u32): u64 {
  const all = i8x16.splat(<i8>byte);
  return word(i8x16.eq(a, all), i8x16.eq(b, all), i8x16.eq(c, all), i8x16.eq(d, all));
}

// @ts-ignore: decorator
@inline
function areCapitals(bytes: v128): v128 {
  return i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(65)), i8x16.splat(26));
}

// @ts-ignore: decorator
@inline
function capitals(a: v128, b: v128, c: v128): u64 {
  return word(areCapitals(a), areCapitals(b), areCapitals(c), i8x16.splat(0));
}

/** `86`, China's prefix. */
function countries(at: usize): u64 {
  let found: u64 = 0;
  for (let i: usize = 0; i < BLOCK; i += 16) {
    const first = i8x16.eq(v128.load(at + i), i8x16.splat(56));
    const second = i8x16.eq(v128.load(at + i, 1), i8x16.splat(54));
    found |= (<u64>(<u32>i8x16.bitmask(v128.and(first, second)))) << i;
  }
  return found;
}

// @ts-ignore: decorator
@inline
function keyStart(bytes: v128, at: usize): v128 {
  const next = v128.load(at, 1);
  const dash = i8x16.splat(45);
  const token = v128.and(i8x16.eq(bytes, i8x16.splat(101)), i8x16.eq(next, i8x16.splat(121)));
  return v128.or(
    token,
    v128.and(v128.and(i8x16.eq(bytes, dash), i8x16.eq(next, dash)), i8x16.eq(v128.load(at, 4), dash)),
  );
}

/** `ey` of a token, and three dashes of a key in PEM. */
// @ts-ignore: decorator
@inline
function keyStarts(a: v128, b: v128, c: v128, at: usize): u64 {
  const first = keyStart(a, at);
  const second = keyStart(b, at + 16);
  const third = keyStart(c, at + 32);
  if (!v128.any_true(v128.or(v128.or(first, second), third))) return 0;
  return word(first, second, third, i8x16.splat(0));
}
