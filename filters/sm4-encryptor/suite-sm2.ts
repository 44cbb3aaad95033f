// SM2 (GB/T 32918.4), as an envelope around a fresh SM4 key, and over the body itself.
import { wipe } from '../crypto/constant-time';
import { GCM_IV_BYTES, GCM_TAG_BYTES } from '../crypto/gcm';
import { randomBytes } from '../crypto/random';
import { Sm2Layout, sm2CiphertextBound, sm2Decrypt, sm2Encrypt } from '../crypto/sm2';
import { Sm4Gcm } from '../crypto/sm4-gcm';
import { SM4_KEY_BYTES } from '../keys/key-algorithm';
import { KeyVersion } from '../keys/key-version';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { CipherJob } from './cipher-job';
import { FAILED, Suite } from './suite';

/** Temporary place of the current message's key. `sm2Decrypt` may write as many bytes as the ciphertext has. */
const FRESH_KEY: usize = memory.data(256, 16);
const FRESH_KEY_ROOM: u32 = 256;

/** SM2-ENVELOPE: SM4-GCM under a fresh key for each message, encrypted for the recipient's public key. */
export class EnvelopeSuite extends Suite {
  private readonly fresh: Sm4Gcm = new Sm4Gcm();

  constructor() {
    super(Bytes.from('SM2-ENVELOPE'), Bytes.from('SM2'), Bytes.from('SM4-GCM'), 5, GCM_IV_BYTES, GCM_TAG_BYTES, true);
  }

  get wraps(): bool {
    return true;
  }

  fits(key: KeyVersion, seals: bool): bool {
    return seals ? key.sm2Public != null : key.sm2Private != null;
  }

  begin(key: KeyVersion, layout: Sm2Layout): bool {
    const recipient = key.sm2Public;
    this.wrapped = scratch.allocate(sm2CiphertextBound(layout, SM4_KEY_BYTES));
    if (recipient == null || this.wrapped == 0 || !randomBytes(FRESH_KEY, SM4_KEY_BYTES)) return false;
    this.wrappedLength = sm2Encrypt(recipient, layout, FRESH_KEY, SM4_KEY_BYTES, this.wrapped);
    this.fresh.setKey(FRESH_KEY);
    wipe(FRESH_KEY, SM4_KEY_BYTES);
    return this.wrappedLength != 0;
  }

  beginOpen(key: KeyVersion, layout: Sm2Layout, wrapped: usize, wrappedLength: u32): bool {
    const own = key.sm2Private;
    if (own == null) return false;
    const bytes = wrappedLength <= FRESH_KEY_ROOM ? sm2Decrypt(own, layout, wrapped, wrappedLength, FRESH_KEY) : FAILED;
    // A malformed key is replaced by a random one. The tag then fails, in the usual time.
    if (bytes != <i32>SM4_KEY_BYTES && !randomBytes(FRESH_KEY, SM4_KEY_BYTES)) return false;
    this.fresh.setKey(FRESH_KEY);
    wipe(FRESH_KEY, FRESH_KEY_ROOM);
    return true;
  }

  end(): void {
    this.fresh.wipe();
  }

  nextIv(key: KeyVersion, iv: usize): bool {
    return key.nextIv(iv);
  }

  seal(key: KeyVersion, job: CipherJob): i32 {
    this.fresh.encrypt(job.iv, GCM_IV_BYTES, job.aad, job.aadLength, job.from, job.to, job.length, job.tag);
    return <i32>job.length;
  }

  open(key: KeyVersion, job: CipherJob): i32 {
    return this.fresh.decrypt(job.iv, GCM_IV_BYTES, job.aad, job.aadLength, job.from, job.to, job.length, job.tag)
      ? <i32>job.length
      : FAILED;
  }
}

/**
 * SM2: the body itself is encrypted for the recipient's public key, and C3 detects forgery. No IV, no tag, no
 * associated data.
 */
export class Sm2Suite extends Suite {
  private layout: Sm2Layout = Sm2Layout.Asn1;

  constructor() {
    super(Bytes.from('SM2'), Bytes.from('SM2'), Bytes.EMPTY, 6, 0, 0, false);
  }

  get opensInPlace(): bool {
    return false;
  }

  fits(key: KeyVersion, seals: bool): bool {
    return seals ? key.sm2Public != null : key.sm2Private != null;
  }

  sealedBound(length: u32): u32 {
    return sm2CiphertextBound(this.layout, length);
  }

  begin(key: KeyVersion, layout: Sm2Layout): bool {
    this.layout = layout;
    return true;
  }

  beginOpen(key: KeyVersion, layout: Sm2Layout, wrapped: usize, wrappedLength: u32): bool {
    this.layout = layout;
    return true;
  }

  nextIv(key: KeyVersion, iv: usize): bool {
    return true;
  }

  seal(key: KeyVersion, job: CipherJob): i32 {
    const recipient = key.sm2Public;
    if (recipient == null) return FAILED;
    const written = sm2Encrypt(recipient, this.layout, job.from, job.length, job.to);
    return written == 0 ? FAILED : <i32>written;
  }

  open(key: KeyVersion, job: CipherJob): i32 {
    const own = key.sm2Private;
    return own == null ? FAILED : sm2Decrypt(own, this.layout, job.from, job.length, job.to);
  }
}
