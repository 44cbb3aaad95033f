import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { MAX_FILE_RESOURCES, MAX_RESOURCE_ERRORS, MAX_ROUTE_FILE_BYTES } from '../../envoy/limits.ts';
import {
  checkRoutes,
  formatPlace,
  loadRoutes,
  parseRoutes,
  validateFiles,
  type LoadResult,
} from '../../envoy/route/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'fim-load-'));
after(() => rmSync(folder, { recursive: true }));

function route(name: string): string {
  return `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: ${name}}\nspec: {rateLimit: {requests: 1, period: 1s}}\n`;
}

function write(path: string, content: string | Uint8Array): string {
  const full = join(folder, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
}

function codes(result: LoadResult): [string, number | undefined][] {
  return result.errors.map((error) => [error.code, error.line]);
}

describe('files', () => {
  it('are read from folders: route files by name, hidden ones left out, links followed', () => {
    write('tree/b.yaml', route('b'));
    write('tree/a/c.yml', route('c'));
    write(
      'tree/a/d.json',
      JSON.stringify({ apiVersion: 'fim.financial/v1', kind: 'FinancialRoute', metadata: { name: 'd' }, spec: {} }),
    );
    write('tree/notes.txt', 'no route');
    write('tree/.hidden.yaml', 'no route');
    write('tree/..data/e.yaml', route('e'));
    symlinkSync('..data/e.yaml', join(folder, 'tree/e.yaml'));
    const result = loadRoutes([join(folder, 'tree')]);
    assert.deepEqual(result.errors, []);
    assert.deepEqual(
      result.resources.map((resource) => resource.key),
      ['default/c', 'default/d', 'default/b', 'default/e'],
    );
    assert.equal(result.files.length, 4);
  });

  it('that cannot be read are errors', () => {
    const result = loadRoutes([join(folder, 'none.yaml'), '/dev/null', '\0']);
    assert.deepEqual(
      result.errors.map((error) => error.code),
      ['FIM-CFG-1001', 'FIM-CFG-1001', 'FIM-CFG-1001'],
    );
    assert.match(result.errors.find((error) => error.file.endsWith('none.yaml'))?.message ?? '', /ENOENT/);
  });

  it('in folders that lead back to themselves end at a bound', () => {
    mkdirSync(join(folder, 'loop'));
    symlinkSync('.', join(folder, 'loop/again'));
    assert.deepEqual(codes(loadRoutes([join(folder, 'loop')])), [['FIM-CFG-1002', undefined]]);
  });

  it('are bounded in size', () => {
    assert.deepEqual(codes(loadRoutes([write('big.yaml', `#${' '.repeat(MAX_ROUTE_FILE_BYTES)}\n`)])), [
      ['FIM-CFG-1002', undefined],
    ]);
    assert.deepEqual(codes(parseRoutes('x'.repeat(MAX_ROUTE_FILE_BYTES + 1), '')), [['FIM-CFG-1002', undefined]]);
    assert.deepEqual(codes(parseRoutes(`${route('a')}---\n`.repeat(MAX_FILE_RESOURCES + 1), '')), [
      ['FIM-CFG-1002', undefined],
    ]);
  });

  it('are UTF-8', () => {
    assert.deepEqual(codes(loadRoutes([write('latin.yaml', Buffer.from(`# caf\xe9\n${route('a')}`, 'latin1'))])), [
      ['FIM-CFG-1003', undefined],
    ]);
    assert.deepEqual(loadRoutes([write('bom.yaml', `\ufeff${route('bom')}`)]).errors, []);
  });

  it('hold one resource or more', () => {
    for (const text of ['', '# nothing\n', '---\n---\n', 'null\n'])
      assert.deepEqual(codes(parseRoutes(text, '')), [['FIM-CFG-1008', undefined]], JSON.stringify(text));
    assert.deepEqual(
      parseRoutes(`---\n${route('a')}---\n# nothing\n---\n${route('b')}...\n`, '').resources.map(
        (resource) => resource.name,
      ),
      ['a', 'b'],
    );
  });

  it('name each resource once, also across files', () => {
    const first = write('one.yaml', `# first\n${route('same')}`);
    const second = write('two.yaml', `${route('other')}---\n${route('same')}`);
    const { errors, resources } = loadRoutes([first, second]);
    assert.deepEqual(
      resources.map((resource) => resource.name),
      ['same', 'other'],
    );
    assert.deepEqual(
      errors.map((error) => [error.code, error.path, formatPlace(error), error.resource]),
      [['FIM-CFG-1007', '$.metadata.name', `${second}:8:12`, 'default/same']],
    );
    assert.ok(errors[0]?.message.endsWith(`also in ${first}:4`), errors[0]?.message);
  });
});

describe('mistakes', () => {
  it('of every document are found, each on its line, and spare the others', () => {
    const text = `${route('a')}---\nkind: [\n`;
    assert.deepEqual(codes(parseRoutes(text, '')), [['FIM-CFG-1003', 7]]);
    const two = `${route('a')}---\n${route('b').replace('requests: 1', 'requests: 0')}---\n${route('c').replace('spec', 'specs')}---\n${route('d')}`;
    const result = parseRoutes(two, 'x.yaml');
    assert.deepEqual(
      result.resources.map((resource) => resource.name),
      ['a', 'd'],
    );
    assert.deepEqual(codes(result), [
      ['FIM-CFG-0013', 9],
      ['FIM-CFG-0012', 11],
      ['FIM-CFG-0010', 14],
    ]);
  });

  it('are all reported, up to a bound', () => {
    const spec = `{${Array.from({ length: 500 }, (_, index) => `f${index}: 1`).join(', ')}}`;
    assert.equal(
      parseRoutes(`apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: a}\nspec: ${spec}\n`, '').errors
        .length,
      MAX_RESOURCE_ERRORS,
    );
  });

  it('never show the value of a field', () => {
    const secret = 'AAECAwQFBgcICQoLDA0ODw';
    const specs = [
      `{encryption: {keyId: ${secret}, request: Encrypt}}`,
      `{wasm: {module: sm4-encryptor.wasm, config: {keyId: ${secret}}}}`,
      `{rateLimit: {requests: ${secret}, period: ${secret}}}`,
      `{enforcement: ${secret}}`,
    ];
    for (const spec of specs) {
      const { errors } = parseRoutes(
        `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: a}\nspec: ${spec}\n`,
        '',
      );
      assert.notEqual(errors.length, 0);
      assert.ok(!JSON.stringify(errors).includes(secret), JSON.stringify(errors));
    }
  });

  it('in a great mapping are found in time', () => {
    // Processor time: a loaded machine takes longer by the clock.
    const before = process.cpuUsage();
    const keys = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1`).join('\n');
    assert.deepEqual(codes(parseRoutes(`${keys}\nk0: 2\n`, '')), [['FIM-CFG-1004', 60_001]]);
    const { user, system } = process.cpuUsage(before);
    assert.ok((user + system) / 1000 < 10_000, 'a search of all names for each would take minutes');
  });
});

describe('resources from an API server', () => {
  it('have the same rules, and no lines', () => {
    const good = {
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: 'a', creationTimestamp: '2026-01-31T08:00:00Z' },
      spec: {},
    };
    const { resources, errors } = checkRoutes([good, null, 7, { ...good, spec: { masking: {} } }]);
    assert.deepEqual(
      resources.map((resource) => [resource.key, resource.created]),
      [['default/a', Date.UTC(2026, 0, 31, 8)]],
    );
    assert.deepEqual(
      errors.map((error) => [error.code, error.path, error.line]),
      [
        ['FIM-CFG-0011', '$', undefined],
        ['FIM-CFG-0011', '$', undefined],
        ['FIM-CFG-1037', '$.spec.masking', undefined],
      ],
    );
  });
});

describe('validateFiles', () => {
  it('asks the modules last, and puts their refusal at the line', async () => {
    const file = write(
      'late.yaml',
      `apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: a}\nspec:\n  validation:\n    fields:\n      - name: x\n        pattern: "^a"\n`,
    );
    const asked: string[] = [];
    const report = await validateFiles([file], { layout: 'fused' }, async (module, json) => {
      asked.push(module, JSON.parse(json).routes[0].name);
      return { code: 'FIM-CFG-0024', pointer: '/routes/0/stages/pbocValidator/rules/0/pattern' };
    });
    assert.deepEqual(asked, ['fim.wasm', 'default/a']);
    assert.equal(report.valid, false);
    assert.deepEqual(
      report.errors.map((error) => [error.code, error.path, error.line]),
      [['FIM-CFG-0024', '$.spec.validation.fields[0].pattern', 8]],
    );
    assert.equal((await validateFiles([file], { layout: 'fused' }, async () => undefined)).valid, true);
  });

  it('does not ask them about what is wrong already', async () => {
    const report = await validateFiles([write('bad.yaml', 'a: b\n')], { layout: 'fused' }, async () =>
      assert.fail('asked'),
    );
    assert.equal(report.valid, false);
  });
});
