// Waits for a change below folders.
import { watch, type FSWatcher } from 'node:fs';

/** Time without a further change after which a change counts, milliseconds: editors write a file in several steps. */
const QUIET_MS = 100;

/** Settles after the next change in one of the files and folders, and their subfolders. */
export function watchFolders(paths: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const watchers: FSWatcher[] = [];
    const changed = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (const watcher of watchers) watcher.close();
        resolve();
      }, QUIET_MS);
    };
    for (const path of paths) watchers.push(watch(path, { recursive: true }, changed));
  });
}
