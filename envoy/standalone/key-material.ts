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
 * Bytes of a key file. Without `encoding` the file is taken as raw bytes, and refused if it could also be text:
 * hexadecimal digits, base64 of a key, or a line with its line end. SM2 keys are unambiguous and left to
 * `materialFrom`. Error: FIM-KMS-0005.
 */
export function bytesOfFile(algorithm: KeyAlgorithm, file: Buffer, encoding: FileEncoding | undefined): Buffer {
  if (encoding === 'raw' || (encoding === undefined && isSm2(algorithm))) return file;
  const digits = withoutSpace(file.toString('latin1'));
  const readings = {
    hex: /^(?:[0-9a-fA-F]{2})+$/.test(digits) ? Buffer.from(digits, 'hex') : null,
    base64: fromBase64(digits),
  };
  if (encoding !== undefined) {
    const bytes = readings[encoding];
    if (bytes === null || bytes.length === 0) throw new CodedError('FIM-KMS-0005', `the file is not ${encoding}`);
    return bytes;
  }
  const isBase64 = readings.base64 !== null && takesLength(algorithm, readings.base64.length);
  if (isText(file) && (file.at(-1) === 0x0a || readings.hex !== null || isBase64)) {
    throw new CodedError(
      'FIM-KMS-0005',
      `the file is text, and may be the ${algorithm} key or have it written down: say --encoding hex, base64, or raw for the bytes as they are`,
    );
  }
  return file;
}

/** Whether keys of the algorithm have an encoding and are not plain bytes. */
export function isSm2(algorithm: KeyAlgorithm): algorithm is Sm2Half {
  return algorithm === 'SM2-PRIVATE' || algorithm === 'SM2-PUBLIC';
}

/** Whether a key of the algorithm, other than SM2, may have this length. */
export function takesLength(algorithm: KeyAlgorithm, bytes: number): boolean {
  if (algorithm === 'HMAC-SM3') return bytes >= 16 && bytes <= 128;
  return bytes === FIXED_BYTES[algorithm] || (algorithm === 'TDES' && bytes === 8); // single DES
}

/** Key material in a response: PEM unchanged, else base64. */
export function materialText(material: Buffer): string {
  return isPem(material) ? material.toString('latin1') : material.toString('base64');
}

function isPem(material: Buffer): boolean {
  return material.subarray(0, 5).toString('latin1') === '-----';
}
