// A trail: a file that grows by one line for each use of something that must not be used unseen.
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { CodedError, messageOf } from './coded-error.ts';

const LINE_FEED = 0x0a;

/** Entry of a trail, without who and when. It never holds a value. */
export type TrailEntry = Record<string, string | number | undefined>;

/**
 * Opened before anything is done; what cannot be noted is not done. Lines are JSON, appended in one write each, and on
 * the disk before `note` returns. The file is made with mode 0600 and never shortened; whether its owner may do so is
 * the file system's matter (`chattr +a`). Error: FIM-UP-0050.
 */
export class Trail {
  private readonly file: number;

  constructor(path: string) {
    const { O_APPEND, O_CREAT, O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants;
    try {
      // A pipe that nobody reads refuses at once instead of holding the process.
      this.file = openSync(path, O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0o600);
    } catch (error) {
      throw new CodedError('FIM-UP-0050', messageOf(error));
    }
    if (fstatSync(this.file).isFile()) return;
    closeSync(this.file);
    throw new CodedError('FIM-UP-0050', `${path} is not a file that keeps what is written`);
  }

  /** Whether the file ends within a line: whoever wrote it was stopped. A record must not become a part of that line. */
  private get endsWithinLine(): boolean {
    const { size } = fstatSync(this.file);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(this.file, last, 0, 1, size - 1) === 1 && last[0] !== LINE_FEED;
  }

  /** Appends an entry. Error: FIM-UP-0050; then what it is about must not be done, or its result not be shown. */
  note(entry: TrailEntry): void {
    const { username, uid } = userInfo();
    const behind = process.env['SUDO_USER'];
    const line = JSON.stringify({
      time: new Date().toISOString(),
      user: username,
      uid,
      ...(behind === undefined ? {} : { sudoUser: behind }),
      host: hostname(),
      process: process.pid,
      ...entry,
    });
    try {
      const bytes = Buffer.from(`${this.endsWithinLine ? '\n' : ''}${line}\n`);
      if (writeSync(this.file, bytes) !== bytes.length) throw new Error('it took a part of the line only');
      fsyncSync(this.file);
    } catch (error) {
      throw new CodedError('FIM-UP-0050', messageOf(error));
    }
  }

  close(): void {
    closeSync(this.file);
  }
}
