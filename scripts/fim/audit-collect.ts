// `fim audit checkpoints`: the checkpoints of a log, as a transparency log has them.
import { writeFileSync } from 'node:fs';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { readCheckpoint } from '../../services/audit/checkpoint.ts';
import { TlogReader } from '../../services/audit/tlog.ts';
import { readTlogKeyFile } from './audit-keys.ts';
import { readAnchorPeer } from './audit-log-options.ts';
import { progress } from './terminal.ts';

export interface CheckpointsFlags {
  tlog: string;
  tlogKey: string;
  origin: string;
  anchorCa?: string;
  output?: string;
}

/** Reads the whole log. Exit status 1: it has none of that origin. Error: FIM-AUD-0034. */
export async function collectCheckpoints(flags: CheckpointsFlags): Promise<number> {
  const reader = new TlogReader(readAnchorPeer(flags.tlog, '--tlog', flags.anchorCa), readTlogKeyFile(flags.tlogKey));
  const found: string[] = [];
  try {
    const { size } = await reader.entries((entry) => {
      const note = entry.toString('utf8');
      if (readCheckpoint(note)?.origin === flags.origin) found.push(`${JSON.stringify({ note })}\n`);
    });
    progress(`${size} entries, all under the root that was signed; ${found.length} checkpoints of ${flags.origin}`);
  } catch (error) {
    throw new CodedError('FIM-AUD-0034', `${flags.tlog}: ${messageOf(error)}`);
  }
  if (flags.output === undefined) process.stdout.write(found.join(''));
  else writeFileSync(flags.output, found.join(''), { mode: 0o600 });
  return found.length > 0 ? 0 : 1;
}
