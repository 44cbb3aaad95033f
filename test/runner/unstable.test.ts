import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { knownUnstable, unlisted } from '../../scripts/test/unstable.ts';

const NOW = new Date('2026-03-04T05:06:07Z');
const LINE = 'test/e2e/a.test.ts: not in 5000 ms: ready';
const known = (until: string): { file: string; reason: string; until: string }[] => [
  { file: 'test/e2e/a.test.ts', reason: 'the port is taken now and then', until },
];

describe('unstable files', () => {
  it('fail when they are not listed', () => {
    const [failure, ...others] = unlisted([LINE], [], NOW);
    assert.equal(failure?.name, 'test/e2e/a.test.ts');
    assert.match(failure.detail, /passed alone \(not in 5000 ms: ready\)/);
    assert.deepEqual(others, []);
    assert.equal(unlisted([LINE], [{ ...known('2027-01-01')[0]!, file: 'test/e2e/a.test' }], NOW).length, 1);
  });

  it('are tolerated to the day that the list names, and no longer', () => {
    assert.deepEqual(unlisted([LINE], known('2026-03-04'), NOW), []);
    assert.equal(unlisted([LINE], known('2026-03-03'), NOW).length, 1);
  });

  it('are files that are there, listed with a reason and a day', () => {
    for (const { file, reason, until } of knownUnstable()) {
      assert.match(file, /^test\/.+\.test\.ts$/);
      assert.ok(reason.length > 20, file);
      assert.match(until, /^\d{4}-\d{2}-\d{2}$/);
    }
  });
});
