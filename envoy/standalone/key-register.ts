import { CodedError } from './coded-error.ts';
import { MAX_REGISTER_KEYS, MAX_REGISTER_VERSIONS } from '../limits.ts';
import type { KeyFolder } from './key-folder.ts';
import type { KeyAlgorithm } from '../route/index.ts';
import { materialFrom, newMaterial } from './key-material.ts';

const ID = /^(?:kms:\/\/)?((?:(?!\.{1,2}(?:\/|$))[\w.-]+\/)*(?!\.{1,2}$)[\w.-]+)$/;

export type VersionState = 'enabled' | 'disabled' | 'destroyed';

/** A stored version. Everything but the material is in clear. */
export interface StoredVersion {
  version: number;
  state: VersionState;
  /** Time of creation and of the last change of state, RFC 3339. */
  created: string;
  changed: string;
  /** Hard expiry of the version, RFC 3339. Absent: none. */
  expires?: string;
  /** Sealed material. Empty once destroyed. */
  sealed: string;
}

export interface StoredKey {
  /** Without `kms://`. */
  path: string;
  algorithm: KeyAlgorithm;
  /** In order, beginning with version 1. */
  versions: StoredVersion[];
}

interface Store {
  /** `expires`: from stores of an earlier release, where a key had one expiry for all versions. */
  keys: (StoredKey & { expires?: string })[];
}

/** Path of a key id, with or without `kms://`. Error: FIM-CFG-0017. */
export function pathOf(keyId: string): string {
  const path = ID.exec(keyId)?.[1];
  if (path === undefined) throw new CodedError('FIM-CFG-0017', keyId);
  return path;
}

/** Keys, their versions and states, in a folder that other processes may change too. */
export class KeyRegister {
  private readonly folder: KeyFolder;
  private keys = new Map<string, StoredKey>();
  private revision: string | null = null;

  constructor(folder: KeyFolder) {
    this.folder = folder;
  }

  /** All keys, by path. */
  list(): StoredKey[] {
    this.reload();
    return [...this.keys.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  find(path: string): StoredKey | undefined {
    this.reload();
    return this.keys.get(path);
  }

  /**
   * Creates the first version. Errors: FIM-KMS-0005 (exists already, too many keys, invalid for the algorithm),
   * FIM-KMS-0004.
   */
  create(
    path: string,
    algorithm: KeyAlgorithm,
    { material, expires }: { material?: Buffer; expires?: string } = {},
  ): StoredKey {
    return this.change(() => {
      if (this.keys.has(path)) throw new CodedError('FIM-KMS-0005', `kms://${path} is there already`);
      if (this.keys.size >= MAX_REGISTER_KEYS)
        throw new CodedError('FIM-KMS-0005', `there are ${MAX_REGISTER_KEYS} keys`);
      const key: StoredKey = { path, algorithm, versions: [] };
      this.addVersion(key, material, expires);
      this.keys.set(path, key);
      return key;
    });
  }

  /**
   * Adds a version and returns its number. It expires at `expires`, independently of the previous version. Errors:
   * FIM-KMS-0002, FIM-KMS-0005, FIM-KMS-0004.
   */
  rotate(path: string, material?: Buffer, expires?: string): number {
    return this.change(() => {
      const key = this.required(path);
      this.addVersion(key, material, expires);
      return key.versions.length;
    });
  }

  /** Sets or removes the expiry of a version (default: the newest). Returns its number. Errors: as `rotate`. */
  renew(path: string, expires: string | undefined, version?: number): number {
    return this.change(() => {
      const found = this.versionOf(path, version);
      if (found.state === 'destroyed')
        throw new CodedError('FIM-KMS-0005', `kms://${path} version ${found.version} is destroyed`);
      if (expires === undefined) delete found.expires;
      else found.expires = expires;
      found.changed = new Date().toISOString();
      return found.version;
    });
  }

  /**
   * Disables, enables or destroys a version (default: the newest). Returns its number. Destruction is final, since the
   * material is dropped. Errors: as `rotate`.
   */
  setState(path: string, state: VersionState, version?: number): number {
    return this.change(() => {
      const found = this.versionOf(path, version);
      if (found.state === 'destroyed' && state !== 'destroyed')
        throw new CodedError('FIM-KMS-0005', `kms://${path} version ${found.version} is destroyed`);
      found.state = state;
      found.changed = new Date().toISOString();
      if (state === 'destroyed') found.sealed = '';
      return found.version;
    });
  }

  /** Material of an enabled version. The caller overwrites it. */
  material(key: StoredKey, version: StoredVersion): Buffer {
    return this.folder.open(version.sealed, placeOf(key, version.version));
  }

  private required(path: string): StoredKey {
    const key = this.keys.get(path);
    if (!key) throw new CodedError('FIM-KMS-0002', `kms://${path}`);
    return key;
  }

  private versionOf(path: string, version: number | undefined): StoredVersion {
    const { versions } = this.required(path);
    const found = versions[(version ?? versions.length) - 1];
    if (!found) throw new CodedError('FIM-KMS-0002', `kms://${path} version ${version}`);
    return found;
  }

  private addVersion(key: StoredKey, given: Buffer | undefined, expires: string | undefined): void {
    if (key.versions.length >= MAX_REGISTER_VERSIONS)
      throw new CodedError('FIM-KMS-0005', `kms://${key.path} has ${MAX_REGISTER_VERSIONS} versions`);
    const material = given ? materialFrom(key.algorithm, given) : newMaterial(key.algorithm);
    const version = key.versions.length + 1;
    const now = new Date().toISOString();
    key.versions.push({
      version,
      state: 'enabled',
      created: now,
      changed: now,
      ...(expires === undefined ? {} : { expires }),
      sealed: this.folder.seal(material, placeOf(key, version)),
    });
    material.fill(0);
    given?.fill(0);
  }

  private change<T>(work: () => T): T {
    return this.folder.locked(() => {
      this.reload();
      try {
        const result = work();
        this.folder.write(JSON.stringify({ keys: [...this.keys.values()] } satisfies Store, null, 1));
        this.revision = this.folder.revision;
        return result;
      } catch (error) {
        this.revision = null; // reads the store again after a partial change
        throw error;
      }
    });
  }

  private reload(): void {
    const revision = this.folder.revision;
    if (revision === this.revision) return;
    const text = this.folder.read();
    const store = text === null ? { keys: [] } : parse(text);
    this.keys = new Map(store.keys.map((key) => [key.path, withOwnEnds(key)]));
    this.revision = revision;
  }
}

/** Copies the expiry of an old key to each of its versions. */
function withOwnEnds({ expires, ...key }: Store['keys'][number]): StoredKey {
  return expires === undefined ? key : { ...key, versions: key.versions.map((version) => ({ expires, ...version })) };
}

function parse(text: string): Store {
  try {
    const store = JSON.parse(text) as Store;
    if (store.keys.every(({ path, versions }) => typeof path === 'string' && Array.isArray(versions))) return store;
    throw new Error('no keys');
  } catch {
    throw new CodedError('FIM-KMS-0004', 'keys.json is damaged');
  }
}

function placeOf(key: StoredKey, version: number): string {
  return `${key.path}\n${key.algorithm}\n${version}`;
}
