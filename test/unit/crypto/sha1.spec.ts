// Vectors of FIPS 180-2, appendix A, and RFC 3174, 7.3.
import { sha1 } from '../../../filters/crypto/sha1';

const OUT: usize = memory.data(20, 16);

function digestOf(text: string, times: i32 = 1): string {
  const bytes = text.repeat(times);
  const length = <u32>bytes.length;
  const data = heap.alloc(length + 1);
  String.UTF8.encodeUnsafe(changetype<usize>(bytes), bytes.length, data);
  sha1(data, length, OUT);
  heap.free(data);
  let hex = '';
  for (let i: usize = 0; i < 20; i++) hex += (<u32>load<u8>(OUT + i)).toString(16).padStart(2, '0');
  return hex;
}

describe('sha1', () => {
  it('has the digests of the standard', () => {
    expect(digestOf('')).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
    expect(digestOf('abc')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
    expect(digestOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe(
      '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
    );
    expect(digestOf('a', 1_000_000)).toBe('34aa973cd4c4daa4f61eeb2bdbad27316534016f');
    expect(digestOf('0123456701234567012345670123456701234567012345670123456701234567', 10)).toBe(
      'dea356a2cddd90c7a7ecedc5ebb563934f460452',
    );
  });
});
