// Emits filters/crypto/sm3.gen.ts and sha256.gen.ts: the compression functions with all 64 rounds written out. The
// sixteen words of the message schedule live in locals, and the eight state words trade names instead of places.
import { header, indent } from './emit.ts';

const WORDS = Array.from({ length: 16 }, (_, i) => i);
const STATE = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const hex = (value: number) => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
const rotateConstant = (value: number, by: number) =>
  ((value << (by & 31)) | (by & 31 ? value >>> (32 - (by & 31)) : 0)) >>> 0;

/** GB/T 32905-2016, 5.3. */
export function emitSm3(): string {
  const body: string[] = ['let s: u32, t: u32;'];
  let names = STATE;
  for (let j = 0; j < 64; j++) {
    const [a, b, c, d, e, f, g, h] = names;
    const w = `w${j % 16}`;
    const later = (j + 4) % 16;
    if (j >= 12)
      body.push(
        `w${later} = expand(w${later}, w${(j + 11) % 16}, w${(j + 1) % 16}) ^ rotl(w${(j + 7) % 16}, 7) ^ w${(j + 14) % 16};`,
      );
    const ff = j < 16 ? `(${a} ^ ${b} ^ ${c})` : `((${a} & ${b}) | ((${a} | ${b}) & ${c}))`;
    const gg = j < 16 ? `(${e} ^ ${f} ^ ${g})` : `(((${f} ^ ${g}) & ${e}) ^ ${g})`;
    const constant = rotateConstant(j < 16 ? 0x79cc4519 : 0x7a879d8a, j);
    body.push(
      `s = rotl(${a}, 12); t = rotl(s + ${hex(constant)} + ${e}, 7);`,
      `${d} = ${ff} + (${d} + (${w} ^ w${later})) + (t ^ s); ${b} = rotl(${b}, 9);`,
      `${h} = permute(${gg} + (${h} + ${w}) + t); ${f} = rotl(${f}, 19);`,
    );
    names = [d, a, b, c, h, e, f, g];
  }
  return [
    header('Method: scripts/crypto/emit-hashes.ts.'),
    inline('permute(x: u32): u32', 'x ^ rotl(x, 9) ^ rotl(x, 17)', 'P0 of GB/T 32905-2016, 4.4.'),
    inline('expand(x: u32, y: u32, z: u32): u32', 'mix(x ^ y ^ rotl(z, 15))'),
    inline('mix(x: u32): u32', 'x ^ rotl(x, 15) ^ rotl(x, 23)', 'P1.'),
    ...compress('sm3Compress', body, (name) => `^= ${name}`),
  ].join('\n');
}

/** FIPS 180-4, 6.2.2. */
export function emitSha256(): string {
  const constants = sha256Constants();
  const body: string[] = ['let t: u32;'];
  let names = STATE;
  for (let j = 0; j < 64; j++) {
    const [a, b, c, d, e, f, g, h] = names;
    const w = `w${j % 16}`;
    if (j >= 16) body.push(`${w} += sigma0(w${(j + 1) % 16}) + w${(j + 9) % 16} + sigma1(w${(j + 14) % 16});`);
    body.push(
      `t = ${h} + sum1(${e}) + (((${f} ^ ${g}) & ${e}) ^ ${g}) + ${hex(constants[j])} + ${w};`,
      `${d} += t; ${h} = t + sum0(${a}) + ((${a} & ${b}) | ((${a} | ${b}) & ${c}));`,
    );
    names = [h, a, b, c, d, e, f, g];
  }
  return [
    header('Method: scripts/crypto/emit-hashes.ts.'),
    inline('sum0(x: u32): u32', 'rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22)', 'FIPS 180-4, 4.1.2.'),
    inline('sum1(x: u32): u32', 'rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25)'),
    inline('sigma0(x: u32): u32', 'rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3)'),
    inline('sigma1(x: u32): u32', 'rotr(x, 17) ^ rotr(x, 19) ^ (x >> 10)'),
    ...compress('sha256Compress', body, (name) => `+= ${name}`),
  ].join('\n');
}

function inline(signature: string, value: string, about?: string): string {
  return `${about ? `// ${about}\n` : ''}// @ts-ignore: decorator\n@inline\nfunction ${signature} { return ${value}; }\n`;
}

function compress(name: string, body: string[], fold: (name: string) => string): string[] {
  return [
    '/** Absorbs `count` blocks of 64 bytes at `data` into the eight words at `state`. */',
    `export function ${name}(state: usize, data: usize, count: u32): void {`,
    ...STATE.map((n, i) => `  let ${n}0 = load<u32>(state, ${i * 4});`),
    '  for (const end = data + (count << 6); data < end; data += 64) {',
    ...indent(
      [
        ...WORDS.map((i) => `let w${i} = bswap(load<u32>(data, ${i * 4}));`),
        `let ${STATE.map((n) => `${n} = ${n}0`).join(', ')};`,
        ...body,
        STATE.map((n) => `${n}0 ${fold(n)};`).join(' '),
      ],
      2,
    ),
    '  }',
    ...STATE.map((n, i) => `  store<u32>(state, ${n}0, ${i * 4});`),
    '}',
    '',
  ];
}

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
function sha256Constants(): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return primes.map((prime) => Number(cubeRoot(BigInt(prime) << 96n) & 0xffffffffn));
}

function cubeRoot(value: bigint): bigint {
  let root = 0n;
  for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) if ((root + bit) ** 3n <= value) root += bit;
  return root;
}
