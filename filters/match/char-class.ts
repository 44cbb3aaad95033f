// A set of characters under construction, and its translation to byte instructions. ASCII is a bit set, and the rest a
// list of ranges.
import { Program } from './program';

const FIRST_BEYOND_ASCII: u32 = 0x80;
const LAST_CHARACTER: u32 = 0x10ffff;

export class CharClass {
  /** Bit n: character n. */
  low: u64 = 0;
  /** Bit n: character 64 + n. */
  high: u64 = 0;
  /** First and last character of each range beyond ASCII, in any order until `settle`. */
  private ranges: u32[] = [];

  clear(): void {
    this.low = 0;
    this.high = 0;
    if (this.ranges.length != 0) this.ranges = [];
  }

  addBits(low: u64, high: u64): void {
    this.low |= low;
    this.high |= high;
  }

  /** Adds the characters from `first` to `last`. */
  add(first: u32, last: u32): void {
    if (first < FIRST_BEYOND_ASCII) {
      const end = min<u32>(last, 127);
      if (first < 64) this.low |= bitsBetween(first, min<u32>(end, 63));
      if (end >= 64) this.high |= bitsBetween(max<u32>(first, 64) - 64, end - 64);
      first = FIRST_BEYOND_ASCII;
    }
    if (first <= last) {
      this.ranges.push(first);
      this.ranges.push(last);
    }
  }

  addAll(other: CharClass): void {
    this.addBits(other.low, other.high);
    const ranges = other.ranges;
    for (let i = 0; i < ranges.length; i++) this.ranges.push(ranges[i]);
  }

  /** Adds all beyond ASCII. */
  addBeyondAscii(): void {
    this.add(FIRST_BEYOND_ASCII, LAST_CHARACTER);
  }

  /**
   * Letters of ASCII in both cases, and the two characters beyond it that fold to ASCII letters: U+017F (s) and U+212A
   * (k).
   */
  fold(): void {
    const letters: u64 = 0x07fffffe;
    const upper = this.high & letters;
    const lower = (this.high >> 32) & letters;
    let both = upper | lower;
    if (this.has(0x17f)) both |= 1 << 19;
    if (this.has(0x212a)) both |= 1 << 11;
    this.high |= both | (both << 32);
    if (both & (1 << 19)) this.add(0x17f, 0x17f);
    if (both & (1 << 11)) this.add(0x212a, 0x212a);
  }

  private has(character: u32): bool {
    for (let i = 0; i < this.ranges.length; i += 2)
      if (this.ranges[i] <= character && character <= this.ranges[i + 1]) return true;
    return false;
  }

  /** Turns the set into its complement. */
  negate(): void {
    this.low = ~this.low;
    this.high = ~this.high;
    this.settle();
    const old = this.ranges;
    this.ranges = [];
    let next = FIRST_BEYOND_ASCII;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] > next) this.add(next, old[i] - 1);
      next = old[i + 1] + 1;
    }
    if (next <= LAST_CHARACTER) this.add(next, LAST_CHARACTER);
  }

  /** Sorts the ranges and merges those that touch. */
  private settle(): void {
    const ranges = this.ranges;
    if (ranges.length <= 2) return;
    const keys: u64[] = [];
    for (let i = 0; i < ranges.length; i += 2) keys.push(((<u64>ranges[i]) << 32) | ranges[i + 1]);
    keys.sort();
    this.ranges = [];
    let first = <u32>(keys[0] >> 32);
    let last = <u32>keys[0];
    for (let i = 1; i < keys.length; i++) {
      const from = <u32>(keys[i] >> 32);
      if (from > last + 1) {
        this.add(first, last);
        first = from;
      }
      last = max(last, <u32>keys[i]);
    }
    this.add(first, last);
  }

  /** The only character of the set if it is ASCII, else -1. */
  private single(): i32 {
    if (this.ranges.length != 0 || popcnt(this.low) + popcnt(this.high) != 1) return -1;
    return this.low != 0 ? <i32>ctz(this.low) : 64 + <i32>ctz(this.high);
  }

  /** Appends instructions that match one character of the set. The empty set matches nothing. */
  emit(program: Program): void {
    this.settle();
    const single = this.single();
    if (single >= 0) return program.range(single, single);
    if (this.ranges.length == 0) return program.set(this.low, this.high);
    new Utf8Emitter(program).emit(this.low, this.high, this.ranges);
  }
}

