// Texts whose layout was found good, by a hash of the text and of all that says what is good. Laying everything out takes
// most of a minute of processor time, and a day's work changes few files.
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that say how texts are laid out, besides the formatter itself. */
const SETTINGS = ['.prettierrc.json', '.prettierignore', '.editorconfig'];
/** Packages that lay texts out. */
const FORMATTERS = ['prettier', 'assemblyscript-prettier'];
/** Hashes that are kept: those of about ten states of the project. The oldest are forgotten. */
const MAX_KNOWN = 20_000;

export class KnownLayout {
  private readonly store: string;
  private readonly settings: string;
  private readonly known: ReadonlySet<string>;

  /** `store`: file of the hashes. `root`: folder of the project. */
  constructor(store: string, root = '.') {
    this.store = store;
    const said = [
      ...SETTINGS.map((file) => join(root, file)),
      ...FORMATTERS.map((name) => join(root, 'node_modules', name, 'package.json')),
    ];
    this.settings = said.map((file) => hashOf(readFileSync(file, 'utf8'))).join(' ');
    this.known = new Set(linesOf(store));
  }

  /** Whether a file's text was found good under its path, which decides how it is laid out. */
  has(path: string, text: string): boolean {
    return this.known.has(this.key(path, text));
  }

  /** Takes files as good, and writes the store. */
  add(files: ReadonlyMap<string, string>): void {
    const keys = [...files].map(([path, text]) => this.key(path, text));
    // Another process may have written since.
    const own = new Set(keys);
    const others = linesOf(this.store).filter((key) => !own.has(key));
    const partial = `${this.store}.${process.pid}`;
    writeFileSync(partial, [...others, ...keys].slice(-MAX_KNOWN).join('\n'));
    renameSync(partial, this.store);
  }

  private key(path: string, text: string): string {
    return hashOf(`${this.settings}\n${path}\n${text}`);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
