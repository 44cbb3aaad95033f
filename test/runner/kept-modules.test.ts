import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { forgetOldModules, touchModule } from '../../scripts/kept-modules.ts';

test('modules unused for longest go, and work folders of ended compilations', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fim-kept-'));
  try {
    const at = (hoursAgo: number): Date => new Date(Date.now() - hoursAgo * 3_600_000);
    for (let age = 1; age <= 6; age++) {
      await writeFile(join(folder, `fim-${age}.wasm`), '');
      await utimes(join(folder, `fim-${age}.wasm`), at(age), at(age));
    }
    await mkdir(join(folder, 'compiling-old'));
    await utimes(join(folder, 'compiling-old'), at(2), at(2));
    await mkdir(join(folder, 'compiling-new'));
    await touchModule(join(folder, 'fim-6.wasm'));
    await forgetOldModules(folder, 3);
    assert.deepEqual((await readdir(folder)).sort(), ['compiling-new', 'fim-1.wasm', 'fim-2.wasm', 'fim-6.wasm']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
