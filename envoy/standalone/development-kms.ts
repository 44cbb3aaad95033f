import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpService } from './http-service.ts';
import { startHttpService } from './http-service.ts';

const READ_PREFIX = '/v1/secret/data/';
const METADATA_PREFIX = '/v1/secret/metadata/';
const HEALTH_PATH = '/v1/sys/health';
const KEY_ID_PREFIX = 'kms://';
const SM4_KEY_BYTES = 16;
/** Names under which a request may come. Any other means that a web page has made a name of its own point here. */
const OWN_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]', 'kms.internal']);

interface KeyVersion {
  material: Buffer;
  createdTime: string;
}

/**
 * A key service for demonstrations and tests: reads of a KV version 2 store (as Vault and OpenBao serve them), on loopback only, for the keys that
 * `createKey` has made. Keys are random, live in this process's memory and end with it: what they encrypted cannot be opened afterwards.
 *
 * `GET /v1/secret/data/PATH[?version=N]` reads, `POST /v1/secret/data/PATH` adds a version with random material, `GET /v1/secret/metadata/PATH` tells the
 * versions without their material, `GET /v1/sys/health` answers 200.
 */
export class DevelopmentKms {
  /** Reads of key material so far. */
  reads = 0;
  /** Awaited before each answer: lets tests make the service slow. */
  delay: () => Promise<void> = () => Promise.resolve();
  private readonly keys = new Map<string, KeyVersion[]>();
  private service: HttpService | undefined;

  /** Starts to listen. Errors: FIM-UP-0008, FIM-UP-0016 (not loopback). */
  async start(host = '127.0.0.1', port = 0): Promise<URL> {
    this.service = await startHttpService((request, response) => void this.answer(request, response), host, port);
    return this.service.url;
  }

  async stop(): Promise<void> {
    await this.service?.stop();
    this.service = undefined;
  }

  /** Makes the first version of a key, if there is none. `keyId`: `kms://path`. */
  createKey(keyId: string): void {
    const path = pathOf(keyId);
    if (!this.keys.has(path)) this.addVersion(path);
  }

  /** Adds a version with random material; returns its number. */
  rotate(keyId: string): number {
    return this.addVersion(pathOf(keyId));
  }

  private addVersion(path: string): number {
    const versions = this.keys.get(path) ?? [];
    versions.push({ material: randomBytes(SM4_KEY_BYTES), createdTime: new Date().toISOString() });
    this.keys.set(path, versions);
    return versions.length;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!OWN_HOSTS.has(host)) return reply(response, 403, { errors: ['not for this host name'] });
    const url = new URL(request.url ?? '/', 'http://kms.internal');
    if (url.pathname === HEALTH_PATH) return reply(response, 200, { initialized: true, sealed: false, standby: false });
    if (url.pathname.startsWith(METADATA_PREFIX)) return reply(response, ...this.describe(decodeURIComponent(url.pathname.slice(METADATA_PREFIX.length))));
    if (!url.pathname.startsWith(READ_PREFIX)) return reply(response, 404, { errors: [] });
    const path = decodeURIComponent(url.pathname.slice(READ_PREFIX.length));
    if (request.method === 'POST' && this.keys.has(path)) return reply(response, 200, { data: { version: this.addVersion(path) } });
    if (request.method !== 'GET') return reply(response, 405, { errors: ['unsupported operation'] });
    this.reads++;
    await this.delay();
    reply(response, ...this.read(path, url.searchParams.get('version')));
  }

  /** Which versions there are, without their material. */
  private describe(path: string): [number, object] {
    const versions = this.keys.get(path) ?? [];
    const described = versions.map(({ createdTime }, index) => [String(index + 1), { created_time: createdTime, deletion_time: '', destroyed: false }]);
    return versions.length === 0 ? [404, { errors: [] }] : [200, { data: { current_version: versions.length, versions: Object.fromEntries(described) } }];
  }

  private read(path: string, wanted: string | null): [number, object] {
    const versions = this.keys.get(path) ?? [];
    const version = wanted ? Number(wanted) || versions.length : versions.length;
    const key = versions[version - 1];
    if (!key) return [404, { errors: [] }];
    const metadata = { version, created_time: key.createdTime, deletion_time: '', destroyed: false };
    return [200, { data: { data: { algorithm: 'SM4', material: key.material.toString('base64') }, metadata } }];
  }
}

function pathOf(keyId: string): string {
  return keyId.startsWith(KEY_ID_PREFIX) ? keyId.slice(KEY_ID_PREFIX.length) : keyId;
}

function reply(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}
