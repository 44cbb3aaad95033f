// Validation in passing against validation of whole messages: whatever the cuts, the same verdict; in the same memory,
// whatever the length.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonText, mutate, randomJson } from './documents.ts';
import { caseCount, compileGuest, errorCode, type GuestExports, Random } from './guest.ts';
import { randomJson as randomText } from './random-json.ts';

interface PassingExports extends GuestExports {
  configure(length: number): number;
  judge(length: number): number;
  mistake(): number;
  count(): number;
  error(index: number): number;
  pass(length: number, first: number, size: number, empty: number): number;
  pathPointer(): number;
  pathLength(): number;
}

const VALID = 0;
const NO_JSON = -1;

const guest = await compileGuest<PassingExports>('test/fuzz/passing');
const { exports } = guest;

const NAMES = ['a', 'b', 'x y', 'c/d~e', '中', '😀'];
const INGREDIENTS = {
  names: NAMES,
  strings: ['', 'a', 'abc', '中文字', '😀😀', '01000001', 'CNY', '6222021234567894', '"\\/', '\u0007'],
  numbers: ['0', '-0', '1', '12', '1.5', '1e5', '100.00'],
};

/**
 * Error that the streaming reader found. Undefined: none. Only whole messages distinguish an absent member from a wrong
 * container.
 */
const codeOf = (error: number): string | undefined =>
  error === 0 ? undefined : errorCode(error).replace('FIM-PBOC-0006', 'FIM-PBOC-0005');

function randomRule(random: Random): object {
  const steps = Array.from({ length: random.below(4) }, () =>
    random.chance(30) ? '[*]' : random.chance(20) ? `[${random.below(3)}]` : `['${random.pick(NAMES)}']`,
  );
  const rule: Record<string, unknown> = { path: `$${steps.join('')}` };
  if (random.chance(50)) rule.required = true;
  if (random.chance(8)) rule.forbidden = true;
  rule.type = random.pick(['string', 'number', 'integer', 'decimal', 'boolean', 'object', 'array', 'any', 'any']);
  if (['boolean', 'object', 'array'].includes(rule.type as string)) return rule;
  if (random.chance(30)) rule.maxLength = 1 + random.below(10);
  if (random.chance(30)) rule.pattern = random.pick(['^01[0-9]{6}$', 'a', '^[^b]*$', '文', '^.{2}$']);
  if (random.chance(20)) rule.enum = ['abc', '中文字', '12'];
  if (random.chance(20)) rule.check = 'Luhn';
  return rule;
}

function configure(rules: object[]): void {
  assert.equal(exports.configure(guest.put(JSON.stringify({ maxErrors: 64, rules }))), 0, JSON.stringify(rules));
}

/** Judges the text whole and in every cut; all must say the same. */
function compare(
  text: string | Uint8Array,
  cuts: [first: number, size: number, empty: number][],
  about: string,
): string | undefined {
  const length = guest.put(text);
  const outcome = exports.judge(length);
  const whole = new Set(Array.from({ length: outcome > 0 ? exports.count() : 0 }, (_, i) => codeOf(exports.error(i))));
  let found: string | undefined;
  for (const [at, [first, size, empty]] of cuts.entries()) {
    guest.put(text);
    const code = codeOf(exports.pass(length, first, size, empty));
    if (at === 0) found = code;
    assert.equal(code, found, `${about}\ncut ${first} ${size} ${empty}`);
  }
  if (outcome === VALID) assert.equal(found, undefined, about);
  else if (outcome === NO_JSON) assert.notEqual(found, undefined, about);
  else assert.ok(whole.has(found), `${found} is none of ${[...whole].join(' ')}\n${about}`);
  return found;
}

const everyCut = (length: number): [number, number, number][] => [
  [0, 0, 0],
  [1, 1, 0],
  [0, 0, 1],
  [1, 1, 1],
  [3, 5, 0],
  ...Array.from({ length: Math.max(0, length - 1) }, (_, i): [number, number, number] => [i + 1, 0, 0]),
];