/** Bits `first` to `last` of a word. */
function bitsBetween(first: u32, last: u32): u64 {
  return (u64.MAX_VALUE >> (63 - (last - first))) << first;
}

/**
 * Characters beyond ASCII as byte sequences. Final continuation bytes 80-BF are shared: three of them are at the end,
 * and a sequence enters as far before the end as it needs.
 */
class Utf8Emitter {
  /** Bytes of the sequences: length, then low and high of each. */
  private sequences: u32[] = [];

  constructor(private readonly program: Program) {}

  emit(low: u64, high: u64, ranges: u32[]): void {
    for (let i = 0; i < ranges.length; i += 2) this.addRange(ranges[i], ranges[i + 1]);
    const program = this.program;
    const sequences = this.sequences;
    const start = program.length;
    const ascii = (low | high) != 0;
    // Leads that go to the shared tails cannot be aimed before the end is known. Their links hold the distance from the
    // end at which they enter.
    let at = 0;
    if (ascii) {
      if (sequences.length != 0) program.split(2);
      program.set(low, high, 0);
    }
    while (at < sequences.length) {
      const bytes = <i32>sequences[at];
      let own = bytes; // bytes that are not a shared tail
      while (own > 1 && sequences[at + own * 2 - 1] == 0x80 && sequences[at + own * 2] == 0xbf) own--;
      const next = at + 1 + bytes * 2;
      if (next < sequences.length) program.split(own + 1);
      for (let i = 0; i < own; i++)
        program.range(sequences[at + 1 + i * 2], sequences[at + 2 + i * 2], i == own - 1 ? own - bytes : 1);
      at = next;
    }
    this.close(start);
  }

  /**
   * Appends the shared tails and aims the instructions that wait for them: those with a target of 0 or before
   * themselves.
   */
  private close(start: u32): void {
    const program = this.program;
    if (program.overflowed) return;
    const leads = program.length;
    let longest = 0;
    for (let i = start; i < leads; i++) longest = max(longest, -program.link(i));
    for (let i = 0; i < longest; i++) program.range(0x80, 0xbf);
    if (program.overflowed) return;
    const end = program.length;
    for (let i = start; i < leads; i++) if (program.link(i) <= 0) program.aim(i, end + program.link(i));
  }

  private addRange(first: u32, last: u32): void {
    this.addScalars(first, min<u32>(last, 0xd7ff));
    this.addScalars(max<u32>(first, 0xe000), last);
  }

  private addScalars(first: u32, last: u32): void {
    if (first > last) return;
    if (first < 0x800 && last >= 0x800) {
      this.addScalars(first, 0x7ff);
      return this.addScalars(0x800, last);
    }
    if (first < 0x10000 && last >= 0x10000) {
      this.addScalars(first, 0xffff);
      return this.addScalars(0x10000, last);
    }
    for (let bits: u32 = 6; bits <= 18; bits += 6) {
      const mask: u32 = (1 << bits) - 1;
      if ((first & ~mask) == (last & ~mask)) continue;
      if ((first & mask) != 0) {
        this.addScalars(first, first | mask);
        return this.addScalars((first | mask) + 1, last);
      }
      if ((last & mask) != mask) {
        this.addScalars(first, (last & ~mask) - 1);
        return this.addScalars(last & ~mask, last);
      }
    }
    this.addSequence(first, last);
  }

  private addSequence(first: u32, last: u32): void {
    const bytes: u32 = first < 0x800 ? 2 : first < 0x10000 ? 3 : 4;
    const mark: u32 = bytes == 2 ? 0xc0 : bytes == 3 ? 0xe0 : 0xf0;
    this.sequences.push(bytes);
    for (let i: u32 = 0; i < bytes; i++) {
      const shift = 6 * (bytes - 1 - i);
      this.sequences.push(i == 0 ? mark | (first >> shift) : 0x80 | ((first >> shift) & 63));
      this.sequences.push(i == 0 ? mark | (last >> shift) : 0x80 | ((last >> shift) & 63));
    }
  }
}
