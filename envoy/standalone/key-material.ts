import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { CodedError } from './coded-error.ts';

/** What a key is for, by the names that the modules know; `transit` keys wrap data keys and leave the KMS never. */
export const KEY_ALGORITHMS = ['SM4', 'AES-256', 'HMAC-SM3', 'SM2-PRIVATE', 'SM2-PUBLIC', 'TDES', 'transit'] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

const FIXED_BYTES: Partial<Record<KeyAlgorithm, number>> = { SM4: 16, 'AES-256': 32, 'HMAC-SM3': 32, TDES: 16, transit: 32 };
/** OpenSSL's name of the curve of GB/T 32918.5, and its object identifier 1.2.156.10197.1.301 in DER. */
const CURVE = 'SM2';
const CURVE_OID = Buffer.from('06082a811ccf5501822d', 'hex');

/** A random key. Error: FIM-KMS-0005 for SM2-PUBLIC, which is the other half of somebody's key. */
export function newMaterial(algorithm: KeyAlgorithm): Buffer {
  const bytes = FIXED_BYTES[algorithm];
  if (bytes !== undefined) return randomBytes(bytes);
  if (algorithm !== 'SM2-PRIVATE') throw new CodedError('FIM-KMS-0005', `${algorithm} is not made here: name a file with it`);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: CURVE });
  return Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

/** Checks a key that comes from elsewhere. Error: FIM-KMS-0005. */
export function checkMaterial(algorithm: KeyAlgorithm, material: Buffer): void {
  const bytes = FIXED_BYTES[algorithm];
  if (algorithm === 'TDES' && material.length === 8) return; // DES
  if (algorithm === 'HMAC-SM3' ? material.length < 16 || material.length > 128 : bytes !== undefined && material.length !== bytes) {
    throw new CodedError('FIM-KMS-0005', `${material.length} bytes are no ${algorithm} key`);
  }
  if (algorithm !== 'SM2-PRIVATE' && algorithm !== 'SM2-PUBLIC') return;
  const forms = isPem(material) ? [{ key: material }] : algorithm === 'SM2-PRIVATE' ? (['pkcs8', 'sec1'] as const).map((type) => ({ key: material, format: 'der' as const, type })) : [{ key: material, format: 'der' as const, type: 'spki' as const }];
  if (!forms.some((form) => isOnCurve(algorithm, form))) {
    throw new CodedError('FIM-KMS-0005', `the file holds no ${algorithm} key as PEM or DER`);
  }
}

function isOnCurve(algorithm: KeyAlgorithm, form: object): boolean {
  try {
    const der =
      algorithm === 'SM2-PRIVATE'
        ? createPrivateKey(form as Parameters<typeof createPrivateKey>[0]).export({ type: 'pkcs8', format: 'der' })
        : createPublicKey(form as Parameters<typeof createPublicKey>[0]).export({ type: 'spki', format: 'der' });
    return der.includes(CURVE_OID);
  } catch {
    return false;
  }
}

/** How material stands in an answer: PEM as it is, else base64. */
export function materialText(material: Buffer): string {
  return isPem(material) ? material.toString('latin1') : material.toString('base64');
}

function isPem(material: Buffer): boolean {
  return material.subarray(0, 5).toString('latin1') === '-----';
}
