// Field sets against a plain evaluation of each path by itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, errorId, type GuestExports, Random } from './guest.ts';

interface FieldExports extends GuestExports {
  begin(): void;
  addPath(rule: number, length: number, required: number): number;
  addName(rule: number, length: number): void;
  build(): number;
  parse(length: number): number;
  match(): number;
  matchMany(times: number): number;
  next(): number;
  rule(): number;
  missing(): number;
  pointer(): number;
  pointerLength(): number;
}

type Step = string | number | null;

interface Rule {
  /** Null for a rule by name at any depth. */
  steps: Step[] | null;
  name: string;
  required: boolean;
}

interface Find {
  rule: number;
  pointer: string;
  missing: boolean;
}

const guest = await compileGuest<FieldExports>('test/fuzz/fields');
const { exports } = guest;
const NAMES = ['a', 'b', 'c', 'x y', "it's", 'a/b', '~', '中', '0', '', 'a.b', '"', 'transCode'];

/** The path as a user writes it, in one of the ways that mean the same. */
function written(random: Random, steps: Step[]): string {
  let text = '$';
  for (const step of steps) {
    if (step === null) text += random.pick(['[*]', '.*']);
    else if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$|^中$/.test(step) && random.chance(60)) text += `.${step}`;
    else if (random.chance(50)) text += `['${step.replace(/['\\]/g, '\\$&')}']`;
    else text += `["${step.replace(/["\\]/g, '\\$&')}"]`;
  }
  return random.chance(30) && /^\$(\.[^*]|\[)/.test(text) ? text.replace(/^\$\.?/, '') : text;
}

