// Whether keys are there. Only their metadata is asked for: the operator never sees a key.
import { readFile } from 'node:fs/promises';
import { KEY_ANSWER_MS, KEY_TIMEOUT_MS, MAX_KNOWN_KEYS } from '../limits.ts';
import type { KeyProblem } from './plan/status.ts';

const KEY_ID = /"kms:\/\/([A-Za-z0-9._/-]+)"/g;

/** The `kms://` ids in a spec, wherever they stand. */
export function keyIdsOf(spec: unknown): string[] {
  return [...new Set([...JSON.stringify(spec ?? {}).matchAll(KEY_ID)].map((match) => `kms://${match[1]}`))];
}

type Answer = 'there' | KeyProblem['reason'];

export interface KeyDirectoryOptions {
  /** Key service; undefined: none is known. */
  url: URL | undefined;
  /** Path of key metadata in the KV version 2 store. */
  metadataPrefix: string;
  /** File with a token that may read metadata, and nothing more. */
  tokenFile: string | undefined;
  /** Proxies reach a key service by a cluster of their own. */
  cluster: string | undefined;
  /** Ask at all. */
  check: boolean;
  /** Told when an answer differs from the one before. */
  onChange: (keyId: string) => void;
}

export class KeyDirectory {
  private readonly options: KeyDirectoryOptions;
  private readonly answers = new Map<string, { answer: Answer; at: number }>();
  private readonly asking = new Map<string, Promise<void>>();

  constructor(options: KeyDirectoryOptions) {
    this.options = options;
  }

  /** Asks for what is not known or known too long; settles when there is an answer for each. */
  async look(keyIds: readonly string[]): Promise<void> {
    if (this.options.url === undefined || !this.options.check) return;
    const due = keyIds.filter((keyId) => performance.now() - (this.answers.get(keyId)?.at ?? -Infinity) > KEY_ANSWER_MS);
    await Promise.all(due.map((keyId) => {
      const running = this.asking.get(keyId) ?? this.ask(keyId).finally(() => this.asking.delete(keyId));
      this.asking.set(keyId, running);
      return running;
    }));
  }

  /** What stands against a key, by the last answer; undefined: nothing. */
  problem(keyId: string): KeyProblem | undefined {
    const { url, cluster, check } = this.options;
    if (url === undefined && cluster === undefined) return { keyId, reason: 'KmsNotConfigured' };
    if (url === undefined || !check) return undefined;
    const answer = this.answers.get(keyId)?.answer ?? 'KmsUnreachable';
    return answer === 'there' ? undefined : { keyId, reason: answer };
  }

  private async ask(keyId: string): Promise<void> {
    const answer = await this.answer(keyId);
    const before = this.answers.get(keyId)?.answer;
    if (this.answers.size >= MAX_KNOWN_KEYS) this.answers.clear();
    this.answers.set(keyId, { answer, at: performance.now() });
    if (before !== undefined && before !== answer) this.options.onChange(keyId);
  }

  private async answer(keyId: string): Promise<Answer> {
    const { url, metadataPrefix, tokenFile } = this.options;
    try {
      const headers: Record<string, string> = tokenFile === undefined ? {} : { 'x-vault-token': (await readFile(tokenFile, 'utf8')).trim() };
      const answer = await fetch(new URL(`${metadataPrefix}${keyId.slice('kms://'.length)}`, url), { headers, redirect: 'error', signal: AbortSignal.timeout(KEY_TIMEOUT_MS) });
      await answer.body?.cancel();
      if (answer.ok) return 'there';
      if (answer.status === 404) return 'KeyNotFound';
      return answer.status === 401 || answer.status === 403 ? 'KmsDenied' : 'KmsUnreachable';
    } catch {
      return 'KmsUnreachable';
    }
  }
}
