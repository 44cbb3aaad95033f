// Files that fail among others and pass alone. They are tolerated only while the list gives a reason and a date.
import { existsSync, readFileSync } from 'node:fs';
import type { Failure } from './outcome.ts';

/** Path of the list, from the root of the repository. */
export const UNSTABLE_LIST = 'test/unstable.json';

/** One known file. */
export interface KnownUnstable {
  /** Path from the root. */
  file: string;
  /** Known facts about the cause. */
  reason: string;
  /** Day after which the file must be stable, `YYYY-MM-DD`. */
  until: string;
}

export function knownUnstable(path = UNSTABLE_LIST): KnownUnstable[] {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as KnownUnstable[]) : [];
}

/** A failure for each of `unstable` ("file: message") that is not listed, or whose day has passed at `now`. */
export function unlisted(unstable: readonly string[], known: readonly KnownUnstable[], now: Date): Failure[] {
  const today = now.toISOString().slice(0, 10);
  return unstable
    .filter((line) => !known.some(({ file, until }) => line.startsWith(`${file}: `) && until >= today))
    .map((line) => ({
      name: line.slice(0, line.indexOf(': ')),
      detail: `failed among others and passed alone (${line.slice(line.indexOf(': ') + 2)}): make it stable, or list it in ${UNSTABLE_LIST} with a reason and a day`,
    }));
}
