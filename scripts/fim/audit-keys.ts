// Public keys and checkpoints from files.
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { pemBlocks } from '../../envoy/standalone/pem.ts';
import { cosignedAt, type SignedCheckpoint } from '../../services/audit/checkpoint.ts';
import { checkpointOf, publicKeyPath } from '../../services/audit/log-folder.ts';
import type { KeptCheckpoint, KnownKey } from '../../services/audit/seals.ts';
import { provesEntry, readTlogKey, type TlogKey } from '../../services/audit/tlog.ts';

/** Bytes of an uncompressed point at the end of a SubjectPublicKeyInfo. */
const POINT_BYTES = 65;

/** The SM2 keys of a PEM file. Error: FIM-UP-0020. */
export function keysOf(path: string): KnownKey[] {
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

/** Who else has to vouch for checkpoints that were kept elsewhere. */
export interface AnchorTerms {
  witness?: readonly KnownKey[];
  tlog?: TlogKey;
}

/** Reads `--witness-key` and `--tlog-key`. Error: FIM-UP-0020. */
export function readAnchorTerms(flags: { witnessKey?: string; tlogKey?: string }): AnchorTerms {
  return {
    ...(flags.witnessKey !== undefined && { witness: keysOf(flags.witnessKey) }),
    ...(flags.tlogKey !== undefined && { tlog: readTlogKeyFile(flags.tlogKey) }),
  };
}

/** Key of a transparency log: `NAME+HASH+KEY`, or a file with it. Error: FIM-UP-0020. */
export function readTlogKeyFile(text: string): TlogKey {
  const key = readTlogKey(text) ?? readTlogKey(existsSync(text) ? readFileSync(text, 'utf8') : '');
  if (key === null) throw new CodedError('FIM-UP-0020', `--tlog-key is NAME+HASH+KEY of Ed25519, or a file with it`);
  return key;
}

/**
 * Checkpoints that were kept elsewhere: a note, a file of `--anchor-file`, that of a witness, or one with proofs of a
 * transparency log. Error: FIM-UP-0020.
 */
export function readAnchors(path: string, terms: AnchorTerms = {}): KeptCheckpoint[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CodedError('FIM-UP-0020', `${path}: ${messageOf(error)}`);
  }
  const lines = text.startsWith('{') ? text.split('\n').slice(0, -1) : [JSON.stringify({ note: text })];
  const found = lines.map((line) => ({ line, checkpoint: checkpointOf(line) }));
  const name = basename(path);
  return found.map(({ line, checkpoint }) => {
    if (checkpoint === null) throw new CodedError('FIM-UP-0020', `${path} is no checkpoint`);
    const problem = problemOf(checkpoint, line, terms);
    return { name, checkpoint, ...(problem !== undefined && { problem }) };
  });
}

function problemOf(checkpoint: SignedCheckpoint, line: string, { witness, tlog }: AnchorTerms): string | undefined {
  if (witness !== undefined && !witness.some(({ point }) => cosignedAt(checkpoint, point) !== null))
    return 'it has no signature of the witness';
  if (tlog === undefined) return undefined;
  const { note = '', tlog: proof = '' } = JSON.parse(line) as { note?: string; tlog?: string };
  return provesEntry(proof, Buffer.from(note), tlog) ? undefined : `it has no proof of ${tlog.name}`;
}
