// The table of stages is whole: what the schema lets users ask for has a row, and a row has all that belongs to a stage.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { dryRun, type LoadedModule } from '../../envoy/host/index.ts';
import { CHAIN, FUSED_MODULE, keysOf, memberOf, parseRoutes, STAGES, translate } from '../../envoy/route/index.ts';
import type { PluginConfig } from '../../envoy/route/index.ts';
import { filterSlots } from '../../envoy/xds/index.ts';
import { MODULES } from '../../scripts/build.ts';
import { readCorpus } from '../contract/corpus-case.ts';
import { builtModules } from '../host/modules.ts';
import { resource, translated } from './sample.ts';

const FILTERS = new URL('../../filters/', import.meta.url);
const { $defs } = JSON.parse(
  readFileSync(new URL('../../envoy/route/financial-route.schema.json', import.meta.url), 'utf8'),
);
/** Members of a spec that ask for no stage. */
const OTHERS = [
  'targetRefs',
  'selector',
  'match',
  'body',
  'tls',
  'enforcement',
  'channels',
  'failover',
  'canary',
  'wasm',
];

const folderOf = (name: string): URL => new URL(`${name}/`, FILTERS);
const withModule = STAGES.filter((row) => row.onlyFused === undefined);

describe('the table of stages', () => {
  it('has a row for each section of the schema', () => {
    const sections = Object.keys($defs.spec.properties).filter((name) => !OTHERS.includes(name));
    assert.deepEqual(STAGES.map((row) => row.section).sort(), sections.sort());
  });

  it('has a row for each folder with the parts of a stage', () => {
    const folders = readdirSync(FILTERS).filter((name) => existsSync(new URL('stage.ts', folderOf(name))));
    assert.deepEqual(
      STAGES.map((row) => row.folder).sort(),
      folders.filter((name) => name !== 'runtime'),
    );
  });

  it('names the module of each short form', () => {
    const files = withModule.map(({ folder }) => `${folder}.wasm`);
    assert.deepEqual($defs.wasm.properties.module.enum.toSorted(), files.toSorted());
    const rules = JSON.stringify($defs.spec['x-kubernetes-validations']);
    for (const { folder, section } of withModule)
      assert.ok(rules.includes(`self.wasm.module != '${folder}.wasm' || !has(self.${section})`), folder);
  });

  it('has limits before rules, rules before masks and masks before encryption', () => {
    const order = ['rate-limiter', 'pboc-validator', 'field-masker', 'sm4-encryptor'];
    assert.deepEqual(
      CHAIN.map(({ folder }) => folder).filter((folder) => order.includes(folder)),
      order,
    );
  });

  it('makes the modules and both layouts', () => {
    assert.deepEqual(MODULES, [FUSED_MODULE, ...withModule.map(({ folder }) => folder)]);
    assert.deepEqual(filterSlots('fused'), [{ filter: 'fim', module: 'fim' }]);
    assert.deepEqual(
      filterSlots('chain').map(({ module }) => module),
      CHAIN.map(({ folder }) => folder),
    );
  });

  for (const { folder } of STAGES) {
    it(`${folder} has a schema and errors of its own`, () => {
      const schema = JSON.parse(readFileSync(new URL('config.schema.json', folderOf(folder)), 'utf8'));
      assert.equal(schema.type, 'object');
      const sources = readdirSync(folderOf(folder)).filter((name) => name.endsWith('.ts'));
      assert.ok(sources.some((name) => /ErrorId\.FIM_/.test(readFileSync(new URL(name, folderOf(folder)), 'utf8'))));
    });
  }
});

describe('the table and the modules', () => {
  let modules: Map<string, LoadedModule>;
  before(async () => {
    modules = await builtModules(MODULES);
  });

  const configs = readCorpus('valid').map(({ name, text, file }) => ({
    name,
    config: translate(parseRoutes(text, file).resources, { layout: 'fused', collects: true }).config,
  }));
  const codesOf = (module: string, config: PluginConfig): string[] =>
    dryRun(modules.get(module)!, JSON.stringify(config)).errors.map(({ code }) => code);

  it('every stage is in some resource of the corpus', () => {
    const asked = new Set(configs.flatMap(({ config }) => config.routes.flatMap((route) => Object.keys(route.stages))));
    assert.deepEqual(
      STAGES.map(memberOf).filter((member) => !asked.has(member)),
      [],
    );
  });

  it('agree which routes need keys', () => {
    for (const { name, config } of configs) {
      const { kms, ...without } = config;
      const needsKeys = config.routes.some((route) => keysOf(route).length > 0);
      assert.equal(kms !== undefined, needsKeys, name);
      assert.deepEqual(codesOf(FUSED_MODULE, without), needsKeys ? ['FIM-CFG-0018'] : [], name);
    }
  });

  it('agree which module has which stage', () => {
    for (const { name, config } of configs) {
      for (const module of MODULES) {
        const strange = config.routes.some((route) =>
          STAGES.some(
            (row) => Object.hasOwn(route.stages, memberOf(row)) && row.folder !== module && module !== FUSED_MODULE,
          ),
        );
        assert.deepEqual(codesOf(module, config), strange ? ['FIM-CFG-0016'] : [], `${name} in ${module}`);
      }
    }
  });
});

describe('the order of the stages', () => {
  const KEY = 'keyId: kms://a/b';
  const cases: [spec: string, path: string, detail: string][] = [
    [
      `{rateLimit: {requests: 1, period: 1s, key: {field: $.a}}, encryption: {${KEY}, request: Decrypt}}`,
      '$.spec.encryption',
      'a request would be limited by a field before it is decrypted',
    ],
    [
      '{rateLimit: {requests: 1, period: 1s, key: {field: $.a}}, validation: {pboc: "3.0.2"}}',
      '$.spec.validation',
      'a request would be limited by a field before it is validated',
    ],
    [
      `{masking: {detect: [{kind: IdCard}]}, encryption: {${KEY}, request: None, response: Encrypt}}`,
      '$.spec.encryption',
      'a response would be encrypted before it is masked',
    ],
  ];
  for (const [spec, path, detail] of cases) {
    it(`a chain cannot serve ${spec}`, () => {
      const { errors } = translated([resource('a', spec)], { layout: 'chain' });
      assert.deepEqual(
        errors.map((error) => [error.code, error.path]),
        [['FIM-CFG-1052', path]],
      );
      assert.ok(errors[0]?.message.includes(detail), errors[0]?.message);
      assert.deepEqual(translated([resource('a', spec)], { layout: 'fused' }).errors, []);
    });
  }

  it('a chain serves a limit by field beside what comes after it', () => {
    const spec = `{rateLimit: {requests: 1, period: 1s, key: {field: $.a}}, encryption: {${KEY}, request: Encrypt}}`;
    assert.deepEqual(translated([resource('a', spec)], { layout: 'chain' }).errors, []);
  });
});
