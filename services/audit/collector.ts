// The collector's HTTP side: batches in, acknowledgements out.
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  AUDIT_HEADERS_MS,
  AUDIT_REQUEST_MS,
  AUDIT_RETRY_SECONDS,
  MAX_AUDIT_CONNECTIONS,
  MAX_AUDIT_RECEIVING_BYTES,
  STOP_MS,
} from '../limits.ts';
import type { AuditLog } from './audit-log.ts';
import type { CollectorMetrics } from './metrics.ts';
import {
  ACKNOWLEDGED,
  BATCH_PATH,
  BATCH_TYPE,
  HEADER_COUNT,
  HEADER_FIRST,
  HEADER_PROXY,
  HEADER_SOURCE,
  MAX_BATCH_BYTES,
  PROXIES_PATH,
} from './record.gen.ts';
import { ProxyBook } from './proxy-book.ts';
import { readBatch } from './record-reader.ts';
import { AuditRefusal } from './refusal.ts';

export interface CollectorOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Unix socket to listen on, in place of an address. */
  socket?: string;
  log: AuditLog;
  metrics: CollectorMetrics;
  /** Tokens of which a writer has one. Empty: none is asked for. */
  tokens?: () => readonly string[];
  /** Certificate and key, PEM; `ca`: clients need a certificate of it. */
  tls?: { cert: Buffer; key: Buffer; ca?: Buffer };
  /** Answers further paths; false: it has none. */
  more?: (request: IncomingMessage, body: Buffer) => { status: number; type: string; body: string } | null;
}

interface Answer {
  status: number;
  body: string;
  type?: string;
}

const json = (status: number, value: unknown): Answer => ({ status, body: JSON.stringify(value) });

/** A running collector. */
export class Collector {
  private readonly server: Server;
  private readonly options: CollectorOptions;
  private readonly proxies = new ProxyBook();
  private receiving = 0;
  private stopping = false;

