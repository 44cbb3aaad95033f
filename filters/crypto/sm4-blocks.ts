// SM4 on runs of blocks, sixteen at a time as byte planes.
import { clear } from './constant-time';
import { copyVectors, mapBytes } from './simd';
import { sm4Blocks4 } from './sm4-block';
import { SM4_PLANE_KEYS, SM4_WORD_KEYS } from './sm4-key';
import { IN, NIBBLE, OUT, sm4Planes, SM4_PLANES, SM4_VPERM } from './sm4-vperm.gen';
import { transpose16 } from './transpose.gen';

const PAD: usize = memory.data(256, 16); // blocks of a short run

/** ECB on 16 blocks, 256 bytes. `from` and `to` may be the same. `keys`: see `expandSm4Key`. */
export function sm4Blocks16(keys: usize, from: usize, to: usize): void {
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  transpose16(from, SM4_PLANES);
  for (let plane: usize = SM4_PLANES, end = SM4_PLANES + 256; plane < end; plane += 16) {
    v128.store(plane, mapBytes(v128.load(plane), SM4_VPERM + IN, nibble));
  }
  sm4Planes(keys + SM4_PLANE_KEYS);
  leavePlanes(to);
}

/** Converts the state out of the tower basis, with words in reverse order, to 16 blocks at `to`. */
export function leavePlanes(to: usize): void {
  const nibble = v128.load(SM4_VPERM, NIBBLE);
  for (let byte: usize = 0; byte < 64; byte += 16) {
    const w0 = v128.load(SM4_PLANES + byte);
    const w1 = v128.load(SM4_PLANES + byte, 64);
    v128.store(SM4_PLANES + byte, mapBytes(v128.load(SM4_PLANES + byte, 192), SM4_VPERM + OUT, nibble));
    v128.store(SM4_PLANES + byte, mapBytes(v128.load(SM4_PLANES + byte, 128), SM4_VPERM + OUT, nibble), 64);
    v128.store(SM4_PLANES + byte, mapBytes(w1, SM4_VPERM + OUT, nibble), 128);
    v128.store(SM4_PLANES + byte, mapBytes(w0, SM4_VPERM + OUT, nibble), 192);
  }
  transpose16(SM4_PLANES, to);
}

/** ECB on at most 16 blocks. `from` and `to` may be the same. */
export function sm4BlocksUpTo16(keys: usize, from: usize, to: usize, count: u32): void {
  if (count == 16) {
    sm4Blocks16(keys, from, to);
    return;
  }
  const bytes = count << 4;
  copyVectors(PAD, from, bytes);
  if (count <= 4) sm4Blocks4(keys + SM4_WORD_KEYS, PAD, PAD);
  else sm4Blocks16(keys, PAD, PAD);
  copyVectors(to, PAD, bytes);
}

/** Overwrites the working memory of the functions here. */
export function sm4BlocksWipe(): void {
  clear(SM4_PLANES, 256);
  clear(PAD, 256);
}
