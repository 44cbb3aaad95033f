import { sipBegin, sipEnd, sipText } from '../../../filters/memory/siphash';

function hashOf(text: string): u64 {
  const bytes = String.UTF8.encode(text);
  sipBegin(0, 0);
  sipText(changetype<usize>(bytes), bytes.byteLength);
  return sipEnd();
}

describe('SipHash-1-3', () => {
  // Expected values: CPython 3.11, whose hash of bytes is SipHash-1-3 with a zero key under PYTHONHASHSEED=0.
  it('agrees with CPython under a zero key', () => {
    expect(hashOf('a')).toBe(0x407448d2b89b1813);
    expect(hashOf('abc')).toBe(0xc03bc3a0042630f2);
    expect(hashOf('12345678')).toBe(0x3489982430560a87);
    expect(hashOf('default/card-query/0')).toBe(0x5cf1511427a0a232);
  });

  it('agrees with CPython on 64 bytes', () => {
    const bytes = new StaticArray<u8>(64);
    for (let i = 0; i < 64; i++) bytes[i] = <u8>i;
    sipBegin(0, 0);
    sipText(changetype<usize>(bytes), 64);
    expect(sipEnd()).toBe(0x75e05fd5bbc870c6);
  });

  it('depends on the key', () => {
    const bytes = String.UTF8.encode('a');
    sipBegin(1, 0);
    sipText(changetype<usize>(bytes), 1);
    expect(sipEnd()).not.toBe(0x407448d2b89b1813);
  });

  it('tells where one text ends and the next begins', () => {
    const bytes = String.UTF8.encode('ab');
    const at = changetype<usize>(bytes);
    sipBegin(0, 0);
    sipText(at, 1);
    sipText(at + 1, 1);
    const apart = sipEnd();
    sipBegin(0, 0);
    sipText(at, 2);
    sipText(at, 0);
    expect(sipEnd()).not.toBe(apart);
  });
});
