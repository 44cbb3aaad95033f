// SM4 in CBC and ECB without any authentication, for partners who have nothing else: under the KMS's key itself, as
// their libraries use it. Whoever can change a message on the way changes what it says, and who may ask whether a
// ciphertext opens can read it. So an opened text counts only if it is a message of the route's format, wrong padding
// and a wrong text have one answer, and both are looked at whatever the other is.
import { randomBytes } from '../crypto/random';
import { Sm4Cbc } from '../crypto/sm4-cbc';
import { Sm4Ecb } from '../crypto/sm4-ecb';
import { KeyAlgorithm } from '../keys/key-algorithm';
import { KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { CipherJob } from './cipher-job';
import { FAILED, Suite } from './suite';

const BLOCK_BYTES: u32 = 16;

/** Keyed for each message and wiped after it. */
const cbc: Sm4Cbc = new Sm4Cbc();
const ecb: Sm4Ecb = new Sm4Ecb();

abstract class PlainSuite extends Suite {
  get authenticates(): bool {
    return false;
  }

  /** Text that an older version of the key may have to open once more. */
  get opensInPlace(): bool {
    return false;
  }

  fits(key: KeyVersion, seals: bool): bool {
    return key.algorithm == KeyAlgorithm.Sm4 && key.materialLength == BLOCK_BYTES;
  }

  sealedBound(length: u32): u32 {
    return (length & ~15) + BLOCK_BYTES;
  }
}

/** `SM4-CBC-UNAUTHENTICATED`: the IV is in front, or the one that the route names. PKCS#7. */
export class PlainCbcSuite extends PlainSuite {
  /** `iv`: 16 bytes that both sides agreed on; empty: each message brings its own. */
  constructor(private readonly iv: Bytes) {
    super(
      Bytes.from('SM4-CBC-UNAUTHENTICATED'),
      Bytes.EMPTY,
      Bytes.EMPTY,
      0,
      iv.length > 0 ? 0 : BLOCK_BYTES,
      0,
      false,
    );
  }

  nextIv(key: KeyVersion, iv: usize): bool {
    return this.ivBytes == 0 || randomBytes(iv, BLOCK_BYTES);
  }

  seal(key: KeyVersion, job: CipherJob): i32 {
    cbc.setKey(key.material);
    const written = cbc.encrypt(this.ivBytes == 0 ? this.iv.pointer : job.iv, job.from, job.length, job.to);
    cbc.wipe();
    return <i32>written;
  }

  /** With wrong padding `to` has the text up to its last block. */
  open(key: KeyVersion, job: CipherJob): i32 {
    if (job.length == 0 || (job.length & 15) != 0) return FAILED;
    cbc.setKey(key.material);
    cbc.begin(this.ivBytes == 0 ? this.iv.pointer : job.iv, true);
    const written = cbc.update(job.from, job.length, job.to);
    const last = cbc.final(job.to + written);
    cbc.wipe();
    return last < 0 ? FAILED : <i32>written + last;
  }
}

/** `SM4-ECB-UNAUTHENTICATED`: PKCS#7, no IV. */
export class PlainEcbSuite extends PlainSuite {
  constructor() {
    super(Bytes.from('SM4-ECB-UNAUTHENTICATED'), Bytes.EMPTY, Bytes.EMPTY, 0, 0, 0, false);
  }

  nextIv(key: KeyVersion, iv: usize): bool {
    return true;
  }

  seal(key: KeyVersion, job: CipherJob): i32 {
    ecb.setKey(key.material);
    const written = ecb.encrypt(job.from, job.length, job.to);
    ecb.wipe();
    return <i32>written;
  }

  open(key: KeyVersion, job: CipherJob): i32 {
    ecb.setKey(key.material);
    const bytes = ecb.decrypt(job.from, job.length, job.to);
    ecb.wipe();
    return bytes < 0 ? FAILED : bytes;
  }
}
