import { Arena } from '../../../filters/memory/arena';
import { Bytes } from '../../../filters/memory/bytes';
import { canonicalKey, canonicalLength } from '../../../filters/rate-limiter/key-text';

const arena = new Arena(4096, 65536);

function keyOf(text: string, whole: bool = false): string {
  const bytes = Bytes.from(text);
  const key = canonicalKey(bytes.pointer, bytes.length, whole, arena);
  return String.UTF8.decodeUnsafe(key, canonicalLength());
}

describe('canonicalKey', () => {
  it('is one for every spelling of a number', () => {
    const spellings = [
      '9',
      '9.0',
      '9.00',
      '9.',
      '09',
      '+9',
      ' 9\n',
      '9e0',
      '0.9e1',
      '.9E+1',
      '90e-1',
      '0900e-2',
      '9.0e00',
    ];
    for (let i = 0; i < spellings.length; i++) {
      expect<string>(keyOf(spellings[i])).toBe('9e0', spellings[i]);
      expect<string>(keyOf(spellings[i], true)).toBe('9e0', spellings[i]);
    }
    const zeros = ['0', '-0', '0.0', '+000', '0e5', '.0', '-0.00e-3'];
    for (let i = 0; i < zeros.length; i++) expect<string>(keyOf(zeros[i])).toBe('0', zeros[i]);
    expect<string>(keyOf('10')).toBe('1e1');
    expect<string>(keyOf('1e1')).toBe('1e1');
    expect<string>(keyOf('-10.50')).toBe('-105e-1');
    expect<string>(keyOf('0.00125')).toBe('125e-5');
    expect<string>(keyOf('6222021234567890120')).toBe('622202123456789012e1');
  });
  it('rounds numbers that readers round, and no texts', () => {
    const nines = ['8.99999999999999999999', '9.00000000000000000001', '8.5', '9.4999', '900000000000000000001e-20'];
    for (let i = 0; i < nines.length; i++) expect<string>(keyOf(nines[i], true)).toBe('9e0', nines[i]);
    expect<string>(keyOf('9.5', true)).toBe('1e1');
    expect<string>(keyOf('99.5', true)).toBe('1e2');
    expect<string>(keyOf('0.4', true)).toBe('0');
    expect<string>(keyOf('0.5', true)).toBe('1e0');
    expect<string>(keyOf('0.05', true)).toBe('0');
    expect<string>(keyOf('-0.2', true)).toBe('0');
    expect<string>(keyOf('1e-400', true)).toBe('0');
    expect<string>(keyOf('8.9')).toBe('89e-1');
  });
  it('keeps different values apart', () => {
    const values = [
      '1',
      '10',
      '100',
      '-1',
      '12',
      '21',
      '1.2',
      '1e400',
      '1e401',
      '622202123456789012',
      '6222021234567890120',
    ];
    for (let i = 0; i < values.length; i++)
      for (let j = 0; j < i; j++)
        expect<bool>(keyOf(values[i]) == keyOf(values[j])).toBe(false, values[i] + ' ' + values[j]);
  });
  it('cuts exponents, and takes long numbers', () => {
    expect<string>(keyOf('1e99999999999999999999')).toBe('1e1000000');
    expect<string>(keyOf('9.' + '0'.repeat(5000))).toBe('9e0');
    expect<string>(keyOf('0'.repeat(5000) + '9')).toBe('9e0');
  });
  it('leaves other texts as they are, but for white space around them', () => {
    const texts = ['A', '1.2.3', '1e', 'e1', '-', '+', '.', '1,5', '0x9', '9 9', '1e1e1', '--1', '张三'];
    for (let i = 0; i < texts.length; i++) expect<string>(keyOf(' ' + texts[i] + '\t')).toBe(texts[i]);
    expect<string>(keyOf('')).toBe('');
    expect<string>(keyOf('  ')).toBe('');
  });
  it('takes white space of Unicode from both ends', () => {
    const blanks = ['\u00a0', '\u3000', '\ufeff', '\u2009', '\u2028', '\u200b', '\u0085', '\u1680', '\u3000 \u00a0'];
    for (let i = 0; i < blanks.length; i++) {
      expect<string>(keyOf(blanks[i] + '74236265')).toBe('74236265e0', i.toString());
      expect<string>(keyOf('74236265' + blanks[i] + blanks[i])).toBe('74236265e0', i.toString());
      expect<string>(keyOf(blanks[i] + '张 三' + blanks[i])).toBe('张 三', i.toString());
      expect<string>(keyOf(blanks[i])).toBe('', i.toString());
    }
    expect<string>(keyOf('7\u00a04')).toBe('7\u00a04');
    expect<string>(keyOf('é')).toBe('é');
  });
  it('reads digits of every script, and underscores between digits', () => {
    const nines = [
      '\uff19',
      '\u0669',
      '\u06f9',
      '\u096f',
      '\ud835\udfd7',
      '\uff10\uff19',
      '+\uff19.0',
      '0_9',
      '\uff10_9',
    ];
    for (let i = 0; i < nines.length; i++) expect<string>(keyOf(nines[i])).toBe('9e0', nines[i]);
    expect<string>(keyOf('\uff117423626')).toBe('17423626e0');
    expect<string>(keyOf('1_742_36_26')).toBe('17423626e0');
    const texts = ['A\uff19', '1__0', '_10', '10_', 'a_b', '\uff1a', '\u066a', '九'];
    for (let i = 0; i < texts.length; i++) expect<string>(keyOf(texts[i])).toBe(texts[i]);
  });
  it('rounds long numbers as doubles do, and no texts', () => {
    const one = [
      '9007199254740992',
      '9007199254740993',
      '9007199254740992.9',
      '90071992547409930e-1',
      '9007199254740991.7',
    ];
    for (let i = 0; i < one.length; i++) expect<string>(keyOf(one[i], true)).toBe('9007199254740992e0', one[i]);
    expect<string>(keyOf('9007199254740991', true)).toBe('9007199254740991e0');
    expect<string>(keyOf('9007199254740993.1', true)).toBe('9007199254740994e0');
    expect<string>(keyOf('9007199254740995', true)).toBe('9007199254740996e0');
    expect<string>(keyOf('6222021234567894123', true)).toBe('6222021234567894016e0');
    expect<string>(keyOf('-6222021234567894124', true)).toBe('-6222021234567894016e0');
    expect<string>(keyOf('18446744073709551615', true)).toBe('18446744073709551616e0');
    expect<string>(keyOf('36893488147419103231', true)).toBe('36893488147419103232e0');
    expect<string>(keyOf('99999999999999999999999999999999999999', true)).toBe(
      '99999999999999997748809823456034029568e0',
    );
    expect<string>(keyOf('1e22', true)).toBe('1e22');
    expect<string>(keyOf('1e39', true)).toBe(keyOf('99e49', true));
    expect<string>(keyOf('1' + '0'.repeat(39), true)).toBe(keyOf('1e40', true));
    expect<string>(keyOf('4111111111111111', true)).toBe('4111111111111111e0');
    expect<string>(keyOf('6222021234567894123')).toBe('6222021234567894123e0');
    expect<string>(keyOf('9007199254740993')).toBe('9007199254740993e0');
  });
});
