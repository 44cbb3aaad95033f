// The key that signs checkpoints: one of the KMS, or one for development in the log's folder.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import type { KmsAccess } from '../../envoy/standalone/kms-client.ts';
import { fetchKey } from '../../envoy/standalone/open-protected.ts';
import { type Sm2Signer, sm2Signer } from './sm2-signer.ts';

const DEVELOPMENT_KEY = 'development-key.pem';
const HEAD = `Development key of an audit log. Whoever can read this file can sign checkpoints of a forged log: they prove
something only together with a checkpoint that is kept elsewhere. For production give the collector a key of the KMS.
`;

/** Where the signing key comes from. */
export interface SigningKeySource {
  /** `kms://path` or `kms://path#version`, an SM2 key. Absent: the development key of the folder. */
  key?: string;
  kms?: KmsAccess;
}

/** A signing key, and whether it is one for development. Errors: FIM-AUD-0022, and those of the KMS. */
export async function signingKey(
  folder: string,
  { key, kms }: SigningKeySource,
): Promise<{ signerOf: (origin: string) => Sm2Signer; development: boolean }> {
  if (key === undefined) return { signerOf: developmentKey(folder), development: true };
  if (kms === undefined) throw new CodedError('FIM-AUD-0022', `${key} needs the address of a KMS`);
  const material = await fetchKey(key.includes('#') ? key : `${key}#0`, kms, 'SM2-PRIVATE');
  return { signerOf: (origin) => sm2Signer(origin, material), development: false };
}

/** Whether checkpoints of a folder are signed by a key in it. */
export function hasDevelopmentKey(folder: string): boolean {
  return existsSync(join(folder, DEVELOPMENT_KEY));
}

function developmentKey(folder: string): (origin: string) => Sm2Signer {
  const path = join(folder, DEVELOPMENT_KEY);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(path)) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'SM2' });
      writeFileSync(path, `${HEAD}${privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()}`, {
        mode: 0o600,
        flag: 'wx',
      });
    }
    const bytes = readFileSync(path);
    return (origin) => sm2Signer(origin, bytes);
  } catch (error) {
    throw new CodedError('FIM-AUD-0022', `${path}: ${messageOf(error)}`);
  }
}
