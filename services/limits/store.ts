import type { Question } from './question.ts';

/** Answer of a store to one question. */
export interface Decision {
  allowed: boolean;
  /** Whole tokens left. */
  remaining: number;
  /** Time until as much as was asked for would be let in, microseconds. 0: it is, or never will be. */
  waitUs: number;
  /** Time until one more token is there than `remaining`, microseconds. */
  moreUs: number;
}

/** Where the counts are. */
export interface Store {
  /** All questions of a call are taken together or not at all. Rejects if the store does not answer in time. */
  take(questions: readonly Question[]): Promise<Decision[]>;
  /** Whether it answers now. */
  readonly healthy: boolean;
  close(): Promise<void>;
}

/** Why a store does not answer: one word for the metric. */
export class StoreFailure extends Error {
  readonly reason: 'slow' | 'down' | 'full' | 'refused';

  constructor(reason: StoreFailure['reason'], options?: ErrorOptions) {
    super(`the store is ${reason}`, options);
    this.reason = reason;
  }
}
