// The library stays small.
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { BUILDS, buildModule } from './harness.ts';

/** Room for SM2 within the whole. */
const MAX_MODULE_BYTES = 80 * 1024;
const MAX_LIBRARY_BYTES = 120 * 1024;

for (const build of BUILDS) {
  test(`the symmetric library is small, ${build} SIMD`, async (t) => {
    const { size } = statSync(await buildModule(build, 'test/crypto/symmetric.module.ts'));
    t.diagnostic(`${size} bytes`);
    assert.ok(size <= MAX_MODULE_BYTES, `${size} bytes`);
  });
}

test('the whole library, SM2 and its keys included, is small', async (t) => {
  const { size } = statSync(await buildModule('relaxed', 'test/crypto/library.module.ts'));
  t.diagnostic(`${size} bytes, the tests' own exports included`);
  assert.ok(size < MAX_LIBRARY_BYTES, `${size} bytes`);
});
