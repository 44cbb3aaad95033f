// Tables that decode a prefix code in one look, two for its longest words (RFC 1951, 3.2.2 and 3.2.5). All lie in
// static memory: one message is opened at a time. The order of filling, in words read backwards, is that of libdeflate
// (Eric Biggers, MIT), on which the layout of entries is modelled, too.
//
// An entry holds all that a decoder does with a word, 32 bits:
//   literal    bit 31, value in 16 … 23
//   length     base in 16 … 24                 distance   base in 16 … 30
//   special bit 15: with bit 14 a second table, which begins at entry 16 … 30 and takes 8 … 11 bits; with bit 13 the
//   end of the block; else no word Bits 0 … 7 are what is to be taken from the stream, extra bits included; 8 … 11 are
//   the word's own.

export const LITERAL: u32 = 0x80000000;
export const SPECIAL: u32 = 0x8000;
export const SECOND_TABLE: u32 = 0x4000;
export const END_OF_BLOCK: u32 = 0x2000;

/** Longest code word, bits. */
const LONGEST_WORD_BITS: u32 = 15;
/** Most bits of a first lookup. */
export const LITERAL_BITS: u32 = 11;
export const DISTANCE_BITS: u32 = 8;
export const LENGTHS_BITS: u32 = 7;

/**
 * Symbols of each alphabet: literals and lengths, distances, code lengths. The last two symbols of the first two
 * alphabets are invalid.
 */
export const LITERAL_SYMBOLS: u32 = 288;
export const DISTANCE_SYMBOLS: u32 = 32;
export const LENGTHS_SYMBOLS: u32 = 19;

// Sizes fit the first- and second-level tables of every code of the alphabet (`enough` of zlib: 288 11 15, 32 8 15, 19
// 7 7).
export const LITERAL_TABLE: usize = memory.data(2342 * 4, 16);
export const DISTANCE_TABLE: usize = memory.data(402 * 4, 16);
export const LENGTHS_TABLE: usize = memory.data(128 * 4, 16);

/** Table entries of each symbol without its code word. */
const LITERAL_MEANINGS: usize = memory.data(288 * 4, 16);
const DISTANCE_MEANINGS: usize = memory.data(32 * 4, 16);
const LENGTHS_MEANINGS: usize = memory.data(19 * 4, 16);

/** Code lengths, one byte each: of literals and lengths, then of distances. */
export const WORD_LENGTHS: usize = memory.data(320 + 16, 16);

const COUNTS: usize = memory.data(16 * 4, 16);
const OFFSETS: usize = memory.data(16 * 4, 16);
const SORTED: usize = memory.data(288 * 2, 16);

/** Bits of the first lookup in each current table. */
let literalBits: u32 = 0;
let distanceBits: u32 = 0;
/** Whether the tables hold the fixed codes. */
let fixed: bool = false;
let meant: bool = false;

export function literalTableBits(): u32 {
  return literalBits;
}
export function distanceTableBits(): u32 {
  return distanceBits;
}

function fillMeanings(): void {
  if (meant) return;
  meant = true;
  for (let literal: u32 = 0; literal < 256; literal++)
    store<u32>(LITERAL_MEANINGS + (literal << 2), LITERAL | (literal << 16));
  store<u32>(LITERAL_MEANINGS + (256 << 2), SPECIAL | END_OF_BLOCK);
  let base: u32 = 3;
  for (let symbol: u32 = 257; symbol < 285; symbol++) {
    const extra = symbol < 265 ? 0 : (symbol - 261) >> 2;
    store<u32>(LITERAL_MEANINGS + (symbol << 2), (base << 16) | extra);
    base += 1 << extra;
  }
  store<u32>(LITERAL_MEANINGS + (285 << 2), 258 << 16);
  store<u32>(LITERAL_MEANINGS + (286 << 2), SPECIAL);
  store<u32>(LITERAL_MEANINGS + (287 << 2), SPECIAL);
  base = 1;
  for (let symbol: u32 = 0; symbol < 30; symbol++) {
    const extra = symbol < 4 ? 0 : (symbol - 2) >> 1;
    store<u32>(DISTANCE_MEANINGS + (symbol << 2), (base << 16) | extra);
    base += 1 << extra;
  }
  store<u32>(DISTANCE_MEANINGS + (30 << 2), SPECIAL);
  store<u32>(DISTANCE_MEANINGS + (31 << 2), SPECIAL);
  for (let symbol: u32 = 0; symbol < LENGTHS_SYMBOLS; symbol++)
    store<u32>(LENGTHS_MEANINGS + (symbol << 2), symbol << 16);
}

