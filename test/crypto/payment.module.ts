// The symmetric library with what stands beside it for payments: the codes of their networks, and the text forms of
// protected messages.
import { Des } from '../../filters/crypto/des';
import { Mac, MacAlgorithm } from '../../filters/crypto/mac';

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
