import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { layout } from '../../scripts/tidy/layout.ts';
import { links } from '../../scripts/tidy/links.ts';
import { testFiles } from '../../scripts/tidy/test-files.ts';
import { tidyOf } from './project-of.ts';

describe('links', () => {
  const files = {
    'filters/README.md':
      '# Filters\n\n## The `fim` module: all stages\n\n## Twice\n\n## Twice\n\n<a id="fim-rt-0001"></a>\n',
    'filters/runtime/stage.ts': '',
  };

  it('lets links pass that lead somewhere', () => {
    const text = [
      '# Top',
      '[a](filters/README.md) [b](filters/) [c](filters/runtime/stage.ts) [d](#top) [e](https://example.com/x#y)',
      '[f](filters/README.md#the-fim-module-all-stages) [g](filters/README.md#twice-1) [h](filters/README.md#fim-rt-0001)',
      '```',
      '[no](nowhere.md)',
      '```',
      'and `[no](nowhere.md)` in code',
    ].join('\n');
    assert.deepEqual(tidyOf(links, { ...files, 'README.md': text }), []);
  });

  for (const [target, expected] of [
    ['nowhere.md', 'link to nowhere.md: there is no nowhere.md'],
    ['filters/readme.md', 'link to filters/readme.md: there is no filters/readme.md'],
    ['../outside.md', 'link to ../outside.md: there is no ../outside.md'],
    ['filters/README.md#nothing', 'link to filters/README.md#nothing: filters/README.md has no such heading'],
    ['#nothing', 'link to #nothing: README.md has no such heading'],
    ['http://example.com', 'link to http://example.com: use https'],
  ] as const) {
    it(`catches ${target}`, () =>
      assert.deepEqual(tidyOf(links, { ...files, 'README.md': `# Top\n[x](${target})\n` }), [
        `README.md:2 ${expected}`,
      ]));
  }
});

describe('test files', () => {
  it('lets honest tests pass, and support modules that poll', () => {
    const files = {
      'test/host/a.test.ts':
        "it('runs', async () => { server.listen(0); const skip = 1; const deadline = setTimeout(() => fail(), 100); });\n// it.only(\n",
      'test/host/b.test.ts':
        "import { setTimeout as pause } from 'node:timers/promises';\nwhile (!done()) await pause(20);\nawait pause(stepMs);\n",
      'test/host/until.ts': "import { setTimeout as pause } from 'node:timers/promises';\n",
    };
    assert.deepEqual(tidyOf(testFiles, files), []);
  });

  for (const text of [
    "it.only('a', () => {});",
    "describe.skip('a', () => {});",
    "it('a', { skip: true }, () => {});",
    "it('a', { timeout: 5, only: true }, () => {});",
    't.skip();',
    "t.todo('later');",
    'await new Promise((resolve) => setTimeout(resolve, 500));',
    'await new Promise((r) => setTimeout(() => r(), 500));',
    "import { setTimeout } from 'node:timers/promises'; await setTimeout(1_000);",
    "import { setTimeout as pause } from 'timers/promises'; await pause(301, 'value');",
    'await scheduler.wait(50);',
    'server.listen(8080);',
    "server.listen({ port: 8080, host: '127.0.0.1' });",
    't.assert.snapshot(value);',
  ]) {
    it(`catches ${text}`, () => {
      const findings = tidyOf(testFiles, { 'test/host/a.test.ts': `\n${text}\n` });
      assert.equal(findings.length, 1, findings.join('\n'));
      assert.match(findings[0] ?? '', /^test\/host\/a\.test\.ts:2 /);
    });
  }

  for (const text of ["xit('a', () => {});", "todo('a');", 'expect(a).toMatchSnapshot();']) {
    it(`catches ${text} in a spec`, () =>
      assert.equal(tidyOf(testFiles, { 'test/unit/a.spec.ts': `${text}\n` }).length, 1));
  }
});

describe('layout', () => {
  it('names every part that a stage lacks', () => {
    const findings = tidyOf(layout, { 'filters/field-masker/stage.ts': '' });
    assert.ok(findings.includes('filters/field-masker/README.md:0 is missing'));
    assert.ok(findings.includes('filters/field-masker/index.ts:0 is missing'));
    assert.ok(findings.includes('README.md:0 is missing'));
    assert.ok(!findings.some((finding) => finding.startsWith('filters/field-masker/stage.ts')));
  });

  it('lets no two decisions have one number', () => {
    const [one, other, third] = ['0001-one.md', '0001-other.md', '0002-third.md'].map(
      (name) => `docs/decisions/${name}`,
    );
    const findings = tidyOf(layout, { [one!]: '', [other!]: '', [third!]: '' });
    assert.ok(findings.includes(`${other}:0 has the number of ${one}`));
    assert.ok(!findings.some((finding) => finding.startsWith(third!)));
  });
});
