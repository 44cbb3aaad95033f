import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parameterCounts, parameters } from '../../scripts/tidy/parameters.ts';
import { tidyOf } from './project-of.ts';

const SIX = 'export function a(b: u32, c: usize, d: usize, e: u32, f: u32, g: bool): bool {\n  return true;\n}\n';
const FIVE = SIX.replace(', g: bool', '');
const KNOWN = 'scripts/tidy/parameters.json';

describe('parameters', () => {
  it('lets five pass, and six on Node', () => {
    assert.deepEqual(tidyOf(parameters, { 'filters/a.ts': FIVE, 'envoy/a.ts': SIX, 'filters/b.gen.ts': SIX }), []);
  });

  it('catches six', () => {
    assert.deepEqual(tidyOf(parameters, { 'filters/a.ts': `let z = 0;\n${SIX}` }), [
      'filters/a.ts:2 1 functions with more than 5 parameters; 0 may have them: pass a span',
    ]);
  });

  it('lets a file have as many as are known, and no more', () => {
    const known = { [KNOWN]: '{ "filters/a.ts": 1 }' };
    assert.deepEqual(tidyOf(parameters, { ...known, 'filters/a.ts': SIX }), []);
    assert.equal(tidyOf(parameters, { ...known, 'filters/a.ts': SIX + SIX.replace('a(', 'h(') }).length, 1);
  });

  it('asks for a lower number when one has gone', () => {
    assert.deepEqual(tidyOf(parameters, { [KNOWN]: '{ "filters/a.ts": 1 }', 'filters/a.ts': FIVE }), [
      `${KNOWN}:0 filters/a.ts has 0 functions with more than 5 parameters now, not 1: lower it`,
    ]);
  });

  for (const [head, count] of [
    ['function a(): void {', 0],
    ['function a(b: Map<string, u32>, c: (d: u32, e: u32) => u32): void {', 2],
    ['  private static read(b: u32,\n    c: u32,\n  ): Array<u32> {', 2],
    ['  constructor(a: u32, b: u32 = max(1, 2)) {', 2],
    ['  get a(): u32 {', 0],
  ] as const)
    it(`counts ${count} of: ${head}`, () => {
      assert.deepEqual(
        parameterCounts(head).map((found) => found.count),
        [count],
      );
    });

  for (const head of ['if (a(b, c)) {', 'for (let a = 0; a < b; a++) {', 'const a = b(c, d);', 'switch (a) {'])
    it(`takes for no function: ${head}`, () => assert.deepEqual(parameterCounts(head), []));
});
