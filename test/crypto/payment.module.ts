// The symmetric library with what stands beside it for payments: the codes of their networks, encryption that keeps the
// form of a number, and the text forms of protected messages.
import { AesCounter } from '../../filters/crypto/aes-ctr';
import { BlockCounter } from '../../filters/crypto/counter';
import { Des } from '../../filters/crypto/des';
import { ff1Decrypt, ff1Encrypt, isFf1Domain } from '../../filters/crypto/ff1';
import { Mac, MacAlgorithm } from '../../filters/crypto/mac';
import { Sm4Counter } from '../../filters/crypto/sm4-ctr';
import { Bytes } from '../../filters/memory/bytes';

export * from './symmetric.module';
export { base64UrlBytes, base64UrlLength, decodeBase64Url, encodeBase64Url } from '../../filters/memory/base64url';
export { decodeHex, encodeHex } from '../../filters/memory/hex';

const des = new Des();
export function desSetKey(key: usize, length: u32): void {
  des.setKey(key, length);
}
export function desEncrypt(from: usize, to: usize): void {
  store<u64>(to, bswap(des.encrypt(bswap(load<u64>(from)))));
}
const mac = new Mac();
export function macSetKey(algorithm: u32, key: usize, length: u32): bool {
  return mac.setKey(<MacAlgorithm>algorithm, key, length);
}
export function macUpdate(from: usize, length: u32): void {
  mac.update(from, length);
}
export function macDigest(to: usize): u32 {
  return mac.digest(to);
}
export function macVerify(code: usize, length: u32): bool {
  return mac.verify(code, length);
}
export function macWipe(): void {
  mac.wipe();
}

// FF1
const ff1Sm4 = new Sm4Counter();
const ff1Aes = new AesCounter();
/** `keyLength`: of AES; 0: SM4. Numerals are bytes from 0. */
export function ff1(
  decrypt: bool,
  key: usize,
  keyLength: u32,
  radix: u32,
  tweak: usize,
  tweakLength: u32,
  numerals: usize,
  count: u32,
): void {
  const words = Bytes.copy(tweak, tweakLength);
  if (keyLength == 0) ff1Sm4.setKey(key);
  else ff1Aes.setKey(key, keyLength);
  const cipher: BlockCounter = keyLength == 0 ? ff1Sm4 : ff1Aes;
  if (decrypt) ff1Decrypt(cipher, radix, words, numerals, count);
  else ff1Encrypt(cipher, radix, words, numerals, count);
}
export function ff1Domain(radix: u32, count: u32): bool {
  return isFf1Domain(radix, count);
}
