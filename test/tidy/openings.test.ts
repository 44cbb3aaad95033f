import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openings } from '../../scripts/tidy/openings.ts';
import { tidyOf } from './project-of.ts';

describe('openings', () => {
  it('lets things with a name pass, and whole sentences within code', () => {
    const code = [
      "// The collector's answer.",
      "const opening = 'What is it?';",
      'function f() {',
      '  // What came late is not counted.',
      '  return 1; // Those two agree.',
      '}',
      '/** Parts that a reader needs. What else is there is bound by its hash. */',
    ].join('\n');
    const good = {
      'envoy/a.ts': code,
      'test/corpus/valid/a.yaml': '# @What is left is told.\n',
      'a.md': 'What it is\n',
    };
    assert.deepEqual(tidyOf(openings, good), []);
  });

  // The @ keeps this file from finding itself.
  const caught: [string, string, number][] = [
    ['envoy/a.ts', '// @What a collector says.\nlet a = 1;\n', 1],
    ['envoy/a.ts', 'let a = 1;\n/** @Those that wait. */\n', 2],
    ['envoy/a.ts', 'let a = 1;\n/**\n * @What waits, and a second line.\n */\n', 2],
    ['scripts/a.mjs', '#!/usr/bin/env node\n// @What runs first.\n', 1],
    ['test/a.py', '"""@What the oracle knows."""\n', 1],
    ['istio/a.yaml', '# @What comes in.\na: 1\n', 1],
    ['test/host/a.yaml', 'about: @What is left\n', 1],
    ['filters/a.json', '{\n  "description": "@What it holds."\n}\n', 2],
    ['scripts/a.ts', "const a = {\n  help: '@What it counts',\n};\n", 2],
  ];
  for (const [file, text, line] of caught) {
    it(`catches ${JSON.stringify(text)}`, () => {
      const findings = tidyOf(openings, { [file]: text.replace('@', '') });
      assert.equal(findings.length, 1, findings.join('\n'));
      assert.match(findings[0]!, new RegExp(`^${RegExp.escape(`${file}:${line} `)}`));
    });
  }
});
