// Compressed bodies against Node's zlib: opened if and only if zlib opens all of them, to the same bytes. Nothing
// traps, hangs or grows.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  constants,
  crc32,
  createDeflateRaw,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  type Zlib,
} from 'node:zlib';
import { bestMs, caseCount, compileGuest, errorId, type GuestExports, Random } from './guest.ts';

interface CompressionExports extends GuestExports {
  open(coding: number, length: number, maxBytes: number): number;
  outputPointer(): number;
  outputLength(): number;
  heldBytes(): number;
  release(): void;
  crcOf(length: number): number;
  adlerOf(length: number): number;
}

const GZIP = 1;
const DEFLATE = 2;
const MIB = 1024 * 1024;
const TOO_LARGE = errorId('FIM-RT-0051');
const ENDS_EARLY = errorId('FIM-RT-0052');
const WRONG_SUM = errorId('FIM-RT-0053');
const FOLLOWED = errorId('FIM-RT-0054');
const NOT_IT = errorId('FIM-RT-0055');
const ERRORS = new Set([TOO_LARGE, ENDS_EARLY, WRONG_SUM, FOLLOWED, NOT_IT]);

const guest = await compileGuest<CompressionExports>('test/fuzz/compression');
const dice = new Random(20260731);

/** Decompressed bytes, or the number of the error. */
function open(coding: number, packed: Uint8Array, maxBytes = 16 * MIB): Buffer | number {
  const error = guest.exports.open(coding, guest.put(packed), maxBytes);
  if (error !== 0) return error;
  return Buffer.from(
    new Uint8Array(guest.exports.memory.buffer, guest.exports.outputPointer() >>> 0, guest.exports.outputLength()),
  );
}

/** Result of zlib for all bytes. Undefined if it refuses them or leaves some unread. */
function oracle(coding: number, packed: Buffer): Buffer | undefined {
  const unpack = coding === GZIP ? gunzipSync : (packed[0]! & 15) === 8 ? inflateSync : inflateRawSync;
  try {
    const { buffer, engine } = unpack(packed, { info: true }) as unknown as {
      buffer: Buffer;
      engine: Zlib & { bytesWritten: number };
    };
    return engine.bytesWritten === packed.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}

function compare(coding: number, packed: Buffer, about: string): void {
  const wanted = oracle(coding, packed);
  const got = open(coding, packed);
  if (wanted === undefined)
    assert.ok(
      typeof got === 'number' && ERRORS.has(got),
      `${about}: zlib refuses it: ${packed.toString('hex').slice(0, 400)}`,
    );
  else
    assert.ok(
      typeof got !== 'number' && got.equals(wanted),
      `${about}: ${String(got)} of ${packed.toString('hex').slice(0, 400)}`,
    );
}

/** Data of several kinds: of no order, text, runs, short periods, far repetitions. */
function sample(bytes: number): Buffer {
  const kind = dice.below(6);
  if (kind === 0) return randomBytes(bytes);
  if (kind === 1) return Buffer.alloc(bytes, dice.below(256));
  if (kind === 2) return Buffer.alloc(bytes, randomBytes(1 + dice.below(40)));
  if (kind === 3) return Buffer.from(Array.from({ length: bytes }, () => 97 + dice.below(1 + dice.below(26))));
  const parts: Buffer[] = [];
  const words = Array.from({ length: 40 }, () => randomBytes(1 + dice.below(kind === 4 ? 12 : 300)));
  for (let length = 0; length < bytes; length += parts.at(-1)!.length)
    parts.push(dice.chance(80) ? dice.pick(words) : randomBytes(dice.below(40) + 1));
  return Buffer.concat(parts).subarray(0, bytes);
}

const size = (): number =>
  dice.pick([0, 1, 2, 3, dice.below(40), dice.below(1000), dice.below(70_000), dice.below(300_000)]);
const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FILTERED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
];

