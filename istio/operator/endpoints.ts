// HTTP endpoints of the operator: liveness, readiness, metrics.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OperatorMetrics } from './metrics.ts';

export interface EndpointsOptions {
  host: string;
  port: number;
  metrics: OperatorMetrics;
  /** Called before metrics are read. */
  collect: () => void;
  /** Reason why the operator is not ready. Undefined if it is. A replica that waits for the lease is ready. */
  notReady: () => string | undefined;
}

export class Endpoints {
  private server: Server | undefined;

  /** Starts listening and returns the bound address. */
  async start({ host, port, metrics, collect, notReady }: EndpointsOptions): Promise<string> {
    this.server = createServer((request, response) => {
      const say = (status: number, text: string, type = 'text/plain'): void =>
        void response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
      if (request.method !== 'GET') return say(405, 'GET only\n');
      if (request.url === '/healthz') return say(200, 'ok\n');
      if (request.url === '/readyz') {
        const reason = notReady();
        return say(reason === undefined ? 200 : 503, `${reason ?? 'ok'}\n`);
      }
      if (request.url !== '/metrics') return say(404, 'not found\n');
      collect();
      metrics.registry.metrics().then(
        (text) => say(200, text, metrics.registry.contentType),
        () => say(500, 'no metrics\n'),
      );
    });
    this.server.maxConnections = 64;
    this.server.requestTimeout = 10_000;
    const server = this.server;
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen({ host, port }, done);
    });
    const address = server.address() as AddressInfo;
    return `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    await new Promise<void>((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  }
}
