// Searches for the linear layers of the SM4 S-box circuit around the shared inversion. Its best result is recorded in sm4-circuit.ts.
// Run: node scripts/crypto/search-sm4-circuit.ts [tries] [seed]
import { AES_POLYNOMIAL, inverseTable, isomorphisms, SM4_POLYNOMIAL } from './field.ts';
import { AES_BOTTOM, AES_TOP, linearMasks, MIDDLE } from './inversion.ts';
import { shortestProgram, type Program } from './linear-program.ts';
import { SM4_MATRIX } from './sm4-sbox.ts';

const [tries = 2000, seed = 1] = process.argv.slice(2).map(Number);
const wires = [...new Set(MIDDLE.match(/\b(T\d+|D)\b/g))];
const aesTop = { ...linearMasks(AES_TOP, Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`U${i}`, 1 << i]))), D: 1 << 7 };
const aesBottom = linearMasks(AES_BOTTOM, Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`M${46 + i}`, 1 << i])));

for (const isomorphism of isomorphisms(SM4_POLYNOMIAL, AES_POLYNOMIAL)) {
  const top = topTargets(isomorphism);
  const bottom = bottomTargets(inverseTable(isomorphism));
  const needed = [...new Set(Object.values(top))].filter((mask) => mask & (mask - 1));
  const upper = shortestProgram(8, needed, tries, seed);
  const lower = shortestProgram(18, bottom, tries, seed);
  console.log(`gates ${upper.steps.length} + 63 + ${lower.steps.length} = ${upper.steps.length + 63 + lower.steps.length}`);
  console.log(text(upper, (i) => `x${i}`, 8, 'a', top));
  console.log(text(lower, (i) => `M${46 + i}`, 18, 'l', Object.fromEntries(bottom.map((mask, i) => [`y${i}`, mask]))));
}

/** What each input wire of the middle is, as a mask over the bits of x: the input's linear part, then the change of basis, then AES's layer. */
function topTargets(isomorphism: number[]): Record<string, number> {
  const inputs = Array.from({ length: 8 }, (_, i) => {
    let mask = 0;
    for (let bit = 0; bit < 8; bit++) mask |= ((isomorphism[SM4_MATRIX[1 << bit]] >> (7 - i)) & 1) << bit;
    return mask;
  });
  return Object.fromEntries(wires.map((wire) => [wire, inputs.reduce((mask, input, i) => ((aesTop[wire] >> i) & 1 ? mask ^ input : mask), 0)]));
}

/** The output bits as masks over M46 … M63: AES's layer without its affine part, the change of basis back, SM4's matrix. */
function bottomTargets(back: number[]): number[] {
  const turn = (v: number, n: number) => ((v << n) | (v >> (8 - n))) & 255;
  const affine = Array.from({ length: 256 }, (_, v) => v ^ turn(v, 1) ^ turn(v, 2) ^ turn(v, 3) ^ turn(v, 4));
  const unaffine = inverseTable(affine);
  return Array.from({ length: 8 }, (_, k) => {
    let mask = 0;
    for (let i = 0; i < 8; i++) if ((SM4_MATRIX[back[unaffine[1 << (7 - i)]]] >> k) & 1) mask ^= aesBottom[`S${i}`];
    return mask;
  });
}

function text(program: Program, inputName: (i: number) => string, inputs: number, prefix: string, targets: Record<string, number>): string {
  const name = (i: number) => (i < inputs ? inputName(i) : `${prefix}${i - inputs}`);
  const lines = program.steps.map(([left, right], i) => `${prefix}${i}=${name(left)}^${name(right)}`);
  const named = Object.entries(targets).map(([target, mask]) => {
    const step = program.steps.findIndex((s) => s[2] === mask);
    return `${target}:${step >= 0 ? `${prefix}${step}` : inputName(Math.log2(mask))}`;
  });
  return `${lines.join(' ')}\n  ${named.join(' ')}`;
}
