// The validator against its README in TypeScript, on random documents and rules; and on texts with mistakes: no trap,
// no hang, no growth.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, errorCode, type GuestExports, Random } from './guest.ts';
import { jsonText, mutate, randomJson, RawNumber, type Json } from './documents.ts';
import { crossFindingsOf, type OracleCrossRule } from './validator-cross-oracle.ts';
import { CHECK_NAMES, findingsOf, type OracleCondition, type OracleRule } from './validator-oracle.ts';

interface ValidatorExports extends GuestExports {
  configure(length: number): number;
  judge(length: number): number;
  count(): number;
  error(index: number): number;
  pointer(index: number): number;
  pointerLength(index: number): number;
}

const VALID = 0;
const INVALID = 1;
const MOST_FINDINGS = 64;

const guest = await compileGuest<ValidatorExports>('test/fuzz/validator');
const { exports } = guest;

const NAMES = ['a', 'b', 'x y', "q'uote", 'c/d~e', '中', '😀'];
const STRINGS = [
  '',
  'a',
  'ab',
  'abc',
  '中文字',
  '😀😀',
  '0',
  '01',
  '12',
  '01000001',
  '02000001',
  'CNY',
  'USD',
  'RMB',
  '156',
  '157',
  '9f26',
  '9F2',
  '100.00',
  '1,00',
  '000000000100',
  '20240229',
  '20230229',
  '235959',
  '240000',
  '20240229235959',
  '0229235959',
  '0230235959',
  '6222021234567894',
  '6222021234567895',
  'a b',
  '\u0007',
  '"\\/',
  '1e5',
  '91110000600037341L',
  '91110000600037341M',
  '102100099996',
  '102100099995',
  'GB29NWBK60161331926819',
  'DE89370400440532013000',
  'ICBKCNBJ',
  'ICBKCNBJXX',
  '5493001KJTIIGC8Y1R12',
  'CN',
  'JPY',
  'KWD',
  '0229',
  '2602',
  '240229',
  '2024-02-29',
  '2024-02-30',
  '2024-02-29T23:59:59',
  '2024-02-29T15:59:59Z',
  '2024-02-29T23:59:59.5+08:00',
  '2024-02-29T24:00:00',
  '123456789012345678',
  '0.12345',
  '0.123456',
  'XAU',
  '1.000',
  '2021-01-21Z',
  '2024-02-29-05:00',
  '2024-02-29T23:59:59.1234567890123Z',
  '2024-02-29+14:01',
  '+1',
  '.5',
  '1.',
  '-0.00',
  '-.5',
  '1.1234500',
  '0000123456789012345678',
  '+',
  '.',
  'XE',
  'ABCDXEFFXXX',
  'GB29nwbk60161331926819',
  '4222222222223',
];
const NUMBERS = [
  '0',
  '0.3',
  '0.1',
  '0.2',
  '1e-19',
  '1E2',
  '-1',
  '12',
  '1.5',
  '1e5',
  '100.00',
  '-0',
  '6222021234567894',
  '123456789012',
  '1234567890123',
];
const PATTERNS = ['^01[0-9]{6}$', 'a', '^[^b]*$', '文', '^.{2}$', '^$', '[0-9]+', '^(CNY|USD)$', '^-?[0-9]+[.]?'];
const TYPES = ['string', 'number', 'integer', 'decimal', 'boolean', 'object', 'array', 'any'];
const TEXT_TYPES = ['string', 'number', 'integer', 'decimal', 'any'];
const INGREDIENTS = { names: NAMES, strings: STRINGS, numbers: NUMBERS };

function pathOf(steps: (string | number | null)[]): string {
  return `$${steps.map((step) => (step === null ? '[*]' : typeof step === 'number' ? `[${step}]` : `['${step.replaceAll(/['\\]/g, '\\$&')}']`)).join('')}`;
}

