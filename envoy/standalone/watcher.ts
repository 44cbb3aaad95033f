import type { FSWatcher } from 'node:fs';
import { statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { MAX_SETTLE_MS } from '../limits.ts';

/** Quiet time after the last change before it is reported, milliseconds: editors write in several steps. */
const SETTLE_MS = 20;
/** Time between looks for a folder that has gone, milliseconds. */
const REARM_MS = 250;

interface Armed {
  identity: string;
  watcher: FSWatcher;
}

/**
 * Reports that something changed in or beside the watched paths, not what: the reader compares contents. Folders are
 * watched, not files, so that saving by rename, deletion and re-creation, and swapped links (as Kubernetes volumes do)
 * are all seen.
 */
export class Watcher {
  private readonly folders = new Map<string, Armed | null>();
  /** Folders that were named themselves: what lies in folders below them counts too. */
  private readonly deep = new Set<string>();
  private readonly onChange: (since: number) => void;
  private timer: NodeJS.Timeout | undefined;
  private firstChange = 0;
  private readonly rearm: NodeJS.Timeout;

  /** `onChange` gets the time (performance.now) of the first change that it reports. */
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

  close(): void {
    clearInterval(this.rearm);
    clearTimeout(this.timer);
    for (const armed of this.folders.values()) armed?.watcher.close();
  }

  /**
   * Watches the folders that are not watched, or are others than before under the same name. Returns whether there was
   * one.
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
 * Tells a folder from another of the same name; empty if there is none. Inode numbers alone do not: they are given out
 * again at once.
 */
function identityOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found ? `${found.dev}:${found.ino}:${found.birthtimeNs}` : '';
}