describe('what zlib writes', () => {
  test('every level, strategy, window and memory, in each of the three wrappings', () => {
    for (const level of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      for (const strategy of STRATEGIES) {
        const options = { level, strategy, windowBits: 9 + dice.below(7), memLevel: 1 + dice.below(9) };
        const plain = sample(size());
        for (const [coding, packed] of [
          [GZIP, gzipSync(plain, options)],
          [DEFLATE, deflateSync(plain, options)],
          [DEFLATE, deflateRawSync(plain, options)],
        ] as const) {
          const got = open(coding, packed);
          assert.ok(
            typeof got !== 'number' && got.equals(plain),
            `${JSON.stringify(options)}, ${plain.length} bytes: ${String(got)}`,
          );
        }
      }
    }
  });

  test('flushed in between in every way', async () => {
    for (const flush of [
      constants.Z_NO_FLUSH,
      constants.Z_PARTIAL_FLUSH,
      constants.Z_SYNC_FLUSH,
      constants.Z_FULL_FLUSH,
      constants.Z_BLOCK,
    ]) {
      for (let round = 0; round < 5; round++) {
        const deflater = createDeflateRaw({ level: dice.below(10) });
        const out: Buffer[] = [];
        deflater.on('data', (piece: Buffer) => out.push(piece));
        const ended = new Promise((done) => deflater.on('end', done));
        const pieces = Array.from({ length: 20 }, () => sample(dice.below(3000)));
        for (const piece of pieces) {
          deflater.write(piece);
          await new Promise<void>((done) => deflater.flush(flush, done));
        }
        deflater.end();
        await ended;
        const got = open(DEFLATE, Buffer.concat(out));
        assert.ok(typeof got !== 'number' && got.equals(Buffer.concat(pieces)), `flush ${flush}: ${String(got)}`);
      }
    }
  });

  test('random data, whole and several members, up to the very limit', () => {
    for (let i = 0; i < caseCount(300); i++) {
      const parts = Array.from({ length: 1 + dice.below(dice.chance(30) ? 6 : 1) }, () => sample(size()));
      const plain = Buffer.concat(parts);
      const packed = Buffer.concat(parts.map((part) => gzipSync(part, { level: dice.below(10) })));
      const got = open(GZIP, packed, Math.max(1, plain.length));
      assert.ok(typeof got !== 'number' && got.equals(plain), `${plain.length} bytes: ${String(got)}`);
      if (plain.length > 1) assert.equal(open(GZIP, packed, plain.length - 1), TOO_LARGE);
      assert.equal(open(GZIP, Buffer.concat([packed, randomBytes(1 + dice.below(9)).fill(dice.below(31))])), FOLLOWED);
    }
  });
});

/** Small streams of each kind of block. */
function smallStreams(): [coding: number, packed: Buffer][] {
  const plains = [
    Buffer.alloc(0),
    Buffer.from('a'),
    Buffer.from('{"transCode":"01200101","memo":"aaaaaaaaaaaaaaaaaaaa"}'),
    Buffer.from(Array.from({ length: 300 }, (_, i) => 97 + ((i * i) % 23))),
  ];
  return plains.flatMap((plain) =>
    [{ level: 0 }, { level: 9 }, { level: 9, strategy: constants.Z_FIXED }].flatMap((options): [number, Buffer][] => [
      [GZIP, gzipSync(plain, options)],
      [DEFLATE, deflateSync(plain, options)],
      [DEFLATE, deflateRawSync(plain, options)],
    ]),
  );
}

