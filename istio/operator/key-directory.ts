// Checks whether keys exist. It asks for metadata only, so the operator never sees a key. Namespaces take turns, and
// each has a bounded share of the answers.
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import {
  KEY_ANSWER_MS,
  KEY_TIMEOUT_MS,
  KEY_WAIT_MS,
  KEY_WORKERS,
  MAX_NAMESPACE_KEYS,
  NAMESPACE_KEY_WORKERS,
} from '../limits.ts';
import type { KeyProblem } from './plan/route-facts.ts';

/** Form of a key id, as in the schema. No part is empty or begins with a dot. */
const KEY_ID = /^kms:\/\/([A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)+)$/;
const TRANSIT = /^transit\/([^/]+)$/;

type Answer = 'there' | Exclude<KeyProblem['reason'], 'KeyNotPermitted'>;

/** Credentials for the key service. Files are read at each request because they rotate. */
export interface KeyServiceAccess {
  tokenFile: string | undefined;
  /** Vault namespace. */
  vaultNamespace?: string;
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

export interface KeyDirectoryOptions extends KeyServiceAccess {
  /** Address of the key service. Undefined if none is configured. */
  url: URL | undefined;
  /** Path prefix of key metadata in the KV version 2 store. */
  metadataPrefix: string;
  /** Cluster by which proxies reach the key service. */
  cluster: string | undefined;
  /** Whether keys are checked at all. */
  check: boolean;
  /** Called for each namespace that names a key whose answer has changed. */
  onChange: (namespace: string) => void;
}

interface Known {
  answer: Answer;
  at: number;
}

export class KeyDirectory {
  private readonly options: KeyDirectoryOptions;
  private readonly answers = new Map<string, Known>();
  private readonly named = new Map<string, ReadonlySet<string>>();
  /** Keys that wait to be checked, by namespace. */
  private readonly waiting = new Map<string, Set<string>>();
  private readonly asking = new Map<string, Promise<void>>();
  private readonly running = new Map<string, number>();
  /** Namespaces that continued without an answer. */
  private readonly late = new Set<string>();

  constructor(options: KeyDirectoryOptions) {
    this.options = options;
  }

  /**
   * Notes the keys that a namespace names and checks those without a recent answer. Settles when all are known, or
   * after KEY_WAIT_MS. `onChange` reports later answers.
   */
  async look(namespace: string, keyIds: readonly string[]): Promise<void> {
    const own = new Set([...new Set(keyIds)].filter((keyId) => KEY_ID.test(keyId)).slice(0, MAX_NAMESPACE_KEYS));
    if (own.size === 0) this.named.delete(namespace);
    else this.named.set(namespace, own);
    this.waiting.delete(namespace);
    if (this.options.url === undefined || !this.options.check) return;
    this.forgetUnnamed();
    const due = [...own].filter(
      (keyId) =>
        performance.now() - (this.answers.get(keyId)?.at ?? -Infinity) > KEY_ANSWER_MS && !this.asking.has(keyId),
    );
    if (due.length > 0) this.waiting.set(namespace, new Set(due));
    this.pump();
    const first = [...own].filter((keyId) => !this.answers.has(keyId));
    const deadline = performance.now() + KEY_WAIT_MS;
    while (first.some((keyId) => !this.answers.has(keyId)) && performance.now() < deadline) {
      const running = first.flatMap((keyId) => this.asking.get(keyId) ?? []);
      await Promise.race([
        ...(running.length > 0 ? running : [...this.asking.values()]),
        after(deadline - performance.now()),
      ]);
    }
    if (first.some((keyId) => !this.answers.has(keyId))) this.late.add(namespace);
    else this.late.delete(namespace);
  }

  /** Number of keys with an answer. */
  get size(): number {
    return this.answers.size;
  }

