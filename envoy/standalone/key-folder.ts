// Storage of the development KMS: an encrypted file of keys, a file with its storage key, and an audit trail.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { MAX_KEY_LOCK_MS } from '../limits.ts';
import { CodedError, messageOf } from './coded-error.ts';

const CIPHER = 'aes-256-gcm';
const STORAGE_KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** One audit record. It never contains key material. */
export interface AuditRecord {
  /** RFC 3339. */
  time: string;
  verb: string;
  key: string;
  version?: number;
  /** Address of the caller, or `cli`. */
  peer: string;
  /** HTTP status, if there was a request. */
  status?: number;
}

/** Location of a key store: a folder, or this process's memory. All methods throw FIM-KMS-0004. */
export class KeyFolder {
  private readonly folder: string | null;
  private readonly storageKey: Buffer;
  private inMemory: string | null = null;
  /** Content of the lock file that this process holds. */
  private lockText: string | undefined;
  private readonly trail: AuditRecord[] = [];

  /**
   * `folder`: null for memory only; created if absent, for its owner only. `keyFile`: the key that encrypts the store,
   * created with the store. By default it is in the folder; a path allows to keep it on another disk.
   */
  constructor(folder: string | null, keyFile = folder === null ? '' : join(folder, 'storage.key')) {
    this.folder = folder;
    if (folder === null) this.storageKey = randomBytes(STORAGE_KEY_BYTES);
    else this.storageKey = attempt(folder, () => openFolder(folder, keyFile));
  }

  /** Changes whenever anyone writes. */
  get revision(): string {
    if (this.folder === null) return String(this.inMemory?.length);
    const found = statSync(this.storeFile, { throwIfNoEntry: false, bigint: true });
    return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : '';
  }

  /** Text that was last written. Null if there is none. */
  read(): string | null {
    if (this.folder === null) return this.inMemory;
    return attempt(this.folder, () =>
      statSync(this.storeFile, { throwIfNoEntry: false }) ? readFileSync(this.storeFile, 'utf8') : null,
    );
  }

  /** Replaces the store by rename. Call only within `locked`. */
  write(text: string): void {
    if (this.folder === null) {
      this.inMemory = text;
      return;
    }
    attempt(this.folder, () => {
      writeFileSync(`${this.storeFile}~`, text, { mode: OWNER_ONLY, flush: true });
      if (this.lockText === undefined || lockTextOf(this.lockFile) !== this.lockText)
        throw new Error(`${this.lockFile}: another process has taken it over; nothing was changed`);
      renameSync(`${this.storeFile}~`, this.storeFile);
      flushFolder(this.folder!);
    });
  }

  /** Runs `change` while no other process writes. */
  locked<T>(change: () => T): T {
    if (this.folder === null) return change();
    attempt(this.folder, () => (this.lockText = takeLock(this.lockFile)));
    try {
      return change();
    } finally {
      if (lockTextOf(this.lockFile) === this.lockText) rmSync(this.lockFile, { force: true });
      this.lockText = undefined;
    }
  }

  /**
   * Performs `work` and records it. If the trail cannot be opened, nothing is done. If it cannot be written afterwards,
   * the work stays done and `onProblem` is called.
   */
  audited<T>(work: () => T, recordOf: (result: T) => AuditRecord, onProblem: (problem: string) => void): T {
    if (this.folder === null) {
      const result = work();
      this.trail.push(recordOf(result));
      return result;
    }
    const trail = attempt(this.folder, () => openSync(this.trailFile, 'a', OWNER_ONLY));
    try {
      const result = work();
      try {
        writeSync(trail, `${JSON.stringify(recordOf(result))}\n`);
      } catch (error) {
        onProblem(`${this.trailFile}: ${messageOf(error)}`);
      }
      return result;
    } finally {
      closeSync(trail);
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

  /** All records of the trail. */
  get records(): AuditRecord[] {
    if (this.folder === null) return [...this.trail];
    const text = statSync(this.trailFile, { throwIfNoEntry: false }) ? readFileSync(this.trailFile, 'utf8') : '';
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditRecord]));
  }

  /**
   * Seals with AES-256-GCM under the storage key: iv, ciphertext, tag, in base64. `place` is authenticated, so that
   * material sealed for one key does not open for another.
   */
  seal(material: Buffer, place: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.storageKey, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(place));
    return Buffer.concat([iv, cipher.update(material), cipher.final(), cipher.getAuthTag()]).toString('base64');
  }

  /** Opens sealed material. The caller overwrites the result. */
  open(sealed: string, place: string): Buffer {
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv(CIPHER, this.storageKey, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      }).setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      throw new CodedError('FIM-KMS-0004', `${place} does not open with this storage key`);
    }
  }

  private get storeFile(): string {
    return join(this.folder!, 'keys.json');
  }

  private get lockFile(): string {
    return join(this.folder!, 'lock');
  }

  private get trailFile(): string {
    return join(this.folder!, 'audit.jsonl');
  }
}

function openFolder(folder: string, keyFile: string): Buffer {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & OTHERS) !== 0) throw new Error(`${folder} is open to others than its owner: chmod 700`);
  if (!statSync(keyFile, { throwIfNoEntry: false })) {
    if (statSync(join(folder, 'keys.json'), { throwIfNoEntry: false }))
      throw new Error(`${keyFile}, the key to it, is missing`);
    writeFileSync(keyFile, randomBytes(STORAGE_KEY_BYTES), { mode: OWNER_ONLY, flag: 'wx', flush: true });
    flushFolder(dirname(keyFile));
  }
  if ((statSync(keyFile).mode & OTHERS) !== 0)
    throw new Error(`${keyFile} can be read by others than its owner: chmod 600`);
  const key = readFileSync(keyFile);
  if (key.length !== STORAGE_KEY_BYTES) throw new Error(`${keyFile} is no storage key`);
  return key;
}

/** Makes a created or replaced name in a folder survive a power cut. */
function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function lockTextOf(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Start time of a process in kernel ticks. It distinguishes processes that were given the same id. Empty without /proc.
 */
function startOf(pid: number): string {
  try {
    return (
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? ''
    );
  } catch {
    return '';
  }
}

/** Whether the process that wrote a lock still exists, even if it has stalled. */
function isAlive(text: string): boolean {
  const { pid, start } = JSON.parse(text) as { pid: number; start: string };
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return startOf(pid) === start;
}

/** Whether a lock is stale: its process is gone, or ended before it wrote its id. */
function isLeftBehind(lock: string, text: string): boolean {
  try {
    return !isAlive(text);
  } catch {
    const held = statSync(lock, { throwIfNoEntry: false });
    return held !== undefined && Date.now() - held.mtimeMs > MAX_KEY_LOCK_MS;
  }
}

/** Waits for another process to finish and takes over a stale lock. Returns the lock's content. */
function takeLock(lock: string): string {
  const until = Date.now() + MAX_KEY_LOCK_MS;
  const own = JSON.stringify({ pid: process.pid, start: startOf(process.pid), token: randomBytes(8).toString('hex') });
  for (;;) {
    try {
      writeFileSync(lock, own, { flag: 'wx', mode: OWNER_ONLY });
      return own;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const text = lockTextOf(lock);
    if (text !== undefined && isLeftBehind(lock, text) && lockTextOf(lock) === text) rmSync(lock, { force: true });
    else if (Date.now() > until) throw new Error(`${lock}: another process is writing`);
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
}

function attempt<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof CodedError ? error : new CodedError('FIM-KMS-0004', `${folder}: ${messageOf(error)}`, error);
  }
}
