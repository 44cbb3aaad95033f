// Source of filters/crypto/sm2-field.gen.ts: multiplication and squaring modulo the prime of SM2, unrolled.
//
// Nine limbs of 29 bits in i64: a column of nine products of 29 x 30 bits stays below 2^63, so nothing is carried
// before a column is complete. Montgomery with R = 2^261; because p = 2^256 - 2^224 - 2^96 + 2^64 - 1 is -1 modulo
// 2^29, the factor of each round is the low limb itself, and adding factor * p is four shifts.

const LIMBS = 9;
const BITS = 29;
/** p + 1 as signed powers of two; the -1 of p clears the limb that the factor was taken from. */
const PRIME_TERMS: ReadonlyArray<readonly [number, 1 | -1]> = [
  [64, 1],
  [96, -1],
  [224, -1],
  [256, 1],
];
const MASK = '0x1fffffff';

/** ` + (m << s)` for every round whose factor lands in this column. */
function reductionTerms(column: number): string {
  let text = '';
  for (const [power, sign] of PRIME_TERMS) {
    const round = column - Math.floor(power / BITS);
    if (round < 0 || round >= LIMBS) continue;
    text += ` ${sign > 0 ? '+' : '-'} (m${round} << ${power % BITS})`;
  }
  return text;
}

function productTerms(column: number): string {
  const terms: string[] = [];
  for (let i = Math.max(0, column - LIMBS + 1); i <= Math.min(column, LIMBS - 1); i++)
    terms.push(`a${i} * b${column - i}`);
  return terms.join(' + ');
}

function squareTerms(column: number): string {
  const terms: string[] = [];
  for (let i = Math.max(0, column - LIMBS + 1); i * 2 < column; i++) terms.push(`d${i} * a${column - i}`);
  if (column % 2 === 0) terms.push(`a${column / 2} * a${column / 2}`);
  return terms.join(' + ');
}

function body(terms: (column: number) => string): string {
  let text = '';
  for (let column = 0; column < 2 * LIMBS - 1; column++) {
    const carry = column > 0 ? ` + (t${column - 1} >> ${BITS})` : '';
    text += `  const t${column} = ${terms(column)}${reductionTerms(column)}${carry};\n`;
    if (column < LIMBS) text += `  const m${column} = t${column} & ${MASK};\n`;
    else text += `  store<i64>(r, t${column} & ${MASK}, ${(column - LIMBS) * 8});\n`;
  }
  const last = 2 * LIMBS - 2;
  return `${text}  store<i64>(r, (t${last} >> ${BITS})${reductionTerms(last + 1)}, ${(LIMBS - 1) * 8});\n`;
}

function loads(name: string): string {
  let text = '';
  for (let i = 0; i < LIMBS; i++) text += `  const ${name}${i} = load<i64>(${name}, ${i * 8});\n`;
  return text;
}

function doubles(): string {
  let text = '';
  for (let i = 0; i < LIMBS - 1; i++) text += `  const d${i} = a${i} << 1;\n`;
  return text;
}

/** Text of sm2-field.gen.ts. */
export function emitSm2Field(): string {
  return `// Written by scripts/crypto/sm2-field.ts: change that, not this. Its head explains the method.

/**
 * r = a * b / 2^261 modulo p. In: limbs within +-2^30 for one operand and +-2^29 for the other, values with |a * b| <=
 * 32 p^2. Out: limbs 0-7 in [0, 2^29), value within (-p, 2p). \`r\` may be \`a\` or \`b\`.
 */
export function fieldMultiply(r: usize, a: usize, b: usize): void {
${loads('a')}${loads('b')}${body(productTerms)}}

/** r = a * a / 2^261 modulo p. In: limbs within +-2^29, |a| <= 5p. Out: as of \`fieldMultiply\`. \`r\` may be \`a\`. */
export function fieldSquare(r: usize, a: usize): void {
${loads('a')}${doubles()}${body(squareTerms)}}
`;
}
