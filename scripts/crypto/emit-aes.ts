// Emits filters/crypto/aes-bitslice.gen.ts: AES rounds on 16 blocks as bit slices (Käsper and Schwabe, "Faster and
// Timing-Attack Resistant AES-GCM", CHES 2009). Eight blocks are eight vectors, one for each bit of a byte; in a
// vector, byte p holds that bit of byte p of the state for all eight blocks. ShiftRows and the rotations of MixColumns
// are shuffles of bytes. Two such halves alternate.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AES_CONSTANT, AES_SBOX } from './aes-sbox.ts';
import { AES_GATES, AES_OUTPUTS } from './aes-circuit.ts';
import { header, indent, table } from './emit.ts';
import { isOrder, type Dependencies } from './schedule.ts';
import { AES_TO_TOWER_HIGH, AES_TO_TOWER_LOW, solveOutput } from './sm4-vperm.ts';

const BITS = [0, 1, 2, 3, 4, 5, 6, 7];
const ORDER_FILE = join(import.meta.dirname, 'aes-order.json');
/**
 * Source of each byte of the S-box's output, for byte 4c + r of the state (row r, column c): row r, from r columns to
 * the right.
 */
const SHIFT_ROWS = Array.from({ length: 16 }, (_, p) => (p + 4 * (p % 4)) % 16);
/** The same for the byte one row below in the shifted state. */
const SHIFT_ROWS_NEXT = SHIFT_ROWS.map((_, p) => SHIFT_ROWS[(p & 12) | ((p + 1) & 3)]);
const TWO_ROWS_ON = SHIFT_ROWS.map((_, p) => (p & 12) | ((p + 2) & 3));

/**
 * Dependencies of a round's values: inputs x, gates, p and q (shifted, and its next row), t = p ^ q, stores s = 2 t ^ q
 * ^ (t two rows on).
 */
export function aesDependencies(): Dependencies {
  const needs: Dependencies = new Map(BITS.map((i) => [`x${i}`, []]));
  for (const gate of AES_GATES) needs.set(gate.name, [gate.left, gate.right]);
  for (const i of BITS) needs.set(`q${i}`, [AES_OUTPUTS[i]]);
  for (const i of BITS) needs.set(`t${i}`, [AES_OUTPUTS[i], `q${i}`]);
  for (const i of BITS) needs.set(`s${i}`, [...doubled(i), `q${i}`, `t${i}`]);
  return needs;
}

/** Bit i of 2 t in the field. */
function doubled(i: number): string[] {
  if (i === 0) return ['t7'];
  return [1, 3, 4].includes(i) ? [`t${i - 1}`, 't7'] : [`t${i - 1}`];
}

export function emitAes(): string {
  const order = JSON.parse(readFileSync(ORDER_FILE, 'utf8')) as string[];
  if (!isOrder(order, aesDependencies()))
    throw new Error('aes-order.json does not fit the circuit: run order-circuits.ts');
  const both = (lines: (half: number) => string[], depth: number) =>
    [0, 128].flatMap((half) => indent(['{', ...indent(lines(half), 1), '}'], depth));
  const toTower = Array.from({ length: 256 }, (_, x) => AES_TO_TOWER_LOW[x & 15] ^ AES_TO_TOWER_HIGH[x >> 4]);
  const outputs = solveOutput(toTower, AES_SBOX, AES_CONSTANT, 0);
  if (!outputs) throw new Error('the tower does not fit AES');
  return [
    header('Method: scripts/crypto/emit-aes.ts.'),
    table(
      'AES_VPERM',
      [AES_TO_TOWER_LOW, AES_TO_TOWER_HIGH, ...outputs].flat(),
      'Nibble tables for the S-box of the key schedule: into the tower by low and high nibble, out by io and jo.',
    ),
    '/** State of `aesSlices`: two halves of 8 blocks, eight slices of 16 bytes each. */',
    'export const AES_SLICES: usize = memory.data(256, 16);',
    '',
    '/** All rounds on the 16 blocks in `AES_SLICES`, in place. `keys`: `rounds` + 1 keys of 8 slices, 128 bytes each. */',
    'export function aesSlices(keys: usize, rounds: u32): void {',
    '  const last = keys + ((rounds - 1) << 7);',
    '  for (; keys < last; keys += 128) {',
    ...both((half) => round(order, half), 2),
    '  }',
    ...both((half) => finalRound(order, half), 1),
    '}',
    '',
  ].join('\n');
}

function round(order: string[], half: number): string[] {
  return order.map((name) => statement(name, half) ?? gateText(name));
}

function statement(name: string, half: number): string | undefined {
  const i = Number(name.slice(1));
  const y = AES_OUTPUTS[i];
  switch (name[0]) {
    case 'x':
      return input(i, half);
    case 'q':
      return `const q${i} = ${shuffle(y, SHIFT_ROWS_NEXT)};`;
    case 't':
      return `const t${i} = v128.xor(${shuffle(y, SHIFT_ROWS)}, q${i});`;
    case 's': {
      const terms = [...doubled(i), `q${i}`, shuffle(`t${i}`, TWO_ROWS_ON)];
      return `v128.store(AES_SLICES, ${terms.reduce((sum, term) => `v128.xor(${sum}, ${term})`)}, ${half + i * 16});`;
    }
    default:
      return undefined;
  }
}

/** SubBytes, ShiftRows, two keys: no MixColumns. */
function finalRound(order: string[], half: number): string[] {
  const gates = order
    .filter((name) => !/^[qts]\d$/.test(name))
    .map((name) => (name[0] === 'x' ? input(Number(name[1]), half) : gateText(name)));
  return [
    ...gates,
    ...BITS.map(
      (i) =>
        `v128.store(AES_SLICES, v128.xor(${shuffle(AES_OUTPUTS[i], SHIFT_ROWS)}, v128.load(keys, ${128 + i * 16})), ${half + i * 16});`,
    ),
  ];
}

function input(i: number, half: number): string {
  return `const x${i} = v128.xor(v128.load(AES_SLICES, ${half + i * 16}), v128.load(keys, ${i * 16}));`;
}

function gateText(name: string): string {
  const gate = AES_GATES.find((g) => g.name === name)!;
  return `const ${name} = v128.${gate.operator === '&' ? 'and' : 'xor'}(${gate.left}, ${gate.right});`;
}

function shuffle(value: string, lanes: number[]): string {
  return `i8x16.shuffle(${value}, ${value}, ${lanes.join(', ')})`;
}
