// Forms against URLSearchParams, which repairs what the reader refuses.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, errorId, Random } from './guest.ts';
import { fieldAt, type ReaderExports } from './xml-guest.ts';

const guest = await compileGuest<ReaderExports>('test/fuzz/form');
const { exports } = guest;

function parse(input: string | Uint8Array): number {
  return exports.parse(guest.put(input));
}

function pairs(): [string, string | null][] {
  return fieldAt(guest, exports.root())[2].map(([name, text]) => [name, text]);
}

/** Result of a strict reader. Null if the text is no form or repeats a name. */
function strictPairs(text: string): [string, string][] | null {
  if (/[^\x21-\x7e]/.test(text) || /%(?![0-9A-Fa-f]{2})/.test(text)) return null;
  const parts = text.split('&').filter((part) => part !== '');
  try {
    for (const part of parts) for (const half of part.replace('=', '&').split('&')) decodeURIComponent(half);
  } catch {
    return null;
  }
  const found = [...new URLSearchParams(text.startsWith('?') ? `&${text}` : text)];
  return new Set(found.map(([name]) => name)).size === found.length ? found : null;
}

describe('Forms', () => {
  it('reads names and values', () => {
    assert.equal(parse('transCode=01000001&name=%E5%BC%A0+%41&empty=&bare&a=b=c&&x.y[0]=1'), 0);
    assert.deepEqual(pairs(), [
      ['transCode', '01000001'],
      ['name', '张 A'],
      ['empty', ''],
      ['bare', ''],
      ['a', 'b=c'],
      ['x.y[0]', '1'],
    ]);
    assert.equal(parse(''), 0);
    assert.deepEqual(pairs(), []);
  });

  const refused: [about: string, text: string, code: string][] = [
    ['a percent sign alone', 'a=%', 'FIM-FORM-0001'],
    ['an escape cut off', 'a=%4', 'FIM-FORM-0001'],
    ['an escape cut off by the next field', 'a=%4&b=1', 'FIM-FORM-0001'],
    ['an escape of no hexadecimal digits', 'a=%4g', 'FIM-FORM-0001'],
    ['a blank', 'a=b c', 'FIM-FORM-0001'],
    ['a line end', 'a=b\n', 'FIM-FORM-0001'],
    ['a character beyond ASCII', 'a=中', 'FIM-FORM-0001'],
    ['bytes that are no UTF-8', 'a=%D6%D0', 'FIM-FORM-0002'],
    ['a surrogate', 'a=%ED%A0%80', 'FIM-FORM-0002'],
    ['a character over two fields', '%E5%BC=%A0', 'FIM-FORM-0002'],
    ['a name twice', 'a=1&b=2&a=3', 'FIM-FORM-0003'],
    ['a name twice in disguise', 'a=1&%61=2', 'FIM-FORM-0003'],
    ['too many fields', Array.from({ length: 10_001 }, (_, i) => `a${i}=`).join('&'), 'FIM-FORM-0004'],
  ];
  for (const [about, text, code] of refused) {
    it(`refuses ${about}`, () => {
      assert.equal(parse(text), errorId(code));
      assert.equal(exports.root(), 0);
    });
  }

  it('agrees with URLSearchParams on random forms', (t) => {
    const random = new Random(5);
    const cases = caseCount(100_000);
    const pieces = [
      'a',
      'b',
      'name',
      '=',
      '&',
      '+',
      '%41',
      '%2B',
      '%26',
      '%E5%BC%A0',
      '%e5',
      '%BC',
      '%',
      '%4',
      '中',
      ' ',
      '1',
      ';',
      '%00',
      '?',
      '#',
      'abcdefghijklmnopqrstuvwxyz',
    ];
    const round = (count: number): number => {
      let valid = 0;
      for (let i = 0; i < count; i++) {
        const weights = random.chance(70) ? 12 : pieces.length;
        const text = Array.from({ length: random.below(14) }, () => pieces[random.below(weights)] as string).join('');
        const expected = strictPairs(text);
        const error = parse(text);
        assert.equal(error === 0, expected !== null, JSON.stringify(text));
        assert.ok(exports.errorOffset() <= Buffer.byteLength(text));
        if (expected === null) continue;
        valid++;
        assert.deepEqual(pairs(), expected, JSON.stringify(text));
      }
      return valid;
    };
    round(Math.min(cases, 1000));
    const { pages } = guest;
    const valid = round(cases);
    assert.equal(guest.pages, pages);
    t.diagnostic(`${valid} of ${cases} forms valid`);
    assert.ok(valid > cases / 4 && valid < cases);
  });

  it('takes texts at the very end of memory, in linear time', () => {
    for (const text of ['a=b', 'a', 'a=%41', 'a=%4', '']) {
      const bytes = new TextEncoder().encode(text);
      exports.memory.grow(1);
      const end = exports.memory.buffer.byteLength;
      new Uint8Array(exports.memory.buffer).set(bytes, end - bytes.length);
      assert.equal(exports.parseAt(end - bytes.length, bytes.length) === 0, strictPairs(text) !== null, text);
    }
    for (const text of [
      '&'.repeat(1 << 20),
      `a=${'%41'.repeat(350_000)}`,
      `a=${'='.repeat(1 << 20)}`,
      '+'.repeat(1 << 20),
    ]) {
      const length = guest.put(text);
      assert.ok(bestMs(3, () => void exports.parse(length)) < 100, text.slice(0, 10));
    }
  });
});
