import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Creates the folder `names` in the user's cache for FIM (`$XDG_CACHE_HOME/fim`, else `~/.cache/fim`). Its content can
 * always be rebuilt.
 */
export function cacheFolder(...names: string[]): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(base, 'fim', ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}
