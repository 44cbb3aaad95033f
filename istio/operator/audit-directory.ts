// Asks the collector of audit records which proxies it has records of.
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { PROXIES_PATH } from '../../services/audit/record.gen.ts';
import { AUDIT_ANSWER_MS, AUDIT_ASK_TIMEOUT_MS, MAX_AUDIT_ANSWER_BYTES } from '../limits.ts';
import type { AuditBook } from './plan/audited.ts';

/** The operator's own way to the collector. Files are read at each request because they rotate. */
export interface CollectorAccess {
  /** Undefined: there is none. */
  url: URL | undefined;
  tokenFile?: string;
  caFile?: string;
}

export class AuditDirectory {
  private readonly access: CollectorAccess;
  private last: Promise<AuditBook> | undefined;
  private askedAt = -Infinity;

  constructor(access: CollectorAccess) {
    this.access = access;
  }

  /** The collector's answer, at most AUDIT_ANSWER_MS old. Undefined: there is no collector. Never rejects. */
  async book(): Promise<AuditBook | undefined> {
    const { url } = this.access;
    if (url === undefined) return undefined;
    if (this.last === undefined || performance.now() - this.askedAt > AUDIT_ANSWER_MS) {
      this.askedAt = performance.now();
      this.last = this.ask(url).catch((error: Error): AuditBook => ({ problem: error.message }));
    }
    return this.last;
  }

  private async ask(url: URL): Promise<AuditBook> {
    const { tokenFile, caFile } = this.access;
    const read = async (file: string | undefined): Promise<string | undefined> =>
      file === undefined ? undefined : readFile(file, 'utf8');
    const [token, ca] = await Promise.all([tokenFile, caFile].map(read));
    const { status, text } = await this.get(new URL(PROXIES_PATH, url), token?.trim(), ca);
    if (status === 401) return { problem: 'it does not know the token of the operator' };
    if (status !== 200) return { problem: `status ${status}` };
    const { proxies } = JSON.parse(text) as { proxies: Record<string, { age_ms: number }> };
    const at = Date.now();
    return { seenAt: new Map(Object.entries(proxies).map(([name, { age_ms }]) => [name, at - age_ms])) };
  }

  private get(url: URL, token: string | undefined, ca: string | undefined): Promise<{ status: number; text: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
    const options = {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(AUDIT_ASK_TIMEOUT_MS),
      agent: false as const,
      ...(ca === undefined ? {} : { ca }),
    };
    const outgoing = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_AUDIT_ANSWER_BYTES) answer.destroy(new Error('its answer is too long'));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    outgoing.on('error', reject);
    outgoing.end();
    return promise;
  }
}
