// The cache of compiled modules: processes that want the same wait for one, but not for one that has died.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compiled } from '../../scripts/compile.ts';

test('a claim of a process that was killed is taken over', async (t) => {
  // An option that changes nothing gives this compilation a place of its own in the cache.
  const what = { entry: 'test/fuzz/request-framing.module.ts', options: ['--noColors'] };
  const { path } = await compiled(what);
  t.after(() => rmSync(path, { force: true }));
  const { pid } = spawnSync(process.execPath, ['--version']);
  rmSync(path);
  mkdirSync(`${path}.claim`);
  writeFileSync(join(`${path}.claim`, String(pid)), '');
  assert.ok((await compiled(what)).tookMs > 0);
});
