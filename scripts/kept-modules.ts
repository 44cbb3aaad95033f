// Bounds the cache of compiled modules. Each build adds a file for each module and test module, hundreds in a working day.
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Compiled modules that the cache keeps. The least recently used are deleted. */
export const MAX_KEPT_MODULE_FILES = 300;
/** Age from which a compilation's work folder or claim counts as abandoned, milliseconds. */
const ABANDONED_MS = 3_600_000;

/** Marks a cached module as used now. */
export async function touchModule(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/**
 * Deletes the least recently used modules beyond `most`, and remains of aborted compilations. Other processes may do
 * the same meanwhile.
 */
export async function forgetOldModules(folder: string, most = MAX_KEPT_MODULE_FILES): Promise<void> {
  const entries = await Promise.all(
    (await readdir(folder)).map(async (name) => ({
      path: join(folder, name),
      name,
      usedMs: await stat(join(folder, name)).then(
        (found) => found.mtimeMs,
        () => 0,
      ),
    })),
  );
  const modules = entries.filter(({ name }) => name.endsWith('.wasm')).sort((a, b) => b.usedMs - a.usedMs);
  const abandoned = entries.filter(
    ({ name, usedMs }) => /^compiling-|\.claim$/.test(name) && Date.now() - usedMs > ABANDONED_MS,
  );
  await Promise.all(
    [...modules.slice(most), ...abandoned].map(({ path }) => rm(path, { recursive: true, force: true })),
  );
}
