import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { sm2KeyPem } from '../../envoy/standalone/sm2-key.ts';
import { isOrigin } from './checkpoint.ts';
import type { Disk } from './disk.ts';
import { headPath, publicKeyPath, readHead } from './log-folder.ts';
import type { Sm2Signer } from './sm2-signer.ts';

/** Makes the head of a log if it has none, and notes the public key. Errors: FIM-AUD-0023, FIM-UP-0020. */
export async function prepareHead(
  folder: string,
  { signerOf, origin }: { signerOf: (origin: string) => Sm2Signer; origin?: string },
  disk: Disk,
): Promise<Sm2Signer> {
  const there = readHead(folder);
  if (there !== null && origin !== undefined && origin !== there.origin)
    throw new CodedError('FIM-AUD-0023', `the log is ${there.origin}, not ${origin}`);
  const name = there?.origin ?? origin ?? `fim.audit/${randomBytes(8).toString('hex')}`;
  if (!isOrigin(name)) throw new CodedError('FIM-UP-0020', 'an origin has no blanks and no +');
  const signer = signerOf(name);
  await addPublicKey(publicKeyPath(folder), signer.point, disk);
  if (there !== null) return signer;
  const head = { format: 'fim-audit-log', version: 1, origin: name, created: new Date().toISOString(), digest: 'SM3' };
  await disk.replace(headPath(folder), Buffer.from(`${JSON.stringify(head, null, 2)}\n`));
  return signer;
}

/** Keys of earlier checkpoints stay in the file. */
async function addPublicKey(path: string, point: Buffer, disk: Disk): Promise<void> {
  const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const pem = sm2KeyPem('SM2-PUBLIC', point);
  if (!known.includes(pem)) await disk.replace(path, Buffer.from(`${known}${pem}`));
}
