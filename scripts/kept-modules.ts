// The folder of compiled modules, kept small: one build leaves one file for each module, and a working day leaves
// hundreds.
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** Compiled modules that the cache keeps; those unused for longest go. */
export const MAX_KEPT_MODULE_FILES = 60;
/** Age at which a compilation's work folder belongs to nobody, milliseconds. */
const ABANDONED_MS = 3_600_000;

/** Notes that a kept module was used now. */
export async function touchModule(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
}

/**
 * Deletes the modules beyond `most` that were not used for longest, and what ended compilations left. Another process
 * may do the same meanwhile.
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
    ({ name, usedMs }) => name.startsWith('compiling-') && Date.now() - usedMs > ABANDONED_MS,
  );
  await Promise.all(
    [...modules.slice(most), ...abandoned].map(({ path }) => rm(path, { recursive: true, force: true })),
  );
}
