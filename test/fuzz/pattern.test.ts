// Patterns against RE2 (its JavaScript port): random patterns, random texts, same verdicts. And time: linear, whatever
// the pattern.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RE2JS } from 're2js';
import { bestMs, caseCount, compileGuest, computingMs, errorId, type GuestExports, Random } from './guest.ts';

interface PatternExports extends GuestExports {
  compile(length: number): number;
  states(): number;
  size(): number;
  matches(length: number): number;
  collect(): void;
}

const guest = await compileGuest<PatternExports>('test/fuzz/pattern');
const { exports } = guest;
const TOO_LARGE = errorId('FIM-CFG-0024');

const LITERALS = [
  'a',
  'b',
  'c',
  'A',
  'B',
  '0',
  '1',
  '_',
  '-',
  ' ',
  '\\n',
  '\n',
  'é',
  '中',
  '文',
  '😀',
  '\\.',
  '\\\\',
  '\\x41',
  '\\x{4e2d}',
  '\\t',
  '\\101',
  '/',
  ',',
  '}',
  ']',
];
const CLASSES = [
  '\\d',
  '\\D',
  '\\w',
  '\\W',
  '\\s',
  '\\S',
  '.',
  '[abc]',
  '[^abc]',
  '[a-c0-9]',
  '[^\\d]',
  '[\\w-]',
  '[[:alpha:]]',
  '[[:^digit:]_]',
  '[é-中]',
  '[^\\x{80}-\\x{fff}]',
  '[a\\]b]',
  '[]a]',
  '[^]a]',
  '[\\x{10000}-\\x{1ffff}a]',
  '[[:punct:]]',
  '[[:xdigit:]]',
  '[\\W]',
  '[\\D1]',
  '[a-]',
  '[^-a]',
];
const LOOKS = ['^', '$', '\\b', '\\B', '\\A', '\\z'];
const REPEATS = ['*', '+', '?', '{2}', '{0,2}', '{1,3}', '{2,}', '{0}', '*?', '+?', '??', '{1,2}?'];
const FLAGS = ['(?i)', '(?s)', '(?m)', '(?i:', '(?s:', '(?m:', '(?:', '(', '(?P<n>', '(?-i:', '(?ms:', '(?U:'];
const TEXTS = [
  'a',
  'b',
  'c',
  'A',
  'B',
  'C',
  '0',
  '1',
  '9',
  '_',
  '-',
  ' ',
  '\n',
  'é',
  '中',
  '文',
  '😀',
  '.',
  '\\',
  '\t',
  '/',
  'ß',
  '\u{17f}',
  '\u{212a}',
  'k',
  's',
  'S',
  '~',
  ']',
  '𐀀',
];

function randomPattern(random: Random, depth: number): string {
  const parts: string[] = [];
  const count = 1 + random.below(4);
  for (let i = 0; i < count; i++) {
    const dice = random.below(100);
    let part = '';
    if (dice < 40) part = random.pick(LITERALS);
    else if (dice < 65) part = random.pick(CLASSES);
    else if (dice < 75) part = random.pick(LOOKS);
    else if (depth > 0) {
      const open = random.pick(FLAGS).replace('<n>', `<n${random.below(1e9)}>`);
      part = open.endsWith(')')
        ? open
        : `${open}${randomPattern(random, depth - 1)}${random.chance(40) ? `|${randomPattern(random, depth - 1)}` : ''})`;
      if (open.endsWith(')')) {
        parts.push(part);
        continue;
      }
    } else part = random.pick(LITERALS);
    if (random.chance(30)) part += random.pick(REPEATS);
    parts.push(part);
  }
  return parts.join('') + (random.chance(15) && depth > 0 ? `|${randomPattern(random, depth - 1)}` : '');
}

function randomText(random: Random): string {
  let text = '';
  for (let i = random.below(12); i > 0; i--) text += random.pick(TEXTS);
  return text;
}

function oracle(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return null;
  }
}

