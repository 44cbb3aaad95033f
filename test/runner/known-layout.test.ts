import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KnownLayout } from '../../scripts/known-layout.ts';

test('a text is known to be laid out well under its path, by the settings and the formatter that it was', () => {
  const root = mkdtempSync(join(tmpdir(), 'fim-layout-'));
  try {
    for (const file of ['.prettierrc.json', '.prettierignore', '.editorconfig']) copyFileSync(file, join(root, file));
    for (const name of ['prettier', 'assemblyscript-prettier']) {
      mkdirSync(join(root, 'node_modules', name), { recursive: true });
      copyFileSync(join('node_modules', name, 'package.json'), join(root, 'node_modules', name, 'package.json'));
    }
    const store = join(root, 'known');
    const look = (): KnownLayout => new KnownLayout(store, root);
    look().add(new Map([['a.ts', 'let a = 1;\n']]));
    look().add(new Map([['b.ts', 'let b = 1;\n']]));
    assert.ok(look().has('a.ts', 'let a = 1;\n') && look().has('b.ts', 'let b = 1;\n'));
    assert.ok(!look().has('a.ts', 'let a = 2;\n'), 'another text');
    assert.ok(!look().has('filters/a.ts', 'let a = 1;\n'), 'another path, where another plugin may lay out');
    writeFileSync(join(root, '.prettierrc.json'), '{ "printWidth": 80 }');
    assert.ok(!look().has('a.ts', 'let a = 1;\n'), 'other settings');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
