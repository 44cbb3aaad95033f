// Searches for the linear layers of an S-box circuit around the shared inversion. Its best results are recorded in
// sm4-circuit.ts and aes-circuit.ts. Run: node scripts/crypto/search-circuit.ts sm4|aes [tries] [seed]
import { AES_AFFINE } from './aes-sbox.ts';
import { AES_POLYNOMIAL, inverseTable, isomorphisms, linearTable, SM4_POLYNOMIAL } from './field.ts';
import { AES_BOTTOM, AES_TOP, linearMasks, MIDDLE } from './inversion.ts';
import { shortestProgram, type Program } from './linear-program.ts';
import { SM4_MATRIX } from './sm4-sbox.ts';

const [tries = 60, seed = 1] = process.argv.slice(3).map(Number);
const { polynomial, before, after } = {
  sm4: { polynomial: SM4_POLYNOMIAL, before: SM4_MATRIX, after: SM4_MATRIX },
  aes: { polynomial: AES_POLYNOMIAL, before: linearTable([1, 2, 4, 8, 16, 32, 64, 128]), after: AES_AFFINE },
}[process.argv[2] as 'sm4' | 'aes'];
const wires = [...new Set(MIDDLE.match(/\b(T\d+|D)\b/g))];
const aesTop: Record<string, number> = {
  ...linearMasks(AES_TOP, Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`U${i}`, 1 << i]))),
  D: 1 << 7,
};
const aesBottom = linearMasks(
  AES_BOTTOM,
  Object.fromEntries(Array.from({ length: 18 }, (_, i) => [`M${46 + i}`, 1 << i])),
);

for (const isomorphism of isomorphisms(polynomial, AES_POLYNOMIAL)) {
  const top = topTargets(isomorphism);
  const bottom = bottomTargets(inverseTable(isomorphism));
  const needed = [...new Set(Object.values(top))].filter((mask) => mask & (mask - 1));
  const upper = shortestProgram(8, needed, tries, seed);
  const lower = shortestProgram(18, bottom, tries, seed);
  console.log(
    `gates ${upper.steps.length} + 63 + ${lower.steps.length} = ${upper.steps.length + 63 + lower.steps.length}`,
  );
  console.log(text(upper, (i) => `x${i}`, 8, 'a', top));
  console.log(text(lower, (i) => `M${46 + i}`, 18, 'l', Object.fromEntries(bottom.map((mask, i) => [`y${i}`, mask]))));
}

/**
 * Each input wire of the middle as a mask over the bits of x: the linear part before inversion, the change of basis,
 * AES's layer.
 */
function topTargets(isomorphism: number[]): Record<string, number> {
  const inputs = Array.from({ length: 8 }, (_, i) => {
    let mask = 0;
    for (let bit = 0; bit < 8; bit++) mask |= ((isomorphism[before[1 << bit]] >> (7 - i)) & 1) << bit;
    return mask;
  });
  return Object.fromEntries(
    wires.map((wire) => [wire, inputs.reduce((mask, input, i) => ((aesTop[wire] >> i) & 1 ? mask ^ input : mask), 0)]),
  );
}

/**
 * The output bits as masks over M46 … M63: AES's layer without its affine part, the change of basis back, the linear
 * part after inversion.
 */
function bottomTargets(back: number[]): number[] {
  const unaffine = inverseTable(AES_AFFINE);
  return Array.from({ length: 8 }, (_, k) => {
    let mask = 0;
    for (let i = 0; i < 8; i++) if ((after[back[unaffine[1 << (7 - i)]]] >> k) & 1) mask ^= aesBottom[`S${i}`];
    return mask;
  });
}

function text(
  program: Program,
  inputName: (i: number) => string,
  inputs: number,
  prefix: string,
  targets: Record<string, number>,
): string {
  const name = (i: number) => (i < inputs ? inputName(i) : `${prefix}${i - inputs}`);
  const lines = program.steps.map(([left, right], i) => `${prefix}${i}=${name(left)}^${name(right)}`);
  const named = Object.entries(targets).map(([target, mask]) => {
    const step = program.steps.findIndex((s) => s[2] === mask);
    return `${target}:${step >= 0 ? `${prefix}${step}` : inputName(Math.log2(mask))}`;
  });
  return `${lines.join(' ')}\n  ${named.join(' ')}`;
}
