import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_KMS_REQUEST_BYTES } from '../limits.ts';
import { CodedError } from './coded-error.ts';
import type { HttpService } from './http-service.ts';
import { startHttpService } from './http-service.ts';
import type { AuditRecord } from './key-folder.ts';
import { KeyFolder } from './key-folder.ts';
import type { KeyAlgorithm } from '../route/index.ts';
import { materialFrom } from './key-material.ts';
import { KeyRegister, pathOf } from './key-register.ts';
import { StoredKeyAnswers, TRANSIT_MOUNT, TransitAnswers } from './kms-answers.ts';
import type { KmsReply } from './kms-answers.ts';

const READ_PREFIX = '/v1/secret/data/';
const METADATA_PREFIX = '/v1/secret/metadata/';
const TRANSIT_PREFIX = `/v1/${TRANSIT_MOUNT}/`;
const HEALTH_PATH = '/v1/sys/health';
/** Accepted Host names. Any other one means that a web page points its own name at this server (DNS rebinding). */
const OWN_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]', 'kms.internal']);

export interface DevelopmentKmsOptions {
  /** Folder of the keys. Absent: they are in this process's memory and end with it. */
  folder?: string;
  /** File of the key that encrypts the folder. Default: in the folder. */
  storageKey?: string;
  /** Token that callers must send as `X-Vault-Token` or `Authorization: Bearer`. Absent: none is required. */
  token?: () => string;
}

/**
 * Key service for development and tests, on loopback only. It implements the part of HashiCorp Vault's and OpenBao's
 * API that FIM uses; filters/keys/README.md describes it byte by byte. `POST /v1/secret/data/PATH` adds a version with
 * random material to an existing key.
 */
export class DevelopmentKms {
  /** Reads of key material so far. */
  reads = 0;
  /** Awaited before each response. Lets tests make the service slow. */
  delay: () => Promise<void> = () => Promise.resolve();
  /**
   * Response to every request for a key or data key, if not null. Lets tests make the service refuse, fail or answer
   * nonsense.
   */
  mood: { status: number; body: string } | null = null;
  readonly register: KeyRegister;
  private readonly folder: KeyFolder;
  private readonly stored: StoredKeyAnswers;
  private readonly transit: TransitAnswers;
  private readonly token: (() => string) | undefined;
  private service: HttpService | undefined;

  /** Errors: FIM-KMS-0004. */
  constructor({ folder, storageKey, token }: DevelopmentKmsOptions = {}) {
    this.folder = new KeyFolder(folder ?? null, storageKey);
    this.register = new KeyRegister(this.folder);
    this.stored = new StoredKeyAnswers(this.register);
    this.transit = new TransitAnswers(this.register);
    this.token = token;
  }

  /** Starts listening. Errors: FIM-UP-0008, FIM-UP-0016 (not loopback). */
  async start(host = '127.0.0.1', port = 0): Promise<URL> {
    this.service = await startHttpService((request, response) => void this.serve(request, response), host, port);
    return this.service.url;
  }

  async stop(): Promise<void> {
    await this.service?.stop();
    this.service = undefined;
  }

  /**
   * Creates the first version of a key if there is none. An id below the transit mount creates a wrapping key. `keyId`:
   * `kms://path`.
   */
  createKey(keyId: string, algorithm: KeyAlgorithm = 'SM4'): void {
    const path = pathOf(keyId);
    if (this.register.find(path)) return;
    this.change(
      'create',
      path,
      () => this.register.create(path, path.startsWith(`${TRANSIT_MOUNT}/`) ? 'transit' : algorithm).versions.length,
    );
  }

  /** Keeps a key that was made elsewhere, as a new version unless the newest is the same. */
  keepKey(keyId: string, algorithm: KeyAlgorithm, file: Buffer): void {
    const path = pathOf(keyId);
    const material = materialFrom(algorithm, file);
    const key = this.register.find(path);
    const newest = key?.versions.at(-1);
    if (key === undefined)
      this.change('import', path, () => this.register.create(path, algorithm, { material }).versions.length);
    else if (newest === undefined || !this.register.material(key, newest).equals(material))
      this.change('import', path, () => this.register.rotate(path, material));
  }

