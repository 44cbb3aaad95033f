// FF1, format-preserving encryption (NIST SP 800-38G, 5.1 and 6.2; Rev. 1 for the least domain), over any block cipher
// of 16 bytes. Numerals stay numbers of one radix, and their count stays.
import { Bytes } from '../memory/bytes';
import { wipe } from './constant-time';
import { BlockCounter, counterOf } from './counter';

/** Most numerals of one text. */
export const FF1_MAX_NUMERALS: u32 = 64;
export const FF1_MAX_RADIX: u32 = 62;
export const FF1_MAX_TWEAK_BYTES: u32 = 64;
/** Least number of texts of a length (SP 800-38G Rev. 1, 5.1). */
const LEAST_DOMAIN: u64 = 1000000;

const ROUNDS: u32 = 10;
const BLOCK: u32 = 16;
/** Words of the largest number: 32 numerals of radix 62 are 191 bits, and four bytes more are drawn. */
const MAX_WORDS: u32 = 8;

const FIRST: usize = memory.data(16, 16); // cipher of P
const CHAIN: usize = memory.data(16, 16);
const STREAM: usize = memory.data(64, 16);
const INPUT: usize = memory.data(128, 16); // Q
const DRAWN: usize = memory.data(64, 16); // S
const NUMBER: usize = memory.data(<i32>(MAX_WORDS * 4), 16); // least significant word first
const LEFT: usize = memory.data(<i32>FF1_MAX_NUMERALS, 16);
const RIGHT: usize = memory.data(<i32>FF1_MAX_NUMERALS, 16);
const SUM: usize = memory.data(<i32>FF1_MAX_NUMERALS, 16);

/** Whether texts of `count` numerals of a radix are so many that FF1 may be used. */
export function isFf1Domain(radix: u32, count: u32): bool {
  if (radix < 2 || radix > FF1_MAX_RADIX || count < 2 || count > FF1_MAX_NUMERALS) return false;
  let texts: u64 = 1;
  for (let i: u32 = 0; i < count && texts < LEAST_DOMAIN; i++) texts *= radix;
  return texts >= LEAST_DOMAIN;
}

let cipherOf: BlockCounter | null = null;
let tweakAt: usize = 0;
let tweakBytes: u32 = 0;
let numberBytes: u32 = 0;
let radixOf: u32 = 0;

/**
 * Encrypts `count` numerals at `numerals`, one byte each, in place. Only for what `isFf1Domain` accepts and a tweak of at
 * most FF1_MAX_TWEAK_BYTES. The work depends on radix and counts alone.
 */
export function ff1Encrypt(cipher: BlockCounter, radix: u32, tweak: Bytes, numerals: usize, count: u32): void {
  begin(cipher, radix, tweak, count);
  const u = count >> 1;
  const v = count - u;
  let a = LEFT;
  let b = RIGHT;
  let c = SUM;
  memory.copy(a, numerals, u);
  memory.copy(b, numerals + u, v);
  for (let round: u32 = 0; round < ROUNDS; round++) {
    const m = (round & 1) == 0 ? u : v;
    draw(round, b, count - m);
    add(a, c, m);
    const spare = a;
    a = b;
    b = c;
    c = spare;
  }
  memory.copy(numerals, a, u);
  memory.copy(numerals + u, b, v);
  end(cipher);
}

/** Decrypts, as `ff1Encrypt` encrypts. */
export function ff1Decrypt(cipher: BlockCounter, radix: u32, tweak: Bytes, numerals: usize, count: u32): void {
  begin(cipher, radix, tweak, count);
  const u = count >> 1;
  const v = count - u;
  let a = LEFT;
  let b = RIGHT;
  let c = SUM;
  memory.copy(a, numerals, u);
  memory.copy(b, numerals + u, v);
  for (let round: i32 = <i32>ROUNDS - 1; round >= 0; round--) {
    const m = (round & 1) == 0 ? u : v;
    draw(<u32>round, a, count - m);
    subtract(b, c, m);
    const spare = b;
    b = a;
    a = c;
    c = spare;
  }
  memory.copy(numerals, a, u);
  memory.copy(numerals + u, b, v);
  end(cipher);
}

function begin(cipher: BlockCounter, radix: u32, tweak: Bytes, count: u32): void {
  cipherOf = cipher;
  tweakAt = tweak.pointer;
  tweakBytes = tweak.length;
  radixOf = radix;
  numberBytes = bytesOf(radix, count - (count >> 1));
  store<u32>(CHAIN, 0x00010201); // version 1, method 2, addition 1, and the first byte of the radix
  store<u8>(CHAIN, <u8>(radix >> 8), 4);
  store<u8>(CHAIN, <u8>radix, 5);
  store<u8>(CHAIN, <u8>ROUNDS, 6);
  store<u8>(CHAIN, <u8>(count >> 1), 7);
  store<u32>(CHAIN, bswap(count), 8);
  store<u32>(CHAIN, bswap(tweak.length), 12);
  encryptChain();
  v128.store(FIRST, v128.load(CHAIN));
}

