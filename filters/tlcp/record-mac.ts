// The code of a CBC record: HMAC-SM3 over sequence number, type, version, length and content. It is computed before the
// padding is known to be right, so that neither the time nor the work tells where the content ends: whatever the last
// byte says, the same blocks are compressed and the same addresses read (against Lucky 13, AlFardan and Paterson, 2013).
import { clear, maskIfEqual, maskIfLess, wipe } from '../crypto/constant-time';
import { copyVectors, swapBytes32 } from '../crypto/simd';
import { SM3_INITIAL } from '../crypto/sm3';
import { sm3Compress } from '../crypto/sm3.gen';

/** Bytes of a code. */
export const CODE_BYTES: u32 = 32;
/** Sequence number, type, version, length. */
export const CODE_HEADER_BYTES: u32 = 13;
const BLOCK_BYTES: u32 = 64;
/** Bits of the outer hash's input: a block and a digest. */
const OUTER_BITS: u64 = (64 + 32) * 8;

const STATE: usize = memory.data(32, 16);
const FINAL: usize = memory.data(32, 16);
const BLOCK: usize = memory.data(64, 16);
const RECEIVED: usize = memory.data(32, 16);
const EXPECTED: usize = memory.data(32, 16);

/** A key of HMAC-SM3 whose two blocks are absorbed. */
export class RecordMac {
  private readonly states: StaticArray<u8> = new StaticArray<u8>(64);

  /** Sets a key of 32 bytes. */
  setKey(key: usize): void {
    const states = changetype<usize>(this.states);
    for (let side: u32 = 0; side < 2; side++) {
      const pad = i8x16.splat(side == 0 ? 0x36 : 0x5c);
      v128.store(BLOCK, v128.xor(v128.load(key), pad));
      v128.store(BLOCK, v128.xor(v128.load(key, 16), pad), 16);
      v128.store(BLOCK, pad, 32);
      v128.store(BLOCK, pad, 48);
      copyVectors(states + (side << 5), SM3_INITIAL, 32);
      sm3Compress(states + (side << 5), BLOCK, 1);
    }
    clear(BLOCK, BLOCK_BYTES);
  }

  /** The code of `length` bytes; `header`: 13 bytes. */
  make(header: usize, data: usize, length: u32, out: usize): void {
    this.digest(header, data, length, length, length, out);
  }

  /**
   * Judges a decrypted record of `length` bytes (content, code, padding; 48 or more): the length of its content, or -1
   * if padding or code is wrong. Work and addresses depend on `length` only. `header` gets the content's length at its
   * end.
   */
  open(header: usize, data: usize, length: u32): i32 {
    const most = length - CODE_BYTES - 1; // the content if the padding is one byte
    const least = most > 255 ? most - 255 : 0;
    const padding = <u32>load<u8>(data + length - 1);
    let wrong = maskIfLess(most, padding);
    const looked = min<u32>(length, 256);
    for (let i: u32 = 0; i < looked; i++)
      wrong |= ~maskIfLess(padding, i) & ((<u32>load<u8>(data + length - 1 - i)) ^ padding);
    const good = maskIfEqual(wrong, 0);
    const content = most - (padding & good);
    store<u8>(header, <u8>(content >> 8), 11);
    store<u8>(header, <u8>content, 12);
    this.digest(header, data, least, most, content, EXPECTED);
    let low = i64x2.splat(0);
    let high = i64x2.splat(0);
    for (let at = least; at <= most; at++) {
      const here = i32x4.splat(<i32>maskIfEqual(at, content));
      low = v128.or(low, v128.and(v128.load(data + at), here));
      high = v128.or(high, v128.and(v128.load(data + at, 16), here));
    }
    v128.store(RECEIVED, v128.xor(low, v128.load(EXPECTED)));
    v128.store(RECEIVED, v128.xor(high, v128.load(EXPECTED, 16)), 16);
    let difference: u64 = 0;
    for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(RECEIVED + i);
    const equal = maskIfEqual(<u32>(difference | (difference >> 32)), 0);
    clear(RECEIVED, 32);
    clear(EXPECTED, 32);
    const ok = good & equal;
    return <i32>((content & ok) | ~ok);
  }

  wipe(): void {
    wipe(changetype<usize>(this.states), 64);
  }

  /** The code of the first `length` bytes, a secret between `least` and `most`. */
  private digest(header: usize, data: usize, least: u32, most: u32, length: u32, out: usize): void {
    const states = changetype<usize>(this.states);
    copyVectors(STATE, states, 32);
    const total = CODE_HEADER_BYTES + length;
    const whole = (CODE_HEADER_BYTES + least) >> 6;
    const inFirst = BLOCK_BYTES - CODE_HEADER_BYTES;
    if (whole > 0) {
      memory.copy(BLOCK, header, CODE_HEADER_BYTES);
      memory.copy(BLOCK + CODE_HEADER_BYTES, data, inFirst);
      sm3Compress(STATE, BLOCK, 1);
      if (whole > 1) sm3Compress(STATE, data + inFirst, whole - 1);
    }
    const final = (total + 8) >> 6;
    const last = (CODE_HEADER_BYTES + most + 8) >> 6;
    const bits = (<u64>(BLOCK_BYTES + total)) << 3;
    clear(FINAL, 32);
    for (let index = whole; index <= last; index++) {
      fillBlock(index, header, data, most, total);
      const isFinal = maskIfEqual(index, final);
      const counted = bits & ((<u64>isFinal) | ((<u64>isFinal) << 32));
      store<u64>(BLOCK, load<u64>(BLOCK, 56) | bswap<u64>(counted), 56);
      sm3Compress(STATE, BLOCK, 1);
      const here = i32x4.splat(<i32>isFinal);
      v128.store(FINAL, v128.or(v128.load(FINAL), v128.and(v128.load(STATE), here)));
      v128.store(FINAL, v128.or(v128.load(FINAL, 16), v128.and(v128.load(STATE, 16), here)), 16);
    }
    copyVectors(STATE, states + 32, 32);
    clear(BLOCK, BLOCK_BYTES);
    v128.store(BLOCK, swapBytes32(v128.load(FINAL)));
    v128.store(BLOCK, swapBytes32(v128.load(FINAL, 16)), 16);
    store<u8>(BLOCK, 0x80, 32);
    store<u64>(BLOCK, bswap<u64>(OUTER_BITS), 56);
    sm3Compress(STATE, BLOCK, 1);
    v128.store(out, swapBytes32(v128.load(STATE)));
    v128.store(out, swapBytes32(v128.load(STATE, 16)), 16);
    clear(BLOCK, BLOCK_BYTES);
    clear(FINAL, 32);
    clear(STATE, 32);
  }
}

/** Block `index` of header ‖ data, which ends after `total` bytes with 0x80 and zeros. */
function fillBlock(index: u32, header: usize, data: usize, most: u32, total: u32): void {
  for (let i: u32 = 0; i < BLOCK_BYTES; i++) {
    const at = (index << 6) + i;
    let byte: u32 = 0;
    if (at < CODE_HEADER_BYTES) byte = load<u8>(header + at);
    else if (at - CODE_HEADER_BYTES < most) byte = load<u8>(data + at - CODE_HEADER_BYTES);
    store<u8>(BLOCK + i, <u8>((byte & maskIfLess(at, total)) | (0x80 & maskIfEqual(at, total))));
  }
}