describe('what was changed on its way', () => {
  test('no beginning of a stream passes for the whole', () => {
    for (const [coding, packed] of smallStreams()) {
      for (let end = 0; end < packed.length; end++)
        assert.equal(open(coding, packed.subarray(0, end)), ENDS_EARLY, `${end} of ${packed.length} bytes`);
    }
    const large = gzipSync(sample(200_000));
    for (let i = 0; i < 200; i++) assert.equal(open(GZIP, large.subarray(0, dice.below(large.length))), ENDS_EARLY);
  });

  test('every bit of small streams turned over: opened only if zlib opens it, to the same', () => {
    for (const [coding, packed] of smallStreams()) {
      for (let bit = 0; bit < packed.length * 8; bit++) {
        const copy = Buffer.from(packed);
        copy[bit >> 3]! ^= 1 << (bit & 7);
        compare(coding, copy, `bit ${bit}`);
      }
    }
  });

  test('large streams with bytes changed, taken out, put in and exchanged', () => {
    for (let i = 0; i < caseCount(600); i++) {
      const plain = sample(dice.below(20_000));
      const coding = dice.pick([GZIP, DEFLATE]);
      let packed =
        coding === GZIP
          ? gzipSync(plain, { level: dice.below(10) })
          : dice.chance(50)
            ? deflateSync(plain)
            : deflateRawSync(plain);
      for (let changes = 1 + dice.below(3); changes > 0; changes--) {
        const at = dice.below(packed.length);
        const how = dice.below(4);
        if (how === 0) packed[at]! ^= 1 << dice.below(8);
        else if (how === 1) packed = Buffer.concat([packed.subarray(0, at), packed.subarray(at + 1 + dice.below(4))]);
        else if (how === 2)
          packed = Buffer.concat([packed.subarray(0, at), randomBytes(1 + dice.below(4)), packed.subarray(at)]);
        else packed = Buffer.concat([packed.subarray(0, at), packed.subarray(dice.below(packed.length))]);
      }
      if (packed.length > 0) compare(coding, packed, `case ${i}`);
    }
  });

  test('bytes of no order behind the beginning of each kind of block', () => {
    for (let i = 0; i < caseCount(20_000); i++) {
      const packed = randomBytes(1 + dice.below(200));
      packed[0] = (packed[0]! & 0xf8) | dice.pick([0, 1, 2, 3, 4, 5]);
      compare(DEFLATE, packed, `case ${i}`);
    }
  });
});

describe('headers of gzip (RFC 1952, 2.3)', () => {
  /** A member with the flags and what belongs to them. */
  function member(
    flags: number,
    plain: Buffer,
    { extra = 5, name = 'name', comment = 'comment', sumOff = 0 } = {},
  ): Buffer {
    const head = [Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255])];
    if (flags & 4) head.push(Buffer.from([extra & 255, extra >> 8]), Buffer.alloc(extra, 1));
    if (flags & 8) head.push(Buffer.from(`${name}\0`));
    if (flags & 16) head.push(Buffer.from(`${comment}\0`));
    const header = Buffer.concat(head);
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE((crc32(header) + sumOff) & 0xffff);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(crc32(plain), 0);
    trailer.writeUInt32LE(plain.length, 4);
    return Buffer.concat([header, ...(flags & 2 ? [sum] : []), deflateRawSync(plain), trailer]);
  }

  test('every combination of flags, as zlib takes it, also as a second member', () => {
    const plain = Buffer.from('{"a":1}');
    for (let flags = 0; flags < 256; flags++) {
      const one = member(flags, plain, { extra: dice.below(400) });
      compare(GZIP, one, `flags ${flags}`);
      assert.equal(typeof open(GZIP, one), flags < 32 ? 'object' : 'number');
      compare(GZIP, Buffer.concat([gzipSync('x'), one]), `flags ${flags}, second`);
      for (let end = 1; end < one.length; end++)
        if (flags < 32) assert.equal(open(GZIP, one.subarray(0, end)), ENDS_EARLY, `flags ${flags}, ${end} bytes`);
    }
  });

  test('a wrong checksum of the header', () => {
    for (const flags of [2, 6, 10, 18, 30])
      assert.equal(open(GZIP, member(flags, Buffer.from('x'), { sumOff: 1 })), WRONG_SUM);
  });

  test('another method, and other bytes', () => {
    for (let index = 0; index < 3; index++) {
      for (let value = 0; value < 256; value++) {
        const packed = gzipSync('x');
        packed[index] = value;
        compare(GZIP, packed, `byte ${index} is ${value}`);
      }
    }
  });
});

test('every header of zlib (RFC 1950, 2.2) is taken as zlib takes it', () => {
  const packed = deflateSync('hello hello hello');
  for (let head = 0; head < 65536; head++) {
    packed.writeUInt16BE(head);
    if ((packed[0]! & 15) === 8) compare(DEFLATE, packed, `header ${head.toString(16)}`);
  }
});

test('checksums are those of zlib, of any length', () => {
  for (let length = 0; length < 600; length += 1 + dice.below(3)) {
    const bytes = dice.chance(30) ? Buffer.alloc(length, 255) : randomBytes(length);
    guest.put(bytes);
    assert.equal(guest.exports.crcOf(length) >>> 0, crc32(bytes));
    assert.equal(guest.exports.adlerOf(length) >>> 0, deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4));
  }
  for (const bytes of [Buffer.alloc(3 * MIB, 255), randomBytes(MIB + 7)]) {
    guest.put(bytes);
    assert.equal(guest.exports.crcOf(bytes.length) >>> 0, crc32(bytes));
    assert.equal(
      guest.exports.adlerOf(bytes.length) >>> 0,
      deflateSync(bytes, { level: 1 }).subarray(-4).readUInt32BE(),
    );
  }
});