function randomRule(random: Random): OracleRule {
  const steps = Array.from({ length: random.below(4) }, () =>
    random.chance(30) ? null : random.chance(20) ? random.below(3) : random.pick(NAMES),
  );
  const rule: OracleRule = { steps, path: pathOf(steps) };
  if (random.chance(50)) rule.required = true;
  if (random.chance(40)) {
    rule.type = random.pick(TYPES);
    return rule;
  }
  if (random.chance(50)) rule.type = random.pick(TEXT_TYPES);
  if (random.chance(30)) rule.minLength = random.below(4);
  if (random.chance(30)) rule.maxLength = random.below(10);
  if (random.chance(30)) rule.pattern = random.pick(PATTERNS);
  if (random.chance(20)) rule.enum = [random.pick(STRINGS), random.pick(STRINGS), random.pick(NUMBERS)];
  if (random.chance(30)) rule.check = random.pick(CHECK_NAMES);
  if (random.chance(15)) rule.form = random.pick(CHECK_NAMES);
  if (random.chance(20)) rule.min = random.pick(['0', '-1', '0.2', '1']);
  if (random.chance(20)) rule.max = random.pick(['0', '100', '12.000']);
  if (random.chance(8)) rule.forbidden = true;
  return rule;
}

function randomSteps(random: Random, most: number, wildcards: boolean): (string | number | null)[] {
  return Array.from({ length: random.below(most + 1) }, () =>
    wildcards && random.chance(40) ? null : random.chance(15) ? random.below(3) : random.pick(NAMES),
  );
}

function randomCondition(random: Random): OracleCondition {
  const steps = randomSteps(random, 2, false);
  if (random.chance(30)) return { steps, path: pathOf(steps), present: false };
  return random.chance(50)
    ? { steps, path: pathOf(steps) }
    : { steps, path: pathOf(steps), equals: [random.pick(STRINGS), random.pick(NUMBERS), 'true'] };
}

