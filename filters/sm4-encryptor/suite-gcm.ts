// SM4-GCM (RFC 8998, 3) and AES-256-GCM (NIST SP 800-38D) directly under the KMS's key.
import { Gcm, GCM_IV_BYTES, GCM_TAG_BYTES } from '../crypto/gcm';
import { KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { CipherJob } from './cipher-job';
import { FAILED, Suite } from './suite';

export abstract class GcmSuite extends Suite {
  constructor(name: string, cipher: string, id: u8) {
    super(Bytes.from(name), Bytes.from('dir'), Bytes.from(cipher), id, GCM_IV_BYTES, GCM_TAG_BYTES, true);
  }

  get inPieces(): bool {
    return true;
  }

  fits(key: KeyVersion, seals: bool): bool {
    return this.gcm(key) != null;
  }

  nextIv(key: KeyVersion, iv: usize): bool {
    return key.nextIv(iv);
  }

  seal(key: KeyVersion, job: CipherJob): i32 {
    const gcm = this.gcm(key);
    if (gcm == null) return FAILED;
    gcm.encrypt(job.iv, GCM_IV_BYTES, job.aad, job.aadLength, job.from, job.to, job.length, job.tag);
    return <i32>job.length;
  }

  open(key: KeyVersion, job: CipherJob): i32 {
    const gcm = this.gcm(key);
    if (gcm == null) return FAILED;
    return gcm.decrypt(job.iv, GCM_IV_BYTES, job.aad, job.aadLength, job.from, job.to, job.length, job.tag)
      ? <i32>job.length
      : FAILED;
  }
}

export class Sm4GcmSuite extends GcmSuite {
  constructor() {
    super('SM4-GCM', 'SM4-GCM', 1);
  }

  gcm(key: KeyVersion): Gcm | null {
    return key.sm4Gcm;
  }
}

/**
 * `enc` of the compact profile is the JOSE name, so any JOSE library opens such a message (RFC 7516, RFC 7518, 5.3).
 */
export class Aes256GcmSuite extends GcmSuite {
  constructor() {
    super('AES-256-GCM', 'A256GCM', 2);
  }

  get dataKeyBits(): u32 {
    return 256;
  }

  gcm(key: KeyVersion): Gcm | null {
    return key.aes256Gcm;
  }
}
