import type { FSWatcher } from 'node:fs';
import { statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { MAX_SETTLE_MS } from '../limits.ts';

/** Quiet time after the last change before it is reported, milliseconds. Editors write in several steps. */
const SETTLE_MS = 20;
/** Time between checks for a folder that has disappeared, milliseconds. */
const REARM_MS = 250;

interface Armed {
  identity: string;
  watcher: FSWatcher;
}

/**
 * Reports that something changed in or beside the watched paths, but not what; the reader compares contents. It watches
 * folders and not files, so that saving by rename, deletion with re-creation, and replaced links (as in Kubernetes
 * volumes) are noticed.
 */
export class Watcher {
  private readonly folders = new Map<string, Armed | null>();
  /** Folders that were named themselves. Their subfolders are watched too. */
  private readonly deep = new Set<string>();
  private readonly onChange: (since: number) => void;
  private timer: NodeJS.Timeout | undefined;
  private firstChange = 0;
  private readonly rearm: NodeJS.Timeout;

  /** `onChange` receives the time (performance.now) of the first change that it reports. */
  constructor(paths: readonly string[], onChange: (since: number) => void) {
    this.onChange = onChange;
    for (const path of paths) {
      const folder = isFolder(path) ? path : dirname(path);
      if (folder === path) this.deep.add(folder);
      this.folders.set(folder, null);
    }
    this.arm();
    this.rearm = setInterval(() => {
      if (this.arm()) this.changed();
    }, REARM_MS);
  }

  /** Watches the folder of one more file from now on. */
  also(path: string): void {
    const folder = dirname(path);
    if (this.folders.has(folder)) return;
    this.folders.set(folder, null);
    this.arm();
  }

  close(): void {
    clearInterval(this.rearm);
    clearTimeout(this.timer);
    for (const armed of this.folders.values()) armed?.watcher.close();
  }

  /**
   * Watches folders that are not watched yet, or that were replaced under the same name. Returns whether there was one.
   */
  private arm(): boolean {
    let fresh = false;
    for (const [folder, armed] of this.folders) {
      const identity = identityOf(folder);
      if (armed ? armed.identity === identity : identity === '') continue;
      armed?.watcher.close();
      this.folders.set(folder, identity === '' ? null : this.watch(folder, identity));
      fresh = true;
    }
    return fresh;
  }

  private watch(folder: string, identity: string): Armed | null {
    try {
      const watcher = watch(folder, { recursive: this.deep.has(folder) }, () => this.changed());
      watcher.on('error', () => this.folders.set(folder, null));
      return { identity, watcher };
    } catch {
      return null;
    }
  }

  private changed(): void {
    const now = performance.now();
    if (!this.timer) this.firstChange = now;
    clearTimeout(this.timer);
    const wait = Math.max(0, Math.min(SETTLE_MS, this.firstChange + MAX_SETTLE_MS - now));
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.onChange(this.firstChange);
    }, wait);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * Identity of a folder, different for another one of the same name. Empty if there is none. An inode number alone is
 * not enough, since it is reused at once.
 */
function identityOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found ? `${found.dev}:${found.ino}:${found.birthtimeNs}` : '';
}
