import { Bytes } from '../../../filters/memory/bytes';
import { codePoints, skipCodePoints } from '../../../filters/message/code-points';

const SAMPLES: string[] = [
  '',
  'a',
  'é',
  '中',
  '😀',
  'aé中😀',
  '0123456789abcdef',
  '0123456789abcde中',
  '中中中中中中中中中中中',
  '😀😀😀😀😀😀😀😀x',
  '\u{10ffff}\0\u{80}\u{7ff}\u{800}\u{ffff}',
];

/** Counted from UTF-16. */
function expected(text: string): u32 {
  let count: u32 = 0;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) != 0xdc00) count++;
  return count;
}

describe('codePoints', () => {
  it('counts characters of one to four bytes', () => {
    for (let i = 0; i < SAMPLES.length; i++) {
      const bytes = Bytes.from(SAMPLES[i]);
      expect<u32>(codePoints(bytes.pointer, bytes.length)).toBe(expected(SAMPLES[i]), SAMPLES[i]);
    }
  });
});

describe('skipCodePoints', () => {
  it('parts a text where codePoints says', () => {
    for (let i = 0; i < SAMPLES.length; i++) {
      const bytes = Bytes.from(SAMPLES[i]);
      const end = bytes.pointer + bytes.length;
      const total = expected(SAMPLES[i]);
      for (let count: u32 = 0; count <= total; count++) {
        const at = skipCodePoints(bytes.pointer, end, count);
        expect<u32>(codePoints(bytes.pointer, <u32>(at - bytes.pointer))).toBe(count);
        expect<u32>(codePoints(at, <u32>(end - at))).toBe(total - count);
      }
      expect<usize>(skipCodePoints(bytes.pointer, end, total + 1)).toBe(end);
    }
  });
});
