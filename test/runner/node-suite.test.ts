import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { longFirst, runSuite } from '../../scripts/test/node-suite.ts';
import type { Outcome } from '../../scripts/test/outcome.ts';

const IMPORTS = "import assert from 'node:assert/strict';\nimport { describe, it } from 'node:test';\n";
// Written out at run time: the words that leave tests out may not be in a test file of the repository.
const FILES = {
  'good/a.test.ts': "it('one', (t) => t.diagnostic('took 3 ms'));\ndescribe('group', () => it('two', () => {}));\n",
  'bad/a.test.ts':
    "describe('outer', () => {\n  it('differs', () => assert.equal(1, 2));\n  it('agrees', () => {});\n});\nconsole.log('what the file says');\n",
  'partial/a.test.ts': `it('left out', { ${'sk' + 'ip'}: true }, () => {});\nit('runs', () => {});\n`,
  'crash/a.test.ts': "throw new Error('at import');\n",
  'dies/a.test.ts': "it('ends the process', () => process.exit(0));\nit('never runs', () => {});\n",
  'half/a.test.ts':
    "import { setImmediate } from 'node:timers/promises';\nit('reports', async () => { for (let i = 0; i < 100; i++) await setImmediate(); });\n" +
    "it('ends the process', async () => {\n  process.stdout.write('', () => setTimeout(() => process.exit(0), 200));\n  await new Promise(() => {});\n});\nit('never runs', () => {});\n",
  'chance/a.test.ts':
    "import { existsSync, writeFileSync } from 'node:fs';\nit('is sound', () => {});\n" +
    "it('passes the second time', () => {\n  const before = existsSync('ran');\n  writeFileSync('ran', '');\n  assert.ok(before, 'too slow');\n});\n",
  'chance/b.test.ts': "it('is sound', () => {});\n",
  'begins/a.test.ts':
    "import { createServer } from 'node:net';\nimport { after, before } from 'node:test';\nlet server;\n" +
    'before(async () => {\n  for (let i = 0; i < 100; i++) await new Promise(setImmediate);\n' +
    '  server = createServer();\n  await new Promise((resolve) => server.listen(0, resolve));\n});\n' +
    "after(() => server.close());\nit('uses it', () => assert.ok(server.listening));\n",
  'empty/a.test.ts': '\n',
  'hangs/a.test.ts': "it('waits', () => new Promise(() => setInterval(() => {}, 1000)));\n",
};

let root = '';
let home = '';

before(() => {
  home = process.cwd();
  root = mkdtempSync(path.join(tmpdir(), 'fim-runner-'));
  writeFileSync(path.join(root, 'package.json'), '{ "type": "module" }\n');
  for (const [file, text] of Object.entries(FILES)) {
    const full = path.join(root, 'test', file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, IMPORTS + text);
  }
  process.chdir(root);
});

after(() => {
  process.chdir(home);
  rmSync(root, { recursive: true, force: true });
});

async function run(tier: string, deadlineMs = 30_000, names: string[] = []): Promise<Outcome & { lines: string[] }> {
  const lines: string[] = [];
  const outcome = await runSuite({ tier, names, concurrency: 1, deadlineMs, print: (line) => lines.push(line) });
  return { ...outcome, lines };
}

describe('node:test suites', () => {
  it('run the tests whose name holds what is in no path', async () => {
    const { passed, failed, lines } = await run('good', 30_000, ['tw']);
    assert.deepEqual([passed, failed], [1, 0], lines.join('\n'));
    assert.deepEqual(
      (({ passed, failed }) => [passed, failed])(await run('chance', 30_000, ['b.test', 'is sound'])),
      [1, 0],
    );
    const whole = await run('chance', 30_000, ['is sound']);
    assert.deepEqual([whole.passed, whole.failed], [2, 0], 'of every file');
  });

  it('take a name by its letters, and fail where no test has it', async () => {
    const { passed, failures } = await run('good', 30_000, ['t.o']);
    assert.equal(passed, 0);
    assert.match(failures[0]?.detail ?? '', /no file and no test of it has t\.o in its name/);
  });

  it('end a file none of whose tests has the name, whatever it began before them', async () => {
    const { passed, failures } = await run('begins', 60_000, ['no such name']);
    assert.equal(passed, 0);
    assert.deepEqual(
      failures.map(({ detail }) => detail),
      ['no file and no test of it has no such name in its name'],
    );
    const { passed: one, failed } = await run('begins', 60_000, ['uses']);
    assert.deepEqual([one, failed], [1, 0]);
  });

  it('counts tests, not groups, and shows measured figures', async () => {
    const { passed, failed, lines } = await run('good');
    assert.deepEqual([passed, failed], [2, 0]);
    assert.ok(lines.includes('    took 3 ms'), lines.join('\n'));
  });

  it('names a failed test with its groups, its cause and what the file printed', async () => {
    const { passed, failed, failures } = await run('bad');
    assert.deepEqual([passed, failed], [1, 1]);
    assert.equal(failures[0]?.name, 'test/bad/a.test.ts › outer › differs');
    assert.match(failures[0]?.detail ?? '', /1 !== 2[^]*test\/bad\/a\.test\.ts[^]*what the file says/);
  });

  it('starts long files first, and fails where there is none of the name', async () => {
    const files = ['a', 'b', 'c', 'ab'].map((name) => `test/x/${name}.test.ts`);
    assert.deepEqual(
      longFirst(files, ['c', 'b']),
      [2, 1, 0, 3].map((at) => files[at]),
    );
    const lines: string[] = [];
    const options = { tier: 'chance', names: ['is sound'], concurrency: 1, deadlineMs: 30_000 };
    const print = (line: string): number => lines.push(line);
    assert.deepEqual((await runSuite({ ...options, long: ['b'], print })).failures, []);
    const { failures } = await runSuite({ ...options, long: ['c'], print });
    assert.match(failures[0]?.detail ?? '', /no file c\.test\.ts/);
  });

  it('reports what is left out', async () => {
    const { passed, failed, skipped } = await run('partial');
    assert.deepEqual([passed, failed, skipped], [1, 0, ['test/partial/a.test.ts › left out']]);
  });

  it('runs a failed file once more, alone, and names it', async () => {
    const { passed, failed, failures, unstable } = await run('chance');
    assert.deepEqual([passed, failed, failures], [3, 0, []]);
    assert.deepEqual(unstable, ['test/chance/a.test.ts: too slow']);
  });

  for (const tier of ['crash', 'dies', 'empty', 'no-such-folder']) {
    it(`fails for a file or folder that proves nothing: ${tier}`, async () => {
      const { passed, failed } = await run(tier);
      assert.equal(passed, 0);
      assert.ok(failed >= 1);
    });
  }

  it('names the tests that never reported because their file ended the process', async () => {
    const { passed, failures } = await run('half');
    assert.equal(passed, 1);
    assert.deepEqual(failures.map(({ name }) => name).sort(), [
      'test/half/a.test.ts › ends the process',
      'test/half/a.test.ts › never runs',
    ]);
  });

  it('ends a stage that hangs', async () => {
    const { failed, failures } = await run('hangs', 2000);
    assert.ok(failed >= 1);
    assert.ok(failures.some(({ detail }) => detail.includes('not finished after 2 s')));
  });
});
