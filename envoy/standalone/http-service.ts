import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from './address.ts';
import { CodedError } from './coded-error.ts';

/** A small HTTP server in this process. */
export interface HttpService {
  url: URL;
  server: Server;
  /** Closes all connections. */
  stop(): Promise<void>;
}

/** Starts an HTTP/1.1 server on loopback. Other hosts are refused with FIM-UP-0016. Port 0 takes a free one. */
export async function startHttpService(onRequest: RequestListener, host = '127.0.0.1', port = 0): Promise<HttpService> {
  if (!isLoopback(host)) throw new CodedError('FIM-UP-0016', host);
  const server = createServer({ keepAliveTimeout: 60_000 }, onRequest);
  await new Promise<void>((done, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      failed(new CodedError('FIM-UP-0008', `${host}:${port} (${error.code ?? error.message})`)),
    );
    server.listen({ host, port }, () => done());
  });
  const address = server.address() as AddressInfo;
  return {
    url: new URL(`http://${host.includes(':') ? `[${host}]` : host}:${address.port}`),
    server,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
