import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One record, as a line of a batch. */
export type AuditLine = Record<string, unknown> & { kind: string; source: string; seq: number };

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** A collector of audit records in memory: takes batches as the real one does, and fails as the test says. */
export class CollectorDouble {
  /** Records by source and number: a batch that comes again adds nothing. */
  private readonly records = new Map<string, AuditLine>();
  /** Bodies of all batches, as they came. */
  readonly bodies: string[] = [];
  batches = 0;
  /** Answer in place of an acknowledgement. Undefined: the acknowledgement. */
  refuse: (lines: AuditLine[]) => Reply | undefined = () => undefined;
  private server: Server | undefined;
  private port = 0;

  static async start(): Promise<CollectorDouble> {
    const collector = new CollectorDouble();
    await collector.listen();
    return collector;
  }

  /** Listens, again on the port it had. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.take(request, response));
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    server.closeAllConnections();
    await new Promise<void>((done) => void server.close(() => done()));
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}`);
  }

  /** Records so far, by source and number. */
  get lines(): AuditLine[] {
    return [...this.records.values()].sort((a, b) =>
      a.source === b.source ? a.seq - b.seq : a.source < b.source ? -1 : 1,
    );
  }

  /** Records of messages whose path is this. */
  of(path: string): AuditLine[] {
    return this.lines.filter((line) => line.kind === 'message' && line['path'] === path);
  }

  /** Numbers that are missing, of each source. */
  holes(): number {
    let missing = 0;
    for (const [, lines] of Map.groupBy(this.lines, ({ source }) => source))
      missing += lines.at(-1)!.seq - lines.length;
    return missing;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    this.batches++;
    this.bodies.push(body);
    const lines = body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditLine);
    const { status, headers, body: text } = mistakeOf(request, lines) ?? this.refuse(lines) ?? { status: 200 };
    if (status === 200) for (const line of lines) this.records.set(`${line.source} ${line.seq}`, line);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(text ?? (status === 200 ? JSON.stringify({ acknowledged: lines.at(-1)!.seq }) : '{}'));
  }
}

/** Breaches of the contract. */
function mistakeOf({ method, url, headers }: IncomingMessage, lines: AuditLine[]): Reply | undefined {
  const [{ source, seq }] = lines as [AuditLine];
  const right =
    method === 'POST' &&
    url === '/v1/batches' &&
    headers['content-type'] === 'application/x-ndjson' &&
    headers['x-fim-audit-source'] === source &&
    headers['x-fim-audit-first'] === String(seq) &&
    headers['x-fim-audit-count'] === String(lines.length) &&
    lines.every((line, index) => line.source === source && (index === 0 || line.seq > lines[index - 1]!.seq));
  return right ? undefined : { status: 418, body: 'not as agreed' };
}
