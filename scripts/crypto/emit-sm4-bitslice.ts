// Emits filters/crypto/sm4-bitslice.gen.ts: SM4 on 64 blocks as bit slices.
//
// A word of 32 blocks is eight vectors, one for each bit of a byte; in a vector the 32-bit lane j holds that bit of
// byte j (0: most significant) of all 32 blocks. Substitution is the circuit of sm4-circuit.ts on all bytes at once;
// rotation by whole bytes is a shuffle of lanes, the remaining rotation by 2 a renaming of bits. Two such halves
// alternate, so that one hides the latency of the other.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { header, indent } from './emit.ts';
import { isOrder, type Dependencies } from './schedule.ts';
import { SM4_GATES, SM4_OUTPUTS } from './sm4-circuit.ts';

const BITS = [0, 1, 2, 3, 4, 5, 6, 7];
const ORDER_FILE = join(import.meta.dirname, 'sm4-order.json');

/**
 * Dependencies of a round's values: inputs x, gates, v = y ^ (y <<< 24), u = y ^ (v <<< 16), stores s = word ^ v ^ (u
 * <<< 2).
 */
export function roundDependencies(): Dependencies {
  const needs: Dependencies = new Map(BITS.map((i) => [`x${i}`, []]));
  for (const gate of SM4_GATES) needs.set(gate.name, [gate.left, gate.right]);
  for (const i of BITS) needs.set(`v${i}`, [SM4_OUTPUTS[i]]);
  for (const i of BITS) needs.set(`u${i}`, [SM4_OUTPUTS[i], `v${i}`]);
  for (const i of BITS) needs.set(`s${i}`, [`v${i}`, `u${(i + 6) % 8}`]);
  return needs;
}

export function emitSm4Bitslice(): string {
  const order = JSON.parse(readFileSync(ORDER_FILE, 'utf8')) as string[];
  if (!isOrder(order, roundDependencies()))
    throw new Error('sm4-order.json does not fit the circuit: run order-circuits.ts');
  const rounds = [0, 1, 2, 3].flatMap((w) =>
    [0, 512].flatMap((half) => ['    {', ...indent(round(order, w, half), 3), '    }']),
  );
  return [
    header('Method: scripts/crypto/emit-sm4-bitslice.ts.'),
    '/** State of `sm4Slices`: two halves of 32 blocks; in each four words of eight slices of 16 bytes. */',
    'export const SM4_SLICES: usize = memory.data(1024, 16);',
    '',
    '/** 32 rounds on the 64 blocks in `SM4_SLICES`, in place (words not yet reversed). `keys`: 32 rounds of 8 slices, 4096 bytes. */',
    'export function sm4Slices(keys: usize): void {',
    '  const end = keys + 4096;',
    '  for (; keys < end; keys += 512) {',
    ...rounds,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** One round of one half, which updates word `w`. */
function round(order: string[], w: number, half: number): string[] {
  const gates = new Map(SM4_GATES.map((gate) => [gate.name, gate]));
  const word = (k: number, i: number) => `v128.load(SM4_SLICES, ${half + ((w + k) % 4) * 128 + i * 16})`;
  return order.map((name) => {
    const i = Number(name.slice(1));
    const gate = gates.get(name);
    if (gate) return `const ${name} = v128.${gate.operator === '&' ? 'and' : 'xor'}(${gate.left}, ${gate.right});`;
    const y = SM4_OUTPUTS[i];
    switch (name[0]) {
      case 'x':
        return `const x${i} = v128.xor(v128.xor(${word(1, i)}, ${word(2, i)}), v128.xor(${word(3, i)}, v128.load(keys, ${w * 128 + i * 16})));`;
      case 'v':
        return `const v${i} = v128.xor(${y}, i32x4.shuffle(${y}, ${y}, 3, 0, 1, 2));`;
      case 'u':
        return `const u${i} = v128.xor(${y}, i32x4.shuffle(v${i}, v${i}, 2, 3, 0, 1));`;
      default: {
        const carried = `u${(i + 6) % 8}`;
        const turned = i >= 2 ? carried : `i32x4.shuffle(${carried}, ${carried}, 1, 2, 3, 0)`;
        return `v128.store(SM4_SLICES, v128.xor(${word(0, i)}, v128.xor(v${i}, ${turned})), ${half + w * 128 + i * 16});`;
      }
    }
  });
}
