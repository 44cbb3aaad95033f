import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';

/** Behaviour of the npm stand-in for each tier: an optional line for the counts file, and an exit status. */
type Tiers = Record<'test' | 'test:mesh' | 'test:peers', { counts?: string; status: number }>;

const GOOD: Tiers = {
  test: { counts: '10 0', status: 0 },
  'test:mesh': { counts: '5 0', status: 0 },
  'test:peers': { counts: '3 0', status: 0 },
};

/** Runs .ci/run in a folder of its own with an npm that does what `tiers` says. */
function run(tiers: Tiers): { status: number | null; lines: string[] } {
  const folder = mkdtempSync(path.join(tmpdir(), 'fim-ci-'));
  try {
    mkdirSync(path.join(folder, '.ci'));
    mkdirSync(path.join(folder, 'bin'));
    copyFileSync('.ci/run', path.join(folder, '.ci/run'));
    const cases = Object.entries(tiers).map(([tier, { counts, status }]) => {
      const write = counts === undefined ? ':' : `echo '${counts}' >"$FIM_TEST_COUNTS"`;
      return `"run --silent ${tier}") echo "tier ${tier}, CI=$CI"; ${write}; exit ${status};;`;
    });
    writeFileSync(path.join(folder, 'bin/npm'), `#!/bin/sh\ncase "$*" in\n${cases.join('\n')}\n*) exit 99;;\nesac\n`);
    chmodSync(path.join(folder, 'bin/npm'), 0o755);
    const env = { ...process.env, PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`, CI: '' };
    const { status, stdout } = spawnSync(path.join(folder, '.ci/run'), {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status, lines: stdout.trimEnd().split('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('.ci/run', () => {
  it('runs every tier under CI=true and closes with one line of sums', () => {
    const { status, lines } = run(GOOD);
    assert.equal(status, 0);
    assert.equal(lines.at(-1), '18 passed, 0 failed');
    assert.equal(lines.filter((line) => /\d+ passed, \d+ failed/.test(line)).length, 1);
    for (const tier of Object.keys(GOOD)) assert.ok(lines.includes(`tier ${tier}, CI=true`), lines.join('\n'));
  });

  it('runs the other tiers when one fails, and fails', () => {
    const { status, lines } = run({ ...GOOD, test: { counts: '8 2', status: 1 } });
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '16 passed, 2 failed');
  });

  it('counts a tier that died before it had counted as one failure', () => {
    const { status, lines } = run({ ...GOOD, 'test:mesh': { status: 137 } });
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '13 passed, 1 failed');
  });

  it('counts a tier that fails without a failed test as one failure', () => {
    const { status, lines } = run({ ...GOOD, 'test:peers': { counts: '3 0', status: 2 } });
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '18 passed, 1 failed');
  });

  it('fails when nothing was executed', () => {
    const { status, lines } = run({
      test: { counts: '0 0', status: 0 },
      'test:mesh': { counts: '0 0', status: 0 },
      'test:peers': { counts: '0 0', status: 0 },
    });
    assert.equal(status, 1);
    assert.equal(lines.at(-1), '0 passed, 0 failed');
  });
});
