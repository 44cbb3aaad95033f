import type { IncomingMessage, ServerResponse } from 'node:http';
import { MAX_SEEN_BODY_BYTES, MAX_SEEN_REQUESTS, MAX_UPSTREAM_BODY_BYTES } from '../limits.ts';
import type { HttpService } from './http-service.ts';
import { startHttpService } from './http-service.ts';

/** A request as received. */
export interface SeenRequest {
  method: string;
  path: string;
  contentType: string;
  /** Length of the whole body, bytes. */
  bodyBytes: number;
  /** First 64 KiB of the body, as text. */
  body: string;
}

/**
 * A customer with a valid ID card number and a valid bank card number, both invented. A response must not show them.
 */
const CARD_RECORD = {
  status: 'ok',
  holder: { name: '张三丰', idNo: '11010519491231002X', phone: '13800138000' },
  cards: [
    { cardNo: '6222021234567894', type: 'debit', balance: 1024.5 },
    { cardNo: '4111111111111111', type: 'credit', balance: 88 },
  ],
  remark: 'card 6222021234567894 of 11010519491231002X',
};

/**
 * Demonstration service behind the proxy that shows the requests it received. `GET /_seen`: the last requests, newest
 * first. `GET /_seen/body`: the last body, unchanged. Paths with `card` return a customer's record, all others a
 * receipt.
 */
export class DemonstrationUpstream {
  readonly seen: SeenRequest[] = [];
  private service: HttpService | undefined;

  /** Starts listening. Errors: FIM-UP-0008, FIM-UP-0016. */
  async start(host = '127.0.0.1', port = 0): Promise<URL> {
    this.service = await startHttpService((request, response) => this.receive(request, response), host, port);
    return this.service.url;
  }

  async stop(): Promise<void> {
    await this.service?.stop();
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_UPSTREAM_BODY_BYTES) chunks.push(chunk);
    });
    request.on('end', () => this.answer(request, response, Buffer.concat(chunks), length));
    request.on('error', () => response.destroy());
  }

  private answer(request: IncomingMessage, response: ServerResponse, body: Buffer, length: number): void {
    const path = request.url ?? '/';
    if (path === '/_seen') return reply(response, this.seen);
    if (path === '/_seen/body') {
      const last = this.seen.find((seen) => seen.bodyBytes > 0);
      response.writeHead(last ? 200 : 404, { 'content-type': last?.contentType || 'text/plain' }).end(last?.body);
      return;
    }
    const contentType = request.headers['content-type'] ?? '';
    this.seen.unshift({
      method: request.method ?? '',
      path,
      contentType,
      bodyBytes: length,
      body: body.subarray(0, MAX_SEEN_BODY_BYTES).toString('utf8'),
    });
    this.seen.length = Math.min(this.seen.length, MAX_SEEN_REQUESTS);
    if (/card/i.test(path)) return reply(response, CARD_RECORD);
    reply(response, { status: 'received', contentType, bytes: length });
  }
}

function reply(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