/** Builds the code of the code lengths from 19 lengths at `WORD_LENGTHS`. False if they form no code. */
export function buildLengthsTable(): bool {
  fillMeanings();
  fixed = false;
  return build(WORD_LENGTHS, LENGTHS_SYMBOLS, LENGTHS_MEANINGS, LENGTHS_TABLE, LENGTHS_BITS, false) == LENGTHS_BITS;
}

/**
 * Builds both codes of a block from `literals` and then `distances` lengths at `WORD_LENGTHS`. False if they form no
 * codes.
 */
export function buildTables(literals: u32, distances: u32): bool {
  literalBits = build(WORD_LENGTHS, literals, LITERAL_MEANINGS, LITERAL_TABLE, LITERAL_BITS, true);
  if (literalBits == 0) return false;
  distanceBits = build(WORD_LENGTHS + literals, distances, DISTANCE_MEANINGS, DISTANCE_TABLE, DISTANCE_BITS, true);
  return distanceBits != 0;
}

/** Builds the codes of RFC 1951, 3.2.6, unless the tables hold them already. */
export function buildFixedTables(): void {
  if (fixed) return;
  fillMeanings();
  memory.fill(WORD_LENGTHS, 8, 144);
  memory.fill(WORD_LENGTHS + 144, 9, 112);
  memory.fill(WORD_LENGTHS + 256, 7, 24);
  memory.fill(WORD_LENGTHS + 280, 8, 8);
  memory.fill(WORD_LENGTHS + 288, 5, 32);
  fixed = buildTables(LITERAL_SYMBOLS, DISTANCE_SYMBOLS);
}

/**
 * Fills `table` and returns the bits of its first lookup. 0 if the lengths form no code. An incomplete code is invalid,
 * with two exceptions that zlib accepts (`sparse`): a single word of one bit, and no word at all. Unused words are then
 * invalid.
 */
