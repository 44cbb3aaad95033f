// Encrypt-then-MAC: SM4 in CBC or counter mode with HMAC-SM3 (32 bytes) over associated data ‖ IV ‖ ciphertext ‖ length
// of the associated data in bits as 64 bits, composed as in RFC 7518, 5.2.2.1. The code is checked before anything is
// decrypted, and CBC's padding only after that.
import { randomBytes } from '../crypto/random';
import { Hmac } from '../crypto/hmac';
import { HASH_BYTES } from '../crypto/hash';
import { IV_BYTES, KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { CipherJob } from './cipher-job';
import { FAILED, Suite } from './suite';

/** Length of the IV, bytes: a whole block. */
const BLOCK_BYTES: u32 = 16;
const BITS: usize = memory.data(8, 8);

function absorb(mac: Hmac, job: CipherJob, ciphertext: usize, length: u32): void {
  mac.update(job.aad, job.aadLength);
  mac.update(job.iv, BLOCK_BYTES);
  mac.update(ciphertext, length);
  store<u64>(BITS, bswap<u64>((<u64>job.aadLength) << 3));
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

  seal(key: KeyVersion, job: CipherJob): i32 {
    const cbc = key.sm4CbcHmac;
    if (cbc == null) return FAILED;
    const written = cbc.cipher.encrypt(job.iv, job.from, job.length, job.to);
    absorb(cbc.mac, job, job.to, written);
    cbc.mac.digest(job.tag);
    return <i32>written;
  }

  open(key: KeyVersion, job: CipherJob): i32 {
    const cbc = key.sm4CbcHmac;
    if (cbc == null) return FAILED;
    absorb(cbc.mac, job, job.from, job.length);
    return cbc.mac.verify(job.tag, HASH_BYTES) ? cbc.cipher.decrypt(job.iv, job.from, job.length, job.to) : FAILED;
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

  seal(key: KeyVersion, job: CipherJob): i32 {
    const ctr = key.sm4CtrHmac;
    if (ctr == null) return FAILED;
    ctr.ctr.begin(job.iv);
    ctr.ctr.update(job.from, job.to, job.length);
    absorb(ctr.mac, job, job.to, job.length);
    ctr.mac.digest(job.tag);
    return <i32>job.length;
  }

  open(key: KeyVersion, job: CipherJob): i32 {
    const ctr = key.sm4CtrHmac;
    if (ctr == null) return FAILED;
    absorb(ctr.mac, job, job.from, job.length);
    if (!ctr.mac.verify(job.tag, HASH_BYTES)) return FAILED;
    ctr.ctr.begin(job.iv);
    ctr.ctr.update(job.from, job.to, job.length);
    return <i32>job.length;
  }
}
