import { Bytes } from '../../../filters/memory/bytes';
import { isKeyId } from '../../../filters/keys/key-id';

describe('key id', () => {
  it('takes kms:// and a path', () => {
    expect(isKeyId(Bytes.from('kms://prod/fund/key-2023'))).toBe(true);
    expect(isKeyId(Bytes.from('kms://a'))).toBe(true);
    expect(isKeyId(Bytes.from('kms://a.b_c-D/9'))).toBe(true);
    expect(isKeyId(Bytes.from('kms://...a'))).toBe(true);
  });

  it('refuses what could leave the path or is no path', () => {
    const bad = [
      '',
      'kms://',
      'kms:///a',
      'kms://a/',
      'kms://a//b',
      'kms://../a',
      'kms://a/..',
      'kms://./a',
      'kms://a?version=2',
      'kms://a#2',
      'kms://a b',
      'kms://a%2e',
      'http://a',
      'KMS://a',
      'kms://密钥',
    ];
    for (let i = 0; i < bad.length; i++) expect(isKeyId(Bytes.from(bad[i]))).toBe(false);
  });
});
