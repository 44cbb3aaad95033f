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
