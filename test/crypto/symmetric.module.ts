// The library behind plain functions on addresses, for the tests and benchmarks on Node. One object of each kind.
import { AesGcm } from '../../filters/crypto/aes-gcm';
import { equalConstantTime } from '../../filters/crypto/constant-time';
import { Ctr } from '../../filters/crypto/counter';
import { GcmStream } from '../../filters/crypto/gcm-stream';
import { ghashAbsorb, ghashBegin, ghashEnd } from '../../filters/crypto/ghash';
import { Hash } from '../../filters/crypto/hash';
import { Hmac } from '../../filters/crypto/hmac';
import { gmtKdf, hkdfExpand, hkdfExtract } from '../../filters/crypto/kdf';
import { Sha256 } from '../../filters/crypto/sha256';
import { Sm3 } from '../../filters/crypto/sm3';
import { Sm4 } from '../../filters/crypto/sm4';
import { Sm4Cbc } from '../../filters/crypto/sm4-cbc';
import { Sm4Counter } from '../../filters/crypto/sm4-ctr';
import { Sm4Gcm } from '../../filters/crypto/sm4-gcm';

export { selfTest } from '../../filters/crypto/self-test';
export { base64DecodedBound, base64Length, decodeBase64, encodeBase64 } from '../../filters/memory/base64';

/** Memory that the caller fills and reads. */
export function allocate(bytes: u32): usize {
  return heap.alloc(bytes);
}

/** Whether the module was compiled with relaxed SIMD. */
export function relaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}

export function equal(a: usize, b: usize, length: u32): bool {
  return equalConstantTime(a, b, length);
}

// SM4 ECB
const sm4 = new Sm4();
export function sm4SetKey(key: usize, decrypt: bool): void {
  sm4.setKey(key, decrypt);
}
export function sm4Blocks(from: usize, to: usize, count: u32): void {
  sm4.blocks(from, to, count);
}
/** The chained encryptions of GB/T 32907-2016, A.2, in place. */
export function sm4Repeat(block: usize, times: u32): void {
  for (let i: u32 = 0; i < times; i++) sm4.blocks(block, block, 1);
}

// SM4 CTR
const sm4Counter = new Sm4Counter();
const sm4Ctr = new Ctr(sm4Counter);
export function ctrSetKey(key: usize): void {
  sm4Counter.setKey(key);
}
export function ctrBegin(block: usize): void {
  sm4Ctr.begin(block);
}
export function ctrUpdate(from: usize, to: usize, length: u32): void {
  sm4Ctr.update(from, to, length);
}
export function ctrMessage(block: usize, from: usize, to: usize, length: u32): void {
  sm4Ctr.begin(block);
  sm4Ctr.update(from, to, length);
}

// SM4 CBC
const cbc = new Sm4Cbc();
export function cbcSetKey(key: usize): void {
  cbc.setKey(key);
}
export function cbcEncrypt(iv: usize, from: usize, length: u32, to: usize): u32 {
  return cbc.encrypt(iv, from, length, to);
}
export function cbcDecrypt(iv: usize, from: usize, length: u32, to: usize): i32 {
  return cbc.decrypt(iv, from, length, to);
}
export function cbcBegin(iv: usize, decrypt: bool): void {
  cbc.begin(iv, decrypt);
}
export function cbcUpdate(from: usize, length: u32, to: usize): u32 {
  return cbc.update(from, length, to);
}
export function cbcFinal(to: usize): i32 {
  return cbc.final(to);
}

