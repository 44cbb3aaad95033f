// Encrypt-then-MAC: SM4 in CBC or counter mode with HMAC-SM3 (32 bytes) over associated data ‖ IV ‖ ciphertext ‖ length
// of the associated data in bits as 64 bits, composed as in RFC 7518, 5.2.2.1. The code is checked before anything is
// decrypted, and CBC's padding only after that.
import { randomBytes } from '../crypto/random';
import { Hmac } from '../crypto/hmac';
import { HASH_BYTES } from '../crypto/hash';
import { IV_BYTES, KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { FAILED, Suite } from './suite';

/** Length of the IV, bytes: a whole block. */
const BLOCK_BYTES: u32 = 16;
const BITS: usize = memory.data(8, 8);

function absorb(mac: Hmac, iv: usize, aad: usize, aadLength: u32, data: usize, length: u32): void {
  mac.update(aad, aadLength);
  mac.update(iv, BLOCK_BYTES);
  mac.update(data, length);
  store<u64>(BITS, bswap<u64>((<u64>aadLength) << 3));
  mac.update(BITS, 8);
}

/** SM4-CBC-HMAC-SM3. The IV is 16 unpredictable bytes. The ciphertext has 1 to 16 bytes of PKCS#7 padding. */
export class CbcHmacSuite extends Suite {
  constructor() {
    super(
      Bytes.from('SM4-CBC-HMAC-SM3'),
      Bytes.from('dir'),
      Bytes.from('SM4-CBC-HMAC-SM3'),
      3,
      BLOCK_BYTES,
      HASH_BYTES,
      false,
    );
  }

  fits(key: KeyVersion, seals: bool): bool {
    return key.sm4CbcHmac != null;
  }

  sealedBound(length: u32): u32 {
    return (length & ~15) + BLOCK_BYTES;
  }

  nextIv(key: KeyVersion, iv: usize): bool {
    return key.nextIv(iv) && randomBytes(iv, BLOCK_BYTES); // counted as the others are, but random: CBC's must not be foreseen
  }

  seal(key: KeyVersion, iv: usize, aad: usize, aadLength: u32, from: usize, length: u32, to: usize, tag: usize): i32 {
    const cbc = key.sm4CbcHmac;
    if (cbc == null) return FAILED;
    const written = cbc.cipher.encrypt(iv, from, length, to);
    absorb(cbc.mac, iv, aad, aadLength, to, written);
    cbc.mac.digest(tag);
    return <i32>written;
  }

  open(key: KeyVersion, iv: usize, aad: usize, aadLength: u32, from: usize, length: u32, to: usize, tag: usize): i32 {
    const cbc = key.sm4CbcHmac;
    if (cbc == null) return FAILED;
    absorb(cbc.mac, iv, aad, aadLength, from, length);
    return cbc.mac.verify(tag, HASH_BYTES) ? cbc.cipher.decrypt(iv, from, length, to) : FAILED;
  }
}

/** SM4-CTR-HMAC-SM3. The IV is the first counter block: 12 bytes that never repeat, then a 32-bit counter from zero. */
export class CtrHmacSuite extends Suite {
  constructor() {
    super(
      Bytes.from('SM4-CTR-HMAC-SM3'),
      Bytes.from('dir'),
      Bytes.from('SM4-CTR-HMAC-SM3'),
      4,
      BLOCK_BYTES,
      HASH_BYTES,
      true,
    );
  }

  fits(key: KeyVersion, seals: bool): bool {
    return key.sm4CtrHmac != null;
  }

  nextIv(key: KeyVersion, iv: usize): bool {
    store<u32>(iv, 0, IV_BYTES);
    return key.nextIv(iv);
  }

  seal(key: KeyVersion, iv: usize, aad: usize, aadLength: u32, from: usize, length: u32, to: usize, tag: usize): i32 {
    const ctr = key.sm4CtrHmac;
    if (ctr == null) return FAILED;
    ctr.ctr.begin(iv);
    ctr.ctr.update(from, to, length);
    absorb(ctr.mac, iv, aad, aadLength, to, length);
    ctr.mac.digest(tag);
    return <i32>length;
  }

  open(key: KeyVersion, iv: usize, aad: usize, aadLength: u32, from: usize, length: u32, to: usize, tag: usize): i32 {
    const ctr = key.sm4CtrHmac;
    if (ctr == null) return FAILED;
    absorb(ctr.mac, iv, aad, aadLength, from, length);
    if (!ctr.mac.verify(tag, HASH_BYTES)) return FAILED;
    ctr.ctr.begin(iv);
    ctr.ctr.update(from, to, length);
    return <i32>length;
  }
}