function token(step: Step): string {
  return `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The part of a path up to its next wildcard, as a JSON Pointer. */
function tail(steps: Step[]): string {
  const wild = steps.indexOf(null);
  return (wild < 0 ? steps : steps.slice(0, wild)).map(token).join('');
}

function evaluate(rule: number, { steps, name, required }: Rule, value: unknown): Find[] {
  const finds: Find[] = [];
  const entries = (at: unknown): [Step, unknown][] =>
    Array.isArray(at)
      ? at.map((item, i) => [i, item])
      : at !== null && typeof at === 'object'
        ? Object.entries(at)
        : [];
  const walk = (at: unknown, pointer: string, rest: Step[]): void => {
    const [step, ...after] = rest;
    if (step === undefined) {
      finds.push({ rule, pointer, missing: false });
      return;
    }
    const container = at !== null && typeof at === 'object';
    if (step === null && container) for (const [key, child] of entries(at)) walk(child, pointer + token(key), after);
    else {
      const isKind = Array.isArray(at) ? typeof step === 'number' : typeof step === 'string';
      const child = step !== null && container && isKind ? entries(at).find(([key]) => key === step) : undefined;
      if (child !== undefined) walk(child[1], pointer + token(step as string), after);
      else if (required) finds.push({ rule, pointer: pointer + tail(rest), missing: true });
    }
  };
  const seek = (at: unknown, pointer: string): void => {
    for (const [key, child] of entries(at)) {
      if (key === name) finds.push({ rule, pointer: pointer + token(key), missing: false });
      seek(child, pointer + token(key));
    }
  };
  if (steps === null) seek(value, '');
  else walk(value, '', steps);
  return finds;
}

function compile(random: Random, rules: readonly Rule[]): boolean {
  exports.begin();
  rules.forEach((rule, i) => {
    if (rule.steps === null) exports.addName(i, guest.put(rule.name));
    else {
      const path = written(random, rule.steps);
      assert.equal(exports.addPath(i, guest.put(path), rule.required ? 1 : 0), 0, path);
    }
  });
  return exports.build() !== 0;
}

function finds(): Find[] {
  const found: Find[] = [];
  while (exports.next() !== 0) {
    const at = exports.pointer();
    found.push({
      rule: exports.rule(),
      pointer: guest.text(at, exports.pointerLength()),
      missing: exports.missing() !== 0,
    });
  }
  return found;
}

function inOrder(list: Find[]): string[] {
  return list.map((find) => JSON.stringify(find)).sort();
}

function randomSteps(random: Random): Step[] {
  return Array.from({ length: random.below(5) }, () =>
    random.chance(25) ? null : random.chance(20) ? random.below(3) : random.pick(NAMES),
  );
}

function randomValue(random: Random, depth: number): unknown {
  const kind = random.below(depth > 0 ? 5 : 2);
  if (kind === 0) return random.pick([null, 1, true, 'text', '']);
  if (kind === 1) return random.chance(50) ? [] : {};
  if (kind === 2) return Array.from({ length: random.below(4) }, () => randomValue(random, depth - 1));
  return Object.fromEntries(
    Array.from({ length: random.below(6) }, () => [random.pick(NAMES), randomValue(random, depth - 1)]),
  );
}

describe('field sets', () => {
  it('find what each path finds by itself', (t) => {
    const random = new Random(11);
    const cases = caseCount(20_000);
    let present = 0;
    let missing = 0;
    for (let i = 0; i < cases; i++) {
      const rules: Rule[] = Array.from({ length: random.below(8) }, () => {
        const byName = random.chance(15);
        return {
          steps: byName ? null : randomSteps(random),
          name: random.pick(NAMES),
          required: !byName && random.chance(60),
        };
      });
      assert.ok(compile(random, rules));
      const value = randomValue(random, 5);
      assert.equal(exports.parse(guest.put(JSON.stringify(value))), 0);
      assert.ok(exports.match());
      const found = finds();
      const expected = rules.flatMap((rule, n) => evaluate(n, rule, value));
      assert.deepEqual(inOrder(found), inOrder(expected), JSON.stringify({ rules, value }));
      present += expected.filter((find) => !find.missing).length;
      missing += expected.filter((find) => find.missing).length;
    }
    t.diagnostic(`${present} values and ${missing} missing members`);
    assert.ok(present > cases && missing > cases);
  });

  it('gives finds in the order of the message', () => {
    const random = new Random(1);
    assert.ok(
      compile(random, [
        { steps: ['b'], name: '', required: true },
        { steps: ['a', null, 'c'], name: '', required: true },
        { steps: null, name: 'c', required: false },
      ]),
    );
    assert.equal(exports.parse(guest.put('{"a":[{"c":1},{"d":2},3],"b":0}')), 0);
    assert.ok(exports.match());
    assert.deepEqual(
      finds().map(({ rule, pointer, missing }) => `${rule} ${pointer}${missing ? ' missing' : ''}`),
      ['1 /a/0/c', '2 /a/0/c', '1 /a/1/c missing', '1 /a/2/c missing', '0 /b'],
    );
  });

  it('refuse paths outside of the subset', () => {
    exports.begin();
    for (const path of [
      '',
      '$.',
      '$..a',
      '$[',
      '$[]',
      '$[-1]',
      '$[01]',
      '$[1',
      '$[1:2]',
      '$[?(@.a)]',
      "$['a",
      "$['a'",
      "$['a','b']",
      '$.a b',
      '$ .a',
      '.a',
      '/a',
      'a[',
      '$.a.',
      '$[99999999999]',
      '@.a',
      "$['\\n']",
      `$${'.a'.repeat(33)}`,
      `$.${'a'.repeat(1024)}`,
    ])
      assert.equal(exports.addPath(0, guest.put(path), 1), errorId('FIM-CFG-0020'), path);
    assert.equal(exports.addPath(0, guest.put(Uint8Array.of(36, 46, 0xff)), 1), errorId('FIM-CFG-0020'));
  });

  it('refuse rules that multiply beyond the limit', () => {
    const random = new Random(2);
    const rules: Rule[] = Array.from({ length: 24 }, (_, i) => ({
      steps: Array.from({ length: 16 }, (_, n) => ((i * 7 + n * 5) % 3 === 0 ? `n${n}` : null)),
      name: '',
      required: false,
    }));
    assert.equal(
      compile(random, [
        ...rules,
        ...rules.map((rule, i) => ({
          ...rule,
          steps: (rule.steps ?? []).map((step, n) => ((i >> (n % 5)) & 1 ? null : (step ?? `m${i}`))),
        })),
      ]),
      false,
    );
  });

  it('cost the same for a thousand rules as for ten', (t) => {
    const random = new Random(3);
    const value = {
      items: Array.from({ length: 200 }, (_, i) =>
        Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`f${n}`, i])),
      ),
    };
    const text = JSON.stringify(value);
    const timeOf = (count: number): number => {
      assert.ok(
        compile(
          random,
          Array.from({ length: count }, (_, i) => ({ steps: ['items', null, `f${i}`], name: '', required: false })),
        ),
      );
      assert.equal(exports.parse(guest.put(text)), 0);
      return bestMs(3, () => assert.equal(exports.matchMany(20), 2000)) / 20;
    };
    const ten = timeOf(10);
    const thousand = timeOf(1000);
    t.diagnostic(
      `10 rules ${(ten * 1000).toFixed(0)} µs, 1000 rules ${(thousand * 1000).toFixed(0)} µs for ${text.length} bytes`,
    );
    assert.ok(thousand < ten * 3);
  });

  it('compile a thousand rules in a few milliseconds', (t) => {
    const random = new Random(4);
    const rules: Rule[] = Array.from({ length: 1000 }, (_, n) => ({
      steps: ['Document', `field${n}`, 'value'],
      name: '',
      required: true,
    }));
    const best = bestMs(3, () => assert.ok(compile(random, rules)));
    t.diagnostic(`${best.toFixed(1)} ms, the calls from Node included`);
    assert.ok(best < 40);
  });
});
