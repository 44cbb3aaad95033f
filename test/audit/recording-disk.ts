// A disk that notes what is done to it, and disks in the states that a crash can leave.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type Disk, type DiskFile, realDisk } from '../../services/audit/disk.ts';

/** One step, paths from the folder. */
export type Step =
  | { do: 'folder'; path: string }
  | { do: 'create'; path: string }
  | { do: 'write'; path: string; at: number; bytes: Buffer }
  | { do: 'sync'; path: string }
  | { do: 'truncate'; path: string; length: number }
  | { do: 'replace'; path: string; bytes: Buffer }
  | { do: 'remove'; path: string }
  /** Not a step of the disk: somebody was told that this number is durable. */
  | { do: 'told'; seq: number };

export class RecordingDisk implements Disk {
  readonly steps: Step[] = [];
  private readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async makeFolder(path: string): Promise<void> {
    this.steps.push({ do: 'folder', path: relative(this.root, path) });
    await realDisk.makeFolder(path);
  }

  async open(path: string): Promise<DiskFile> {
    const name = relative(this.root, path);
    if (!existsSync(path)) this.steps.push({ do: 'create', path: name });
    const file = await realDisk.open(path);
    return {
      write: (bytes, at) => {
        this.steps.push({ do: 'write', path: name, at, bytes: Buffer.from(bytes) });
        return file.write(bytes, at);
      },
      sync: async () => {
        await file.sync();
        this.steps.push({ do: 'sync', path: name });
      },
      truncate: (length) => {
        this.steps.push({ do: 'truncate', path: name, length });
        return file.truncate(length);
      },
      close: () => file.close(),
    };
  }

  async replace(path: string, bytes: Buffer): Promise<void> {
    this.steps.push({ do: 'replace', path: relative(this.root, path), bytes: Buffer.from(bytes) });
    await realDisk.replace(path, bytes);
  }

  async remove(path: string): Promise<void> {
    this.steps.push({ do: 'remove', path: relative(this.root, path) });
    await realDisk.remove(path);
  }
}

/** Fate of a write that no sync followed: it is there, half of it, nothing, or zeros in its place. */
export const FATES = ['whole', 'torn', 'lost', 'zeros'] as const;
export type Fate = (typeof FATES)[number];

function written(bytes: Buffer, fate: Fate): Buffer {
  if (fate === 'torn') return bytes.subarray(0, Math.floor(bytes.length / 2));
  if (fate === 'lost') return Buffer.alloc(0);
  return fate === 'zeros' ? Buffer.concat([Buffer.alloc(bytes.length - 1), bytes.subarray(-1)]) : bytes;
}

/** Does the steps before `count` in another folder, as a crash at that moment leaves them. */
export function replay(steps: readonly Step[], count: number, folder: string, fate: Fate): void {
  for (const [at, step] of steps.slice(0, count).entries()) {
    if (step.do === 'told' || step.do === 'sync') continue;
    const path = join(folder, step.path);
    if (step.do === 'folder') mkdirSync(path, { recursive: true });
    else if (step.do === 'create') writeFileSync(path, '');
    else if (step.do === 'truncate') truncateSync(path, step.length);
    else if (step.do === 'remove') rmSync(path, { force: true });
    else if (step.do === 'replace') {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.partial`, step.bytes);
      renameSync(`${path}.partial`, path);
    } else {
      const isSynced = steps.slice(at, count).some((later) => later.do === 'sync' && later.path === step.path);
      const bytes = isSynced ? step.bytes : written(step.bytes, fate);
      const before = readFileSync(path);
      const room = Buffer.alloc(Math.max(before.length, bytes.length === 0 ? 0 : step.at + bytes.length));
      before.copy(room);
      bytes.copy(room, step.at);
      writeFileSync(path, room);
    }
  }
}
