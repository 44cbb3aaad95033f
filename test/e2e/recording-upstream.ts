import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Http2Server } from 'node:http2';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the upstream got it. */
export interface Arrived {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  trailers: NodeJS.Dict<string>;
}

type Answer = (request: Arrived, response: ServerResponse) => void;

/** An upstream that records everything it receives, including the bytes of the connection. */
export class RecordingUpstream {
  readonly arrived: Arrived[] = [];
  /** Requests whose headers came, whether or not their bodies did. */
  begun = 0;
  /** Its response. May be replaced at any time. */
  answer: Answer = (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
  /** Called as soon as a request's headers are here. */
  onBegin: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  readonly server: Server | Http2Server;
  private readonly sockets = new Set<Socket>();
  private closedBytes = 0;

  private constructor(http2: boolean) {
    const receive = (request: IncomingMessage, response: ServerResponse): void => this.receive(request, response);
    this.server = http2 ? createHttp2Server({}, receive as never) : createServer(receive);
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => {
        this.sockets.delete(socket);
        this.closedBytes += socket.bytesRead;
      });
    });
  }

  /** `http2`: speaks HTTP/2 in clear instead of HTTP/1.1. */
  static async start(http2 = false): Promise<RecordingUpstream> {
    const upstream = new RecordingUpstream(http2);
    await new Promise<void>((done) => upstream.server.listen(0, '127.0.0.1', done));
    return upstream;
  }

  get url(): URL {
    const { port } = this.server.address() as AddressInfo;
    return new URL(`${'closeAllConnections' in this.server ? 'http' : 'h2c'}://127.0.0.1:${port}`);
  }

  /** Bytes received on all connections so far. */
  get bytesReceived(): number {
    let total = this.closedBytes;
    for (const socket of this.sockets) total += socket.bytesRead;
    return total;
  }

  async stop(): Promise<void> {
    await new Promise<void>((done) => {
      this.server.close(() => done());
      for (const socket of this.sockets) socket.destroy();
    });
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    this.begun++;
    this.onBegin(request, response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => response.destroy());
    request.on('end', () => {
      const arrived = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
        trailers: request.trailers,
      };
      this.arrived.push(arrived);
      if (!response.headersSent) this.answer(arrived, response);
    });
  }
}
