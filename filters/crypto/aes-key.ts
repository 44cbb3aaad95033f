// Key schedule of AES (FIPS 197, 5.2), constant-time: its S-box is made of swizzles.
import { AES_VPERM } from './aes-bitslice.gen';
import { clear } from './constant-time';
import { copyVectors, lookup16, mapBytes } from './simd';
import { INVERSE, INVERSE_A, SM4_VPERM } from './sm4-vperm.gen';

/** Bytes of the largest expanded key: 15 round keys of 8 slices. */
export const AES_KEY_BYTES: u32 = 15 * 128;

const WORDS: usize = memory.data(240, 16);

/** Number of rounds for a key of 16 or 32 bytes. */
export function aesRounds(keyLength: u32): u32 {
  return 6 + (keyLength >> 2);
}

/** Expands a key of 16 or 32 bytes to slices, 128 bytes for each of `aesRounds` + 1 round keys. */
export function expandAesKey(key: usize, keyLength: u32, keys: usize): void {
  const keyWords = keyLength >> 2;
  const rounds = aesRounds(keyLength);
  const count = (rounds + 1) << 2;
  copyVectors(WORDS, key, keyLength);
  let constant: u32 = 1;
  for (let i = keyWords; i < count; i++) {
    let word = load<u32>(WORDS + (i << 2) - 4);
    if (i % keyWords == 0) {
      word = substitute(rotr(word, 8)) ^ constant;
      constant = (constant << 1) ^ ((constant >> 7) * 0x11b);
    } else if (keyWords == 8 && (i & 7) == 4) word = substitute(word);
    store<u32>(WORDS + (i << 2), word ^ load<u32>(WORDS + ((i - keyWords) << 2)));
  }
  for (let round: u32 = 0; round <= rounds; round++) {
    // The kernel omits the S-box's constant 0x63. MixColumns preserves it, so every key after the first includes it.
    const correction = i8x16.splat(round == 0 ? 0 : 0x63);
    sliceKey(v128.xor(v128.load(WORDS + (round << 4)), correction), keys + (round << 7));
  }
  clear(WORDS, 240);
}

/** The S-box on the four bytes of a word. */
function substitute(word: u32): u32 {
  const nibble = i8x16.splat(15);
  const value = mapBytes(i32x4.splat(<i32>word), AES_VPERM, nibble);
  const low = v128.and(value, nibble);
  const high = v128.and(i32x4.shr_u(value, 4), nibble);
  const sum = v128.xor(low, high);
  const inverse = v128.load(SM4_VPERM, INVERSE);
  const a = lookup16(v128.load(SM4_VPERM, INVERSE_A), low);
  const io = v128.xor(lookup16(inverse, v128.xor(lookup16(inverse, high), a)), sum);
  const jo = v128.xor(lookup16(inverse, v128.xor(lookup16(inverse, sum), a)), high);
  const box = v128.xor(lookup16(v128.load(AES_VPERM, 32), io), lookup16(v128.load(AES_VPERM, 48), jo));
  return (<u32>i32x4.extract_lane(box, 0)) ^ 0x63636363;
}

/** Expands each bit of a round key for eight equal blocks. */
function sliceKey(key: v128, to: usize): void {
  for (let bit = 0; bit < 8; bit++) {
    const mask = i8x16.splat(1 << (<i8>bit));
    v128.store(to + ((<usize>bit) << 4), i8x16.eq(v128.and(key, mask), mask));
  }
}
