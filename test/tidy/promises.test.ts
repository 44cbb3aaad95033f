import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { promises } from '../../scripts/tidy/promises.ts';
import { tidyOf } from './project-of.ts';

const FILES = {
  'test/e2e/a.test.ts': '',
  'test/unit/b.spec.ts': '',
  'test/e2e/harness.ts': '',
  'filters/keys/key-ring.ts': '',
};

function of(...rows: string[]): string[] {
  const text = [
    '# Promises',
    '',
    '| who | what |',
    '|---|---|',
    '| client | anything |',
    '',
    '| promise | where | test |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
  return tidyOf(promises, { ...FILES, 'docs/security.md': text });
}

describe('promises', () => {
  it('lets rows pass that a test holds', () => {
    assert.deepEqual(
      of(
        '| a | `filters/keys` | `test/e2e/a.test.ts` |',
        '| b \\| c | Envoy | `test/unit/b.spec.ts`, `test/e2e/a.test.ts`: "by name" |',
      ),
      [],
    );
  });

  for (const [row, expected] of [
    ['| a | `filters/keys` | a test |', 'no test holds this'],
    ['| a | `filters/keys` | `test/e2e/harness.ts` |', 'no test holds this'],
    ['| a | `filters/keys` | `test/e2e/gone.test.ts` |', 'there is no test/e2e/gone.test.ts'],
    ['| a | `filters/gone.ts` | `test/e2e/a.test.ts` |', 'there is no filters/gone.ts'],
    ['| a | `test/e2e/a.test.ts` |', 'the row has 2 cells of 3'],
  ] as const) {
    it(`catches ${row}`, () => assert.deepEqual(of(row), [`docs/security.md:9 ${expected}`]));
  }
});
