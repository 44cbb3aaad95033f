// Emits filters/crypto/ghash.gen.ts: the sum of up to 20 products in GHASH's field (NIST SP 800-38D, 6.3) by nibble
// swizzles.
//
// A block Y is 16 bytes; byte p stands for y_p x^(8p). The product Y K is the sum of (y_p K) x^(8p), and y_p K is two
// lookups by nibbles, in 16-entry tables of 16-byte values. Transposed, the table for byte q of those values is one
// vector, so one swizzle by the 16 nibbles of a block looks up byte q for all p at once: plane q, lane p. Products of
// different blocks by different powers of H add up in the same 16 planes. Only then the planes are shifted by q bytes
// and summed to 31 bytes, and the upper 15 are reduced. No load or branch depends on data.
import { header, indent, table } from './emit.ts';

/** Products in one sum: 256 bytes of text, 48 of authenticated data and the lengths are one sum with one reduction. */
const POWERS = 20;
const LANES = Array.from({ length: 16 }, (_, i) => i);

export function emitGhash(): string {
  return [
    header('Method: scripts/crypto/emit-ghash.ts.'),
    "import { lookup16 } from './simd';",
    '',
    table(
      'GHASH_REDUCE',
      reductionTables(),
      'A byte times x^128 = 1 + x + x^2 + x^7: what stays in the byte, by low and high nibble, and what spills into the next.',
    ),
    '/** Blocks that one sum takes, and powers of H that have a table. */',
    `export const GHASH_POWERS: u32 = ${POWERS};`,
    '/** Nibbles of the blocks, 32 bytes each: low nibbles of the 16 bytes, high nibbles. */',
    `export const GHASH_NIBBLES: usize = memory.data(${POWERS * 32}, 16);`,
    '',
    '/**',
    ' * The sum of block i times H^(count - i) for the `count` (1 to GHASH_POWERS) blocks in `GHASH_NIBBLES`.',
    ' * `tables`: one table of 512 bytes for each power of H, ascending; in it for each byte q of a product 16 bytes by low and 16 by high nibble.',
    ' */',
    'export function ghashSum(tables: usize, count: u32): v128 {',
    '  const zero = i64x2.splat(0);',
    '  const last = GHASH_NIBBLES + ((count - 1) << 5);',
    ...half(0),
    ...half(8),
    '  const nibble = i8x16.splat(15);',
    '  const upperLow = v128.and(high, nibble), upperHigh = v128.and(i32x4.shr_u(high, 4), nibble);',
    '  const stays = v128.xor(lookup16(v128.load(GHASH_REDUCE), upperLow), lookup16(v128.load(GHASH_REDUCE, 16), upperHigh));',
    '  const spills = v128.xor(lookup16(v128.load(GHASH_REDUCE, 32), upperLow), lookup16(v128.load(GHASH_REDUCE, 48), upperHigh));',
    `  return v128.xor(v128.xor(low, stays), ${shiftUp('spills', 1)});`,
    '}',
    '',
  ].join('\n');
}

/**
 * Planes `first` … `first + 7` over all blocks, then their share of the 31-byte sum. The first block comes last: it
 * waits for the sum before.
 */
function half(first: number): string[] {
  const planes = LANES.slice(first, first + 8);
  const name = first === 0 ? 'A' : 'B';
  const low = planes.map((q) => (q === 0 ? 'p0' : shiftUp(`p${q}`, q)));
  const high = planes
    .filter((q) => q > 0)
    .map((q) => `i8x16.shuffle(p${q}, zero, ${LANES.map((i) => i + 16 - q).join(', ')})`);
  return [
    `  let ${planes.map((q) => `p${q} = zero`).join(', ')};`,
    `  for (let block${name} = last, powers${name} = tables; block${name} >= GHASH_NIBBLES; block${name} -= 32, powers${name} += 512) {`,
    ...indent(
      [
        `const l = v128.load(block${name}), h = v128.load(block${name}, 16);`,
        ...planes.map(
          (q) =>
            `p${q} = v128.xor(p${q}, v128.xor(lookup16(v128.load(powers${name}, ${q * 32}), l), lookup16(v128.load(powers${name}, ${q * 32 + 16}), h)));`,
        ),
      ],
      2,
    ),
    '  }',
    `  ${first === 0 ? 'let ' : ''}low = ${sum(first === 0 ? low : ['low', ...low])};`,
    `  ${first === 0 ? 'let ' : ''}high = ${sum(first === 0 ? high : ['high', ...high])};`,
  ];
}

function shiftUp(value: string, bytes: number): string {
  return `i8x16.shuffle(zero, ${value}, ${LANES.map((i) => i + 16 - bytes).join(', ')})`;
}

/** A balanced sum. */
function sum(terms: string[]): string {
  if (terms.length === 1) return terms[0];
  const middle = terms.length >> 1;
  return `v128.xor(${sum(terms.slice(0, middle))}, ${sum(terms.slice(middle))})`;
}

/** Bit 7 of a byte is the lowest power of x in it (SP 800-38D, 6.3), so a product by x is a shift to the right. */
function reductionTables(): number[] {
  const times = (byte: number) => [0, 1, 2, 7].reduce((product, shift) => product ^ ((byte << 8) >> shift), 0);
  const byLow = LANES.map(times);
  const byHigh = LANES.map((n) => times(n << 4));
  return [byLow, byHigh]
    .flatMap((products) => products.map((p) => p >> 8))
    .concat([byLow, byHigh].flatMap((products) => products.map((p) => p & 255)));
}
