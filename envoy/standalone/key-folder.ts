// The development KMS's memory: one file of keys, encrypted, a file with the key to it, and the trail of who did what.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_KEY_LOCK_MS } from '../limits.ts';
import { CodedError, messageOf } from './coded-error.ts';

const CIPHER = 'aes-256-gcm';
const STORAGE_KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** One line of the trail. Never any material. */
export interface AuditRecord {
  /** RFC 3339. */
  time: string;
  verb: string;
  key: string;
  version?: number;
  /** Address of the caller, or `cli`. */
  peer: string;
  /** HTTP status, where there was a request. */
  status?: number;
}

/** Where a key store lives: a folder, or this process's memory. Errors of all methods: FIM-KMS-0004. */
export class KeyFolder {
  private readonly folder: string | null;
  private readonly storageKey: Buffer;
  private inMemory: string | null = null;
  private readonly trail: AuditRecord[] = [];

  /**
   * `folder`: null for memory only; made if absent, for its owner only. `keyFile`: the key that encrypts the store, made if there is no store yet; in the
   * folder unless named, so that it can be kept on another disk.
   */
  constructor(folder: string | null, keyFile = folder === null ? '' : join(folder, 'storage.key')) {
    this.folder = folder;
    if (folder === null) this.storageKey = randomBytes(STORAGE_KEY_BYTES);
    else this.storageKey = attempt(folder, () => openFolder(folder, keyFile));
  }

  /** Changes when somebody writes. */
  get revision(): string {
    if (this.folder === null) return String(this.inMemory?.length);
    const found = statSync(this.storeFile, { throwIfNoEntry: false, bigint: true });
    return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : '';
  }

  /** What was written last; null if nothing was. */
  read(): string | null {
    if (this.folder === null) return this.inMemory;
    return attempt(this.folder, () => (statSync(this.storeFile, { throwIfNoEntry: false }) ? readFileSync(this.storeFile, 'utf8') : null));
  }

  /** Replaces the store in one step. Only within `locked`. */
  write(text: string): void {
    if (this.folder === null) {
      this.inMemory = text;
      return;
    }
    attempt(this.folder, () => {
      writeFileSync(`${this.storeFile}~`, text, { mode: OWNER_ONLY, flush: true });
      renameSync(`${this.storeFile}~`, this.storeFile);
    });
  }

  /** Runs `change` while no other process writes. */
  locked<T>(change: () => T): T {
    if (this.folder === null) return change();
    const lock = join(this.folder, 'lock');
    const folder = this.folder;
    attempt(folder, () => takeLock(lock));
    try {
      return change();
    } finally {
      rmSync(lock, { force: true });
    }
  }

  /** Appends to the trail. */
  audit(record: AuditRecord): void {
    if (this.folder === null) {
      this.trail.push(record);
      return;
    }
    attempt(this.folder, () => appendFileSync(this.trailFile, `${JSON.stringify(record)}\n`, { mode: OWNER_ONLY }));
  }

  /** The trail from its beginning. */
  get records(): AuditRecord[] {
    if (this.folder === null) return [...this.trail];
    const text = statSync(this.trailFile, { throwIfNoEntry: false }) ? readFileSync(this.trailFile, 'utf8') : '';
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditRecord]));
  }

  /** AES-256-GCM under the storage key: iv, ciphertext, tag, in base64. `place` is authenticated: what is sealed for one key opens for no other. */
  seal(material: Buffer, place: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.storageKey, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place));
    return Buffer.concat([iv, cipher.update(material), cipher.final(), cipher.getAuthTag()]).toString('base64');
  }

  /** The caller overwrites what it gets. */
  open(sealed: string, place: string): Buffer {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv(CIPHER, this.storageKey, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw new CodedError('FIM-KMS-0004', `${place} does not open with this storage key`);
    }
  }

  private get storeFile(): string {
    return join(this.folder!, 'keys.json');
  }

  private get trailFile(): string {
    return join(this.folder!, 'audit.jsonl');
  }
}

function openFolder(folder: string, keyFile: string): Buffer {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!statSync(keyFile, { throwIfNoEntry: false })) {
    if (statSync(join(folder, 'keys.json'), { throwIfNoEntry: false })) throw new Error(`${keyFile}, the key to it, is missing`);
    writeFileSync(keyFile, randomBytes(STORAGE_KEY_BYTES), { mode: OWNER_ONLY, flag: 'wx' });
  }
  if ((statSync(keyFile).mode & OTHERS) !== 0) throw new Error(`${keyFile} can be read by others than its owner: chmod 600`);
  const key = readFileSync(keyFile);
  if (key.length !== STORAGE_KEY_BYTES) throw new Error(`${keyFile} is no storage key`);
  return key;
}

/** Waits for another process to finish; a lock that outlived its process is taken over. */
function takeLock(lock: string): void {
  const until = Date.now() + MAX_KEY_LOCK_MS;
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', OWNER_ONLY));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = statSync(lock, { throwIfNoEntry: false });
    if (held && Date.now() - held.mtimeMs > MAX_KEY_LOCK_MS) rmSync(lock, { force: true });
    else if (Date.now() > until) throw new Error(`${lock}: another process is writing`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}

function attempt<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof CodedError ? error : new CodedError('FIM-KMS-0004', `${folder}: ${messageOf(error)}`, error);
  }
}