/** Case folding beyond ASCII is not offered: such pairs are no fair question. */
function foldsBeyondAscii(pattern: string): boolean {
  return /\(\?[a-z]*i/.test(pattern) && /[^\x00-\x7f]|\\x\{|\\x[89a-f]/.test(pattern);
}

describe('patterns against RE2', () => {
  it('agree on random patterns and texts', (t) => {
    const random = new Random(20240801);
    const cases = caseCount(10_000);
    let accepted = 0;
    let tooLarge = 0;
    let matched = 0;
    for (let i = 0; i < cases; i++) {
      const source = randomPattern(random, 3);
      const expected = oracle(source);
      const error = exports.compile(guest.put(source));
      if (expected === null || error !== 0) {
        // A pattern that RE2 refuses is refused. One that RE2 accepts may only be too large here.
        if (error === TOO_LARGE) tooLarge++;
        else assert.equal(error !== 0, expected === null, `${JSON.stringify(source)}: error ${error}`);
        continue;
      }
      if (foldsBeyondAscii(source)) continue;
      accepted++;
      for (let n = 0; n < 8; n++) {
        const text = randomText(random);
        const found = exports.matches(guest.put(text)) !== 0;
        assert.equal(found, expected.matcher(text).find(), `${JSON.stringify(source)} on ${JSON.stringify(text)}`);
        if (found) matched++;
      }
    }
    t.diagnostic(
      `${accepted} patterns accepted by both, ${accepted * 8} texts, ${matched} matches, ${tooLarge} patterns too large`,
    );
    assert.ok(tooLarge < cases / 50);
    assert.ok(accepted > cases / 3 && matched > accepted && matched < accepted * 7);
  });
});

describe('patterns against RegExp', () => {
  // Syntax that both read alike: no flags, no dot (line ends differ), no \\B (RegExp finds one inside a surrogate
  // pair), no \\s (Unicode in RegExp).
  const parts = [
    'a',
    'b',
    '0',
    '中',
    '😀',
    '\\d',
    '\\w',
    '\\D',
    '[ab]',
    '[^a0]',
    '[a-c中]',
    '[^中]',
    '\\b',
    '^',
    '$',
    '\\.',
    '\\x41',
  ];
  const subset = (random: Random, depth: number): string => {
    let source = '';
    for (let i = random.below(4); i >= 0; i--) {
      const place = random.pick(parts);
      const part =
        depth > 0 && random.chance(30) ? `(?:${subset(random, depth - 1)}|${subset(random, depth - 1)})` : place;
      source +=
        part + (/^(?:\^|\$|\\[bB]|)$/.test(part) ? '' : random.pick(['', '', '', '', '', '*', '+', '?', '{2}']));
    }
    return source;
  };

  it('agree on random patterns and texts', (t) => {
    const random = new Random(77);
    const cases = caseCount(2_000);
    let matched = 0;
    for (let i = 0; i < cases; i++) {
      const source = subset(random, 2);
      if (exports.compile(guest.put(source)) !== 0) {
        assert.equal(exports.compile(guest.put(source)), TOO_LARGE, source);
        continue;
      }
      const expected = new RegExp(source, 'u');
      for (let n = 0; n < 6; n++) {
        const text = randomText(random);
        const found = exports.matches(guest.put(text)) !== 0;
        assert.equal(found, expected.test(text), `${JSON.stringify(source)} on ${JSON.stringify(text)}`);
        if (found) matched++;
      }
    }
    t.diagnostic(`${matched} of ${cases * 6} texts matched`);
    assert.ok(matched > cases && matched < cases * 5);
  });
});

describe('patterns that take exponential time elsewhere', () => {
  const cases: [pattern: string, unit: string, ending: string][] = [
    ['^(a+)+$', 'a', '!'],
    ['^([a-zA-Z]+)*$', 'a', '1'],
    ['^(a|aa)+$', 'a', 'b'],
    ['^(a|a?)+$', 'a', 'b'],
    ['^(.*a){10}$', 'a', '!\n'],
    ['(x+x+)+y', 'x', ''],
    ['^(\\w+\\s?)*$', 'word', '!'],
    ['^([0-9]+)+@', '1', ''],
    ['(.*)*=.*', 'a', '\n'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a', ''],
    ['^(?:(?:a*)*)*b', 'a', 'c'],
  ];
  for (const [pattern, unit, ending] of cases) {
    it(`take linear time here: ${pattern}`, () => {
      assert.equal(exports.compile(guest.put(pattern)), 0);
      const text = unit.repeat(200_000) + ending;
      const length = guest.put(text);
      let found = false;
      const took = computingMs(() => {
        found = exports.matches(length) !== 0;
      });
      assert.equal(
        found,
        RE2JS.compile(pattern)
          .matcher(unit.repeat(30) + ending)
          .find(),
      );
      assert.ok(took < 200, `${text.length} bytes took ${took.toFixed(1)} ms`);
    });
  }
});

describe('compiling patterns', () => {
  it('refuses what cannot be matched in linear time', () => {
    for (const pattern of [
      '(a)\\1',
      '(?=a)',
      '(?!a)',
      '(?<=a)b',
      '(?<!a)b',
      '(?>a)',
      'a++',
      'a*+',
      'a?+',
      'a{2}+',
      '(?P=n)',
      '\\k<n>',
      '\\C',
      '\\p{L}',
      '(?#x)',
    ])
      assert.equal(exports.compile(guest.put(pattern)), errorId('FIM-CFG-0023'), pattern);
  });

  it('refuses wrong syntax', () => {
    for (const pattern of [
      '(',
      ')',
      'a)',
      '(a',
      '[a',
      '[',
      '[]',
      '[z-a]',
      '[a-\\d]',
      '*',
      'a**',
      '+a',
      'a|*',
      '(*)',
      'a{2,1}',
      'a{1001}',
      '\\',
      '\\y',
      '\\x{110000}',
      '\\xg',
      '(?i',
      '(?x)',
      '(?P<>a)',
      '(?P<n',
      '[[:foo:]]',
      '(?i-)',
      '(?--i)',
    ])
      assert.equal(exports.compile(guest.put(pattern)), errorId('FIM-CFG-0022'), pattern);
    assert.equal(exports.compile(guest.put(Uint8Array.of(0xff))), errorId('FIM-CFG-0022'));
  });

  it('refuses what is too large, with its size, in bounded time', () => {
    for (const pattern of [
      '.{500}x',
      '(a{1000}){1000}',
      '((a{100}){100}){100}',
      '[ab]*a[ab]{15}',
      '('.repeat(101) + ')'.repeat(101),
      'a'.repeat(2049),
      '(?:x{0,1000}){0,1000}y',
    ]) {
      const took = computingMs(() => assert.equal(exports.compile(guest.put(pattern)), TOO_LARGE, pattern));
      assert.ok(exports.states() > 100 || pattern.startsWith('('), `${pattern}: ${exports.states()}`);
      assert.ok(took < 200, `${pattern}: ${took} ms`);
    }
  });

  it('takes lengths that messages need', () => {
    for (const pattern of [
      '^.{1,1000}$',
      '^[\\x{4e00}-\\x{9fa5}]{1,70}$',
      '^(?:\\d{15}|\\d{17}[\\dXx])$',
      '^[A-Za-z0-9+/]{4,1000}={0,2}$',
      '^\\p{Han}{2,20}$',
    ])
      assert.equal(exports.compile(guest.put(pattern)), 0, pattern);
  });

  it('is fast and keeps no memory', (t) => {
    const patterns = [
      '^01[0-9]{6}$',
      '^[0-9]{1,18}(\\.[0-9]{2})?$',
      '^(CNY|USD|EUR|HKD)$',
      '^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$',
      '^\\d{4}-\\d{2}-\\d{2}$',
    ];
    const round = (): void => {
      for (let route = 0; route < 100; route++)
        for (const pattern of patterns) assert.equal(exports.compile(guest.put(pattern)), 0);
    };
    for (let i = 0; i < 20; i++) round();
    exports.collect();
    const pages = guest.pages;
    const best = bestMs(3, () => {
      round();
      exports.collect();
    });
    t.diagnostic(`500 patterns of 100 routes: ${best.toFixed(2)} ms`);
    assert.ok(best < 20, `${best} ms`);
    assert.equal(guest.pages, pages);
  });
});
