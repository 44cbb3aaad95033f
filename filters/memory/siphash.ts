// SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"; the reduced-round variant for hash tables). A
// keyed hash, so that senders cannot choose colliding names.

let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;

// @ts-ignore: decorator
@inline
function round(): void {
  v0 += v1;
  v2 += v3;
  v1 = rotl(v1, 13) ^ v0;
  v3 = rotl(v3, 16) ^ v2;
  v0 = rotl(v0, 32);
  v2 += v1;
  v0 += v3;
  v1 = rotl(v1, 17) ^ v2;
  v3 = rotl(v3, 21) ^ v0;
  v2 = rotl(v2, 32);
}

// @ts-ignore: decorator
@inline
function absorb(word: u64): void {
  v3 ^= word;
  round();
  v0 ^= word;
}

/** Starts a hash under a 128-bit key. */
export function sipBegin(key0: u64, key1: u64): void {
  v0 = key0 ^ 0x736f6d6570736575;
  v1 = key1 ^ 0x646f72616e646f6d;
  v2 = key0 ^ 0x6c7967656e657261;
  v3 = key1 ^ 0x7465646279746573;
}

/** Adds one byte string followed by its length, so that two strings never equal one. */
export function sipText(pointer: usize, length: u32): void {
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) absorb(load<u64>(pointer + at));
  let last = (<u64>length) << 56;
  for (let i: u32 = 0; at + i < length; i++) last |= (<u64>load<u8>(pointer + at + i)) << (i * 8);
  absorb(last);
}

/** Hash of everything added. */
export function sipEnd(): u64 {
  v2 ^= 0xff;
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}
