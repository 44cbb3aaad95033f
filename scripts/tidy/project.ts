// Input of the tidy rules: every tracked text file, read once.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { blank, type BlankedText } from './source-text.ts';

/** Size from which a file counts as data, so that only its name is checked. Bytes. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** One violation of a rule. */
export interface Finding {
  path: string;
  /** 1-based. 0 for the whole file. */
  line: number;
  message: string;
}

export interface Rule {
  name: string;
  check(project: Project): Finding[];
}

const CODE = /\.(ts|mjs|js)$/;
const GENERATED = /\.gen\.ts$/;

/** Files by path from the root, with `/`. */
export class Project {
  private readonly texts: ReadonlyMap<string, string>;
  private readonly blanked = new Map<string, BlankedText>();

  constructor(texts: ReadonlyMap<string, string>) {
    this.texts = texts;
  }

  get paths(): string[] {
    return [...this.texts.keys()];
  }

  has(file: string): boolean {
    return this.texts.has(file);
  }

  text(file: string): string {
    return this.texts.get(file) ?? '';
  }

  /** The file with comments and string contents blanked, at the same positions. */
  blank(file: string): BlankedText {
    const known = this.blanked.get(file);
    if (known !== undefined) return known;
    const made = blank(this.text(file));
    this.blanked.set(file, made);
    return made;
  }

  /** TypeScript, AssemblyScript and JavaScript files. Generated ones only on request. */
  code(options: { generated: boolean } = { generated: false }): string[] {
    return this.paths.filter((file) => CODE.test(file) && (options.generated || !GENERATED.test(file)));
  }
}

/** 1-based line of a position. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < position; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** A finding for each match of `pattern` (global) in `text`. */
export function findAll(
  file: string,
  text: string,
  pattern: RegExp,
  message: (match: RegExpMatchArray) => string,
): Finding[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path: file,
    line: lineAt(text, match.index),
    message: message(match),
  }));
}

/** The files of the checkout at `root` that git tracks or would track. */
export function loadProject(root: string): Project {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const texts = new Map<string, string>();
  for (const file of listed.split('\0')) {
    const full = path.join(root, file);
    if (file === '' || !existsSync(full) || !statSync(full).isFile()) continue;
    const text = statSync(full).size <= MAX_TEXT_BYTES ? readFileSync(full, 'utf8') : '';
    texts.set(file, text.includes('\0') ? '' : text);
  }
  return new Project(texts);
}
