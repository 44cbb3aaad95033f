// Source of filters/crypto/sm2-constants.gen.ts: the recommended curve of GB/T 32918.5 in the forms that the code
// computes with.

// GB/T 32918.5-2017, clause 2.
const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const A = 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const GX = 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n;
const GY = 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n;

const FIELD_R = 1n << 261n;
const SCALAR_R = 1n << 256n;

/** Nine limbs of 29 bits for each value, padded to 80 bytes. */
function limbs(...values: readonly bigint[]): string {
  const words: string[] = [];
  for (const value of values) {
    for (let i = 0n; i < 9n; i++) words.push(`0x${((value >> (29n * i)) & 0x1fffffffn).toString(16)}`);
    words.push('0');
  }
  return `memory.data<u64>([${words.join(', ')}])`;
}

/** Eight words of 32 bits, the least significant first. */
function words(value: bigint): string {
  const list: string[] = [];
  for (let i = 0n; i < 8n; i++) list.push(`0x${((value >> (32n * i)) & 0xffffffffn).toString(16)}`);
  return `memory.data<u32>([${list.join(', ')}])`;
}

/** Big-endian bytes. */
function bytes(value: bigint): string {
  const list = value.toString(16).padStart(64, '0').match(/../g) ?? [];
  return `memory.data<u8>([${list.map((byte) => `0x${byte}`).join(', ')}])`;
}

/** Nine limbs of 30 bits for each value, padded to 48 bytes. */
function limbs30(...values: readonly bigint[]): string {
  const list: string[] = [];
  for (const value of values) {
    for (let i = 0n; i < 9n; i++) list.push(`0x${((value >> (30n * i)) & 0x3fffffffn).toString(16)}`);
    list.push('0', '0', '0');
  }
  return `memory.data<u32>([${list.join(', ')}])`;
}

function inverseOf32(value: bigint): bigint {
  let inverse = 1n;
  for (let i = 0; i < 5; i++) inverse = (inverse * (2n - value * inverse)) & 0xffffffffn;
  return inverse;
}

const montgomery = (value: bigint): bigint => (value * FIELD_R) % P;

/** Text of sm2-constants.gen.ts. */
export function emitSm2Constants(): string {
  return `// Written by scripts/crypto/sm2-constants.ts: change that, not this.
// Field elements are nine limbs of 29 bits in Montgomery form (R = 2^261); scalars are eight words of 32 bits (R =
// 2^256).

/** The prime, not in Montgomery form. */
export const PRIME: usize = ${limbs(P)};
/** The prime, big-endian. */
export const PRIME_BYTES: usize = ${bytes(P)};
export const FIELD_ONE: usize = ${limbs(montgomery(1n))};
/** R^2, which brings a number into Montgomery form. */
export const FIELD_R_SQUARED: usize = ${limbs((FIELD_R * FIELD_R) % P)};
/** 1, which brings a number out of Montgomery form. */
export const FIELD_PLAIN_ONE: usize = ${limbs(1n)};
export const CURVE_B: usize = ${limbs(montgomery(B))};
/** The generator, an affine point. */
export const GENERATOR: usize = ${limbs(montgomery(GX), montgomery(GY))};
/** a ‖ b ‖ xG ‖ yG, big-endian: the middle of what Z is the digest of. */
export const Z_PARAMETERS: usize = memory.data<u8>([
${[A, B, GX, GY].map((value) => `  ${(value.toString(16).padStart(64, '0').match(/../g) ?? []).map((byte) => `0x${byte}`).join(', ')},`).join('\n')}
]);
/** The order of the group. */
export const ORDER: usize = ${words(N)};
/** The order, big-endian. */
export const ORDER_BYTES: usize = ${bytes(N)};
export const SCALAR_R_SQUARED: usize = ${words((SCALAR_R * SCALAR_R) % N)};
export const SCALAR_PLAIN_ONE: usize = ${words(1n)};
/** -1 / order modulo 2^32. */
export const ORDER_FACTOR: u32 = 0x${(0x100000000n - inverseOf32(N & 0xffffffffn)).toString(16)};
/** The prime, then the order, in limbs of 30 bits. */
export const MODULUS_LIMBS: usize = ${limbs30(P, N)};
/** 1 / prime and 1 / order modulo 2^30. */
export const MODULUS_FACTOR: usize = memory.data<u32>([${[P, N].map((m) => `0x${(inverseOf32(m & 0xffffffffn) & 0x3fffffffn).toString(16)}`).join(', ')}]);
`;
}
