// DEFLATE decoder (RFC 1951) for a whole message in memory. It checks every read and write against its bound, and a
// stream that does not end where it says is an error. It accepts and refuses the same streams as zlib.
import { Arena } from '../../memory/arena';
import { ErrorId } from '../../errors.gen';
import {
  DISTANCE_TABLE,
  END_OF_BLOCK,
  LENGTHS_BITS,
  LENGTHS_SYMBOLS,
  LENGTHS_TABLE,
  LITERAL,
  LITERAL_TABLE,
  SECOND_TABLE,
  SPECIAL,
  WORD_LENGTHS,
  buildFixedTables,
  buildLengthsTable,
  buildTables,
  distanceTableBits,
  literalTableBits,
} from './huffman';

/** Order of the code lengths of the first code (RFC 1951, 3.2.7). */
const LENGTHS_ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** Longest match, bytes. */
const LONGEST_MATCH_BYTES: usize = 258;
/**
 * Room after the permitted output. One turn of the fast loop writes three literals and a match, sixteen bytes at a
 * time.
 */
const SLACK_BYTES: usize = 320;
/** Input bytes that a turn of the fast loop may read. */
const FAST_INPUT_BYTES: usize = 16;
/** Smallest output buffer, bytes. */
const LEAST_ROOM_BYTES: u32 = 1024;
/** Most literal/length codes of a block, and most distance codes. */
const LITERALS_MOST: u32 = 286;
const DISTANCES_MOST: u32 = 30;

const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

export class Inflater {
  /** Address of the next input byte. */
  at: usize = 0;
  /** Address after the input. */
  end: usize = 0;
  /** Addresses of the first output byte and after the last one. */
  start: usize = 0;
  out: usize = 0;
  /** Start of the current stream, which bounds back references. */
  private window: usize = 0;
  /** Size of the output buffer without the slack, bytes. */
  private room: u32 = 0;
  private maxBytes: u32 = 0;
  private arena: Arena | null = null;
  /** Input bits taken and not yet used, lowest first. */
  private bits: u64 = 0;
  private bitCount: u32 = 0;

  /** Number of output bytes. */
  get length(): u32 {
    return <u32>(this.out - this.start);
  }

  /**
   * Prepares to decompress `length` bytes. `maxBytes`: largest output. `expected`: probable output. False if out of
   * memory.
   */
  begin(pointer: usize, length: u32, expected: u32, maxBytes: u32, arena: Arena): bool {
    this.at = pointer;
    this.end = pointer + length;
    this.maxBytes = maxBytes;
    this.arena = arena;
    this.room = min(max(expected, LEAST_ROOM_BYTES), maxBytes);
    this.start = arena.allocate(<usize>this.room + SLACK_BYTES);
    this.out = this.start;
    return this.start != 0;
  }

  /**
   * Decompresses one stream that begins at `at`, and leaves `at` after its last byte. Returns ErrorId.None or the
   * error.
   */
  stream(): ErrorId {
    this.window = this.out;
    this.bits = 0;
    this.bitCount = 0;
    for (;;) {
      this.fill();
      if (this.bitCount < 3) return ErrorId.FIM_RT_0052;
      const last = this.take(1) != 0;
      const kind = this.take(2);
      const error = kind == STORED ? this.stored() : this.coded(kind);
      if (error != ErrorId.None) return error;
      if (last) break;
    }
    this.giveBack();
    return this.length > this.maxBytes ? ErrorId.FIM_RT_0051 : ErrorId.None;
  }

  /** Loads input until at least 56 bits are available, or all input is used. */
  // @ts-ignore: decorator
  @inline
  private fill(): void {
    while (this.bitCount < 56 && this.at < this.end) {
      this.bits |= (<u64>load<u8>(this.at++)) << this.bitCount;
      this.bitCount += 8;
    }
  }

