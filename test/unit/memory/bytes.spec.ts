import { Bytes, equalBytes, equalIgnoreCase, hashBytes, lowerAscii } from '../../../filters/memory/bytes';

function sameIgnoringCase(a: string, b: string): bool {
  const left = Bytes.from(a);
  const right = Bytes.from(b);
  return left.length == right.length && equalIgnoreCase(left.pointer, right.pointer, left.length);
}

describe('Bytes', () => {
  it('holds UTF-8', () => {
    const text = Bytes.from('转账A');
    expect<u32>(text.length).toBe(7);
    expect<u8>(load<u8>(text.pointer)).toBe(0xe8);
    expect<u8>(load<u8>(text.pointer, 6)).toBe(0x41);
  });

  it('copies: the source may change afterwards', () => {
    const source = heap.alloc(4);
    store<u32>(source, 0x64636261);
    const copy = Bytes.copy(source, 4);
    store<u32>(source, 0);
    const expected = Bytes.from('abcd');
    expect<bool>(copy.equals(expected.pointer, 4)).toBe(true);
    heap.free(source);
  });

  it('has one empty string', () => {
    expect<Bytes>(Bytes.copy(0, 0)).toBe(Bytes.EMPTY);
    expect<Bytes>(Bytes.from('')).toBe(Bytes.EMPTY);
    expect<u32>(Bytes.EMPTY.length).toBe(0);
    expect<bool>(Bytes.EMPTY.equals(0, 0)).toBe(true);
  });

  it('compares length and every byte', () => {
    const text = Bytes.from('transCode');
    const other = Bytes.from('transCodf');
    expect<bool>(text.equals(text.pointer, 9)).toBe(true);
    expect<bool>(text.equals(text.pointer, 8)).toBe(false, 'prefix');
    expect<bool>(text.equals(other.pointer, 9)).toBe(false, 'last byte');
    expect<bool>(equalBytes(text.pointer, other.pointer, 8)).toBe(true);
    expect<bool>(equalBytes(text.pointer, other.pointer, 9)).toBe(false);
    expect<bool>(equalBytes(text.pointer, other.pointer, 0)).toBe(true);
  });

  it('carries the hash of its bytes', () => {
    const text = Bytes.from('keyId');
    expect<u32>(text.hash).toBe(hashBytes(text.pointer, text.length));
    expect<bool>(text.hash != Bytes.from('keyIe').hash).toBe(true);
    expect<bool>(text.hash != Bytes.EMPTY.hash).toBe(true);
  });

  it('spreads like names over the low bits', () => {
    const slots = new StaticArray<i32>(256);
    for (let i = 0; i < 1024; i++) slots[<i32>(Bytes.from('field' + i.toString()).hash & 255)]++;
    let fullest = 0;
    for (let i = 0; i < 256; i++) fullest = max(fullest, slots[i]);
    expect<i32>(fullest).toBeLessThan(16, 'mean is 4');
  });
});

describe('ASCII case', () => {
  it('lowers letters only', () => {
    expect<u32>(lowerAscii(65)).toBe(97, 'A');
    expect<u32>(lowerAscii(90)).toBe(122, 'Z');
    expect<u32>(lowerAscii(64)).toBe(64, '@');
    expect<u32>(lowerAscii(91)).toBe(91, '[');
    expect<u32>(lowerAscii(97)).toBe(97, 'a');
    expect<u32>(lowerAscii(0)).toBe(0, 'below A: the difference wraps');
    expect<u32>(lowerAscii(0xc3)).toBe(0xc3, 'a byte of UTF-8');
  });

  it('compares without case', () => {
    expect<bool>(sameIgnoringCase('Content-Length', 'content-LENGTH')).toBe(true);
    expect<bool>(sameIgnoringCase('content-length', 'content-lengti')).toBe(false);
    expect<bool>(sameIgnoringCase('[', '{')).toBe(false, '[ and { differ by the bit that letters differ by');
    expect<bool>(sameIgnoringCase('@', '`')).toBe(false);
    expect<bool>(sameIgnoringCase('', '')).toBe(true);
  });
});
