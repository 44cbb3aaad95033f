// Streams made bit by bit, each for a sentence of RFC 1951, 1950 or 1952. That whole streams agree with zlib's is shown
// by test/fuzz/compression.test.ts.
import { Arena } from '../../../filters/memory/arena';
import { ErrorId } from '../../../filters/errors.gen';
import { adler32, crc32 } from '../../../filters/message/compression/checksums';
import { Coding, OpenedBody } from '../../../filters/message/compression/body';

const STREAM: usize = memory.data(4096, 16);
const TEXT: usize = memory.data<u8>([49, 50, 51, 52, 53, 54, 55, 56, 57]); // "123456789"
const arena = new Arena(4096, 1 << 20);
const body = new OpenedBody();
let bitLength: u32 = 0;

function begin(): void {
  memory.fill(STREAM, 0, 4096);
  bitLength = 0;
}

/** Numbers go lowest bit first (RFC 1951, 3.1.1). */
function put(value: u32, bits: u32): void {
  for (let i: u32 = 0; i < bits; i++, bitLength++) {
    const at = STREAM + (bitLength >> 3);
    store<u8>(at, <u8>(load<u8>(at) | (((value >> i) & 1) << (bitLength & 7))));
  }
}

/** Words of a code go highest bit first. */
function word(value: u32, bits: u32): void {
  for (let i = bits; i > 0; i--) put((value >> (i - 1)) & 1, 1);
}

function align(): void {
  bitLength = (bitLength + 7) & ~7;
}

/** A literal or length of the fixed code (3.2.6). */
function fixedWord(symbol: u32): void {
  if (symbol < 144) word(0x30 + symbol, 8);
  else if (symbol < 256) word(0x190 + symbol - 144, 9);
  else if (symbol < 280) word(symbol - 256, 7);
  else word(0xc0 + symbol - 280, 8);
}

/** The head of a block whose codes are given: lengths 0 … 15 are told by words of four bits, the runs not at all. */
function codes(literals: u32, distances: u32): void {
  put(1, 1);
  put(2, 2);
  put(literals - 257, 5);
  put(distances - 1, 5);
  put(15, 4);
  for (let i: u32 = 0; i < 19; i++) put(i < 3 ? 0 : 4, 3);
}

function lengthWord(length: u32): void {
  word(length, 4);
}

function open(coding: Coding = Coding.Deflate, maxBytes: u32 = 65536): ErrorId {
  arena.reset();
  return body.open(coding, STREAM, (bitLength + 7) >> 3, maxBytes, arena);
}

function byteAt(at: u32): u8 {
  return load<u8>(body.pointer + at);
}

describe('RFC 1951, 3.2.3: blocks', () => {
  beforeEach(begin);

  it('the last one ends the stream; without it there is no end', () => {
    put(2, 3); // not the last
    fixedWord(256);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0052);
    put(3, 3);
    fixedWord(256);
    expect<i32>(open()).toBe(ErrorId.None);
    expect<u32>(body.length).toBe(0);
    align();
    put(0, 8);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0054);
  });

  it('the fourth kind is an error', () => {
    put(7, 3);
    put(0, 29);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
  });
});

describe('RFC 1951, 3.2.4: blocks that are not compressed', () => {
  beforeEach(begin);

  it('a length, its complement, and as many bytes; bits up to the byte are passed over', () => {
    put(1, 3);
    put(0, 5);
    put(3, 16);
    put(0xfffc, 16);
    put(0x636261, 24);
    expect<i32>(open()).toBe(ErrorId.None);
    expect<u32>(body.length).toBe(3);
    expect<u8>(byteAt(2)).toBe(0x63);
  });

  it('a complement that is none is an error, missing bytes are an early end', () => {
    put(1, 8);
    put(3, 16);
    put(0xfffd, 16);
    put(0x636261, 24);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
    begin();
    put(1, 8);
    put(4, 16);
    put(0xfffb, 16);
    put(0x636261, 24);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0052);
  });
});

describe('RFC 1951, 3.2.5 and 3.2.6: lengths and distances', () => {
  beforeEach(begin);

  it('a copy may overlap itself: one byte, 258 times', () => {
    put(3, 3);
    fixedWord(97);
    fixedWord(285);
    word(0, 5);
    fixedWord(256);
    expect<i32>(open()).toBe(ErrorId.None);
    expect<u32>(body.length).toBe(259);
    for (let i: u32 = 0; i < 259; i++) expect<u8>(byteAt(i)).toBe(97);
  });

  it('a distance before the beginning is an error', () => {
    put(3, 3);
    fixedWord(97);
    fixedWord(257);
    word(1, 5); // two back
    fixedWord(256);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
  });

  it('lengths 286 and 287, distances 30 and 31 take part in the code and never occur', () => {
    for (let symbol: u32 = 286; symbol < 288; symbol++) {
      begin();
      put(3, 3);
      fixedWord(97);
      fixedWord(symbol);
      put(0, 32);
      expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
    }
    for (let distance: u32 = 30; distance < 32; distance++) {
      begin();
      put(3, 3);
      fixedWord(97);
      fixedWord(257);
      word(distance, 5);
      put(0, 32);
      expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
    }
  });
});

