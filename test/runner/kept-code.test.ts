// Programs that bootstrap.mjs starts keep the code that Node makes of TypeScript.
import assert from 'node:assert/strict';
import { getCompileCacheDir } from 'node:module';
import { test } from 'node:test';

test('Node keeps compiled code where bootstrap.mjs, or the caller, says', () => {
  const said = process.env.NODE_COMPILE_CACHE;
  assert.ok(said !== undefined && said !== '', 'tests are started by npm test, so by bootstrap.mjs');
  assert.ok(getCompileCacheDir()?.startsWith(said), 'in use in every process of the tests');
});
