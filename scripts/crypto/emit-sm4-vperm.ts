// Emits filters/crypto/sm4-vperm.gen.ts: the tables, and SM4 on 16 blocks held as byte planes.
import { header, indent, table } from './emit.ts';
import { sm4VpermTables, TOWER_INVERSE, TOWER_INVERSE_TIMES_A } from './sm4-vperm.ts';

const NAMES = [
  'INVERSE',
  'INVERSE_A',
  'TURNED_I',
  'TURNED_J',
  'MIXED_I',
  'MIXED_J',
  'IN',
  'IN_HIGH',
  'OUT',
  'OUT_HIGH',
  'PLAIN_I',
  'PLAIN_J',
  'NIBBLE',
] as const;
type Name = (typeof NAMES)[number];
const offsetOf = (name: Name) => NAMES.indexOf(name) * 16;

export function emitSm4Vperm(): string {
  const tables = sm4VpermTables();
  const bytes: Record<Name, number[]> = {
    INVERSE: TOWER_INVERSE,
    INVERSE_A: TOWER_INVERSE_TIMES_A,
    TURNED_I: tables.turned[0],
    TURNED_J: tables.turned[1],
    MIXED_I: tables.mixed[0],
    MIXED_J: tables.mixed[1],
    IN: tables.inLow,
    IN_HIGH: tables.inHigh,
    OUT: tables.outLow,
    OUT_HIGH: tables.outHigh,
    PLAIN_I: tables.plain[0],
    PLAIN_J: tables.plain[1],
    NIBBLE: new Array<number>(16).fill(15),
  };
  return [
    header('Method: scripts/crypto/sm4-vperm.ts.'),
    "import { lookup16 } from './simd';",
    '',
    table(
      'SM4_VPERM',
      NAMES.flatMap((name) => bytes[name]),
      `Nibble tables, 16 bytes each: ${NAMES.join(', ')}.`,
    ),
    ...NAMES.map((name) => `export const ${name}: usize = ${offsetOf(name)};`),
    `/** XORed into every byte of every round key: the S-box's input constant. */`,
    `export const SM4_INPUT_CONSTANT: u32 = ${tables.inputConstant};`,
    `/** A word that was updated an odd number of times lacks this in every byte: the S-box's output constant after the linear layer. */`,
    `export const SM4_ROUND_CONSTANT: u32 = ${tables.roundConstant};`,
    '',
    '/** State of `sm4Planes`: 16 planes of 16 bytes; plane 4w + j holds byte j (0: most significant) of word w of all blocks, in the tower basis. */',
    'export const SM4_PLANES: usize = memory.data(256, 16);',
    '',
    '/**',
    ' * 32 rounds on the 16 blocks in `SM4_PLANES`, in place (words not yet reversed). `keys`: 32 rounds of 4 byte planes, 2048 bytes, tower basis.',
    ' */',
    'export function sm4Planes(keys: usize): void {',
    ...words((w) => `  let ${bytesOf((j) => `s${w}${j} = v128.load(SM4_PLANES, ${w * 64 + j * 16})`)};`),
    '  const end = keys + 2048;',
    '  for (; keys < end; keys += 256) {',
    ...words((w) => ['    {', ...indent(round(w), 3), '    }'].join('\n')),
    '  }',
    ...words((w) => [0, 1, 2, 3].map((j) => `  v128.store(SM4_PLANES, s${w}${j}, ${w * 64 + j * 16});`).join('\n')),
    '}',
    '',
  ].join('\n');
}

/**
 * One round, which updates word `w`. Byte 0 is the most significant, so the byte to the right of j (j + 1) is the one
 * that rotates into it.
 */
function round(w: number): string[] {
  const [a, b, c] = [(w + 1) % 4, (w + 2) % 4, (w + 3) % 4];
  const load = (name: Name) => `v128.load(SM4_VPERM, ${name})`;
  const xor = (x: string, y: string) => `v128.xor(${x}, ${y})`;
  const look = (of: string, index: string) => `lookup16(${of}, ${index})`;
  const each = (line: (j: number) => string) => [0, 1, 2, 3].map(line);
  return [
    ...each(
      (j) =>
        `const x${j} = ${xor(xor(`s${a}${j}`, `s${b}${j}`), xor(`s${c}${j}`, `v128.load(keys, ${w * 64 + j * 16})`))};`,
    ),
    `const nibble = ${load('NIBBLE')};`,
    ...each(
      (j) =>
        `const l${j} = v128.and(x${j}, nibble), h${j} = v128.and(i32x4.shr_u(x${j}, 4), nibble), n${j} = ${xor(`h${j}`, `l${j}`)};`,
    ),
    `const inverseA = ${load('INVERSE_A')};`,
    ...each((j) => `const a${j} = ${look('inverseA', `l${j}`)};`),
    `const inverse = ${load('INVERSE')};`,
    ...each(
      (j) =>
        `const p${j} = ${xor(look('inverse', `h${j}`), `a${j}`)}, q${j} = ${xor(look('inverse', `n${j}`), `a${j}`)};`,
    ),
    ...each(
      (j) =>
        `const i${j} = ${xor(look('inverse', `p${j}`), `n${j}`)}, j${j} = ${xor(look('inverse', `q${j}`), `h${j}`)};`,
    ),
    `const turnedI = ${load('TURNED_I')}, turnedJ = ${load('TURNED_J')};`,
    ...each((j) => `const t${j} = ${xor(look('turnedI', `i${j}`), look('turnedJ', `j${j}`))};`),
    `const mixedI = ${load('MIXED_I')}, mixedJ = ${load('MIXED_J')};`,
    ...each((j) => `const m${j} = ${xor(look('mixedI', `i${j}`), look('mixedJ', `j${j}`))};`),
    ...each(
      (j) =>
        `s${w}${j} = ${xor(xor(`s${w}${j}`, xor(`t${j}`, `m${j}`)), xor(xor(`t${(j + 1) % 4}`, `t${(j + 2) % 4}`), `m${(j + 3) % 4}`))};`,
    ),
  ];
}

function words(line: (w: number) => string): string[] {
  return [0, 1, 2, 3].map(line);
}

function bytesOf(item: (j: number) => string): string {
  return [0, 1, 2, 3].map(item).join(', ');
}
