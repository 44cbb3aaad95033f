// Measured operations with their inputs and expected results.
import { createCipheriv, createDecipheriv, createHash, type CipherGCM } from 'node:crypto';

export interface Operation {
  name: string;
  /** Lengths of the message, bytes; [0] for operations on one key or digest, which are counted a second. */
  sizes: number[];
  unit: 'MB/s' | 'ops/s';
}

const SIZES = [256, 1024, 16384];
export const OPERATIONS: Operation[] = [
  'sm4-ctr',
  'sm4-cbc-encrypt',
  'sm4-cbc-decrypt',
  'sm4-gcm',
  'aes-256-gcm',
  'sm3',
  'sha256',
].map((name) => ({ name, sizes: SIZES, unit: 'MB/s' as const }));
OPERATIONS.push({ name: 'sm4-gcm-key', sizes: [0], unit: 'ops/s' });

/**
 * Inputs, by formulas that every peer's driver repeats: byte i of the key is i, of the IV 16 + i, of the message 7 i +
 * 3.
 */
export const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
export const IV = Buffer.from(Array.from({ length: 16 }, (_, i) => 16 + i));
export const GCM_IV = IV.subarray(0, 12);
export function message(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, i) => (7 * i + 3) & 255));
}

/** The input of a CBC decryption of `size` bytes of ciphertext. */
export function cbcCiphertext(size: number): Buffer {
  const cipher = createCipheriv('sm4-cbc', KEY.subarray(0, 16), IV).setAutoPadding(false);
  return cipher.update(message(size));
}

/**
 * SHA-256, in hex, of the right output (for GCM ciphertext, then tag), by OpenSSL; undefined where there is nothing to
 * compare.
 */
export function expectedDigest(name: string, size: number): string | undefined {
  const data = message(size);
  const digest = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest('hex');
  switch (name) {
    case 'sm4-ctr':
      return digest(createCipheriv('sm4-ctr', KEY.subarray(0, 16), IV).update(data));
    case 'sm4-cbc-encrypt':
      return digest(createCipheriv('sm4-cbc', KEY.subarray(0, 16), IV).setAutoPadding(false).update(data));
    case 'sm4-cbc-decrypt':
      return digest(
        createDecipheriv('sm4-cbc', KEY.subarray(0, 16), IV).setAutoPadding(false).update(cbcCiphertext(size)),
      );
    case 'sm4-gcm':
    case 'aes-256-gcm': {
      const cipher = createCipheriv(name, name === 'sm4-gcm' ? KEY.subarray(0, 16) : KEY, GCM_IV) as CipherGCM;
      const ciphertext = Buffer.concat([cipher.update(data), cipher.final()]);
      return digest(ciphertext, cipher.getAuthTag());
    }
    case 'sm3':
    case 'sha256':
      return digest(createHash(name).update(data).digest());
    default:
      return undefined;
  }
}
