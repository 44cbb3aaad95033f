import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type RedisClientType } from '@redis/client';
import {
  MAX_QUESTIONS_IN_FLIGHT,
  STORE_ANSWER_MS,
  STORE_CONNECT_MS,
  STORE_LATE_ANSWERS,
  STORE_TRIAL_INTERVAL_MS,
} from '../limits.ts';
import type { Question } from './question.ts';
import { readTerms } from './question.ts';
import type { Decision, Store } from './store.ts';
import { StoreFailure } from './store.ts';

const SCRIPT = readFileSync(join(import.meta.dirname, 'take.lua'), 'utf8');
const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex');
const NUMBERS_OF_ONE = 4;
/** The client without modules and functions of others. */
type Client = RedisClientType;
/** A bucket that nobody else asks, to try whether the store can be written. */
const TRIAL: Question = {
  limit: 'trial',
  terms: readTerms('TokenBucket;q=1000000;p=1000'),
  bucket: 'fim:trial',
  cost: 1,
};

export interface RedisOptions {
  /** `redis://` or `rediss://`, with user and password if they are needed. */
  url: string;
  /** Time for its answer, milliseconds. Default: STORE_ANSWER_MS. */
  answerMs?: number;
  /** Told of each change between well and not. */
  onHealth?: (healthy: boolean) => void;
}

/**
 * The counts in one Redis, which several services may share. Each question is one atomic script on the server's clock.
 * While it does not answer, one trial goes to it at a time, and questions are refused at once.
 */
export class RedisStore implements Store {
  private client: Client;
  private readonly options: RedisOptions;
  private well = false;
  private closed = false;
  private waiting = 0;
  private late = 0;
  private timer: NodeJS.Timeout | undefined;

  private constructor(options: RedisOptions) {
    this.options = options;
    this.client = this.connected();
  }

  /** Connects in the background: a store that is down at the start is one that comes back. Waits for the first trial. */
  static async open(options: RedisOptions): Promise<RedisStore> {
    const store = new RedisStore(options);
    const deadline = Date.now() + STORE_CONNECT_MS;
    while (!store.client.isReady && Date.now() < deadline) await pause(STORE_ANSWER_MS);
    await store.try();
    return store;
  }

  get healthy(): boolean {
    return this.well;
  }

  async take(questions: readonly Question[]): Promise<Decision[]> {
    if (!this.well) throw new StoreFailure('down');
    if (this.waiting >= MAX_QUESTIONS_IN_FLIGHT) throw new StoreFailure('slow');
    try {
      const decisions = await this.ask(questions);
      this.late = 0;
      return decisions;
    } catch (error) {
      const failure = failureOf(error);
      // One late answer is the machine's, several in a row are the store's.
      if (failure.reason !== 'slow' || ++this.late >= STORE_LATE_ANSWERS) this.noteHealth(false);
      if (failure.reason === 'refused') this.reconnect();
      throw failure;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.client.destroy();
  }

  private async ask(questions: readonly Question[]): Promise<Decision[]> {
    const keys = questions.map(({ bucket }) => bucket);
    const given = [String(keys.length), ...keys, ...questions.flatMap(argumentsOf)];
    this.waiting++;
    try {
      const numbers = await inTime(
        this.client.sendCommand<number[]>(['EVALSHA', SCRIPT_SHA, ...given]).catch((error: unknown) => {
          if (!String(error).includes('NOSCRIPT')) throw error;
          return this.client.sendCommand<number[]>(['EVAL', SCRIPT, ...given]);
        }),
        this.options.answerMs ?? STORE_ANSWER_MS,
      );
      return questions.map((_, index) => decisionOf(numbers, index * NUMBERS_OF_ONE));
    } finally {
      this.waiting--;
    }
  }

  /** A client that connects now, and again and again. */
  private connected(): Client {
    const client: Client = createClient({
      url: this.options.url,
      socket: {
        connectTimeout: STORE_CONNECT_MS,
        reconnectStrategy: STORE_TRIAL_INTERVAL_MS,
        keepAlive: true,
        noDelay: true,
      },
      commandsQueueMaxLength: MAX_QUESTIONS_IN_FLIGHT,
      // What cannot be sent now is of no use later.
      disableOfflineQueue: true,
    });
    client.on('error', () => client === this.client && this.noteHealth(false));
    client.connect().catch(() => undefined);
    return client;
  }

  /** The server is a replica now, or none that takes commands: its name may lead to another one. */
  private reconnect(): void {
    if (this.closed) return;
    this.client.destroy();
    this.client = this.connected();
  }

  /** Tries whether the store is well: also while nobody asks, so that proxies hear of it before a request waits. */
  private async try(): Promise<void> {
    const failure = await this.ask([TRIAL]).then(
      () => undefined,
      (error: unknown) => failureOf(error),
    );
    if (this.closed) return;
    this.late = failure?.reason === 'slow' ? this.late + 1 : 0;
    if (failure?.reason === 'refused') this.reconnect();
    const mayBeTheMachine = this.well && failure?.reason === 'slow' && this.late < STORE_LATE_ANSWERS;
    this.noteHealth(failure === undefined || mayBeTheMachine);
  }

  private noteHealth(well: boolean): void {
    const changed = well !== this.well;
    this.well = well;
    clearTimeout(this.timer);
    if (!this.closed) this.timer = setTimeout(() => void this.try(), STORE_TRIAL_INTERVAL_MS);
    if (changed) this.options.onHealth?.(well);
  }
}

function argumentsOf({ terms, cost }: Question): string[] {
  return terms.algorithm === 'TokenBucket'
    ? ['b', String(cost), String(terms.interval), String(terms.capacity)]
    : ['w', String(cost), String(terms.part), String(terms.requests)];
}

function decisionOf(numbers: readonly number[], at: number): Decision {
  const [allowed = 0, remaining = 0, waitUs = 0, moreUs = 0] = numbers.slice(at, at + NUMBERS_OF_ONE);
  return { allowed: allowed === 1, remaining, waitUs, moreUs };
}

/** Settles as `answer`, or rejects when its time is over. */
async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, failed) => {
    timer = setTimeout(() => failed(new StoreFailure('slow')), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => undefined);
  }
}

function failureOf(error: unknown): StoreFailure {
  if (error instanceof StoreFailure) return error;
  const text = String(error);
  if (text.includes('OOM')) return new StoreFailure('full', { cause: error });
  return new StoreFailure(/READONLY|LOADING|MASTERDOWN|NOAUTH|NOPERM/.test(text) ? 'refused' : 'down', {
    cause: error,
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms).unref());
}