  /** Consumes bits that are known to be available. */
  // @ts-ignore: decorator
  @inline
  private take(count: u32): u32 {
    const value = (<u32>this.bits) & ((1 << count) - 1);
    this.bits >>= count;
    this.bitCount -= count;
    return value;
  }

  /** Discards the rest of a byte and returns whole bytes to the input. */
  private giveBack(): void {
    this.at -= this.bitCount >> 3;
    this.bits = 0;
    this.bitCount = 0;
  }

  /** Makes room for `bytes` more bytes besides the slack, by moving the output. */
  private grow(bytes: usize): ErrorId {
    const length = this.out - this.start;
    const needed = length + bytes;
    if (needed <= <usize>this.room) return ErrorId.None;
    if (needed > <usize>this.maxBytes) return ErrorId.FIM_RT_0051;
    const arena = this.arena;
    const room = min<usize>(max<usize>(needed, <usize>this.room * 2), this.maxBytes);
    const moved = arena == null ? <usize>0 : arena.allocate(room + SLACK_BYTES);
    if (moved == 0) return ErrorId.FIM_RT_0006;
    memory.copy(moved, this.start, length);
    this.window = moved + (this.window - this.start);
    this.start = moved;
    this.out = moved + length;
    this.room = <u32>room;
    return ErrorId.None;
  }

  /** A stored block (3.2.4). */
  private stored(): ErrorId {
    this.giveBack();
    if (this.end - this.at < 4) return ErrorId.FIM_RT_0052;
    const length = <usize>load<u16>(this.at);
    if (length != <usize>(load<u16>(this.at, 2) ^ 0xffff)) return ErrorId.FIM_RT_0055;
    this.at += 4;
    if (this.end - this.at < length) return ErrorId.FIM_RT_0052;
    const error = this.grow(length);
    if (error != ErrorId.None) return error;
    memory.copy(this.out, this.at, length);
    this.at += length;
    this.out += length;
    return ErrorId.None;
  }

  /** A block with fixed or dynamic codes (3.2.5). */
  private coded(kind: u32): ErrorId {
    if (kind == FIXED) buildFixedTables();
    else if (kind == DYNAMIC) {
      const error = this.readCodes();
      if (error != ErrorId.None) return error;
    } else return ErrorId.FIM_RT_0055;
    let step: u32 = 0;
    while (step == 0) {
      this.fast();
      step = this.symbol();
    }
    return step == END_OF_BLOCK ? ErrorId.None : <ErrorId>step;
  }

  /** Reads the codes of a block (3.2.7). */
  private readCodes(): ErrorId {
    this.fill();
    if (this.bitCount < 14) return ErrorId.FIM_RT_0052;
    const literals = this.take(5) + 257;
    const distances = this.take(5) + 1;
    const given = this.take(4) + 4;
    if (literals > LITERALS_MOST || distances > DISTANCES_MOST) return ErrorId.FIM_RT_0055;
    memory.fill(WORD_LENGTHS, 0, LENGTHS_SYMBOLS);
    for (let i: u32 = 0; i < given; i++) {
      this.fill();
      if (this.bitCount < 3) return ErrorId.FIM_RT_0052;
      store<u8>(WORD_LENGTHS + load<u8>(LENGTHS_ORDER + i), <u8>this.take(3));
    }
    if (!buildLengthsTable()) return ErrorId.FIM_RT_0055;
    const error = this.readLengths(literals + distances);
    if (error != ErrorId.None) return error;
    // A block without a code word for its end could not end.
    if (load<u8>(WORD_LENGTHS + 256) == 0) return ErrorId.FIM_RT_0055;
    return buildTables(literals, distances) ? ErrorId.None : ErrorId.FIM_RT_0055;
  }