function build(lengths: usize, symbols: u32, meanings: usize, table: usize, firstBits: u32, sparse: bool): u32 {
  memory.fill(COUNTS, 0, 64);
  for (let i: u32 = 0; i < symbols; i++) {
    i = nextUsed(lengths, i, symbols);
    const at = COUNTS + ((<usize>load<u8>(lengths + i)) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let longest = LONGEST_WORD_BITS;
  while (longest > 0 && load<u32>(COUNTS + (longest << 2)) == 0) longest--;
  let left: i32 = 1;
  let offset: u32 = 0;
  for (let bits: u32 = 1; bits <= LONGEST_WORD_BITS; bits++) {
    const count = load<u32>(COUNTS + (bits << 2));
    store<u32>(OFFSETS + (bits << 2), offset);
    offset += count;
    left = (left << 1) - <i32>count;
    if (left < 0) return 0;
  }
  if (left > 0) return sparse && longest <= 1 ? buildSparse(lengths, symbols, meanings, table) : 0;
  for (let i: u32 = 0; i < symbols; i++) {
    i = nextUsed(lengths, i, symbols);
    const bits = <usize>load<u8>(lengths + i);
    if (bits == 0) continue;
    const at = load<u32>(OFFSETS + (bits << 2));
    store<u32>(OFFSETS + (bits << 2), at + 1);
    store<u16>(SORTED + (at << 1), <u16>i);
  }
  // The code-length table is always indexed with all its bits.
  const tableBits = sparse ? min(firstBits, longest) : firstBits;
  fill(meanings, table, tableBits);
  return tableBits;
}

/** Skips symbols without a code word, eight at a time, beginning at `i`. */
// @ts-ignore: decorator
@inline
function nextUsed(lengths: usize, i: u32, symbols: u32): u32 {
  while (i + 8 < symbols && load<u64>(lengths + i) == 0) i += 8;
  return i;
}

/** A code of at most one word, of one bit. */
function buildSparse(lengths: usize, symbols: u32, meanings: usize, table: usize): u32 {
  const none = SPECIAL | (1 << 8) | 1;
  store<u32>(table, none);
  store<u32>(table, none, 4);
  for (let i: u32 = 0; i < symbols; i++)
    if (load<u8>(lengths + i) != 0) store<u32>(table, load<u32>(meanings + (i << 2)) + (1 << 8) + 1);
  return 1;
}

/** Enters the words in order of their lengths. Words count up in stream order, with the first bit lowest. */
function fill(meanings: usize, table: usize, tableBits: u32): void {
  let bits: u32 = 1;
  let count = load<u32>(COUNTS + 4);
  while (count == 0) count = load<u32>(COUNTS + (++bits << 2));
  let end: u32 = 1 << min(bits, tableBits);
  let word: u32 = 0;
  let sorted = SORTED;
  while (bits <= tableBits) {
    do {
      store<u32>(
        table + ((<usize>word) << 2),
        load<u32>(meanings + ((<usize>load<u16>(sorted)) << 2)) + (bits << 8) + bits,
      );
      sorted += 2;
      if (word == end - 1) {
        for (; bits < tableBits; bits++) end = doubled(table, end);
        return;
      }
      word = next(word, end - 1);
    } while (--count != 0);
    do {
      if (++bits <= tableBits) end = doubled(table, end);
    } while ((count = load<u32>(COUNTS + (bits << 2))) == 0);
  }
  fillSecond(meanings, table, tableBits, bits, count, word, sorted);
}

/** Enters the words longer than `tableBits`. Words with a common prefix share a table after the first one. */
function fillSecond(
  meanings: usize,
  table: usize,
  tableBits: u32,
  bits: u32,
  count: u32,
  word: u32,
  sorted: usize,
): void {
  const mask: u32 = (1 << tableBits) - 1;
  let end: u32 = 1 << tableBits;
  let prefix: u32 = u32.MAX_VALUE;
  let start: u32 = 0;
  for (;;) {
    if ((word & mask) != prefix) {
      prefix = word & mask;
      start = end;
      let secondBits = bits - tableBits;
      let used = count;
      while (used < (<u32>1) << secondBits)
        used = (used << 1) + load<u32>(COUNTS + ((<usize>(tableBits + ++secondBits)) << 2));
      end = start + (1 << secondBits);
      store<u32>(
        table + ((<usize>prefix) << 2),
        (start << 16) | SPECIAL | SECOND_TABLE | (secondBits << 8) | tableBits,
      );
    }
    const own = bits - tableBits;
    const entry = load<u32>(meanings + ((<usize>load<u16>(sorted)) << 2)) + (own << 8) + own;
    sorted += 2;
    for (let i = start + (word >> tableBits); i < end; i += 1 << own) store<u32>(table + ((<usize>i) << 2), entry);
    const last: u32 = (1 << bits) - 1;
    if (word == last) return;
    word = next(word, last);
    count--;
    while (count == 0) count = load<u32>(COUNTS + (++bits << 2));
  }
}

/** Repeats the first `entries` entries after themselves. */
// @ts-ignore: decorator
@inline
function doubled(table: usize, entries: u32): u32 {
  memory.copy(table + ((<usize>entries) << 2), table, (<usize>entries) << 2);
  return entries << 1;
}

/** The word after `word`, which is not the last one, `all`. */
// @ts-ignore: decorator
@inline
function next(word: u32, all: u32): u32 {
  const bit: u32 = 1 << (31 - clz<u32>(word ^ all));
  return (word & (bit - 1)) | bit;
}
