// Quick check of a pattern, so that certain errors are reported at the editor's line. It refuses nothing that the
// modules accept. The modules' own compiler, run in the dry run, decides on the rest (classes, escapes, compiled size).

import { MAX_PATTERN_REPEAT } from '../limits.ts';

/** `{n}`, `{n,}`, `{n,m}`. Any other brace is a literal character. */
const REPETITION = /^\{(\d+)(,(\d*))?\}/;
/** Unsupported groups: look-around, atomic, conditional, comment, branch reset, named back-reference. */
const FOREIGN_GROUP = /^\(\?(=|!|<=|<!|>|\(|#|\||P=|P>)/;
const BACK_REFERENCE = /^\\([89]|[1-7](?![0-7])|k|g|C)/;

class Scanner {
  private at = 0;
  private depth = 0;
  /** Whether a quantifier may follow. */
  private repeatable = false;

  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Number of the character that is read, from 1. */
  get place(): number {
    return Math.min(this.at + 1, this.text.length);
  }

  /** The first error, if any. */
  mistake(): string | undefined {
    while (this.at < this.text.length) {
      const found = this.step();
      if (found !== undefined) return found;
    }
    return this.depth > 0 ? 'a parenthesis is not closed' : undefined;
  }

  private step(): string | undefined {
    const rest = this.text.slice(this.at);
    switch (rest[0]) {
      case '\\':
        return this.escape(rest);
      case '[':
        return this.bracket();
      case '(':
        return this.open(rest);
      case ')':
        return this.close();
      case '|':
        this.at++;
        this.repeatable = false;
        return undefined;
    }
    const repetition = /^[*+?]/.exec(rest) ?? REPETITION.exec(rest);
    if (repetition !== null) return this.repeat(repetition);
    this.at++;
    this.repeatable = true;
    return undefined;
  }

  private escape(rest: string): string | undefined {
    if (rest.length === 1) return 'it ends with a backslash';
    if (BACK_REFERENCE.test(rest)) return 'back-references are not supported';
    const quoted = /^\\Q[^]*?(\\E|$)/.exec(rest);
    this.at += quoted === null ? 2 : quoted[0].length;
    this.repeatable = true;
    return undefined;
  }

  /** A class. `]` in the first place is a literal. */
  private bracket(): string | undefined {
    let at = this.at + 1;
    if (this.text[at] === '^') at++;
    if (this.text[at] === ']') at++;
    while (at < this.text.length && this.text[at] !== ']') {
      const named = /^\[:\^?\w+:\]/.exec(this.text.slice(at, at + 16));
      at += named !== null ? named[0].length : this.text[at] === '\\' ? 2 : 1;
    }
    this.at = at + 1;
    this.repeatable = true;
    return at >= this.text.length ? 'a bracket is not closed' : undefined;
  }

  private open(rest: string): string | undefined {
    if (FOREIGN_GROUP.test(rest)) return 'look-around and atomic groups are not supported';
    const head = /^\(\?(P?<\w+>|[imsU-]*:)/.exec(rest);
    const flags = /^\(\?[imsU-]+\)/.exec(rest);
    if (rest[1] === '?' && head === null && flags === null) return 'a group begins with an unknown mark';
    this.at += flags?.[0].length ?? head?.[0].length ?? 1;
    if (flags === null) this.depth++;
    this.repeatable = false;
    return undefined;
  }

  private close(): string | undefined {
    this.at++;
    this.repeatable = true;
    return --this.depth < 0 ? 'a parenthesis is closed that is not open' : undefined;
  }

  private repeat(found: RegExpExecArray): string | undefined {
    if (!this.repeatable) return 'a repetition has nothing to repeat';
    const [whole, least, range, most] = found;
    const bounds = [
      Number(least ?? 0),
      Number(range === undefined ? (least ?? 0) : most || MAX_PATTERN_REPEAT),
    ] as const;
    if (bounds[0] > MAX_PATTERN_REPEAT || bounds[1] > MAX_PATTERN_REPEAT || bounds[0] > bounds[1])
      return `a repetition counts up to ${MAX_PATTERN_REPEAT}, the lesser number first`;
    this.at += whole.length;
    if (this.text[this.at] === '?') this.at++;
    else if (this.text[this.at] === '+') return 'possessive repetitions are not supported';
    this.repeatable = false;
    return undefined;
  }
}

/**
 * Reason why the modules certainly refuse a pattern, or undefined. Takes time at most quadratic in its length, which
 * the schema bounds.
 */
export function patternMistake(pattern: string): string | undefined {
  const scanner = new Scanner(pattern);
  const mistake = scanner.mistake();
  return mistake === undefined ? undefined : `${mistake} (character ${scanner.place} of ${pattern.length})`;
}
