import type { ErrorCode } from '../route/errors.gen.ts';
import { ERRORS } from '../route/errors.gen.ts';

/**
 * A failure with a code of the error table. The message is `CODE title: detail`. It never contains a key or a field's
 * value.
 */
export class CodedError extends Error {
  readonly code: ErrorCode;
  /** Advice to the user, one sentence. */
  readonly advice: string;

  constructor(code: ErrorCode, detail: string, cause?: unknown) {
    const { title, advice } = ERRORS[code];
    super(`${code} ${title}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'CodedError';
    this.code = code;
    this.advice = advice;
  }
}

/** Message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
