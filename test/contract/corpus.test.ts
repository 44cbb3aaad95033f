// One corpus with verdicts by layer. Each layer must give the verdict that the file states.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { dryRun, loadModule, type LoadedModule } from '../../envoy/host/index.ts';
import { parseRoutes, routesOfFiles, translate } from '../../envoy/route/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { celMistakes, checkedRules } from './cel-rules.ts';
import { readCorpus, type CorpusCase } from './corpus-case.ts';
import { BASELINE_CRD, CRD, structuralMistakes } from './structural-schema.ts';
import { translateUnchecked } from './unchecked.ts';

const invalid = readCorpus('invalid');
const valid = readCorpus('valid');

function typescriptVerdict(example: CorpusCase): { errors: unknown[]; warnings: string[] } {
  const loaded = parseRoutes(example.text, example.file);
  const wrong = [...loaded.errors];
  const warnings = [...loaded.baselineWarnings];
  const translation = translate(routesOfFiles(loaded, wrong, warnings), {
    layout: example.layout,
    countsGlobally: true,
    collects: true,
  });
  warnings.push(...translation.warnings);
  const errors = [...wrong, ...translation.errors].map(({ code, path, line }) => ({ code, path, line }));
  return { errors, warnings: warnings.map((warning) => warning.code) };
}

describe('corpus', () => {
  it('is large enough', () => {
    assert.ok(invalid.length >= 60, `${invalid.length} invalid resources`);
    assert.ok(valid.length >= 15, `${valid.length} valid resources`);
  });

  it('states that every invalid resource is refused by some layer', () => {
    for (const { name, verdicts } of invalid)
      assert.ok(
        Object.values(verdicts).some((verdict) => verdict.outcome === 'refused'),
        name,
      );
  });

  for (const example of [...invalid, ...valid]) {
    it(`schema: ${example.name}`, () => {
      const { outcome } = example.verdicts.schema;
      if (outcome === 'not reached') return assert.notEqual(parseRoutes(example.text, '').errors.length, 0);
      const mistakes = structuralMistakes(parse(example.text));
      assert.equal(mistakes.length > 0 ? 'refused' : 'accepted', outcome, mistakes.join('\n'));
    });

    it(`cel: ${example.name}`, () => {
      const { outcome } = example.verdicts.cel;
      if (outcome === 'not reached') return assert.notEqual(example.verdicts.schema.outcome, 'accepted');
      const mistakes = celMistakes(parse(example.text));
      assert.equal(mistakes.length > 0 ? 'refused' : 'accepted', outcome, mistakes.join('\n'));
      if (outcome === 'refused')
        assert.ok(
          mistakes.some((message) => message.startsWith(`${example.verdicts.typescript.code}: `)),
          mistakes.join('\n'),
        );
    });

    it(`typescript: ${example.name}`, () => {
      const { outcome, code, path, line, warns } = example.verdicts.typescript;
      const { errors, warnings } = typescriptVerdict(example);
      assert.deepEqual(errors, outcome === 'refused' ? [{ code, path, line }] : []);
      if (outcome === 'accepted') assert.deepEqual(warnings, warns === undefined ? [] : [warns]);
    });
  }
});

describe('corpus in the module', () => {
  let module: LoadedModule;

  before(async () => {
    const [built] = await buildModules(['fim']);
    module = loadModule(readFileSync((built as { path: string }).path));
  });

  for (const example of [...invalid, ...valid]) {
    const { outcome, code, path, line } = example.verdicts.plugin;
    it(`plugin: ${example.name}`, () => {
      if (outcome === 'not reached') return assert.notEqual(example.verdicts.schema.outcome, 'accepted');
      const loaded = parseRoutes(example.text, example.file);
      const checked = loaded.errors.length === 0;
      const translation = checked
        ? translate(routesOfFiles(loaded, [], []), { layout: 'fused', countsGlobally: true, collects: true })
        : translateUnchecked(example.text);
      const result = dryRun(module, translation.pluginConfigs[0]?.json ?? '');
      assert.deepEqual(
        result.errors.map((error) => error.code),
        outcome === 'refused' ? [code] : [],
        JSON.stringify(result.errors),
      );
      assert.equal(result.accepted, outcome === 'accepted');
      if (path === undefined) return;
      const issue = translation.locate(result.errors[0]?.code ?? '', result.errors[0]?.path ?? '');
      assert.deepEqual([issue.path, issue.line], [path, line]);
    });
  }
});

describe('CRD', () => {
  it('has rules that type-check to a boolean', () => {
    const rules = checkedRules();
    assert.ok(rules.length >= 15);
    assert.deepEqual(
      rules.filter((rule) => !rule.valid || rule.type !== 'bool'),
      [],
    );
  });

  it('has a corpus entry that each rule refuses', () => {
    const broken = new Set(
      invalid
        .filter((example) => example.verdicts.cel.outcome === 'refused')
        .flatMap((example) => celMistakes(parse(example.text))),
    );
    const messages = JSON.stringify([CRD, BASELINE_CRD]).matchAll(/"message":"(FIM-CFG-\d+: [^"]+)"/g);
    assert.deepEqual(
      [...messages].map(([, message]) => message).filter((message) => !broken.has(message ?? '')),
      [],
    );
  });
});
