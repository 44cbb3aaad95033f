import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LimitMetrics } from './metrics.ts';
import type { Store } from './store.ts';

/** `/metrics` for Prometheus, `/healthz` while the process lives, `/readyz` while its store answers. */
export class MetricsServer {
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  /** Rejects if the address is not to be had. */
  static async start(host: string, port: number, metrics: LimitMetrics, store: Store): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      if (request.url === '/healthz') response.end('ok\n');
      else if (request.url === '/readyz') response.writeHead(store.healthy ? 200 : 503).end();
      else if (request.url === '/metrics')
        void metrics.registry
          .metrics()
          .then((text) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text));
      else response.writeHead(404).end();
    });
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(port, host, done);
    });
    return new MetricsServer(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
