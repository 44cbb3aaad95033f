import { createHash } from 'node:crypto';
import type { HttpService } from '../../../envoy/standalone/http-service.ts';
import { startHttpService } from '../../../envoy/standalone/http-service.ts';

/** Modules by the hash of their content over HTTP, as the module server of an installation serves them. */
export class ServedModules {
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Whether every request gets 404. */
  isAway = false;
  private readonly modules = new Map<string, Buffer>();
  private service: HttpService | undefined;

  async start(): Promise<void> {
    this.service = await startHttpService((request, response) => {
      const path = request.url ?? '';
      this.asked.push(path);
      const bytes = this.isAway ? undefined : this.modules.get(path);
      response.writeHead(bytes ? 200 : 404, { 'content-type': 'application/wasm' }).end(bytes);
    });
  }

  /** Serves a module; returns its sha256. */
  add(bytes: Buffer): string {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.modules.set(`/${sha256}.wasm`, bytes);
    return sha256;
  }

  /** Serves bytes at a path, whatever they are. */
  serve(path: string, bytes: Buffer): void {
    this.modules.set(path, bytes);
  }

  /** The bytes of a module that is served. */
  of(sha256: string): Buffer {
    const bytes = this.modules.get(`/${sha256}.wasm`);
    if (bytes === undefined) throw new Error(`no module ${sha256}`);
    return bytes;
  }

  /** Root of the URLs, without a slash at its end. */
  get url(): string {
    return this.service?.url.href.replace(/\/$/, '') ?? '';
  }

  urlOf(sha256: string): string {
    return `${this.url}/${sha256}.wasm`;
  }

  async stop(): Promise<void> {
    await this.service?.stop();
  }
}
