// `node istio/module-server/main.ts [--peers HOST:PORT,…] HOST:PORT FOLDER…`: serves modules to the proxies' agents by
// the SHA-256 of their content. It needs neither the operator nor the API server. `GET` and `HEAD /SHA256.wasm`,
// `/healthz`, `/readyz` (200 when it has taken over what its peers hold), and for the peers `/held`.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { MAX_MODULE_CONNECTIONS, TAKE_OVER_MS } from '../limits.ts';
import { HELD_PATH, Peers } from './peers.ts';
import { ModuleStore, readModules } from './store.ts';

const USAGE = 'usage: node istio/module-server/main.ts [--peers HOST:PORT,…] HOST:PORT FOLDER…\n';
const ADDRESS = /^(.+):(\d{1,5})$/;

function usage(): never {
  process.stderr.write(USAGE);
  process.exit(2);
}

function commandLine(): { host: string; port: number; folders: string[]; places: string[] } {
  try {
    const { values, positionals } = parseArgs({ options: { peers: { type: 'string' } }, allowPositionals: true });
    const [listen = '', ...folders] = positionals;
    const address = ADDRESS.exec(listen);
    const places = (values.peers ?? '').split(',').filter((place) => place !== '');
    if (address === null || folders.length === 0 || places.some((place) => !ADDRESS.test(place))) return usage();
    return { host: (address[1] ?? '').replace(/^\[|\]$/g, ''), port: Number(address[2]), folders, places };
  } catch {
    return usage();
  }
}

function log(event: string, fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ level: 'info', time: new Date().toISOString(), event, ...fields })}\n`);
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
}

function module(response: ServerResponse, sha256: string, bytes: Buffer | undefined, isHead: boolean): void {
  if (bytes === undefined) return text(response, 404, 'not found\n');
  // The name is the content's hash, so clients may cache for ever.
  response.writeHead(200, {
    'content-type': 'application/wasm',
    'content-length': bytes.length,
    'cache-control': 'public, max-age=31536000, immutable',
    etag: `"${sha256}"`,
  });
  response.end(isHead ? undefined : bytes);
}

const { host, port, folders, places } = commandLine();
const { modules, refused } = readModules(folders);
for (const { file, reason } of refused) log('refused', { file, reason });
if (modules.size === 0) {
  process.stderr.write('there is no module to serve\n');
  process.exit(1);
}
const store = new ModuleStore(modules, (sha256) => log('dropped', { sha256 }));
const peers = places.length === 0 ? undefined : new Peers(places, store, log);
let isReady = peers === undefined;

const server = createServer((request, response) => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(response, 405, 'GET and HEAD only\n');
  const isHead = request.method === 'HEAD';
  const { url = '' } = request;
  if (url === '/healthz') return text(response, 200, 'ok\n');
  if (url === '/readyz') return text(response, isReady ? 200 : 503, isReady ? 'ok\n' : 'taking over\n');
  if (url === HELD_PATH) {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.end(JSON.stringify(store.held()));
  }
  const [, held, sha256 = ''] = /^(\/held)?\/([0-9a-f]{64})\.wasm$/.exec(url) ?? [];
  if (sha256 === '') return text(response, 404, 'not found\n');
  if (held !== undefined) return module(response, sha256, store.give(sha256), isHead);
  const bytes = store.ask(sha256);
  if (bytes !== undefined || peers === undefined) return module(response, sha256, bytes, isHead);
  peers.find(sha256).then(
    (found) => module(response, sha256, found, isHead),
    () => text(response, 503, 'the other replicas cannot be asked\n'),
  );
});
server.maxConnections = MAX_MODULE_CONNECTIONS;
server.requestTimeout = 10_000;
server.headersTimeout = 10_000;
server.listen({ host, port }, () => {
  const { address, port: taken } = server.address() as AddressInfo;
  log('listening', { address: `${address}:${taken}`, modules: [...modules.keys()] });
  void peers?.takeOver(TAKE_OVER_MS).then(() => {
    isReady = true;
    log('ready', { modules: store.held().map(({ sha256 }) => sha256) });
  });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Running downloads finish first.
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
