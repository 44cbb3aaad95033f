// Arithmetic in GF(2^8) and linear maps over GF(2), for the generators of circuits and tables.

/** The polynomial of SM4's S-box: x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1. */
export const SM4_POLYNOMIAL = 0x1f5;
/** The polynomial of AES (FIPS 197, 4.2). */
export const AES_POLYNOMIAL = 0x11b;

/** Product in GF(2^8) modulo `polynomial`. */
export function multiply(a: number, b: number, polynomial: number): number {
  let product = 0;
  for (let shifted = a; b > 0; b >>= 1) {
    if (b & 1) product ^= shifted;
    shifted <<= 1;
    if (shifted & 0x100) shifted ^= polynomial;
  }
  return product;
}

/** Table of inverses in GF(2^8), with 0 for 0. */
export function inverses(polynomial: number): number[] {
  const table = new Array<number>(256).fill(0);
  for (let a = 1; a < 256; a++) {
    for (let b = 1; b < 256; b++) if (multiply(a, b, polynomial) === 1) table[a] = b;
  }
  return table;
}

/** Parity of the bits of a number. */
export function parity(value: number): number {
  let bits = value;
  for (const shift of [16, 8, 4, 2, 1]) bits ^= bits >>> shift;
  return bits & 1;
}

/** All eight isomorphisms from GF(2^8) modulo `from` to GF(2^8) modulo `to`, as tables. */
export function isomorphisms(from: number, to: number): number[][] {
  const found: number[][] = [];
  for (let root = 0; root < 256; root++) {
    if (evaluate(from, root, to) !== 0) continue;
    const powers = [1];
    while (powers.length < 8) powers.push(multiply(powers.at(-1)!, root, to));
    found.push(linearTable(powers));
  }
  return found;
}

/** The table of the linear map that sends bit i to `images[i]`. */
export function linearTable(images: number[]): number[] {
  return Array.from({ length: 256 }, (_, value) =>
    images.reduce((sum, image, bit) => ((value >> bit) & 1 ? sum ^ image : sum), 0),
  );
}

/** The inverse of a bijective table. */
export function inverseTable(table: number[]): number[] {
  const inverse = new Array<number>(256);
  table.forEach((image, value) => (inverse[image] = value));
  return inverse;
}

function evaluate(polynomial: number, point: number, modulus: number): number {
  let value = 0;
  for (let degree = 8; degree >= 0; degree--) value = multiply(value, point, modulus) ^ ((polynomial >> degree) & 1);
  return value;
}
