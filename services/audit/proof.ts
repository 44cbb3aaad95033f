// Proves to somebody who has neither the log nor this software that a record is in it.
import { readFileSync } from 'node:fs';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { isSignedBy, noteOf } from './checkpoint.ts';
import type { Digests } from './digest.ts';
import { publicKeyPath, readCheckpoints } from './log-folder.ts';
import { findRecord, treeOf } from './log-reader.ts';
import { HashCutError } from './merkle.ts';
import type { KnownKey } from './seals.ts';

/** Input of `check-proof.py`. */
export interface InclusionProof {
  format: 'fim-audit-proof';
  version: 1;
  origin: string;
  /** The line as it is stored: with a zero byte before it, the leaf. */
  line: string;
  index: number;
  size: number;
  /** Hashes beside the way to the root, the lowest first, hexadecimal. */
  path: string[];
  /** Signed note over size and root. */
  checkpoint: string;
  /** Public keys of the log, PEM. */
  keys: string;
}

/** Errors: FIM-AUD-0025 (no such event), FIM-AUD-0026 (no valid checkpoint covers it). */
export function proveInclusion(
  folder: string,
  event: string,
  { digests, keys }: { digests: Digests; keys: readonly KnownKey[] },
): InclusionProof {
  const found = findRecord(folder, event);
  if (found === null) throw new CodedError('FIM-AUD-0025', 'the log has no such event_id or number');
  const { checkpoints } = readCheckpoints(folder);
  const checkpoint = checkpoints.findLast(
    (one) => one.size > found.index && keys.some(({ point }) => isSignedBy(one, one.origin, point)),
  );
  if (checkpoint === undefined)
    throw new CodedError('FIM-AUD-0026', `record ${found.index} is not under a checkpoint yet`);
  const tree = treeOf(folder, digests, checkpoint.size);
  try {
    if (tree === null || tree.size !== checkpoint.size || !tree.root().equals(checkpoint.root))
      throw new CodedError('FIM-AUD-0026', 'the records do not have the root that was signed: run fim audit verify');
    return {
      format: 'fim-audit-proof',
      version: 1,
      origin: checkpoint.origin,
      line: found.line.toString('utf8'),
      index: found.index,
      size: checkpoint.size,
      path: tree.inclusion(found.index).map((hash) => hash.toString('hex')),
      checkpoint: noteOf(checkpoint),
      keys: readFileSync(publicKeyPath(folder), 'utf8'),
    };
  } catch (error) {
    if (error instanceof HashCutError) throw new CodedError('FIM-AUD-0026', error.message);
    throw error;
  }
}
