// The key service of the tests on a port of loopback, in clear or over TLS.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import type { Certificate } from '../e2e/certificates.ts';
import type { Fault } from './replies.ts';
import type { TestKms } from './test-kms.ts';

/** Time between bytes of a reply that drips, milliseconds. */
const DRIP_MS = 50;

export class KmsServer {
  readonly url: URL;
  private readonly server: Server;

  private constructor(server: Server, scheme: string) {
    this.server = server;
    this.url = new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  static async start(kms: TestKms, tls?: ServerOptions): Promise<KmsServer> {
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      void answer(kms, request, once(response, 'close')).then((outcome) => write(response, outcome));
    };
    const server: Server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new KmsServer(server, tls === undefined ? 'http' : 'https');
  }

  async stop(): Promise<void> {
    await new Promise<void>((done) => {
      this.server.close(() => done());
      this.server.closeAllConnections();
    });
  }
}

/** A server's certificate, and the authority of those clients that it takes. */
export const mutualTls = (server: Certificate, clients: Certificate): ServerOptions => ({
  key: server.key,
  cert: server.certificate,
  ca: clients.certificate,
  requestCert: true,
  rejectUnauthorized: true,
});

async function answer(kms: TestKms, request: IncomingMessage, over: Promise<unknown>): Promise<Fault> {
  const { method = '', url: path = '', headers, socket } = request;
  return kms.answerLater({
    method,
    path,
    cluster: '',
    body: await text(request),
    header: (name) => headers[name]?.toString(),
    subject: socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN?.toString() : undefined,
    over,
  });
}

function write(response: ServerResponse, outcome: Fault): void {
  if (outcome === 'silent' || response.destroyed) return;
  if (outcome === 'dripping') {
    response.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), DRIP_MS);
    response.on('close', () => clearInterval(drip));
    return;
  }
  if (typeof outcome === 'string') {
    response.destroy();
    return;
  }
  response.writeHead(outcome.status, outcome.headers).end(outcome.body);
}
