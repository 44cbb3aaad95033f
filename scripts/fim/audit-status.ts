// `fim audit status`: how a log stands, by its files and by its collector.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { askAnchor } from '../../services/audit/anchor-request.ts';
import { listSegments, readCheckpoints, readHead } from '../../services/audit/log-folder.ts';
import { readPresence } from '../../services/audit/presence.ts';
import { readCheckpoint } from '../../services/audit/checkpoint.ts';
import { cosignedPath } from '../../services/audit/witness-client.ts';
import { hasDevelopmentKey } from '../../services/audit/signing-key.ts';
import { logFolder } from './audit-folder.ts';
import { readFlagFile } from './audit-log-options.ts';
import { readPeer } from './options.ts';
import { styled } from './terminal.ts';

export interface AuditStatusFlags {
  collector?: string;
  collectorTokenFile?: string;
  collectorCa?: string;
  json?: boolean;
}

interface Said {
  size: number;
  sources: number;
  writable: boolean;
  full: boolean;
}

/** Exit status: 0, or 1 where a collector should answer and does not, or cannot write. */
export async function auditStatus(named: string | undefined, flags: AuditStatusFlags): Promise<number> {
  const folder = logFolder(named);
  const segments = listSegments(folder);
  const bytes = segments.reduce((sum, { path }) => sum + statSync(path).size, 0);
  const { checkpoints } = readCheckpoints(folder);
  const last = checkpoints.at(-1);
  const cosigned = cosignedPath(folder);
  const presence = readPresence(folder);
  const collector = flags.collector ?? presence?.url;
  const said = collector === undefined ? undefined : await ask(collector, presence?.socket, flags);
  const state = {
    folder,
    origin: readHead(folder)!.origin,
    developmentKey: hasDevelopmentKey(folder),
    segments: segments.length,
    bytes,
    from: segments[0]?.first ?? 0,
    checkpoints: checkpoints.length,
    checkpointed: last?.size ?? 0,
    checkpointTime: last?.time ?? null,
    witnessed: existsSync(cosigned) ? (readCheckpoint(readFileSync(cosigned, 'utf8'))?.size ?? null) : null,
    collector:
      collector === undefined ? null : { address: presence?.socket ?? collector, ...(said ?? { answers: false }) },
  };
  process.stdout.write(flags.json ? `${JSON.stringify(state)}\n` : textOf(state, collector, said));
  return collector === undefined || said?.writable === true ? 0 : 1;
}

async function ask(collector: string, socket: string | undefined, flags: AuditStatusFlags): Promise<Said | undefined> {
  const tokenFile = flags.collectorTokenFile;
  const url = flags.collector === undefined ? new URL(collector) : readPeer(flags.collector, '--collector');
  const peer = {
    url,
    ...(flags.collector === undefined && socket !== undefined && { socket }),
    ...(flags.collectorCa !== undefined && { ca: readFlagFile(flags.collectorCa, '--collector-ca') }),
    ...(tokenFile !== undefined && { token: () => readFileSync(tokenFile, 'utf8').split('\n')[0]!.trim() }),
  };
  const answer = await askAnchor(peer, 'v1/status').catch(() => null);
  if (answer?.status === 401) throw new CodedError('FIM-AUD-0005', 'name its token by --collector-token-file');
  return answer?.status === 200 ? (JSON.parse(answer.body.toString('utf8')) as Said) : undefined;
}

type State = Readonly<Record<string, unknown>> & { bytes: number; segments: number; witnessed: number | null };

function textOf(state: State, collector: string | undefined, said: Said | undefined): string {
  const size = `${(state.bytes / 2 ** 20).toFixed(1)} MiB in ${state.segments} segments, from record ${String(state['from'])} on`;
  const lines = [
    `log          ${String(state['origin'])}  (${String(state['folder'])})`,
    `stored       ${size}`,
    `checkpoints  ${String(state['checkpoints'])}; the last covers ${String(state['checkpointed'])} records, ${String(state['checkpointTime'])}`,
    `key          ${state['developmentKey'] === true ? styled('yellow', 'a development key of the folder (--key kms://… for others)') : 'of the KMS'}`,
  ];
  if (collector === undefined)
    lines.push('collector    none runs: fim audit serve, or fim up with a route that has `audit`');
  else if (said === undefined)
    lines.push(`collector    ${styled('red', `${collector} does not answer`)}: it was killed, or is elsewhere`);
  else {
    const trouble = said.full ? 'the disk is full' : 'the log cannot be written';
    lines.push(
      `collector    ${said.writable ? styled('green', 'takes records') : styled('red', trouble)}: ${said.size} records of ${said.sources} sources`,
    );
  }
  if (state.witnessed !== null) lines.push(`witness      has signed for ${state.witnessed} records`);
  return `${lines.join('\n')}\n`;
}
