// `fim audit serve`: a collector as a process of its own.
import { formatAddress, isLoopback, parseAddress } from '../../envoy/standalone/address.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { readFlagFile as read, readLogFlags, readWitnessed } from './audit-log-options.ts';
import { startCollector } from '../../services/audit/start-collector.ts';
import { fastDigests } from './audit-digests.ts';
import { type KmsFlags, readKmsCredentials } from './kms-credentials.ts';
import { type KmsSettingFlags, readSettingFlags } from './kms-options.ts';
import { readPeer } from './options.ts';
import { progress } from './terminal.ts';

export interface AuditServeFlags extends KmsFlags, KmsSettingFlags {
  data: string;
  listen: string;
  origin?: string;
  tokenFile?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
  witnessFor?: string[];
}

/** Tokens of a file, one a line; read again when it was replaced, so that tokens can be rotated. */
function tokensOf(path: string): () => readonly string[] {
  const readAll = (): string[] =>
    read(path, '--token-file')
      .toString('utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  let tokens = readAll();
  if (tokens.length === 0) throw new CodedError('FIM-UP-0020', '--token-file has no token');
  let readAt = performance.now();
  return () => {
    if (performance.now() - readAt > 1_000) {
      readAt = performance.now();
      try {
        const found = readAll();
        // A file that is being written does not open the door.
        if (found.length > 0) tokens = found;
      } catch {
        progress('the token file cannot be read; the tokens of before still count');
      }
    }
    return tokens;
  };
}

/** Runs until a signal arrives. Returns the exit status. */
export async function serveAudit(flags: AuditServeFlags): Promise<number> {
  const { host, port } = parseAddress(flags.listen, '--listen');
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined))
    throw new CodedError('FIM-UP-0020', '--tls-cert and --tls-key go together');
  if (flags.tlsClientCa !== undefined && flags.tlsCert === undefined)
    throw new CodedError('FIM-UP-0020', '--tls-client-ca is for --tls-cert');
  if (!isLoopback(host) && flags.tokenFile === undefined && flags.tlsClientCa === undefined)
    throw new CodedError('FIM-UP-0020', 'beyond loopback writers need --token-file or --tls-client-ca');
  const settings = readLogFlags({ ...flags });
  const stopping = new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done());
    process.on('disconnect', () => done());
  });
  const collector = await startCollector({
    ...settings,
    witnesses: readWitnessed(flags.witnessFor ?? []),
    folder: flags.data,
    digests: await fastDigests(),
    host,
    port,
    ...(flags.origin !== undefined && { origin: flags.origin }),
    ...(flags.kms !== undefined && {
      kms: { url: readPeer(flags.kms, '--kms'), credentials: readKmsCredentials(flags), ...readSettingFlags(flags) },
    }),
    ...(flags.tokenFile !== undefined && { tokens: tokensOf(flags.tokenFile) }),
    ...(flags.tlsCert !== undefined && {
      tls: {
        cert: read(flags.tlsCert, '--tls-cert'),
        key: read(flags.tlsKey!, '--tls-key'),
        ...(flags.tlsClientCa !== undefined && { ca: read(flags.tlsClientCa, '--tls-client-ca') }),
      },
    }),
    onEvent: (event) => {
      if (event.event !== 'checkpoint') process.stdout.write(`${JSON.stringify(event)}\n`);
    },
  });
  if (collector.development) progress('checkpoints are signed by a development key of the folder: name one by --key');
  const ready = { event: 'ready', listen: formatAddress({ host, port: collector.port }), origin: collector.origin };
  process.stdout.write(`${JSON.stringify({ ...ready, developmentKey: collector.development })}\n`);
  await stopping;
  progress('stopping …');
  await collector.stop();
  return 0;
}
