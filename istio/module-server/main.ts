// `node istio/module-server/main.ts HOST:PORT FOLDER…`: serves modules to the proxies' agents by the SHA-256 of their
// content. It needs neither the operator nor the API server. `GET` and `HEAD /SHA256.wasm`, `/healthz`.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_MODULE_CONNECTIONS } from '../limits.ts';
import { readModules } from './store.ts';

const [listen = '', ...folders] = process.argv.slice(2);
const address = /^(.+):(\d{1,5})$/.exec(listen);
if (address === null || folders.length === 0) {
  process.stderr.write('usage: node istio/module-server/main.ts HOST:PORT FOLDER…\n');
  process.exit(2);
}

function log(event: string, fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ level: 'info', time: new Date().toISOString(), event, ...fields })}\n`);
}

const { modules, refused } = readModules(folders);
for (const { file, reason } of refused) log('refused', { file, reason });
if (modules.size === 0) {
  process.stderr.write('there is no module to serve\n');
  process.exit(1);
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
}

const server = createServer((request, response) => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(response, 405, 'GET and HEAD only\n');
  if (request.url === '/healthz') return text(response, 200, 'ok\n');
  const sha256 = /^\/([0-9a-f]{64})\.wasm$/.exec(request.url ?? '')?.[1];
  const bytes = sha256 === undefined ? undefined : modules.get(sha256);
  if (bytes === undefined) return text(response, 404, 'not found\n');
  // The name is the content's hash, so clients may cache for ever.
  response.writeHead(200, {
    'content-type': 'application/wasm',
    'content-length': bytes.length,
    'cache-control': 'public, max-age=31536000, immutable',
    etag: `"${sha256}"`,
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
});
server.maxConnections = MAX_MODULE_CONNECTIONS;
server.requestTimeout = 10_000;
server.headersTimeout = 10_000;
server.listen({ host: (address[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(address[2]) }, () => {
  const { address: host, port } = server.address() as AddressInfo;
  log('listening', { address: `${host}:${port}`, modules: [...modules.keys()] });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Running downloads finish first.
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