// GCM
const sm4Gcm = new Sm4Gcm();
const sm4Stream = new GcmStream(sm4Gcm);
export function sm4GcmSetKey(key: usize): void {
  sm4Gcm.setKey(key);
}
export function sm4GcmWipe(): void {
  sm4Gcm.wipe();
}
export function sm4GcmEncrypt(
  iv: usize,
  ivLength: u32,
  aad: usize,
  aadLength: u32,
  from: usize,
  to: usize,
  length: u32,
  tag: usize,
): void {
  sm4Gcm.encrypt(iv, ivLength, aad, aadLength, from, to, length, tag);
}
export function sm4GcmDecrypt(
  iv: usize,
  ivLength: u32,
  aad: usize,
  aadLength: u32,
  from: usize,
  to: usize,
  length: u32,
  tag: usize,
): bool {
  return sm4Gcm.decrypt(iv, ivLength, aad, aadLength, from, to, length, tag);
}
const aesGcm = new AesGcm();
export function aesGcmSetKey(key: usize, length: u32): bool {
  return aesGcm.setKey(key, length);
}
export function aesGcmEncrypt(
  iv: usize,
  ivLength: u32,
  aad: usize,
  aadLength: u32,
  from: usize,
  to: usize,
  length: u32,
  tag: usize,
): void {
  aesGcm.encrypt(iv, ivLength, aad, aadLength, from, to, length, tag);
}
export function aesGcmDecrypt(
  iv: usize,
  ivLength: u32,
  aad: usize,
  aadLength: u32,
  from: usize,
  to: usize,
  length: u32,
  tag: usize,
): bool {
  return aesGcm.decrypt(iv, ivLength, aad, aadLength, from, to, length, tag);
}
export function streamBegin(iv: usize, ivLength: u32): void {
  sm4Stream.begin(iv, ivLength);
}
export function streamAad(data: usize, length: u32): bool {
  return sm4Stream.aad(data, length);
}
export function streamEncrypt(from: usize, to: usize, length: u32): bool {
  return sm4Stream.encrypt(from, to, length);
}
export function streamFinish(tag: usize): bool {
  return sm4Stream.finish(tag);
}
export function streamAuthenticate(data: usize, length: u32): bool {
  return sm4Stream.authenticate(data, length);
}
export function streamVerify(tag: usize): bool {
  return sm4Stream.verify(tag);
}
export function streamRelease(from: usize, to: usize, length: u32): bool {
  return sm4Stream.release(from, to, length);
}
/** GHASH alone under the SM4-GCM key, for the benchmark. */
export function ghash(data: usize, length: u32, out: usize): void {
  ghashBegin(i64x2.splat(0));
  ghashAbsorb(sm4Gcm.tables, data, length);
  v128.store(out, ghashEnd(sm4Gcm.tables));
}

// Hashes: kind 0 is SM3, 1 SHA-256
const hashes: StaticArray<Hash> = [new Sm3(), new Sha256()];
export function hash(kind: u32, data: usize, length: u32, out: usize): void {
  hashes[kind].hash(data, length, out);
}
export function hashReset(kind: u32): void {
  hashes[kind].reset();
}
export function hashUpdate(kind: u32, data: usize, length: u32): void {
  hashes[kind].update(data, length);
}
export function hashDigest(kind: u32, out: usize): void {
  hashes[kind].digest(out);
}
const hmacs: StaticArray<Hmac> = [Hmac.sm3(), Hmac.sha256()];
export function hmacSetKey(kind: u32, key: usize, length: u32): void {
  hmacs[kind].setKey(key, length);
}
export function hmacUpdate(kind: u32, data: usize, length: u32): void {
  hmacs[kind].update(data, length);
}
export function hmacDigest(kind: u32, out: usize): void {
  hmacs[kind].digest(out);
}
export function hmacVerify(kind: u32, code: usize, length: u32): bool {
  return hmacs[kind].verify(code, length);
}
export function extract(kind: u32, salt: usize, saltLength: u32, input: usize, inputLength: u32, out: usize): void {
  hkdfExtract(hmacs[kind], salt, saltLength, input, inputLength, out);
}
export function expand(
  kind: u32,
  key: usize,
  keyLength: u32,
  info: usize,
  infoLength: u32,
  out: usize,
  length: u32,
): bool {
  return hkdfExpand(hmacs[kind], key, keyLength, info, infoLength, out, length);
}
export function kdf(secret: usize, secretLength: u32, out: usize, length: u32): void {
  gmtKdf(secret, secretLength, out, length);
}