describe('bounds', () => {
  test('a length that is a lie costs no memory, and memory does not grow from body to body', () => {
    const lie = gzipSync('x');
    lie.writeUInt32LE(0xfffffff0, lie.length - 4);
    guest.exports.release();
    assert.equal(open(GZIP, lie), WRONG_SUM);
    assert.ok(guest.exports.heldBytes() < 128 * 1024, `${guest.exports.heldBytes()} bytes`);
    const packed = gzipSync(sample(100_000));
    for (const bytes of [packed, packed.subarray(0, 900)]) (open(GZIP, bytes), open(DEFLATE, bytes));
    const before = guest.pages;
    for (let i = 0; i < 500; i++) open(i % 2 === 0 ? GZIP : DEFLATE, i % 3 === 0 ? packed.subarray(0, 900) : packed);
    assert.equal(guest.pages, before);
  });

  test('what comes out is refused as soon as it is too much', () => {
    const bomb = gzipSync(Buffer.alloc(64 * MIB));
    assert.equal(open(GZIP, bomb, MIB), TOO_LARGE);
    const length = guest.put(bomb);
    assert.ok(bestMs(3, () => void guest.exports.open(GZIP, length, MIB)) < 40, 'the rest is not opened');
  });

  test('the dearest stream takes time in proportion to its length', (t) => {
    const perByte = [64, 512].map((kib) => {
      const packed = emptyBlocks(kib * 1024);
      const length = guest.put(packed);
      assert.equal(guest.exports.open(DEFLATE, length, MIB), ENDS_EARLY);
      return (bestMs(3, () => void guest.exports.open(DEFLATE, length, MIB)) / packed.length) * 1e6;
    });
    t.diagnostic(
      `blocks with codes of their own and nothing else: ${perByte.map((ns) => ns.toFixed(0)).join(', ')} ns a byte`,
    );
    assert.ok(perByte[1]! < perByte[0]! * 2, 'linear');
    assert.ok(perByte[1]! < 400, 'bounded');
  });
});

/** Blocks that each bring codes of the longest kind, as short as they can be told, and end at once. */
function emptyBlocks(bytes: number): Buffer {
  const bits: number[] = [];
  const put = (value: number, count: number): void =>
    void Array.from({ length: count }, (_, i) => bits.push((value >> i) & 1));
  // Lengths 1 … 10 and twice 11 for twelve symbols, the end of the block among them; one distance.
  (put(0, 1), put(2, 2), put(0, 5), put(0, 5), put(15, 4));
  const lengths = new Map([
    [18, 1],
    [1, 5],
    [2, 5],
    [3, 5],
    [4, 5],
    [5, 5],
    [6, 5],
    [7, 5],
    [8, 5],
    [9, 5],
    [10, 5],
    [11, 5],
    [0, 5],
    [12, 5],
    [13, 5],
    [14, 5],
    [15, 5],
  ]);
  for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
    put(lengths.get(symbol) ?? 0, 3);
  const codes = new Map<number, number>();
  let code = 0;
  for (let length = 1; length <= 7; length++, code <<= 1)
    for (let symbol = 0; symbol < 19; symbol++) if (lengths.get(symbol) === length) codes.set(symbol, code++);
  const word = (symbol: number): void => {
    for (let i = lengths.get(symbol)! - 1; i >= 0; i--) bits.push((codes.get(symbol)! >> i) & 1);
  };
  const wordLengths = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11];
  wordLengths.forEach(word);
  let left = 256 - wordLengths.length;
  for (; left >= 138; left -= 138) (word(18), put(127, 7));
  if (left >= 11) (word(18), put(left - 11, 7), (left = 0));
  word(1); // the end of the block
  word(1); // a distance
  put(0, 1);
  const block = bits.slice();
  const all = Buffer.alloc(bytes);
  for (let i = 0; i < bytes * 8; i++) all[i >> 3]! |= block[i % block.length]! << (i & 7);
  return all;
}