  private readLengths(count: u32): ErrorId {
    let i: u32 = 0;
    while (i < count) {
      this.fill();
      const entry = load<u32>(LENGTHS_TABLE + (((<usize>this.bits) & ((1 << LENGTHS_BITS) - 1)) << 2));
      const wordBits = entry & 255;
      if (wordBits > this.bitCount) return ErrorId.FIM_RT_0052;
      const length = entry >> 16;
      const extra: u32 = length < 16 ? 0 : length == 16 ? 2 : length == 17 ? 3 : 7;
      if (wordBits + extra > this.bitCount) return ErrorId.FIM_RT_0052;
      this.take(wordBits);
      if (length < 16) {
        store<u8>(WORD_LENGTHS + i++, <u8>length);
        continue;
      }
      if (length == 16 && i == 0) return ErrorId.FIM_RT_0055;
      const repeated: u8 = length == 16 ? load<u8>(WORD_LENGTHS + i - 1) : 0;
      const times = this.take(extra) + (length == 18 ? 11 : 3);
      if (i + times > count) return ErrorId.FIM_RT_0055;
      memory.fill(WORD_LENGTHS + i, repeated, times);
      i += times;
    }
    return ErrorId.None;
  }

  /**
   * Decodes symbols while input and room are plentiful, without checks inside a turn. `symbol` decodes the next one:
   * the end is near, or there is an error.
   */
  private fast(): void {
    const literalMask: u64 = (1 << literalTableBits()) - 1;
    const distanceMask: u64 = (1 << distanceTableBits()) - 1;
    const inputLimit = this.end - FAST_INPUT_BYTES;
    const outLimit = this.start + <usize>this.room + SLACK_BYTES - LONGEST_MATCH_BYTES - 32;
    let at = this.at;
    let out = this.out;
    let bits = this.bits;
    let bitCount = this.bitCount;
    while (at <= inputLimit && out <= outLimit) {
      bits |= load<u64>(at) << bitCount;
      at += (63 - bitCount) >> 3;
      bitCount |= 56;
      let entry = load<u32>(LITERAL_TABLE + <usize>((bits & literalMask) << 2));
      if (entry & LITERAL) {
        store<u8>(out++, <u8>(entry >> 16));
        bits >>= entry & 255;
        bitCount -= entry & 255;
        entry = load<u32>(LITERAL_TABLE + <usize>((bits & literalMask) << 2));
        if (entry & LITERAL) {
          store<u8>(out++, <u8>(entry >> 16));
          bits >>= entry & 255;
          bitCount -= entry & 255;
          entry = load<u32>(LITERAL_TABLE + <usize>((bits & literalMask) << 2));
          if (entry & LITERAL) {
            store<u8>(out++, <u8>(entry >> 16));
            bits >>= entry & 255;
            bitCount -= entry & 255;
            continue;
          }
        }
        bits |= load<u64>(at) << bitCount;
        at += (63 - bitCount) >> 3;
        bitCount |= 56;
      }
      // Of 56 bits a length takes at most 20 and a distance 28. Bits are consumed only once both words are valid.
      let taken: u32 = 0;
      if (entry & SECOND_TABLE) {
        taken = entry & 255;
        entry = second(LITERAL_TABLE, entry, bits);
        if (entry & LITERAL) {
          store<u8>(out++, <u8>(entry >> 16));
          taken += entry & 255;
          bits >>= taken;
          bitCount -= taken;
          continue;
        }
      }
      if (entry & SPECIAL) break;
      const length = <usize>(entry >> 16) + extraBits(entry, bits >> taken);
      taken += entry & 255;
      entry = load<u32>(DISTANCE_TABLE + ((<usize>((bits >> taken) & distanceMask)) << 2));
      if (entry & SECOND_TABLE) {
        const firstBits = entry & 255;
        entry = second(DISTANCE_TABLE, entry, bits >> taken);
        taken += firstBits;
      }
      if (entry & SPECIAL) break;
      const distance = <usize>(entry >> 16) + extraBits(entry, bits >> taken);
      if (distance > out - this.window) break;
      taken += entry & 255;
      bits >>= taken;
      bitCount -= taken;
      out = copyMatch(out, distance, length);
    }
    this.at = at;
    this.out = out;
    this.bits = bits;
    this.bitCount = bitCount;
  }

