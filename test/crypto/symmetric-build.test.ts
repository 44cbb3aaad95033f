// What is committed is what the generators write; the library stays small; a key is set up fast.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUILDS, buildModule, Library, reproducible } from './harness.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Together with SM2 (under 40 KiB) the library stays below 120 KiB. */
const MAX_MODULE_BYTES = 80 * 1024;
const MAX_KEY_MICROSECONDS = 5;

test('generated files are current', () => {
  const run = spawnSync(process.execPath, [join(ROOT, 'scripts/crypto/generate.ts'), '--check'], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
});

for (const build of BUILDS) {
  test(`the symmetric library is small, ${build} SIMD`, (t) => {
    const { size } = statSync(buildModule(build));
    t.diagnostic(`${size} bytes`);
    assert.ok(size <= MAX_MODULE_BYTES, `${size} bytes`);
  });

  test(`a key of SM4-GCM is set up in under ${MAX_KEY_MICROSECONDS} µs, ${build} SIMD`, (t) => {
    const library = Library.load(build);
    const key = library.argument(0, reproducible('key', 16));
    const runs = 500;
    let best = Infinity;
    for (let slice = 0; slice < 200 && best > MAX_KEY_MICROSECONDS / 2; slice++) {
      const start = performance.now();
      for (let i = 0; i < runs; i++) library.call.sm4GcmSetKey(key);
      best = Math.min(best, ((performance.now() - start) * 1000) / runs);
    }
    t.diagnostic(`${best.toFixed(2)} µs`);
    assert.ok(best < MAX_KEY_MICROSECONDS, `${best} µs`);
  });
}