  /** Problem of a key in the last answer. Undefined if there is none. */
  problem(keyId: string): KeyProblem | undefined {
    const { url, cluster, check } = this.options;
    if (url === undefined && cluster === undefined) return { keyId, reason: 'KmsNotConfigured' };
    if (url === undefined || !check) return undefined;
    const answer = this.answers.get(keyId)?.answer ?? 'KmsUnreachable';
    return answer === 'there' ? undefined : { keyId, reason: answer };
  }

  /** Drops answers about keys that nobody names any more. */
  private forgetUnnamed(): void {
    let most = 0;
    for (const keys of this.named.values()) most += keys.size;
    if (this.answers.size <= 2 * most + 16) return;
    for (const keyId of this.answers.keys())
      if (![...this.named.values()].some((keys) => keys.has(keyId))) this.answers.delete(keyId);
  }

  /** Starts as many checks as the limits allow. The namespace with the fewest running checks goes first. */
  private pump(): void {
    while (this.asking.size < KEY_WORKERS) {
      const [next] = [...this.waiting.keys()]
        .filter((name) => (this.running.get(name) ?? 0) < NAMESPACE_KEY_WORKERS)
        .sort((a, b) => (this.running.get(a) ?? 0) - (this.running.get(b) ?? 0));
      if (next === undefined) return;
      const own = this.waiting.get(next) ?? new Set<string>();
      const [keyId = ''] = own;
      own.delete(keyId);
      // A served namespace moves to the end of the queue.
      this.waiting.delete(next);
      if (own.size > 0) this.waiting.set(next, own);
      if (this.asking.has(keyId)) continue;
      this.running.set(next, (this.running.get(next) ?? 0) + 1);
      this.asking.set(
        keyId,
        this.ask(keyId).finally(() => this.ended(next, keyId)),
      );
    }
  }

  private ended(namespace: string, keyId: string): void {
    this.asking.delete(keyId);
    const left = (this.running.get(namespace) ?? 1) - 1;
    if (left > 0) this.running.set(namespace, left);
    else this.running.delete(namespace);
    this.pump();
  }

  private async ask(keyId: string): Promise<void> {
    const answer = await this.answer(keyId);
    const before = this.answers.get(keyId)?.answer;
    this.answers.set(keyId, { answer, at: performance.now() });
    if (before === answer) return;
    for (const [namespace, keys] of this.named)
      if (keys.has(keyId) && (before !== undefined || this.late.has(namespace))) this.options.onChange(namespace);
  }

  private async answer(keyId: string): Promise<Answer> {
    const [, path = ''] = KEY_ID.exec(keyId) ?? [];
    const [, wrapping] = TRANSIT.exec(path) ?? [];
    try {
      const status = await this.status(
        wrapping === undefined ? `${this.options.metadataPrefix}${path}` : `/v1/transit/keys/${wrapping}`,
      );
      if (status >= 200 && status < 300) return 'there';
      if (status === 404) return 'KeyNotFound';
      return status === 401 || status === 403 ? 'KmsDenied' : 'KmsUnreachable';
    } catch {
      return 'KmsUnreachable';
    }
  }

  private async status(path: string): Promise<number> {
    const { url, tokenFile, vaultNamespace, caFile, certFile, keyFile } = this.options;
    const read = async (file: string | undefined): Promise<string | undefined> =>
      file === undefined ? undefined : readFile(file, 'utf8');
    const [token, ca, cert, key] = await Promise.all([tokenFile, caFile, certFile, keyFile].map(read));
    const target = new URL(path, url);
    const options: RequestOptions = {
      headers: {
        ...(token === undefined ? {} : { 'x-vault-token': token.trim() }),
        ...(vaultNamespace === undefined ? {} : { 'x-vault-namespace': vaultNamespace }),
      },
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert, key }),
      signal: AbortSignal.timeout(KEY_TIMEOUT_MS),
      agent: false,
    };
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const outgoing = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
      answer.destroy();
    });
    outgoing.on('error', reject);
    outgoing.end();
    return promise;
  }
}

function after(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.max(0, milliseconds)).unref());
}
