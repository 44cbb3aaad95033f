// A whole collector in this process: the log of a folder behind an address.
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import type { KmsAccess } from '../../envoy/standalone/kms-client.ts';
import { AuditLog, type LogEvent, type LogStatus } from './audit-log.ts';
import { Collector, type CollectorOptions } from './collector.ts';
import { type AnchorOptions, Anchors } from './anchors.ts';
import { type Digests, OpenSslDigests } from './digest.ts';
import { CollectorMetrics } from './metrics.ts';
import { forgetPresence, notePresence } from './presence.ts';
import type { Retention } from './retention.ts';
import { signingKey } from './signing-key.ts';
import { WITNESS_PATH, WitnessBook, type WitnessedLog } from './witness-book.ts';
import { STOP_MS } from '../limits.ts';

export interface StartOptions extends AnchorOptions {
  /** Folder of the log, made if absent. */
  folder: string;
  /** Default: 127.0.0.1. */
  host?: string;
  /** Default: 0, a free one. */
  port?: number;
  /** Unix socket to listen on, in place of an address. Where others may enter its folder, name tokens. */
  socket?: string;
  origin?: string;
  /** `kms://…`, an SM2 key that signs checkpoints. Default: a development key in the folder. */
  key?: string;
  kms?: KmsAccess;
  tokens?: CollectorOptions['tokens'];
  tls?: CollectorOptions['tls'];
  retention?: Retention;
  /** Default: OpenSSL's. */
  digests?: Digests;
  segmentBytes?: number;
  segmentMs?: number;
  checkpointMs?: number;
  holeGraceMs?: number;
  /** Logs of other collectors whose witness this one is. */
  witnesses?: readonly WitnessedLog[];
  onEvent?: (event: LogEvent) => void;
}

export interface RunningCollector {
  host: string;
  port: number;
  /** `http://HOST:PORT` or `https://…`; with a socket `http://audit`, which says only how it is spoken to. */
  url: string;
  socket?: string;
  origin: string;
  /** Whether checkpoints are signed by a development key. */
  development: boolean;
  status(): LogStatus;
  /** Signs what is durable. */
  checkpoint(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a collector. Errors: those of `AuditLog.open` and `signingKey`, FIM-AUD-0024 (the address). */
export async function startCollector(options: StartOptions): Promise<RunningCollector> {
  const { folder, host = '127.0.0.1', port = 0, socket, key, kms, tokens, tls } = options;
  const { signerOf, development } = await signingKey(folder, { ...(key && { key }), ...(kms && { kms }) });
  const {
    origin,
    retention,
    digests = new OpenSslDigests(),
    segmentBytes,
    segmentMs,
    checkpointMs,
    holeGraceMs,
    onEvent,
  } = options;
  const anchors = new Anchors(folder, options, digests, onEvent);
  const log = await AuditLog.open({
    folder,
    signerOf,
    ...(origin !== undefined && { origin }),
    ...(retention !== undefined && { retention }),
    digests,
    ...(segmentBytes !== undefined && { segmentBytes }),
    ...(segmentMs !== undefined && { segmentMs }),
    ...(checkpointMs !== undefined && { checkpointMs }),
    ...(holeGraceMs !== undefined && { holeGraceMs }),
    ...(onEvent !== undefined && { onEvent }),
    onCheckpoint: (note, checkpoint) => anchors.offer(note, checkpoint),
  });
  const metrics = new CollectorMetrics();
  metrics.watch(log, anchors);
  let collector: Collector;
  try {
    const book = new WitnessBook(folder, options.witnesses ?? [], signerOf(log.origin), digests);
    collector = await Collector.start({
      ...{ host, port, log, metrics },
      more: (request, body) =>
        request.url === WITNESS_PATH && request.method === 'POST' ? book.add(body.toString('utf8')) : null,
      ...(socket !== undefined && { socket }),
      ...(tokens && { tokens }),
      ...(tls && { tls }),
    });
  } catch (error) {
    await log.close();
    if (error instanceof CodedError) throw error;
    throw new CodedError('FIM-AUD-0024', messageOf(error));
  }
  const scheme = tls === undefined ? 'http' : 'https';
  const at = host.includes(':') ? `[${host}]` : host;
  const url = socket === undefined ? `${scheme}://${at}:${collector.port}` : `${scheme}://audit`;
  notePresence(folder, { url, pid: process.pid, ...(socket !== undefined && { socket }) });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    forgetPresence(folder);
    await collector.stop();
    await log.close();
    await anchors.settled(STOP_MS);
  };
  return {
    host,
    port: collector.port,
    url,
    ...(socket !== undefined && { socket }),
    origin: log.origin,
    development,
    status: () => log.status,
    checkpoint: () => log.checkpoint(),
    stop: () => (stopped ??= stop()),
  };
}
