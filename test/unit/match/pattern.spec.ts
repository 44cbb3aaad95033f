import { Bytes } from '../../../filters/memory/bytes';
import { Pattern } from '../../../filters/match/pattern';
import { ErrorId } from '../../../filters/errors.gen';

function matches(pattern: string, text: string): bool {
  const compiled = Pattern.compile(Bytes.from(pattern));
  const bytes = Bytes.from(text);
  return compiled != null && compiled.matches(bytes.pointer, bytes.length);
}

describe('Pattern', () => {
  it('searches like RE2 unless it is anchored', () => {
    expect<bool>(matches('b', 'abc')).toBe(true);
    expect<bool>(matches('^b', 'abc')).toBe(false);
    expect<bool>(matches('^01[0-9]{6}$', '01000001')).toBe(true);
    expect<bool>(matches('^01[0-9]{6}$', '010000012')).toBe(false);
    expect<bool>(matches('^01[0-9]{6}$', '02000001')).toBe(false);
    expect<bool>(matches('', '')).toBe(true);
  });

  it('counts characters, not bytes', () => {
    expect<bool>(matches('^.{2}$', '中文')).toBe(true);
    expect<bool>(matches('^.{3}$', '中文')).toBe(false);
    expect<bool>(matches('^\\p{Han}+$', '中文')).toBe(true);
    expect<bool>(matches('^[^a]$', '😀')).toBe(true);
  });

  it('ends at the end: a line break does not count as one', () => {
    expect<bool>(matches('^a$', 'a\n')).toBe(false);
    expect<bool>(matches('(?m)^a$', 'a\n')).toBe(true);
  });

  it('takes the whole text when it is compiled so', () => {
    const pattern = Pattern.compileWhole(Bytes.from('/a|/b/[0-9]+'))!;
    const texts: StaticArray<string> = ['/a', '/b/12', '/a/b/12', 'x/a', '/b/'];
    for (let i = 0; i < texts.length; i++) {
      const text = Bytes.from(texts[i]);
      expect<bool>(pattern.matches(text.pointer, text.length)).toBe(i < 2);
    }
  });

  it('knows the bytes that a match begins with', () => {
    const prefix = Pattern.compileWhole(Bytes.from('/v1/(?:ab|ac)\\d'))!.literalPrefix(64);
    expect<string>(String.UTF8.decodeUnsafe(prefix.pointer, prefix.length)).toBe('/v1/a');
    expect<u32>(Pattern.compileWhole(Bytes.from('/v1(/x)?'))!.literalPrefix(64).length).toBe(3);
    expect<u32>(Pattern.compileWhole(Bytes.from('a{9}'))!.literalPrefix(4).length).toBe(4);
  });

  it('says why it refuses, and how large the pattern is', () => {
    expect<bool>(Pattern.compile(Bytes.from('(a')) == null).toBe(true);
    expect<ErrorId>(Pattern.lastError).toBe(ErrorId.FIM_CFG_0022);
    expect<bool>(Pattern.compile(Bytes.from('(a)\\1')) == null).toBe(true);
    expect<ErrorId>(Pattern.lastError).toBe(ErrorId.FIM_CFG_0023);
    expect<bool>(Pattern.compile(Bytes.from('((a{100}){100}){100}')) == null).toBe(true);
    expect<ErrorId>(Pattern.lastError).toBe(ErrorId.FIM_CFG_0024);
    expect<bool>(Pattern.lastStates > 32768).toBe(true);
    expect<bool>(Pattern.compile(Bytes.from('a')) != null).toBe(true);
    expect<ErrorId>(Pattern.lastError).toBe(ErrorId.None);
  });
});
