import { readFileSync } from 'node:fs';

/** One entry of filters/errors.json. */
interface ErrorEntry {
  code: string;
  title: string;
  advice: string;
}

let table: Map<string, ErrorEntry> | undefined;

function entryOf(code: string): ErrorEntry {
  if (!table) {
    const { errors } = JSON.parse(readFileSync(new URL('../../filters/errors.json', import.meta.url), 'utf8')) as { errors: ErrorEntry[] };
    table = new Map(errors.map((entry) => [entry.code, entry]));
  }
  return table.get(code) ?? { code, title: 'Error without an entry in filters/errors.json', advice: '' };
}

/** A failure with a code of filters/errors.json. The message is `CODE title: detail`; it never holds a key or a field's value. */
export class CodedError extends Error {
  readonly code: string;
  /** What the user can do about it, one sentence. */
  readonly advice: string;
  readonly detail: string;

  constructor(code: string, detail: string, cause?: unknown) {
    const entry = entryOf(code);
    super(`${code} ${entry.title}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'CodedError';
    this.code = code;
    this.advice = entry.advice;
    this.detail = detail;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
