import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../scripts/test/outcome.ts';
import { runUnits } from '../../scripts/test/unit.ts';

function run(...names: string[]): Promise<Outcome> {
  return runUnits({ folder: 'test/runner/specs', names, optimize: false, print: () => {} });
}

describe('as-pect specs', () => {
  it('counts every kind of failure and what is left out', async () => {
    const outcome = await run('failing');
    assert.equal(outcome.passed, 1);
    assert.equal(outcome.failed, 4);
    assert.deepEqual(outcome.skipped, ['test/runner/specs/failing.spec.ts › wrong › is left out']);
    const details = Object.fromEntries(outcome.failures.map(({ name, detail }) => [name.split(' › ').at(-1), detail]));
    assert.match(details.compares ?? '', /one is two\nactual: +1\nexpected: 2/);
    assert.match(details.traps ?? '', /RuntimeError: unreachable/);
    assert.match(details['does not throw'] ?? '', /was to throw/);
    assert.match(details['a group whose body fails'] ?? '', /expected: 3/);
  });

  it("fails a spec that does not compile, with the compiler's words", async () => {
    const outcome = await run('broken');
    assert.deepEqual([outcome.passed, outcome.failed], [0, 1]);
    assert.match(outcome.failures[0]?.detail ?? '', /does not compile[^]*TS2322[^]*broken\.spec\.ts/);
  });

  it('fails a spec without a test, and a name that matches none', async () => {
    assert.match((await run('empty')).failures[0]?.detail ?? '', /holds no test/);
    assert.match((await run('no-such-spec')).failures[0]?.detail ?? '', /no spec matches no-such-spec/);
  });

  it('offers the host functions that the README names', async () => {
    const outcome = await run('host');
    assert.deepEqual(outcome.failures, []);
    assert.equal(outcome.passed, 4);
  });
});