/** A rule whose right side has only the wildcards that begin the left side. */
function randomCrossRule(random: Random): OracleCrossRule {
  const shared = random.chance(50) ? [...randomSteps(random, 1, true), null] : [];
  const leftSteps = [...shared, ...randomSteps(random, 2, true)];
  const rightSteps = [...shared, ...randomSteps(random, 2, false)];
  const sides = { leftSteps, left: pathOf(leftSteps) };
  if (random.chance(10))
    return { kind: 'CurrencyExponent', leftSteps: [null], left: '$[*]', rightSteps: ['中'], right: "$['中']" };
  const kind = random.pick(['Compare', 'Compare', 'Sum', 'CurrencyExponent'] as const);
  if (kind !== 'Compare') return { kind, ...sides, rightSteps, right: pathOf(rightSteps) };
  const as = random.pick(['Number', 'Text', 'Date', 'DateTime']);
  const operator = random.pick(['Equal', 'NotEqual', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual']);
  if (random.chance(70)) return { kind, ...sides, rightSteps, right: pathOf(rightSteps), as, operator };
  return {
    kind,
    ...sides,
    as,
    operator,
    value: random.pick(
      {
        Number: ['0.1', '12'],
        Text: ['ab', '中'],
        Date: ['20240229', '2024-02-29'],
        DateTime: ['20240229235959', '2024-02-29T15:59:59Z'],
      }[as]!,
    ),
  };
}

/** A document of amounts under one currency. */
function amounts(random: Random): Json {
  const amount = (): Json =>
    random.chance(50) ? new RawNumber(random.pick(NUMBERS)) : random.pick(['0', '0.1', '1.000', '100.00', '12.5']);
  return new Map<string, Json>([
    ['中', random.pick(['JPY', 'CNY', '156', 'KWD', 'XAU', 'XYZ'])],
    ['a', amount()],
    ['b', amount()],
  ]);
}

function configure(rules: OracleRule[], conditions: OracleCondition[] = [], crossRules: OracleCrossRule[] = []): void {
  const section = {
    maxErrors: MOST_FINDINGS,
    rules: rules.map(({ steps: _steps, ...rule }) => rule),
    conditions: conditions.map(({ steps: _steps, ...condition }) => condition),
    crossRules: crossRules.map(({ leftSteps: _left, rightSteps: _right, ...rule }) => rule),
  };
  assert.equal(exports.configure(guest.put(JSON.stringify(section))), 0, JSON.stringify(section));
}

function findings(): string[] {
  const found: string[] = [];
  for (let i = 0; i < exports.count(); i++) {
    const code = errorCode(exports.error(i));
    found.push(`${code.slice(-4)} ${guest.text(exports.pointer(i), exports.pointerLength(i))}`);
  }
  return found;
}

describe('the validator', () => {
  it('finds what its README says, no less and no more, on random documents', (t) => {
    const random = new Random(20241106);
    const policies = caseCount(20_000) / 20;
    let invalid = 0;
    const met = new Set<string>();
    for (let i = 0; i < policies; i++) {
      const conditions = Array.from({ length: random.below(4) }, () => randomCondition(random));
      const rules = Array.from({ length: 1 + random.below(6) }, () => randomRule(random));
      for (const rule of rules)
        if (conditions.length > 0 && random.chance(40))
          rule.when = [random.below(conditions.length), random.below(conditions.length)];
      const crossRules = Array.from({ length: random.below(4) }, () => randomCrossRule(random));
      configure(rules, conditions, crossRules);
      for (let j = 0; j < 20; j++) {
        const document = random.chance(20) ? amounts(random) : randomJson(random, INGREDIENTS, 4);
        const text = jsonText(random, document);
        const expected = [
          ...new Set([...findingsOf(rules, document, conditions), ...crossFindingsOf(crossRules, document)]),
        ].sort();
        const outcome = exports.judge(guest.put(text));
        const about = `${JSON.stringify({ rules, conditions, crossRules })}\n${text}`;
        if (expected.length < MOST_FINDINGS) assert.deepEqual(findings().sort(), expected, about);
        assert.equal(outcome, expected.length === 0 ? VALID : INVALID, about);
        if (expected.length > 0) invalid++;
        for (const finding of expected) met.add(finding.slice(0, 4));
      }
    }
    t.diagnostic(`${policies * 20} documents, ${invalid} invalid, codes ${[...met].sort().join(' ')}`);
    for (const code of ['0019', '0020', '0021', '0022', '0029', '0030', '0031'])
      assert.ok(met.has(code), `${code} was never met`);
    assert.ok(invalid > policies && invalid < policies * 19, 'the documents are too good or too bad');
  });

  it('survives texts with mistakes, in bounded memory', () => {
    const random = new Random(98);
    const cases = caseCount(20_000);
    let noJson = 0;
    let pages = 0;
    for (let i = 0; i < cases; i++) {
      if (i % 500 === 0)
        configure(
          Array.from({ length: 1 + random.below(20) }, () => randomRule(random)),
          [],
          Array.from({ length: random.below(5) }, () => randomCrossRule(random)),
        );
      const outcome = exports.judge(guest.put(mutate(random, jsonText(random, randomJson(random, INGREDIENTS, 3)))));
      assert.ok(outcome >= -1 && outcome <= 1, `outcome ${outcome}`);
      if (outcome === -1) noJson++;
      else for (const finding of findings()) assert.match(finding, /^\d{4} (|\/[^]*)$/);
      if (i === cases >> 1) pages = guest.pages;
    }
    assert.ok(noJson > cases / 10, 'too few mistakes');
    assert.equal(guest.pages, pages, 'memory grew');
  });

  it('costs the same for ten rules and for a thousand that meet the same fields', (t) => {
    const rule = (n: number): OracleRule => ({ steps: [], path: `$.items[*].f${n}`, type: 'string', maxLength: 20 });
    const length = (): number =>
      guest.put(
        JSON.stringify({
          items: Array.from({ length: 500 }, () =>
            Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`f${n}`, 'value'])),
          ),
        }),
      );
    const time = (): number => {
      const bytes = length();
      return bestMs(5, () => assert.equal(exports.judge(bytes), VALID));
    };
    configure(Array.from({ length: 10 }, (_, n) => rule(n)));
    time();
    const few = time();
    configure(Array.from({ length: 1000 }, (_, n) => rule(n)));
    const many = time();
    t.diagnostic(`${few.toFixed(3)} ms with 10 rules, ${many.toFixed(3)} ms with 1000`);
    assert.ok(many < few * 3, `${few} ms with 10 rules, ${many} ms with 1000`);
  });
});