  private constructor(options: CollectorOptions) {
    this.options = options;
    const settings = { headersTimeout: AUDIT_HEADERS_MS, requestTimeout: AUDIT_REQUEST_MS, keepAlive: true };
    const { tls } = options;
    this.server =
      tls === undefined
        ? createServer(settings)
        : createTlsServer({
            ...settings,
            cert: tls.cert,
            key: tls.key,
            minVersion: 'TLSv1.2',
            ...(tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true }),
          });
    this.server.maxConnections = MAX_AUDIT_CONNECTIONS;
    this.server.on('request', (request, response) => void this.serve(request, response));
    this.server.on('checkContinue', (request, response) => void this.serve(request, response));
  }

  /** Rejects if the address is not to be had. */
  static async start(options: CollectorOptions): Promise<Collector> {
    const collector = new Collector(options);
    await new Promise<void>((done, failed) => {
      collector.server.once('error', failed);
      if (options.socket === undefined) collector.server.listen(options.port, options.host, done);
      else collector.server.listen(options.socket, done);
    });
    return collector;
  }

  /** 0: it listens on a Unix socket. */
  get port(): number {
    const address = this.server.address() as AddressInfo | string;
    return typeof address === 'string' ? 0 : address.port;
  }

  /** Answers what it has, and ends; after STOP_MS in any case. */
  async stop(): Promise<void> {
    this.stopping = true;
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeIdleConnections();
    const timer = setTimeout(() => this.server.closeAllConnections(), STOP_MS);
    await closed;
    clearTimeout(timer);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.answer(request, response);
    } catch (error) {
      const refusal = error instanceof AuditRefusal ? error : new AuditRefusal('FIM-AUD-0008', 'the collector failed');
      answer = refusalAnswer(refusal);
      if (request.url === BATCH_PATH) this.options.metrics.batches.inc({ code: refusal.code });
    }
    if (response.destroyed) return;
    response.writeHead(answer.status, {
      'content-type': answer.type ?? 'application/json',
      ...([429, 503, 507].includes(answer.status) ? { 'retry-after': String(AUDIT_RETRY_SECONDS) } : {}),
      // What was not read is not waited for.
      ...(request.complete && !this.stopping ? {} : { connection: 'close' }),
    });
    response.end(answer.body);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const { log, metrics, more } = this.options;
    const path = request.url ?? '';
    if (path === '/healthz') return { status: 200, body: 'ok\n', type: 'text/plain' };
    if (path === '/readyz') return this.readiness();
    if (path === '/metrics')
      return { status: 200, body: await metrics.registry.metrics(), type: metrics.registry.contentType };
    this.mustBeKnown(request);
    if (path === BATCH_PATH) {
      if (request.method !== 'POST') throw new AuditRefusal('FIM-AUD-0009', 'batches are posted');
      return this.take(request, response);
    }
    if (path === '/v1/status') return json(200, log.status);
    if (path === PROXIES_PATH) return json(200, { proxies: this.proxies.list(performance.now()) });
    const found = more?.(request, await this.bodyOf(request, response));
    if (found) return found;
    throw new AuditRefusal('FIM-AUD-0009', 'no such path');
  }

  private readiness(): Answer {
    const { writable, full } = this.options.log.status;
    const ready = writable && !this.stopping;
    const reason = ready ? 'ready' : this.stopping ? 'stopping' : full ? 'FIM-AUD-0007' : 'FIM-AUD-0008';
    return { status: ready ? 200 : 503, body: `${reason}\n`, type: 'text/plain' };
  }

  private mustBeKnown({ headers }: IncomingMessage): void {
    const tokens = this.options.tokens?.() ?? [];
    if (tokens.length === 0) return;
    const given = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
    const isOne = tokens.map((token) => timingSafeEqual(digest(token), digest(given)));
    if (!isOne.includes(true)) throw new AuditRefusal('FIM-AUD-0005', 'no token that is known');
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const { log, metrics } = this.options;
    const { headers } = request;
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (type !== undefined && type !== BATCH_TYPE) throw new AuditRefusal('FIM-AUD-0011', `the type is ${BATCH_TYPE}`);
    if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
      throw new AuditRefusal('FIM-AUD-0011', 'batches are not compressed');
    const body = await this.bodyOf(request, response);
    this.receiving += body.length;
    const end = metrics.seconds.startTimer();
    try {
      const named = (name: string): string | undefined => headers[name]?.toString();
      const terms = { source: named(HEADER_SOURCE), first: named(HEADER_FIRST), count: named(HEADER_COUNT) };
      const { source, records } = readBatch(body, terms);
      const { taken, complete } = await log.append(source, records);
      metrics.batches.inc({ code: 'taken' });
      this.proxies.note(named(HEADER_PROXY) ?? '', records.length, performance.now());
      metrics.records.inc({ outcome: 'taken' }, taken);
      metrics.records.inc({ outcome: 'known' }, records.length - taken);
      return json(200, { [ACKNOWLEDGED]: records.at(-1)!.seq, complete });
    } finally {
      this.receiving -= body.length;
      end();
    }
  }

  /** The whole body. Errors: FIM-AUD-0004 (too large), FIM-AUD-0006 (too much at once). */
  private async bodyOf(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > MAX_BATCH_BYTES) throw new AuditRefusal('FIM-AUD-0004', `${declared} bytes`);
    if (this.stopping || this.receiving + declared > MAX_AUDIT_RECEIVING_BYTES)
      throw new AuditRefusal('FIM-AUD-0006', 'too much is under way');
    if (request.headers.expect !== undefined) response.writeContinue();
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        const bytes = chunk as Buffer;
        length += bytes.length;
        this.receiving += bytes.length;
        if (length > MAX_BATCH_BYTES) throw new AuditRefusal('FIM-AUD-0004', `more than ${MAX_BATCH_BYTES} bytes`);
        if (this.receiving > MAX_AUDIT_RECEIVING_BYTES) throw new AuditRefusal('FIM-AUD-0006', 'too much is under way');
        chunks.push(bytes);
      }
    } catch (error) {
      throw error instanceof AuditRefusal ? error : new AuditRefusal('FIM-AUD-0001', 'the batch did not arrive whole');
    } finally {
      this.receiving -= length;
    }
    return Buffer.concat(chunks, length);
  }
}

function refusalAnswer({ code, status, detail, seq }: AuditRefusal): Answer {
  return json(status, { code, detail, ...(seq === undefined ? {} : { seq }) });
}