  /** Adds a version with random material. Returns its number. */
  rotate(keyId: string): number {
    const path = pathOf(keyId);
    return this.change('rotate', path, () => this.register.rotate(path));
  }

  /** Audit records, oldest first. */
  get auditTrail(): AuditRecord[] {
    return this.folder.records;
  }

  /**
   * Makes a change and records it. A change stays made if its record cannot be written; the next change is then
   * refused.
   */
  private change(verb: string, key: string, work: () => number, peer = 'local'): number {
    return this.folder.audited(
      work,
      (version) => ({ time: new Date().toISOString(), verb, key, version, peer }),
      () => {},
    );
  }

  private note(verb: string, key: string, version: number | undefined, peer = 'local', status?: number): void {
    this.folder.audit({
      time: new Date().toISOString(),
      verb,
      key,
      ...(version === undefined ? {} : { version }),
      peer,
      ...(status === undefined ? {} : { status }),
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.answer(request, response);
    } catch (error) {
      reply(response, {
        status: error instanceof CodedError && error.code === 'FIM-CFG-0017' ? 404 : 500,
        body: { errors: [error instanceof CodedError ? error.code : 'internal error'] },
      });
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request);
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!OWN_HOSTS.has(host)) return reply(response, { status: 403, body: { errors: ['not for this host name'] } });
    if (request.headers.origin !== undefined)
      return reply(response, { status: 403, body: { errors: ['not for web pages'] } });
    const url = new URL(request.url ?? '/', 'http://kms.internal');
    if (url.pathname === HEALTH_PATH)
      return reply(response, { status: 200, body: { initialized: true, sealed: false, standby: false } });
    const peer = `${request.socket.remoteAddress}:${request.socket.remotePort}`;
    if (!this.mayAsk(request)) {
      this.note('denied', url.pathname, undefined, peer, 403);
      return reply(response, { status: 403, body: { errors: ['permission denied'] } });
    }
    if (this.mood !== null && (url.pathname.startsWith(READ_PREFIX) || url.pathname.startsWith(TRANSIT_PREFIX))) {
      response.writeHead(this.mood.status, { 'content-type': 'application/json' }).end(this.mood.body);
      return;
    }
    const found = await this.find(request.method ?? '', url, text, peer);
    if (found.verb !== undefined) this.note(found.verb, found.key ?? url.pathname, found.version, peer, found.status);
    reply(response, found);
  }

  private async find(method: string, url: URL, text: string | null, peer: string): Promise<KmsReply> {
    if (url.pathname.startsWith(TRANSIT_PREFIX)) {
      this.reads++;
      await this.delay();
      return method === 'POST'
        ? this.transit.answer(url.pathname.slice(TRANSIT_PREFIX.length), text)
        : { status: 405, body: { errors: ['unsupported operation'] } };
    }
    if (method === 'GET' && url.pathname.startsWith(METADATA_PREFIX))
      return this.stored.describe(decodeURIComponent(url.pathname.slice(METADATA_PREFIX.length)));
    if (!url.pathname.startsWith(READ_PREFIX)) return { status: 404, body: { errors: [] } };
    const path = decodeURIComponent(url.pathname.slice(READ_PREFIX.length));
    if (method === 'POST' && this.register.find(path)) {
      const version = this.change('rotate', path, () => this.register.rotate(path), peer);
      return { status: 200, body: { data: { version } } };
    }
    if (method !== 'GET') return { status: 405, body: { errors: ['unsupported operation'] } };
    this.reads++;
    await this.delay();
    return this.stored.read(path, url.searchParams.get('version'));
  }

  private mayAsk(request: IncomingMessage): boolean {
    if (!this.token) return true;
    const bearer = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    const given = Buffer.from(String(request.headers['x-vault-token'] ?? bearer ?? ''));
    const wanted = Buffer.from(this.token());
    return wanted.length > 0 && given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

/** The body as text. Null if it is longer than MAX_KMS_REQUEST_BYTES. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_KMS_REQUEST_BYTES) chunks.push(chunk);
  }
  return length <= MAX_KMS_REQUEST_BYTES ? Buffer.concat(chunks).toString('utf8') : null;
}

function reply(response: ServerResponse, { status, body }: KmsReply): void {
  if (response.destroyed) return;
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}
