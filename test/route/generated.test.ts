// Generated files are what their sources say now; limits that stand on both sides are equal.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import * as limits from '../../envoy/limits.ts';
import { ERRORS } from '../../envoy/route/index.ts';
import { allOutputs } from '../../scripts/generate.ts';
import { readSchema } from '../../scripts/generate/schema-model.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('generated files', () => {
  for (const { path, text } of allOutputs(ROOT)) {
    it(`${path} is up to date`, () => {
      assert.ok(
        readFileSync(`${ROOT}${path}`, 'utf8') === text,
        `${path} differs from its source: run npm run generate`,
      );
    });
  }

  it('give the modules every code but those of the tooling, numbered from 1', () => {
    const ids = [...readFileSync(`${ROOT}filters/errors.gen.ts`, 'utf8').matchAll(/^ {2}(FIM_\w+) = (\d+),$/gm)].map(
      ([, name, id]) => [name?.replaceAll('_', '-'), Number(id)],
    );
    const codes = Object.keys(ERRORS).filter((code) => !/^FIM-(?:UP|OP)-/.test(code));
    assert.ok(codes.length > 200);
    assert.deepEqual(
      ids,
      codes.map((code, index) => [code, index + 1]),
    );
  });
});

describe('limits on both sides', () => {
  const source = readFileSync(`${ROOT}filters/limits.ts`, 'utf8');
  const valueOf = (name: string): number => {
    const text =
      new RegExp(`export const ${name}: \\w+ = ([0-9_* ]+);`).exec(source)?.[1] ??
      assert.fail(`${name} is not in filters/limits.ts`);
    return text.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1);
  };
  const pairs: [string, number][] = [
    ['MAX_ROUTES', limits.MAX_PLUGIN_ROUTES],
    ['MAX_CONFIG_BYTES', limits.MAX_PLUGIN_CONFIG_BYTES],
    ['MAX_PATH_STEPS', limits.MAX_FIELD_PATH_STEPS],
    ['MAX_PATTERN_REPEAT', limits.MAX_PATTERN_REPEAT],
  ];
  for (const [name, value] of pairs) it(`${name} is ${value}`, () => assert.equal(valueOf(name), value));

  it('of the schemas are those of the modules', () => {
    const route = JSON.parse(readFileSync(`${ROOT}envoy/route/financial-route.schema.json`, 'utf8')).$defs;
    assert.equal(route.body.properties.maxBytes.maximum, valueOf('MAX_BODY_BYTES'));
    assert.equal(route.body.properties.maxBytes.default, valueOf('DEFAULT_BODY_BYTES'));
    assert.equal(readSchema(ROOT, 'filters/runtime/config.schema.json').entry, 'PluginConfig');
  });
});

describe('the subset of schemas', () => {
  it('refuses what decoder and types would read differently', () => {
    assert.throws(() => readSchema(ROOT, 'envoy/route/financial-route.schema.json'), /title|subset|maxLength/);
  });
});
