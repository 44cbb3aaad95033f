// Where something may begin: one pass of 16 bytes at a time over the text. Everything else is passed over.
import { Ascii } from '../../memory/ascii';
import { Find, bitOf } from './find';

/** Bytes that must be readable before and behind a block. */
const MARGIN: usize = 24;
export const BLOCK: usize = 16;

/** Kinds that are looked for behind a label. */
export const LABELLED: u32 = ((<u32>1) << Find.Name) | ((<u32>1) << Find.Address) | ((<u32>1) << Find.KeyMaterial);

// @ts-ignore: decorator
@inline
function digitsOf(bytes: v128): v128 {
  return i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(48)), i8x16.splat(10));
}

/** Finds candidates for a set of kinds. */
export class Candidates {
  // By the low and the high half of a byte: a byte is special if both have a bit in common.
  private readonly low: StaticArray<u8> = new StaticArray<u8>(16);
  private readonly high: StaticArray<u8> = new StaticArray<u8>(16);
  private plates: bool = false;
  private keys: bool = false;
  private addresses: bool = false;

  /** Prepares for a set of kinds (bits of `Find`). */
  prepare(set: u32): void {
    memory.fill(changetype<usize>(this.low), 0, 16);
    memory.fill(changetype<usize>(this.high), 0, 16);
    this.add(Ascii.Percent);
    this.add(Ascii.Ampersand);
    this.add(Ascii.Backslash);
    this.add(0xef);
    if ((set & bitOf(Find.Email)) != 0) this.add(64);
    if ((set & (LABELLED | bitOf(Find.IpAddress))) != 0) this.add(Ascii.Colon);
    if ((set & LABELLED) != 0) {
      this.add(Ascii.Equals);
      this.add(Ascii.Greater);
    }
    this.plates = (set & bitOf(Find.LicencePlate)) != 0;
    this.keys = (set & bitOf(Find.KeyMaterial)) != 0;
    this.addresses = (set & bitOf(Find.IpAddress)) != 0;
  }

  private add(byte: u32): void {
    const high = byte >> 4;
    // Each high half has a bit of its own: 2 to 5 and E.
    const bit = high == 14 ? 1 : high < 8 ? (<u32>1) << high : 1;
    unchecked((this.high[high] = <u8>bit));
    const low = byte & 15;
    unchecked((this.low[low] = <u8>(unchecked(this.low[low]) | bit)));
  }

  /** Whether a whole block can be read at once. */
  // @ts-ignore: decorator
  @inline
  fits(begin: usize, at: usize, end: usize): bool {
    return at > begin && at + BLOCK + MARGIN <= end;
  }

  /** Candidates among the 16 bytes at `at`, as bits. `fits` must hold. */
  // @ts-ignore: decorator
  @inline
  of(at: usize): u32 {
    const bytes = v128.load(at);
    const before = v128.load(at - 1);
    const low = i8x16.swizzle(v128.load(changetype<usize>(this.low)), v128.and(bytes, i8x16.splat(15)));
    const high = i8x16.swizzle(v128.load(changetype<usize>(this.high)), i8x16.shr_u(bytes, 4));
    let found = i8x16.ne(v128.and(low, high), i8x16.splat(0));
    if (this.plates) {
      const capitals = i8x16.lt_u(i8x16.sub(bytes, i8x16.splat(65)), i8x16.splat(26));
      found = v128.or(found, v128.and(capitals, i8x16.lt_s(before, i8x16.splat(0))));
    }
    if (this.keys) {
      const next = v128.load(at + 1);
      const jwt = v128.and(i8x16.eq(bytes, i8x16.splat(101)), i8x16.eq(next, i8x16.splat(121)));
      const dashes = v128.and(i8x16.eq(bytes, i8x16.splat(45)), i8x16.eq(v128.load(at + 4), i8x16.splat(45)));
      found = v128.or(found, v128.or(jwt, v128.and(dashes, i8x16.eq(next, i8x16.splat(45)))));
    }
    return (<u32>i8x16.bitmask(found)) | this.numbers(at, bytes, before);
  }

  /** First digits among the 16 bytes: of at least three in a row, of 86, and all of them where dots may make an address. */
  // @ts-ignore: decorator
  @inline
  private numbers(at: usize, bytes: v128, before: v128): u32 {
    const next = v128.load(at + BLOCK);
    const digits = (<u32>i8x16.bitmask(digitsOf(bytes))) | ((<u32>i8x16.bitmask(digitsOf(next))) << 16);
    const starts = digits & ~((digits << 1) | ((<u32>i8x16.bitmask(digitsOf(before))) & 1));
    if ((starts & 0xffff) == 0) return 0;
    let found = starts & (digits >> 1) & (digits >> 2);
    if (this.addresses) {
      const dots =
        (<u32>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(46)))) |
        ((<u32>i8x16.bitmask(i8x16.eq(next, i8x16.splat(46)))) << 16);
      // A digit with a dot behind at most three of them: two such dots at least stand near.
      const ends = (digits << 1) & dots & (digits >> 1);
      if (popcnt(ends) > 2) found |= starts;
    }
    // One or two digits with an escape behind them go on; 86 is China's prefix.
    const special =
      (<u32>i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(56)))) &
      (<u32>i8x16.bitmask(i8x16.eq(v128.load(at + 1), i8x16.splat(54))));
    const leads = this.leads(bytes) | (this.leads(next) << 16);
    found |= starts & (special | (leads >> 1) | (leads >> 2));
    return found & 0xffff;
  }

  /** Bytes with which a character of several bytes begins. */
  // @ts-ignore: decorator
  @inline
  private leads(bytes: v128): u32 {
    const escapes = v128.or(
      i8x16.eq(bytes, i8x16.splat(92)),
      v128.or(i8x16.eq(bytes, i8x16.splat(37)), i8x16.eq(bytes, i8x16.splat(38))),
    );
    return <u32>i8x16.bitmask(v128.or(escapes, i8x16.lt_s(bytes, i8x16.splat(0))));
  }

  /** The same for one byte at the edges of a text. It may say yes more often. */
  isOne(begin: usize, at: usize): bool {
    const byte = <u32>load<u8>(at);
    if (byte - 48 < 10) return at == begin || <u32>load<u8>(at - 1) - 48 >= 10;
    if ((unchecked(this.low[byte & 15]) & unchecked(this.high[byte >> 4])) != 0) return true;
    if (this.plates && byte - 65 < 26) return at > begin && load<u8>(at - 1) >= 0x80;
    return this.keys && (byte == Ascii.LowerE || byte == Ascii.Minus);
  }
}
