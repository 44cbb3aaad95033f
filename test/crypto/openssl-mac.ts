// Message authentication codes of payment networks as their standards say them, by OpenSSL.
import { createCipheriv, createHmac } from 'node:crypto';

/** In the order of `MacAlgorithm`. */
export const ALGORITHMS = ['AnsiX99', 'AnsiX919', 'UnionPayEcb', 'UnionPayEcbSm4', 'Sm4Cbc', 'HmacSm3'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** One block or more through OpenSSL; DES by triple DES with three equal keys. */
export function openssl(cipher: string, key: Buffer, data: Buffer): Buffer {
  const encrypt = createCipheriv(
    cipher,
    key,
    cipher.endsWith('cbc') ? Buffer.alloc(cipher.startsWith('sm4') ? 16 : 8) : null,
  );
  encrypt.setAutoPadding(false);
  return Buffer.concat([encrypt.update(data), encrypt.final()]);
}

/** A key of 8 or 16 bytes as OpenSSL's triple DES takes it. */
export const tripled = (key: Buffer): Buffer =>
  Buffer.concat([key.subarray(0, 8), key.subarray(key.length - 8), key.subarray(0, 8)]);

function filled(text: Buffer, block: number): Buffer {
  return Buffer.concat([text, Buffer.alloc(text.length === 0 ? block : (block - (text.length % block)) % block)]);
}

function digits(text: Buffer, block: number, encrypt: (data: Buffer) => Buffer): Buffer {
  const sum = Buffer.alloc(block);
  text.forEach((byte, i) => {
    sum[i % block]! ^= byte;
  });
  const hex = Buffer.from(sum.toString('hex').toUpperCase());
  const first = encrypt(hex.subarray(0, block));
  const second = encrypt(Buffer.from(first.map((byte, i) => byte ^ hex[block + i]!)));
  return Buffer.from(second.toString('hex').toUpperCase().slice(0, 8));
}

/** The code as the standards say it, by OpenSSL. */
export function expected(algorithm: Algorithm, key: Buffer, text: Buffer): Buffer {
  if (algorithm === 'HmacSm3') return createHmac('sm3', key).update(text).digest();
  if (algorithm === 'Sm4Cbc') return openssl('sm4-cbc', key, filled(text, 16)).subarray(-16);
  if (algorithm === 'UnionPayEcbSm4') return digits(text, 16, (data) => openssl('sm4-ecb', key, data));
  if (algorithm === 'UnionPayEcb') return digits(text, 8, (data) => openssl('des-ede3', tripled(key), data));
  if (algorithm === 'AnsiX99') return openssl('des-ede3-cbc', tripled(key), filled(text, 8)).subarray(-8);
  // The retail MAC: single DES up to the last block, which goes through triple DES.
  const blocks = filled(text, 8);
  const single = Buffer.concat([key.subarray(0, 8), key.subarray(0, 8), key.subarray(0, 8)]);
  const before =
    blocks.length > 8 ? openssl('des-ede3-cbc', single, blocks.subarray(0, -8)).subarray(-8) : Buffer.alloc(8);
  return openssl('des-ede3', tripled(key), Buffer.from(blocks.subarray(-8).map((byte, i) => byte ^ before[i]!)));
}
