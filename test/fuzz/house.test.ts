// Detectors of a house against JavaScript's regular expressions: random patterns, random texts, the same findings. And
// work: bounded for each byte, whatever pattern and text.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { bestMs, caseCount, errorId, Random } from './guest.ts';
import { HouseGuest } from './house-guest.ts';

const guest = await HouseGuest.start();
const ATOMS = [
  'a',
  'b',
  'A',
  '0',
  '7',
  '-',
  ' ',
  '中',
  '文',
  '\\d',
  '[ab]',
  '[^a]',
  '[a-c0-9]',
  '\\w',
  '(?:ab|b)',
  '(?:中|a-)',
];
const REPEATS = ['', '', '', '?', '{2}', '{1,3}', '{0,2}'];
const PIECES = ['a', 'b', 'A', 'B', 'ab', '0', '7', '77', '-', ' ', '_', '中', '文', '😀', 'aab', '\n', ','];

function randomPattern(random: Random): string {
  const branches = Array.from({ length: random.chance(25) ? 2 : 1 }, () =>
    Array.from({ length: 1 + random.below(4) }, () => random.pick(ATOMS) + random.pick(REPEATS)).join(''),
  );
  return branches.join('|');
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[A-Za-z0-9_]/.test(character);

/** Every place in turn: the longest match of any pattern there, the first of the list at a tie. */
function expected(patterns: readonly string[], text: string): [number, number, number][] {
  const characters = [...text];
  const whole = patterns.map((pattern) => new RegExp(`^(?:${pattern})$`, 'u'));
  const bytesTo = (count: number): number => Buffer.byteLength(characters.slice(0, count).join(''));
  const found: [number, number, number][] = [];
  for (let at = 0; at < characters.length;) {
    let best: [number, number] | undefined;
    if (!(isWord(characters[at - 1]) && isWord(characters[at])))
      for (let end = characters.length; end > at && best === undefined; end--) {
        if (isWord(characters[end - 1]) && isWord(characters[end])) continue;
        const number = whole.findIndex((pattern) => pattern.test(characters.slice(at, end).join('')));
        if (number >= 0) best = [number, end];
      }
    if (best !== undefined) found.push([best[0], bytesTo(at), bytesTo(best[1])]);
    at = best?.[1] ?? at + 1;
  }
  return found;
}

it('finds what the longest match of a regular expression is', (t) => {
  const cases = caseCount(1000);
  const random = new Random(77);
  let compared = 0;
  let findings = 0;
  for (let i = 0; i < cases; i++) {
    const patterns = Array.from({ length: 1 + random.below(3) }, () => randomPattern(random));
    if (patterns.some((pattern) => new RegExp(`^(?:${pattern})$`, 'u').test(''))) continue;
    assert.equal(guest.take(patterns), 0, patterns.join('   '));
    for (let j = 0; j < 8; j++) {
      const text = Array.from({ length: 1 + random.below(40) }, () => random.pick(PIECES)).join('');
      const wanted = expected(patterns, text);
      assert.deepEqual(guest.scan(text), wanted, JSON.stringify({ patterns, text }));
      compared++;
      findings += wanted.length;
    }
  }
  assert.ok(findings > compared);
  t.diagnostic(`${compared} texts, ${findings} findings, seed 77`);
});

it('reads a bounded number of bytes for each byte of a hostile text', () => {
  const { exports } = guest.guest;
  for (const [pattern, unit] of [
    ['(?:1 ){1,60}x', '1 '],
    ['[0-9 ]{1,127}x', '1 '],
    ['(?:中){1,42}', '中'],
    ['(?:a-|b){1,63}z', 'a-'],
  ] as const) {
    assert.equal(guest.take([pattern]), 0);
    const time = (times: number): number => {
      const length = guest.guest.put(unit.repeat(times));
      return bestMs(3, () => void exports.scan(length, 0));
    };
    const small = time(4000);
    assert.ok(time(32000) < 20 * small + 20, `${pattern}: time grows with the length`);
  }
});

it('refuses patterns without a bound, and too large ones, before they could do harm', () => {
  assert.equal(guest.take(['a+']), errorId('FIM-MASK-0009'));
  assert.equal(guest.take(['(?:ab){1,65}']), errorId('FIM-MASK-0009'));
  assert.equal(guest.take(['[ab]{1,20}a[ab]{14}c']), errorId('FIM-CFG-0024'));
  assert.equal(guest.take(['a', '(b']), errorId('FIM-CFG-0022'));
});
