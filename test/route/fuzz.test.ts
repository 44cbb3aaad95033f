// Random and mutated resources: coded errors or a translation, never an exception, and what is accepted translates to
// what the modules' schemas allow.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { stringify } from 'yaml';
import { dryRun, loadModule } from '../../envoy/host/index.ts';
import { checkRoutes, ERRORS, parseRoutes, translate, type LoadResult } from '../../envoy/route/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { celMistakes } from '../contract/cel-rules.ts';
import { structuralMistakes } from '../contract/structural-schema.ts';
import { computingMs } from '../fuzz/guest.ts';
import { pluginSchemaMistakes } from './plugin-schema.ts';

const CORPUS = ['valid', 'invalid'].flatMap((kind) => {
  const folder = new URL(`../corpus/${kind}/`, import.meta.url);
  return readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
});

/** xorshift32: the same cases on every run, told by their seed. */
class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 2_654_435_761) ^ 0x9e3779b9) | 1;
  }

  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

const SHARDS = [
  '\t',
  '\n',
  ':',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '&a ',
  '*a',
  '!!str ',
  '<<: ',
  '|',
  '>',
  '%YAML 1.1',
  '---\n',
  '\u0000',
  '\ud800',
  '🀄',
  '?',
  '0x7f',
  '.inf',
  '.nan',
  '1e999',
  '-0',
  '~',
  '__proto__: 1',
  'constructor',
  '#',
];
const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  2 ** 53,
  NaN,
  Infinity,
  '',
  'x',
  '\u0000',
  '\ud800',
  'a'.repeat(5000),
  [],
  {},
  [[]],
  [null],
  { __proto__: 1 },
  'Encrypt',
  '1s',
  '$.a',
  '$',
  '^(',
  'kms://a/b',
];

function mutateText(text: string, dice: Dice): string {
  let result = text;
  for (let i = dice.below(4); i >= 0; i--) {
    const at = dice.below(result.length + 1);
    const cut = dice.below(3) === 0 ? dice.below(40) : 0;
    result = result.slice(0, at) + (dice.below(2) === 0 ? dice.pick(SHARDS) : '') + result.slice(at + cut);
  }
  return result;
}

function mutateValue(value: unknown, dice: Dice, depth = 0): unknown {
  if (dice.below(12) === 0 || depth > 12) return dice.pick(VALUES);
  if (Array.isArray(value))
    return dice.below(8) === 0 ? [...value, ...value] : value.map((item) => mutateValue(item, dice, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value)
    .filter(() => dice.below(15) !== 0)
    .map(([name, member]) => [
      dice.below(40) === 0 ? dice.pick(['__proto__', 'spec', '', 'x', name.toUpperCase()]) : name,
      mutateValue(member, dice, depth + 1),
    ]);
  return Object.fromEntries(members);
}

function judge(loaded: LoadResult, seed: number): void {
  for (const issue of [...loaded.errors, ...loaded.warnings]) {
    assert.ok(issue.code in ERRORS, `seed ${seed}: ${issue.code}`);
    assert.ok(
      issue.path.startsWith('$') && issue.message.length < 1000 && (issue.line ?? 1) >= 1,
      `seed ${seed}: ${JSON.stringify(issue)}`,
    );
  }
  for (const layout of ['fused', 'chain'] as const) {
    const { pluginConfigs, locate } = translate(loaded.resources, { layout });
    for (const { json } of pluginConfigs) assert.deepEqual(pluginSchemaMistakes(JSON.parse(json)), [], `seed ${seed}`);
    assert.ok(locate('FIM-CFG-0011', '/routes/0/stages/pbocValidator/rules/99/x').path.startsWith('$'));
  }
}

it('mutated text', () => {
  let accepted = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const dice = new Dice(seed);
    const loaded = parseRoutes(mutateText(dice.pick(CORPUS), dice), 'fuzz.yaml');
    accepted += loaded.resources.length;
    judge(loaded, seed);
  }
  assert.ok(accepted > 40, `only ${accepted} mutations were accepted: the mutation is too coarse`);
});

/** Errors that only the module can find: paths, patterns and their sizes, and what the parts of a signing template say. */
const LATE = /^FIM-(CFG-002[0-5]|SIG-000[67])$/;

it('mutated data', async () => {
  const [built] = await buildModules(['fim']);
  const module = loadModule(readFileSync((built as { path: string }).path));
  const seeds = CORPUS.flatMap((text) =>
    parseRoutes(text, '').resources.map(({ key, spec }) => ({
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: key.split('/')[1] },
      spec,
    })),
  );
  let accepted = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const dice = new Dice(seed);
    const value = mutateValue(dice.pick(seeds), dice);
    const loaded = checkRoutes([value]);
    accepted += loaded.resources.length;
    judge(loaded, seed);
    if (loaded.resources.length > 0) {
      assert.deepEqual(
        [...structuralMistakes(value), ...celMistakes(value)],
        [],
        `seed ${seed}: the CRD refuses what these rules take`,
      );
    }
    if (loaded.resources.length > 0 && accepted % 8 === 0) {
      const { errors } = dryRun(module, translate(loaded.resources, { layout: 'fused' }).pluginConfigs[0]?.json ?? '');
      assert.deepEqual(
        errors.filter((error) => !LATE.test(error.code)),
        [],
        `seed ${seed}`,
      );
    }
    if (seed % 10 === 0) judge(parseRoutes(stringify(value, { aliasDuplicateObjects: false }), 'fuzz.yaml'), seed);
  }
  assert.ok(accepted > 100, `only ${accepted} mutations were accepted: the mutation is too coarse`);
});

it('deep and broad text', () => {
  const texts = [
    '['.repeat(50_000),
    '{a: '.repeat(30_000),
    '- '.repeat(30_000),
    `${'a: '.repeat(50_000)}`,
    '"'.repeat(100_001),
    '? '.repeat(20_000),
    'a:\n'.repeat(30_000),
    '---\n'.repeat(30_000),
    '&a '.repeat(10_000),
    '!a '.repeat(10_000),
    '|\n'.repeat(10_000),
  ];
  for (const text of texts) {
    const tookMs = computingMs(() => {
      assert.notEqual(parseRoutes(text, 'fuzz.yaml').errors.length, 0, text.slice(0, 10));
    });
    assert.ok(tookMs < 20_000, `${text.slice(0, 10)} took ${tookMs} ms`);
  }
});
