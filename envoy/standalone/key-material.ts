import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyAlgorithm } from '../route/index.ts';
import { CodedError, messageOf } from './coded-error.ts';
import { fromBase64, isText, withoutSpace } from './pem.ts';
import type { Sm2Half } from './sm2-key.ts';
import { SM2_CURVE, sm2BytesOfFile, sm2KeyPem } from './sm2-key.ts';

const FIXED_BYTES: Partial<Record<KeyAlgorithm, number>> = {
  SM4: 16,
  'AES-256': 32,
  'HMAC-SM3': 32,
  'HMAC-SHA-256': 32,
  TDES: 16,
  transit: 32,
};

/** A random key. Error: FIM-KMS-0005 for SM2-PUBLIC, which belongs to an existing private key. */
export function newMaterial(algorithm: KeyAlgorithm): Buffer {
  const bytes = FIXED_BYTES[algorithm];
  if (bytes !== undefined) return randomBytes(bytes);
  if (algorithm !== 'SM2-PRIVATE')
    throw new CodedError('FIM-KMS-0005', `${algorithm} is not made here: name a file with it`);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: SM2_CURVE });
  return Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

/** Imported key in the stored form of its algorithm: bytes, or PEM for SM2 keys. Error: FIM-KMS-0005. */
export function materialFrom(algorithm: KeyAlgorithm, file: Buffer): Buffer {
  if (isSm2(algorithm)) {
    try {
      return Buffer.from(sm2KeyPem(algorithm, sm2BytesOfFile(file, undefined)));
    } catch (error) {
      throw new CodedError('FIM-KMS-0005', `the file holds no ${algorithm} key: ${messageOf(error)}`);
    }
  }
  if (!takesLength(algorithm, file.length))
    throw new CodedError('FIM-KMS-0005', `${file.length} bytes are no ${algorithm} key`);
  return file;
}

/** Encodings of a key file. */
export const FILE_ENCODINGS = ['raw', 'hex', 'base64'] as const;
export type FileEncoding = (typeof FILE_ENCODINGS)[number];

/**
 * Bytes of a key file. Without `encoding` the file is taken as raw bytes, and refused if it could also be text that has
 * the key written down: hexadecimal digits or base64 in any of their usual forms, or a line with its line end. SM2 keys
 * are unambiguous and left to `materialFrom`. Error: FIM-KMS-0005.
 */
export function bytesOfFile(algorithm: KeyAlgorithm, file: Buffer, encoding: FileEncoding | undefined): Buffer {
  if (encoding === 'raw' || (encoding === undefined && isSm2(algorithm))) return file;
  const text = textOf(file);
  const readings = text === null ? { hex: null, base64: null } : readingsOf(text);
  if (encoding !== undefined) {
    const bytes = readings[encoding];
    if (bytes === null || bytes.length === 0) throw new CodedError('FIM-KMS-0005', `the file is not ${encoding}`);
    return bytes;
  }
  const { hex, base64 } = readings;
  const others: string[] = [];
  if (hex !== null) others.push(`hex (${hex.length} bytes)`);
  if (base64 !== null && takesLength(algorithm, base64.length)) others.push(`base64 (${base64.length} bytes)`);
  if (others.length > 0 || (text !== null && file.at(-1) === 0x0a)) {
    throw new CodedError(
      'FIM-KMS-0005',
      `the file is text, and may be the ${algorithm} key itself, raw (${file.length} bytes), or have it written down${others.length > 0 ? ` in ${others.join(' or ')}` : ''}: say --encoding hex, base64, or raw for the bytes as they are`,
    );
  }
  return file;
}

/** The file as text, without its byte order mark. Null if it is none, or has other than ASCII in it. */
function textOf(file: Buffer): string | null {
  const mark = file.toString('hex', 0, 3);
  let text = file;
  if (mark === 'efbbbf') text = file.subarray(3);
  else if (file.length % 2 === 0 && /^(?:fffe|feff)/.test(mark)) {
    const units = Buffer.from(file.subarray(2));
    if (mark.startsWith('feff')) units.swap16();
    text = Buffer.from(units.toString('utf16le'), 'utf8');
  }
  return isText(text) ? text.toString('latin1') : null;
}

/**
 * Readings of a text in hex (`abcd`, `0xabcd`, `ab:cd`, `ab-cd`, `0xab, 0xcd`) and in base64 (either alphabet, padded
 * or not), in quotes or not.
 */
function readingsOf(text: string): Record<'hex' | 'base64', Buffer | null> {
  const written = withoutSpace(text).replace(/^(["'`])(.*)\1$/, '$2');
  const base64 = written
    .replace(/={1,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  return {
    hex: /^(?:(?:0x|\\x)?[0-9a-f]{2}[:,-]?)+$/i.test(written)
      ? Buffer.from(written.replaceAll(/0x|\\x|[:,-]/gi, ''), 'hex')
      : null,
    base64: base64 === '' ? null : fromBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')),
  };
}

/** Whether keys of the algorithm have an encoding and are not plain bytes. */
export function isSm2(algorithm: KeyAlgorithm): algorithm is Sm2Half {
  return algorithm === 'SM2-PRIVATE' || algorithm === 'SM2-PUBLIC';
}

/** Whether a key of the algorithm, other than SM2, may have this length. */
export function takesLength(algorithm: KeyAlgorithm, bytes: number): boolean {
  if (algorithm === 'HMAC-SM3' || algorithm === 'HMAC-SHA-256') return bytes >= 16 && bytes <= 128;
  return bytes === FIXED_BYTES[algorithm] || (algorithm === 'TDES' && bytes === 8); // single DES
}

/** Key material in a response: PEM unchanged, else base64. */
export function materialText(material: Buffer): string {
  return isPem(material) ? material.toString('latin1') : material.toString('base64');
}

function isPem(material: Buffer): boolean {
  return material.subarray(0, 5).toString('latin1') === '-----';
}
