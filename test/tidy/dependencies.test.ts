import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dependencies } from '../../scripts/tidy/dependencies.ts';
import { tidyOf } from './project-of.ts';

const PACKAGES = JSON.stringify({ dependencies: { yaml: '1', '@a/b': '1' }, devDependencies: { typescript: '1' } });
const tidy = (file: string, text: string): string[] => tidyOf(dependencies, { 'package.json': PACKAGES, [file]: text });

describe('dependencies', () => {
  it('lets run time import what is shipped, and tests and scripts what they like', () => {
    assert.deepEqual(
      tidy('envoy/a.ts', "import { parse } from 'yaml';\nimport b from '@a/b/c';\nimport 'node:fs';\n"),
      [],
    );
    assert.deepEqual(tidy('test/a.ts', "import ts from 'typescript';\n"), []);
    assert.deepEqual(tidy('scripts/check.ts', "import ts from 'typescript';\n"), []);
  });

  for (const file of ['envoy/a.ts', 'istio/operator/a.ts', 'services/a/b.ts', 'scripts/fim/a.ts', 'scripts/fim.ts']) {
    it(`catches a package of development in ${file}`, () => {
      const found = tidy(file, "let a = 1;\nimport ts from 'typescript';\n");
      assert.equal(found.length, 1);
      assert.match(found[0]!, /:2 imports typescript at run time/);
    });
  }

  it('sees imports that are made later', () => {
    assert.equal(tidy('envoy/a.ts', "const ts = await import('typescript');\n").length, 1);
  });
});
