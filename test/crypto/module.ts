// The library behind plain functions on addresses, for the tests on Node.
import { Sm4 } from '../../filters/crypto/sm4';
import { Sm4Gcm } from '../../filters/crypto/sm4-gcm';

/** A block of memory that the test fills and reads. */
export function allocate(bytes: u32): usize {
  return heap.alloc(bytes);
}

const sm4 = new Sm4();
export function sm4SetKey(key: usize, decrypt: bool): void { sm4.setKey(key, decrypt); }
export function sm4Blocks(from: usize, to: usize, count: u32): void { sm4.blocks(from, to, count); }

const gcm = new Sm4Gcm();
export function gcmSetKey(key: usize): void { gcm.setKey(key); }
export function gcmEncrypt(iv: usize, ivLength: u32, aad: usize, aadLength: u32, input: usize, output: usize, length: u32, tag: usize): void {
  gcm.encrypt(iv, ivLength, aad, aadLength, input, output, length, tag);
}
export function gcmDecrypt(iv: usize, ivLength: u32, aad: usize, aadLength: u32, input: usize, output: usize, length: u32, tag: usize): bool {
  return gcm.decrypt(iv, ivLength, aad, aadLength, input, output, length, tag);
}
export { selfTest } from '../../filters/crypto/self-test';
export { encodeBase64, decodeBase64 } from '../../filters/memory/base64';
import { AesGcm } from '../../filters/crypto/aes-gcm';
import { Sm4Counter } from '../../filters/crypto/sm4-ctr';
import { Ctr } from '../../filters/crypto/counter';
import { ghashAbsorb, ghashBegin, ghashEnd } from '../../filters/crypto/ghash';
const sm4Counter = new Sm4Counter(); const sm4Ctr = new Ctr(sm4Counter);
export function sm4CtrXor(iv: usize, from: usize, to: usize, length: u32): void { sm4Ctr.begin(iv); sm4Ctr.update(from, to, length); }
export function sm4CtrSetKey(key: usize): void { sm4Counter.setKey(key); }
export function ghashRun(p: usize, n: u32): void { ghashBegin(i64x2.splat(0)); ghashAbsorb(gcm.tables, p, n); ghashEnd(gcm.tables); }
const aes = new AesGcm();
export function aesSetKey(key: usize, length: u32): bool { return aes.setKey(key, length); }
export function aesEncrypt(iv: usize, ivLength: u32, aad: usize, aadLength: u32, input: usize, output: usize, length: u32, tag: usize): void {
  aes.encrypt(iv, ivLength, aad, aadLength, input, output, length, tag);
}
import { Sm3 } from '../../filters/crypto/sm3';
import { Sha256 } from '../../filters/crypto/sha256';
import { Hmac } from '../../filters/crypto/hmac';
import { gmtKdf, hkdfExpand, hkdfExtract } from '../../filters/crypto/kdf';
const sm3 = new Sm3(); const sha256 = new Sha256(); const hmacSm3 = Hmac.sm3(); const hmacSha256 = Hmac.sha256();
export function sm3Hash(p: usize, n: u32, out: usize): void { sm3.hash(p, n, out); }
export function sha256Hash(p: usize, n: u32, out: usize): void { sha256.hash(p, n, out); }