describe('RFC 1951, 3.2.7: codes of a block', () => {
  beforeEach(begin);

  it('two words of one bit each', () => {
    codes(257, 1);
    for (let symbol: u32 = 0; symbol < 257; symbol++) lengthWord(symbol == 97 || symbol == 256 ? 1 : 0);
    lengthWord(0);
    word(0, 1);
    word(0, 1);
    word(1, 1);
    expect<i32>(open()).toBe(ErrorId.None);
    expect<u32>(body.length).toBe(2);
  });

  it('a block without a word for its end is an error', () => {
    codes(257, 1);
    for (let symbol: u32 = 0; symbol < 257; symbol++) lengthWord(symbol == 97 || symbol == 98 ? 1 : 0);
    lengthWord(0);
    put(0, 32);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
  });

  it('too many words, or words left over, are no code', () => {
    for (let extra: u32 = 0; extra < 2; extra++) {
      begin();
      codes(257, 1);
      for (let symbol: u32 = 0; symbol < 257; symbol++)
        lengthWord(symbol == 256 || symbol == 97 || (extra == 1 && symbol == 98) ? (extra == 1 ? 1 : 2) : 0);
      lengthWord(0);
      put(0, 32);
      expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
    }
  });

  it('a distance where the block has none is an error', () => {
    codes(258, 1);
    for (let symbol: u32 = 0; symbol < 258; symbol++) lengthWord(symbol == 97 ? 1 : symbol >= 256 ? 2 : 0);
    lengthWord(0);
    word(0, 1); // a
    word(3, 2); // three bytes of …
    put(0, 32);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
  });

  it('more than 286 literals and lengths, or 30 distances, are refused', () => {
    for (let more: u32 = 0; more < 2; more++) {
      begin();
      codes(more == 0 ? 287 : 257, more == 0 ? 1 : 31);
      put(0, 32);
      expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
    }
  });
});

describe('what may come out', () => {
  beforeEach(begin);

  it('exactly the limit, and not a byte more', () => {
    put(3, 3);
    fixedWord(97);
    fixedWord(285);
    word(0, 5);
    fixedWord(256);
    expect<i32>(open(Coding.Deflate, 259)).toBe(ErrorId.None);
    expect<i32>(open(Coding.Deflate, 258)).toBe(ErrorId.FIM_RT_0051);
    expect<i32>(open(Coding.Deflate, 1)).toBe(ErrorId.FIM_RT_0051);
  });

  it('no memory is an error of its own', () => {
    put(3, 3);
    fixedWord(256);
    const small = new Arena(64, 512);
    expect<i32>(body.open(Coding.Deflate, STREAM, 2, 65536, small)).toBe(ErrorId.FIM_RT_0006);
  });

  it('nothing is the end of nothing', () => {
    expect<i32>(open(Coding.Gzip)).toBe(ErrorId.FIM_RT_0052);
    expect<i32>(open(Coding.Deflate)).toBe(ErrorId.FIM_RT_0052);
  });
});

describe('checksums', () => {
  it('RFC 1952, 8: the check value of CRC-32', () => {
    expect<u32>(crc32(TEXT, 9)).toBe(0xcbf43926);
  });

  it('RFC 1950, 8.2: Adler-32', () => {
    expect<u32>(adler32(TEXT, 9)).toBe(0x091e01de);
    expect<u32>(adler32(TEXT, 0)).toBe(1);
  });

  it('RFC 1950, 2.2: one of another text is refused, and so is a dictionary that nobody has', () => {
    begin();
    put(0x78, 8);
    put(0x9c, 8);
    put(3, 3);
    fixedWord(97);
    fixedWord(256);
    align();
    put(0x62006200, 32); // of "a": 00 62 00 62
    expect<i32>(open()).toBe(ErrorId.None);
    store<u8>(STREAM + (bitLength >> 3) - 1, 0x63);
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0053);
    store<u8>(STREAM + 1, 0xbb); // the same with FDICT
    expect<i32>(open()).toBe(ErrorId.FIM_RT_0055);
  });
});
