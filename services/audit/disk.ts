// The log's few operations on a disk: tests record them and replay each prefix.
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** An open file that one process writes. */
export interface DiskFile {
  /** Writes all of it at a place; no part of it is durable before `sync`. */
  write(bytes: Buffer, at: number): Promise<void>;
  /** Returns when content and length are durable. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  makeFolder(path: string): Promise<void>;
  /** Opens a file for writing, made if it is absent; the entry in its folder is durable then. */
  open(path: string): Promise<DiskFile>;
  /** Replaces a file as a whole, durably. */
  replace(path: string, bytes: Buffer): Promise<void>;
  remove(path: string): Promise<void>;
}

const MODE = 0o600;
const FOLDER_MODE = 0o700;

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The disk of this machine. */
export const realDisk: Disk = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: FOLDER_MODE });
    await syncFolder(dirname(path));
  },

  async open(path) {
    // Neither appends (a place is named) nor shortens.
    const file = await open(path, 'r+').catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      const made = await open(path, 'wx+', MODE);
      await syncFolder(dirname(path));
      return made;
    });
    return {
      async write(bytes, at) {
        for (let done = 0; done < bytes.length;)
          done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
      },
      sync: () => file.datasync(),
      truncate: async (length) => {
        await file.truncate(length);
        await file.sync();
      },
      close: () => file.close(),
    };
  },

  async replace(path, bytes) {
    const partial = `${path}.partial`;
    const file = await open(partial, 'w', MODE);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(dirname(path));
  },

  async remove(path) {
    await rm(path, { force: true });
    await syncFolder(dirname(path));
  },
};