function end(cipher: BlockCounter): void {
  cipher.wipeWork();
  cipherOf = null;
  wipe(FIRST, BLOCK);
  wipe(CHAIN, BLOCK);
  wipe(STREAM, 64);
  wipe(INPUT, 128);
  wipe(DRAWN, 64);
  wipe(NUMBER, MAX_WORDS * 4);
  wipe(LEFT, FF1_MAX_NUMERALS);
  wipe(RIGHT, FF1_MAX_NUMERALS);
  wipe(SUM, FF1_MAX_NUMERALS);
}

/** Bytes of the largest number of `count` numerals: ceil(ceil(count * log2(radix)) / 8). */
function bytesOf(radix: u32, count: u32): u32 {
  memory.fill(NUMBER, 0, MAX_WORDS * 4);
  for (let i: u32 = 0; i < count; i++) multiplyAdd(radix, radix - 1, MAX_WORDS);
  let bytes = MAX_WORDS * 4;
  while (bytes > 0 && load<u8>(NUMBER + bytes - 1) == 0) bytes--;
  return bytes;
}

/** NUMBER = NUMBER * radix + digit. */
function multiplyAdd(radix: u32, digit: u32, words: u32): void {
  let carry = <u64>digit;
  for (let i: u32 = 0; i < words; i++) {
    const at = NUMBER + (i << 2);
    carry += <u64>load<u32>(at) * radix;
    store<u32>(at, <u32>carry);
    carry >>= 32;
  }
}

/** Enciphers CHAIN in place. */
function encryptChain(): void {
  const cipher = cipherOf;
  if (cipher == null) return;
  cipher.begin(CHAIN);
  cipher.stream4(counterOf(CHAIN), STREAM);
  v128.store(CHAIN, v128.load(STREAM));
}

/** Leaves y of a round in NUMBER, computed from the half of `count` numerals at `half`. */
function draw(round: u32, half: usize, count: u32): void {
  const bytes = numberBytes;
  memory.fill(NUMBER, 0, MAX_WORDS * 4);
  const words = (bytes + 3) >> 2;
  for (let i: u32 = 0; i < count; i++) multiplyAdd(radixOf, load<u8>(half + i), words);
  const length = (tweakBytes + bytes + 1 + BLOCK - 1) & ~(BLOCK - 1);
  memory.copy(INPUT, tweakAt, tweakBytes);
  memory.fill(INPUT + tweakBytes, 0, length - tweakBytes);
  store<u8>(INPUT + length - bytes - 1, <u8>round);
  for (let i: u32 = 0; i < bytes; i++) store<u8>(INPUT + length - 1 - i, load<u8>(NUMBER + i));
  v128.store(CHAIN, v128.load(FIRST));
  for (let at: u32 = 0; at < length; at += BLOCK) {
    v128.store(CHAIN, v128.xor(v128.load(CHAIN), v128.load(INPUT + at)));
    encryptChain();
  }
  const drawn = (words << 2) + 4;
  v128.store(DRAWN, v128.load(CHAIN));
  for (let block: u32 = 1; block << 4 < drawn; block++) {
    v128.store(CHAIN, v128.load(DRAWN));
    store<u8>(CHAIN, load<u8>(CHAIN, 15) ^ (<u8>block), 15);
    encryptChain();
    v128.store(DRAWN + (block << 4), v128.load(CHAIN));
  }
  drawnWords = drawn >> 2;
  for (let i: u32 = 0; i < drawnWords; i++)
    store<u32>(NUMBER + ((drawnWords - 1 - i) << 2), bswap(load<u32>(DRAWN + (i << 2))));
}

let drawnWords: u32 = 0;

/**
 * Divides NUMBER by the radix. Returns the remainder. Half words are divided by multiplication: a processor's division
 * takes longer for some numbers than for others. With numbers below 2^22 and a radix below 2^6 the product is exact.
 */
function nextNumeral(): u32 {
  const inverse = ((<u64>1) << 32) / radixOf + 1;
  let rest: u32 = 0;
  for (let i = <i32>(drawnWords << 1) - 1; i >= 0; i--) {
    const at = NUMBER + ((<usize>i) << 1);
    const value = (rest << 16) | load<u16>(at);
    const quotient = <u32>((inverse * value) >> 32);
    store<u16>(at, <u16>quotient);
    rest = value - quotient * radixOf;
  }
  return rest;
}

/** `to` = (`from` + NUMBER) mod radix^count. */
function add(from: usize, to: usize, count: u32): void {
  let carry: u32 = 0;
  for (let i = count; i > 0; i--) {
    const sum = <u32>load<u8>(from + i - 1) + nextNumeral() + carry;
    carry = <u32>(sum >= radixOf);
    store<u8>(to + i - 1, <u8>(sum - carry * radixOf));
  }
}

/** `to` = (`from` - NUMBER) mod radix^count. */
function subtract(from: usize, to: usize, count: u32): void {
  let borrow: u32 = 0;
  for (let i = count; i > 0; i--) {
    const sum = <u32>load<u8>(from + i - 1) + radixOf - nextNumeral() - borrow;
    borrow = <u32>(sum < radixOf);
    store<u8>(to + i - 1, <u8>(sum - (1 - borrow) * radixOf));
  }
}
