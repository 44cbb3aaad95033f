// SHA-1 (FIPS 180-4), which names certificates and keys in OCSP (RFC 6960, 4.1.1): an identifier of public data. Nothing
// is signed or protected by it.
import { clear } from './constant-time';

/** Length of a digest, bytes. */
export const SHA1_BYTES: u32 = 20;
const BLOCK_BYTES: u32 = 64;

const BLOCK: usize = memory.data(64, 16);
const WORDS: usize = memory.data(320, 16);
const STATE: usize = memory.data(32, 16);

/** Writes the digest of `length` bytes to `out`. */
export function sha1(data: usize, length: u32, out: usize): void {
  store<u32>(STATE, 0x67452301);
  store<u32>(STATE, 0xefcdab89, 4);
  store<u32>(STATE, 0x98badcfe, 8);
  store<u32>(STATE, 0x10325476, 12);
  store<u32>(STATE, 0xc3d2e1f0, 16);
  let at: u32 = 0;
  for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) compress(data + at);
  const rest = length - at;
  clear(BLOCK, BLOCK_BYTES);
  memory.copy(BLOCK, data + at, rest);
  store<u8>(BLOCK + rest, 0x80);
  if (rest >= 56) {
    compress(BLOCK);
    clear(BLOCK, BLOCK_BYTES);
  }
  store<u64>(BLOCK, bswap<u64>((<u64>length) << 3), 56);
  compress(BLOCK);
  for (let i: usize = 0; i < 20; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(STATE + i)));
}

function compress(block: usize): void {
  for (let i: usize = 0; i < 16; i++) store<u32>(WORDS + (i << 2), bswap<u32>(load<u32>(block + (i << 2))));
  for (let i: usize = 16; i < 80; i++) {
    const at = WORDS + (i << 2);
    store<u32>(at, rotl<u32>(load<u32>(at - 12) ^ load<u32>(at - 32) ^ load<u32>(at - 56) ^ load<u32>(at - 64), 1));
  }
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  for (let i: usize = 0; i < 80; i++) {
    let mixed: u32;
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = rotl<u32>(a, 5) + mixed + e + load<u32>(WORDS + (i << 2));
    e = d;
    d = c;
    c = rotl<u32>(b, 30);
    b = a;
    a = next;
  }
  store<u32>(STATE, load<u32>(STATE) + a);
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8);
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
}
