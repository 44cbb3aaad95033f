// Language of errors on the terminal. Output for programs (`--json`, exit status, codes) is the same in all.
import { ERRORS, type ErrorCode } from '../../envoy/route/errors.gen.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';

export const LANGUAGES = ['en', 'zh'] as const;
type Language = (typeof LANGUAGES)[number];

let language: Language = fromEnvironment(process.env);

/** Language of the first of LC_ALL, LC_MESSAGES and LANG that is set (POSIX): Chinese for `zh…`, else English. */
export function fromEnvironment({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): Language {
  return /^zh/i.test(LC_ALL || LC_MESSAGES || LANG || '') ? 'zh' : 'en';
}

/** Sets the language of the command line. Errors: FIM-UP-0020. */
export function speak(name: string): void {
  const known = LANGUAGES.find((candidate) => candidate === name);
  if (known === undefined) throw new CodedError('FIM-UP-0020', `--lang takes ${LANGUAGES.join(' or ')}`);
  language = known;
}

/** One of two texts, by the language. */
export function inLanguage<T>(en: T, zh: T): T {
  return language === 'zh' ? zh : en;
}

/**
 * A message in the language. The title of its code is translated, and what introduces a suggestion and a list of names;
 * other details after it are names and numbers.
 */
export function translated(code: string, message: string): string {
  const entry = ERRORS[code as ErrorCode];
  if (language !== 'zh' || entry === undefined) return message;
  return message
    .replace(entry.title, entry.titleZh)
    .replace(/: did you mean (`[^`]*`)\? (?=known: |allowed: )/, '：您是否想写 $1？ ')
    .replace(
      /(^|[:？;] )(known|allowed): /,
      (_, before: string, kind: string) => `${before}${kind === 'known' ? '已知' : '可取'}：`,
    );
}

/** Advice of the error table, in the language. */
export function adviceOf(code: string): string {
  const entry = ERRORS[code as ErrorCode];
  return (language === 'zh' ? entry?.adviceZh : entry?.advice) ?? '';
}
