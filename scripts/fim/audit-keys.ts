// Public keys and checkpoints from files.
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { pemBlocks } from '../../envoy/standalone/pem.ts';
import { readCheckpoint, type SignedCheckpoint } from '../../services/audit/checkpoint.ts';
import { checkpointOf, publicKeyPath } from '../../services/audit/log-folder.ts';
import type { KnownKey } from '../../services/audit/seals.ts';

/** Bytes of an uncompressed point at the end of a SubjectPublicKeyInfo. */
const POINT_BYTES = 65;

/** The SM2 keys of a PEM file. Error: FIM-UP-0020. */
function keysOf(path: string): KnownKey[] {
  try {
    const keys = pemBlocks(readFileSync(path)).flatMap(({ der }) => {
      if (!der) return [];
      const spki = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ type: 'spki', format: 'der' });
      return [{ point: Buffer.from(spki.subarray(-POINT_BYTES)) }];
    });
    if (keys.length === 0) throw new Error('it holds no public key');
    return keys;
  } catch (error) {
    throw new CodedError('FIM-UP-0020', `${path}: ${messageOf(error)}`);
  }
}

/** Keys that count: those of a file, or those that the log's folder names itself. */
export function checkpointKeys(folder: string, file: string | undefined): KnownKey[] {
  if (file !== undefined) return keysOf(file);
  const path = publicKeyPath(folder);
  return existsSync(path) ? keysOf(path) : [];
}

/** Checkpoints that were kept elsewhere: a note, or a file of `--anchor-file`. Error: FIM-UP-0020. */
export function readAnchors(path: string): { name: string; checkpoint: SignedCheckpoint }[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CodedError('FIM-UP-0020', `${path}: ${messageOf(error)}`);
  }
  const found = text.startsWith('{') ? text.split('\n').slice(0, -1).map(checkpointOf) : [readCheckpoint(text)];
  const checkpoints = found.filter((one) => one !== null);
  if (checkpoints.length === 0 || checkpoints.length < found.length)
    throw new CodedError('FIM-UP-0020', `${path} is no checkpoint`);
  return checkpoints.map((checkpoint) => ({ name: basename(path), checkpoint }));
}