  /** Decodes one symbol with all checks. Returns 0, END_OF_BLOCK, or an ErrorId. */
  private symbol(): u32 {
    this.fill();
    let entry = this.word(LITERAL_TABLE, literalTableBits());
    if (entry == 0) return ErrorId.FIM_RT_0052;
    if (entry & LITERAL) {
      const error = this.grow(1);
      if (error != ErrorId.None) return error;
      store<u8>(this.out++, <u8>(entry >> 16));
      return 0;
    }
    if (entry & SPECIAL) return entry & END_OF_BLOCK ? END_OF_BLOCK : <u32>ErrorId.FIM_RT_0055;
    const lengthBits = (entry & 255) - ((entry >> 8) & 15);
    if (lengthBits > this.bitCount) return ErrorId.FIM_RT_0052;
    const length = <usize>(entry >> 16) + this.take(lengthBits);
    this.fill();
    entry = this.word(DISTANCE_TABLE, distanceTableBits());
    if (entry == 0) return ErrorId.FIM_RT_0052;
    if (entry & SPECIAL) return ErrorId.FIM_RT_0055;
    const distanceBits = (entry & 255) - ((entry >> 8) & 15);
    if (distanceBits > this.bitCount) return ErrorId.FIM_RT_0052;
    const distance = <usize>(entry >> 16) + this.take(distanceBits);
    if (distance > this.out - this.window) return ErrorId.FIM_RT_0055;
    const error = this.grow(length);
    if (error != ErrorId.None) return error;
    this.out = copyMatch(this.out, distance, length);
    return 0;
  }

  /** Entry of the next word. Consumes the word but not its extra bits. 0 if the input ends inside it. */
  private word(table: usize, tableBits: u32): u32 {
    let entry = load<u32>(table + (((<usize>this.bits) & ((1 << tableBits) - 1)) << 2));
    if (entry & SECOND_TABLE) {
      const firstBits = entry & 255;
      if (firstBits > this.bitCount) return 0;
      entry = second(table, entry, this.bits);
      if (firstBits + ((entry >> 8) & 15) > this.bitCount) return 0;
      this.take(firstBits);
    }
    const own = (entry >> 8) & 15;
    if (own > this.bitCount) return 0;
    this.take(own);
    return entry;
  }
}

/** Entry in the second-level table that `entry` refers to. `bits` begin with the word. */
// @ts-ignore: decorator
@inline
function second(table: usize, entry: u32, bits: u64): u32 {
  const at = <usize>((entry >> 16) & 0x7fff) + ((<usize>(bits >> (entry & 255))) & ((1 << ((entry >> 8) & 15)) - 1));
  return load<u32>(table + (at << 2));
}

/** Value of the extra bits of the word that `bits` begin with. */
// @ts-ignore: decorator
@inline
function extraBits(entry: u32, bits: u64): usize {
  const own = (entry >> 8) & 15;
  return (<usize>(bits >> own)) & ((1 << ((entry & 255) - own)) - 1);
}

/**
 * Copies `length` bytes from `distance` bytes before, and up to 15 meaningless bytes after them. Returns the new end.
 */
// @ts-ignore: decorator
@inline
function copyMatch(out: usize, distance: usize, length: usize): usize {
  const end = out + length;
  let from = out - distance;
  if (distance >= 16) {
    do {
      v128.store(out, v128.load(from));
      out += 16;
      from += 16;
    } while (out < end);
  } else if (distance == 1) {
    const bytes = i8x16.splat(load<u8>(from));
    do {
      v128.store(out, bytes);
      out += 16;
    } while (out < end);
  } else if (distance >= 8) {
    do {
      store<u64>(out, load<u64>(from));
      out += 8;
      from += 8;
    } while (out < end);
  } else {
    // Each turn about doubles the copied data. Only the first `distance` bytes after `out` count.
    do {
      store<u64>(out, load<u64>(from));
      out += distance;
      from += distance;
    } while (out < end);
  }
  return end;
}