describe('validation in passing', () => {
  it('says of random messages under random rules what validation of whole ones says', (t) => {
    const random = new Random(20261122);
    const cases = caseCount(6_000);
    const met = new Map<string, number>();
    for (let i = 0; i < cases; i++) {
      const rules = Array.from({ length: 1 + random.below(5) }, () => randomRule(random));
      if (i % 10 === 0) configure(rules);
      const text = Buffer.from(jsonText(random, randomJson(random, INGREDIENTS, 4)));
      const found = compare(text, everyCut(Math.min(text.length, 60)), `${JSON.stringify(rules)}\n${text.toString()}`);
      met.set(found ?? 'valid', (met.get(found ?? 'valid') ?? 0) + 1);
    }
    t.diagnostic([...met].map(([code, count]) => `${code} ${count}`).join(', '));
    assert.ok((met.get('valid') ?? 0) > cases / 20 && met.size > 5);
  });

  it('reads and refuses the same texts as the index does, with mistakes anywhere', (t) => {
    const random = new Random(7);
    const cases = caseCount(6_000);
    configure([{ path: "$['a']", type: 'any' }]);
    let refused = 0;
    for (let i = 0; i < cases; i++) {
      const good = randomText(random, 4);
      const text = random.chance(70) ? mutate(random, good) : Buffer.from(good);
      if (compare(text, everyCut(Math.min(text.length, 80)), Buffer.from(text).toString('latin1')) !== undefined)
        refused++;
    }
    t.diagnostic(`${refused} of ${cases} refused`);
    assert.ok(refused > cases / 10 && refused < cases);
  });

  it('knows every edge of numbers, escapes, UTF-8 and nesting', () => {
    configure([{ path: '$', type: 'any' }]);
    const texts = [
      '-',
      '0',
      '-0',
      '00',
      '01',
      '1.',
      '1.e1',
      '.1',
      '1e',
      '1e+',
      '1E-0',
      '--1',
      '1 2',
      '+1',
      'tru',
      'truer',
      'nul',
      'null ',
      '"\\u12',
      '"\\ud800"',
      '"\\ud800\\udc00"',
      '"\\udc00"',
      '"\\ud800\\u0041"',
      '"\\x"',
      '"\\u00zz"',
      '[',
      ']',
      '{',
      '{}',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '[1,]',
      '[,1]',
      '{,}',
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '{"a":{"a":1},"b":{"a":1}}',
      '',
      ' ',
      '[[]',
      '{"":1,"":2}',
      '"\t"',
      '{"a" :\n1 }',
      '[1}',
      '{"a":1]',
      `${'['.repeat(128)}${']'.repeat(128)}`,
      `${'['.repeat(129)}${']'.repeat(129)}`,
    ];
    for (const text of texts) compare(text, everyCut(text.length), text);
    for (const hex of [
      '22c32822',
      '22eda08022',
      '22c0af22',
      '22f4908080 22',
      '22f48fbfbf22',
      '22e2828222',
      '22e28222',
      'efbbbf31',
      '22ff22',
      '2280 22',
    ])
      compare(Buffer.from(hex.replaceAll(' ', ''), 'hex'), everyCut(6), hex);
  });

  it('tells an encoding that is not UTF-8 by the same code', () => {
    configure([{ path: '$', type: 'any' }]);
    const text = '{"name":"中文"}';
    const utf16 = Buffer.from(text, 'utf16le');
    const encodings: [about: string, bytes: Buffer][] = [
      ['byte order mark', Buffer.from(`\ufeff${text}`)],
      ['UTF-16, low byte first', utf16],
      ['UTF-16, high byte first', Buffer.from(utf16).swap16()],
      ['the same with its mark', Buffer.from(`\ufeff${text}`, 'utf16le')],
      ['high byte first with its mark', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
      ['UTF-32', Buffer.from([...text].flatMap((c) => [c.codePointAt(0)! & 255, c.codePointAt(0)! >> 8, 0, 0]))],
      ['GBK in a string', Buffer.from('7b2261223a22d6d0cec4227d', 'hex')],
      ['GBK outside of strings', Buffer.from('d6d07b7d', 'hex')],
      ['a mark that is cut off', Buffer.from('efbb', 'hex')],
      ['a character that is cut off', Buffer.from('22e4b8', 'hex')],
    ];
    for (const [about, bytes] of encodings) {
      assert.equal(compare(bytes, everyCut(bytes.length), about), 'FIM-JSON-0004', about);
      exports.judge(guest.put(bytes));
      assert.equal(codeOf(exports.mistake()), 'FIM-JSON-0004', about);
    }
    for (const other of ['｛｝', '{中:1}', ' \ufeff{}', '[1中', 'tru中', '1é', '{}\ufeff']) {
      assert.equal(compare(other, everyCut(Buffer.byteLength(other)), other), 'FIM-JSON-0001', other);
      exports.judge(guest.put(other));
      assert.equal(codeOf(exports.mistake()), 'FIM-JSON-0001', other);
    }
  });

  it('names the place by its rule', () => {
    configure([{ path: "$.items[*]['c/d~e'][2]", type: 'string' }]);
    exports.pass(guest.put('{"items":[{"c/d~e":["1","2",3]}]}'), 4, 4, 0);
    assert.equal(guest.text(exports.pathPointer(), exports.pathLength()), '/items/*/c~1d~0e/2');
  });

  it('refuses what it has no room for, at its limits', () => {
    configure([{ path: '$.a', type: 'any' }]);
    const passed = (text: string): string | undefined => codeOf(exports.pass(guest.put(text), 1000, 1000, 0));
    const members = (count: number): string => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join(',')}}`;
    assert.equal(passed(`{"a":"${'x'.repeat(4096)}"}`), undefined);
    assert.equal(passed(`{"a":"${'x'.repeat(4097)}"}`), 'FIM-PBOC-0041');
    assert.equal(passed(`{"b":"${'x'.repeat(100_000)}"}`), undefined);
    assert.equal(passed(`{"${'x'.repeat(4097)}":1}`), 'FIM-PBOC-0041');
    assert.equal(passed(`{"a":${'1'.repeat(4097)}}`), 'FIM-PBOC-0041');
    assert.equal(passed(members(512)), undefined);
    assert.equal(passed(members(513)), 'FIM-PBOC-0041');
    assert.equal(
      passed(`[${members(512)},${members(512)},${members(512)},${members(512)},${members(512)}]`),
      undefined,
      'names are kept of what is open only',
    );
  });

  it('needs no more memory for 64 MiB than for one', () => {
    configure([{ path: "$['a'][*]", type: 'integer' }]);
    const text = `[${'{"n":123,"t":"abcdefghijklmnop"},'.repeat(30_000)}0]`;
    const length = guest.put(text);
    exports.pass(length, 65_536, 65_536, 0);
    const { pages } = guest;
    for (let i = 0; i < 64; i++) assert.equal(exports.pass(length, 65_536, 65_536, 0), 0);
    assert.equal(guest.pages, pages);
  });
});
