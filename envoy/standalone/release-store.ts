// Releases that were in force in this proxy: policies and modules, kept by content, so that one command brings any of them back.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_KEPT_RELEASES } from '../limits.ts';
import { canonicalHash, ERRORS, type ErrorCode } from '../route/index.ts';
import { CodedError } from './coded-error.ts';
import type { StoredModule } from './module-store.ts';
import type { Policy } from './policy.ts';

/** Hexadecimal digits of a release: enough to tell a handful apart. */
const ID_DIGITS = 12;
const INDEX = 'index.json';

/** A release as `fim release list` shows it. */
export interface KeptRelease {
  /** Identity of its content. */
  id: string;
  /** Milliseconds since 1970 at which it came into force last. */
  atMs: number;
  /** `namespace/name` of its routes. */
  routes: string[];
  /** SHA-256 of its modules, by name. */
  modules: Record<string, string>;
  /** Somebody went back from it, so that nobody is led to it without naming it. */
  left?: boolean;
}

/** A former release that is in force although the files say something else. */
interface Held {
  id: string;
  /** Content of the files at that time. What differs from it takes over. */
  instead: string;
}

/** The part of a policy that outlives the process. */
type Text = Omit<Policy, 'canary' | 'locate'>;

interface Index {
  version: 1;
  /** The newest first. */
  releases: KeptRelease[];
  held: Held | null;
}

/** Releases that were in force, and whether a former one is. */
export class ReleaseStore {
  private readonly folder: string;
  private readonly index: Index;
  /** Identity of the release in force. */
  current: string | undefined;

  /** `folder`: made with the first release, for this user only. Error: FIM-UP-0174 (it cannot be read). */
  constructor(folder: string) {
    this.folder = folder;
    this.index = readIndex(join(folder, INDEX));
  }

  /** The newest first. */
  list(): readonly KeptRelease[] {
    return this.index.releases;
  }

  get held(): string | undefined {
    return this.index.held?.id;
  }

  /** The release is in force. Keeps it, and forgets the oldest beyond the bound. */
  async keep(policy: Policy, modules: ReadonlyMap<string, StoredModule>): Promise<void> {
    const { canary: _, locate: _place, ...content } = policy;
    const text = JSON.stringify(content);
    const digests = Object.fromEntries([...modules].map(([name, { sha256 }]) => [name, sha256]));
    const { notices: _notices, conditions: _conditions, ...ruling } = JSON.parse(text) as Text;
    const id = canonicalHash([ruling, digests]).slice(0, ID_DIGITS);
    this.current = id;
    const [newest] = this.index.releases;
    if (newest?.id === id && newest.left !== true) return;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    for (const module of modules.values()) await this.copy(module);
    this.write(`${id}.json`, text);
    const others = this.index.releases.filter((release) => release.id !== id);
    const release: KeptRelease = { id, atMs: Date.now(), routes: policy.routes, modules: digests };
    this.index.releases = [release, ...others].slice(0, MAX_KEPT_RELEASES);
    this.save();
    this.prune();
  }

  /**
   * The release to go back to: that of the name, or the newest that was in force before and that nobody left. Errors:
   * FIM-UP-0170 (there is none), FIM-UP-0171 (it is in force).
   */
  former(id?: string): KeptRelease {
    const { releases } = this.index;
    const found =
      id === undefined
        ? releases.find((release) => release.id !== this.current && release.left !== true)
        : releases.find((release) => release.id === id);
    if (found === undefined) throw new CodedError('FIM-UP-0170', id ?? 'only the one in force is kept');
    if (found.id === this.current) throw new CodedError('FIM-UP-0171', found.id);
    return found;
  }

  /** From now on the release is to be in force, until the content of the files is another than `instead`. */
  hold(id: string, instead: string): void {
    const left = this.index.releases.find((release) => release.id === this.current);
    if (left !== undefined) left.left = true;
    this.index.held = { id, instead };
    this.save();
  }

  /** The release that is in force in place of this content of the files; undefined: it cannot be read. Undefined: the content is. */
  heldAgainst(content: string | undefined): string | undefined {
    const { held } = this.index;
    if (held === null || content === undefined || held.instead === content) return held?.id;
    this.letGo();
    return undefined;
  }

  /** The files are in force again. */
  letGo(): void {
    if (this.index.held === null) return;
    this.index.held = null;
    this.save();
  }

  /** Its policy. Error: FIM-UP-0172 (it cannot be read). */
  policyOf(id: string): Policy {
    const path = join(this.folder, `${id}.json`);
    try {
      const text = JSON.parse(readFileSync(path, 'utf8')) as Text;
      const issue = (code: ErrorCode): { code: ErrorCode; path: string; message: string; file: string } => ({
        code,
        path: '$',
        message: ERRORS[code].title,
        file: '',
      });
      const locate = (code: string) => issue((code in ERRORS ? code : 'FIM-CFG-0019') as ErrorCode);
      return { ...text, locate, tls: text.tls === null ? null : { ...text.tls, issue } };
    } catch {
      throw new CodedError('FIM-UP-0172', path);
    }
  }

  /** Files of its modules, by name. */
  modulesOf(id: string): Map<string, string> {
    const release = this.index.releases.find((one) => one.id === id);
    return new Map(Object.entries(release?.modules ?? {}).map(([name, sha256]) => [name, this.fileOf(sha256)]));
  }

  private fileOf(sha256: string): string {
    return join(this.folder, `${sha256}.wasm`);
  }

  private async copy({ sha256, file }: StoredModule): Promise<void> {
    const path = this.fileOf(sha256);
    if (existsSync(path)) return;
    await copyFile(file, `${path}.partial`);
    await rename(`${path}.partial`, path);
  }

  private prune(): void {
    const { releases } = this.index;
    const kept = new Set([
      INDEX,
      ...releases.flatMap(({ id, modules }) => [
        `${id}.json`,
        ...Object.values(modules).map((sha256) => `${sha256}.wasm`),
      ]),
    ]);
    for (const name of readdirSync(this.folder)) if (!kept.has(name)) rmSync(join(this.folder, name), { force: true });
  }

  private save(): void {
    this.write(INDEX, JSON.stringify(this.index));
  }

  private write(name: string, text: string): void {
    const path = join(this.folder, name);
    writeFileSync(`${path}.partial`, `${text}\n`, { mode: 0o600 });
    renameSync(`${path}.partial`, path);
  }
}

function readIndex(path: string): Index {
  const nothing: Index = { version: 1, releases: [], held: null };
  if (!existsSync(path)) return nothing;
  try {
    const index = JSON.parse(readFileSync(path, 'utf8')) as Index;
    if (index.version === 1 && Array.isArray(index.releases)) return index;
  } catch {
    // Told below, as what can be read and is something else.
  }
  throw new CodedError('FIM-UP-0174', path);
}
