import { AesGcm } from '../../../filters/crypto/aes-gcm';
import { Hmac } from '../../../filters/crypto/hmac';
import { Sm4Cbc } from '../../../filters/crypto/sm4-cbc';
import { KeyAlgorithm, algorithmNamed } from '../../../filters/keys/key-algorithm';
import { IV_BYTES, KeyVersion } from '../../../filters/keys/key-version';
import { Bytes } from '../../../filters/memory/bytes';

const KID: Bytes = Bytes.from('kms://a#1');
const KEY: usize = memory.data<u8>([
  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 1, 2, 3, 4, 5, 6, 7,
  8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
const OUT: usize = memory.data(256, 16);
const EXPECTED: usize = memory.data(256, 16);

// HKDF-SM3 of KEY (16 bytes) without salt, by OpenSSL 3.5 through Node: crypto.hkdfSync('sm3', key, '', info, length).
const CBC_ENCRYPT: string = 'aa5b11036fea2adf67c48bfea656ef4a';
const CBC_MAC: string = '6d09cb0e71dcf4a6e2416289a79868b36d816bf3ef1b8d7d13726071cc51594b';
const CTR_ENCRYPT: string = '92f786cab654ec7085d079a6860d482a';
const CTR_MAC: string = '160ce581491e8ec79aca6d88ff10fe6ede06fa6480231d1db9ab67a79f19d988';

function hex(text: string, to: usize): u32 {
  for (let i = 0; i < text.length; i += 2) store<u8>(to + (i >> 1), <u8>U8.parseInt(text.substr(i, 2), 16));
  return text.length >> 1;
}

function make(algorithm: KeyAlgorithm, length: u32): KeyVersion {
  return new KeyVersion(algorithm, 1, KID, KEY, length, 5);
}

function same(a: usize, b: usize, length: u32): bool {
  return memory.compare(a, b, length) == 0;
}

describe('a version of a key', () => {
  it('knows the names of the KMS', () => {
    const names = ['SM4', 'AES-256', 'HMAC-SM3', 'SM2-PRIVATE', 'SM2-PUBLIC', 'TDES', 'HMAC-SHA-256'];
    for (let i = 0; i < names.length; i++) {
      const name = Bytes.from(names[i]);
      expect<i32>(algorithmNamed(name.pointer, name.length)).toBe(i + 1);
    }
    const other = Bytes.from('sm4');
    expect<i32>(algorithmNamed(other.pointer, other.length)).toBe(0);
    expect<i32>(algorithmNamed(other.pointer, 0)).toBe(0);
  });

  it('derives keys for encrypt-then-MAC as HKDF-SM3 does', () => {
    const key = make(KeyAlgorithm.Sm4, 16);
    const cbc = new Sm4Cbc();
    hex(CBC_ENCRYPT, OUT);
    cbc.setKey(OUT);
    const length = cbc.encrypt(KEY, KEY, 32, EXPECTED);
    expect<u32>(key.sm4CbcHmac!.cipher.encrypt(KEY, KEY, 32, OUT)).toBe(length);
    expect(same(OUT, EXPECTED, length)).toBe(true);
    const macs = [CBC_MAC, CTR_MAC];
    for (let i = 0; i < 2; i++) {
      const mac = Hmac.sm3();
      mac.setKey(OUT, hex(macs[i], OUT));
      mac.update(KEY, 32);
      mac.digest(EXPECTED);
      const own = i == 0 ? key.sm4CbcHmac!.mac : key.sm4CtrHmac!.mac;
      own.update(KEY, 32);
      own.digest(OUT);
      expect(same(OUT, EXPECTED, 32)).toBe(true);
    }
    // CTR of zeros from block 0 is the key stream; CBC with a zero vector encrypts the same block.
    hex(CTR_ENCRYPT, OUT);
    cbc.setKey(OUT);
    memory.fill(OUT, 0, 64);
    cbc.encrypt(OUT, OUT, 15 + 1, EXPECTED);
    key.sm4CtrHmac!.ctr.begin(OUT);
    key.sm4CtrHmac!.ctr.update(OUT, OUT, 16);
    expect(same(OUT, EXPECTED, 16)).toBe(true);
  });

  it('is AES-256-GCM or HMAC-SM3 where the KMS says so', () => {
    const gcm = new AesGcm();
    gcm.setKey(KEY, 32);
    gcm.encrypt(KEY, 12, KEY, 0, KEY, EXPECTED, 32, EXPECTED + 32);
    const aes = make(KeyAlgorithm.Aes256, 32);
    aes.aes256Gcm!.encrypt(KEY, 12, KEY, 0, KEY, OUT, 32, OUT + 32);
    expect(same(OUT, EXPECTED, 48)).toBe(true);
    expect(aes.sm4Gcm == null).toBe(true);
    const mac = Hmac.sm3();
    mac.setKey(KEY, 20);
    mac.update(KEY, 32);
    mac.digest(EXPECTED);
    const hmac = make(KeyAlgorithm.HmacSm3, 20).hmac!;
    hmac.update(KEY, 32);
    hmac.digest(OUT);
    expect(same(OUT, EXPECTED, 32)).toBe(true);
  });

  it('tells its key from another', () => {
    const key = make(KeyAlgorithm.Sm4, 16);
    expect(key.holds(KeyAlgorithm.Sm4, KEY, 16)).toBe(true);
    expect(key.holds(KeyAlgorithm.Sm4, KEY + 1, 16)).toBe(false);
    expect(key.holds(KeyAlgorithm.HmacSm3, KEY, 16)).toBe(false);
    expect(key.holds(KeyAlgorithm.Sm4, KEY, 15)).toBe(false);
  });

  it('is not usable where the material is no SM2 key', () => {
    expect(make(KeyAlgorithm.Sm2Private, 27).usable).toBe(false);
    expect(make(KeyAlgorithm.Sm2Public, 32).usable).toBe(false);
    expect(make(KeyAlgorithm.Sm4, 16).usable).toBe(true);
    expect(make(KeyAlgorithm.Sm2Private, 32).usable).toBe(true); // a scalar
  });

  it('gives vectors that count up from a start of its own, and counts messages', () => {
    const key = make(KeyAlgorithm.Sm4, 16);
    const other = make(KeyAlgorithm.Sm4, 16);
    expect(key.nextIv(OUT)).toBe(true);
    expect(key.nextIv(OUT + 16)).toBe(true);
    expect(other.nextIv(OUT + 32)).toBe(true);
    expect<u64>(bswap<u64>(load<u64>(OUT, 20))).toBe(bswap<u64>(load<u64>(OUT, 4)) + 1);
    expect<u32>(load<u32>(OUT, 16)).toBe(load<u32>(OUT)); // but for one start in 2^64, whose lower part is all ones
    for (let part: usize = 0; part < 12; part += 4)
      expect<u32>(load<u32>(OUT + 32 + part)).not.toBe(load<u32>(OUT + part));
    expect<u32>(IV_BYTES).toBe(12);
    expect<u64>(key.messages).toBe(2);
  });

  it('leaves nothing of the key behind when it retires', () => {
    const key = make(KeyAlgorithm.Sm4, 16);
    key.retire();
    expect(key.retired).toBe(true);
    memory.fill(EXPECTED, 0, 64);
    expect(same(key.material, EXPECTED, 16)).toBe(true);
    const zero = new Sm4Cbc();
    zero.wipe();
    expect<u32>(zero.encrypt(KEY, KEY, 16, EXPECTED)).toBe(key.sm4CbcHmac!.cipher.encrypt(KEY, KEY, 16, OUT));
    expect(same(OUT, EXPECTED, 32)).toBe(true);
  });
});
