import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';

/**
 * One writer for a folder. The lock is the kernel's, on a file that SQLite locks: it ends with the process, however
 * that ends, and holds between containers that share the folder. Error: FIM-AUD-0020.
 */
export class FolderLock {
  private readonly database: DatabaseSync;

  constructor(folder: string) {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 });
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database?.close();
      throw new CodedError('FIM-AUD-0020', `${folder} (${messageOf(error)})`);
    }
    this.database = database;
  }

  release(): void {
    if (this.database.isOpen) this.database.close();
  }
}
