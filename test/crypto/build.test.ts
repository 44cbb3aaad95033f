// Committed files equal the generators' output, and the library stays small.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUILDS, buildModule } from './harness.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Room for SM2 within the whole. */
const MAX_MODULE_BYTES = 80 * 1024;
const MAX_LIBRARY_BYTES = 120 * 1024;

test('generated files are current', () => {
  const run = spawnSync(process.execPath, [join(ROOT, 'scripts/crypto/generate.ts'), '--check'], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
});

for (const build of BUILDS) {
  test(`the symmetric library is small, ${build} SIMD`, (t) => {
    const { size } = statSync(buildModule(build, 'test/crypto/symmetric.module.ts'));
    t.diagnostic(`${size} bytes`);
    assert.ok(size <= MAX_MODULE_BYTES, `${size} bytes`);
  });
}

test('the whole library, SM2 and its keys included, is small', (t) => {
  const { size } = statSync(buildModule('relaxed', 'test/crypto/library.module.ts'));
  t.diagnostic(`${size} bytes, the tests' own exports included`);
  assert.ok(size < MAX_LIBRARY_BYTES, `${size} bytes`);
});
