import { AesGcm } from '../crypto/aes-gcm';
import { equalConstantTime, wipe } from '../crypto/constant-time';
import { Hmac } from '../crypto/hmac';
import { randomBytes } from '../crypto/random';
import { Sm2PrivateKey, Sm2PublicKey, sm2PrivateKeyFrom, sm2PublicKeyFrom, sm2SelfTest } from '../crypto/sm2';
import { Sm4Gcm } from '../crypto/sm4-gcm';
import { Bytes } from '../memory/bytes';
import { Counter } from '../runtime/metrics';
import { NO_TIME } from './timestamp';
import { KeyAlgorithm } from './key-algorithm';
import { CbcHmac, CtrHmac, syntheticIvOf } from './mac-ciphers';

/** Length of an initialisation vector, bytes (NIST SP 800-38D, 8.2.2: 96 random bits, then incremented). */
export const IV_BYTES: u32 = 12;
/** An expiry that never comes. */
export const NEVER: u64 = u64.MAX_VALUE;

const enum SelfTest {
  NotRun = 0,
  Passed = 1,
  Failed = 2,
}

let sm2Tested: SelfTest = SelfTest.NotRun;

/**
 * Runs SM2's known-answer tests at the first key that needs them. They take 2 to 3 ms, which a VM without SM2 keys
 * saves.
 */
function sm2Works(): bool {
  if (sm2Tested == SelfTest.NotRun) sm2Tested = sm2SelfTest() ? SelfTest.Passed : SelfTest.Failed;
  return sm2Tested == SelfTest.Passed;
}

/**
 * One version of a key, ready for use. Everything that its algorithm needs is computed on arrival, never while a
 * message waits. Its initialisation vectors are a random start of 96 bits, drawn in each VM and again after 2^32
 * messages, and increments of it (SP 800-38D, 8.2.2). Two of S starts overlap within N messages under one key with a
 * probability below S * N / 2^96, which is below the 2^-32 of section 8 while S * N is below 2^64. Section 8.3 allows
 * 2^32 messages under a key in all VMs together: `fim_key_messages_total{key}` counts them, and a rotation starts anew.
 */
export class KeyVersion {
  /** For SM4 keys: GCM, and encrypt-then-MAC under derived keys. */
  sm4Gcm: Sm4Gcm | null = null;
  sm4CbcHmac: CbcHmac | null = null;
  sm4CtrHmac: CtrHmac | null = null;
  /** For AES-256 keys. */
  aes256Gcm: AesGcm | null = null;
  /** For HMAC-SM3 keys. */
  hmac: Hmac | null = null;
  /** For HMAC-SHA-256 keys. */
  hmacSha256: Hmac | null = null;
  /** For SM4 and AES-256 keys: makes the vectors of tokens that are equal for equal values (mac-ciphers.ts). */
  syntheticIv: Hmac | null = null;
  /** For SM2 private keys. */
  sm2Private: Sm2PrivateKey | null = null;
  /** For SM2 public keys, and the public half of private ones. */
  sm2Public: Sm2PublicKey | null = null;
  /** Monotonic time of expiry, milliseconds. NEVER if the KMS sets none. */
  expiresAtMs: u64 = NEVER;
  /** Monotonic times, milliseconds: of the KMS's last response with it, and of its last use. */
  checkedAtMs: u64;
  usedAtMs: u64;
  /** Wall-clock time of creation at the KMS, milliseconds since 1970. NO_TIME if unknown. */
  madeAt: i64 = NO_TIME;
  /** Whether a message under this version was genuine. Such versions are the last to make room. Set by the verifier. */
  proven: bool = false;
  /**
   * Whether it has been overwritten and is unusable. A stream that holds a version across callbacks checks this before
   * each use.
   */
  retired: bool = false;
  /** Initialisation vectors drawn, which is the number of messages encrypted by this VM. */
  messages: u64 = 0;
  /** Counts the same for all VMs. Null: not counted. */
  counter: Counter | null = null;

  private readonly held: StaticArray<u8>;
  /** Next vector as a 96-bit number, and how many of this start may still be drawn. */
  private ivHigh: u32 = 0;
  private ivLow: u64 = 0;
  private ivsLeft: u32 = 0;

  /**
   * `number`: the KMS's version, or this VM's count of data keys. `kid`: key id and version as messages name them,
   * `kms://path#version`. `material`: copied. `wrapped`: the data key as encrypted by the KMS, for the receiver; empty
   * for keys that the KMS itself stores. Check `usable` afterwards.
   */
  constructor(
    readonly algorithm: KeyAlgorithm,
    readonly number: u32,
    readonly kid: Bytes,
    material: usize,
    length: u32,
    nowMs: u64,
    readonly wrapped: Bytes = Bytes.EMPTY,
  ) {
    this.held = new StaticArray<u8>(<i32>length);
    memory.copy(changetype<usize>(this.held), material, length);
    this.checkedAtMs = nowMs;
    this.usedAtMs = nowMs;
    this.expand();
  }

  /** Address of the material as the KMS returned it: bytes, or PEM text. Valid until `retire`. */
  get material(): usize {
    return changetype<usize>(this.held);
  }

  /** Bytes of the material. */
  get materialLength(): u32 {
    return <u32>this.held.length;
  }

  /** Whether the material is a key of its algorithm. */
  get usable(): bool {
    switch (this.algorithm) {
      case KeyAlgorithm.Sm2Private:
        return this.sm2Private != null;
      case KeyAlgorithm.Sm2Public:
        return this.sm2Public != null;
      default:
        return true;
    }
  }

  private expand(): void {
    const key = this.material;
    const length = this.materialLength;
    switch (this.algorithm) {
      case KeyAlgorithm.Sm4: {
        const gcm = new Sm4Gcm();
        gcm.setKey(key);
        this.sm4Gcm = gcm;
        this.sm4CbcHmac = new CbcHmac(key, length);
        this.sm4CtrHmac = new CtrHmac(key, length);
        this.syntheticIv = syntheticIvOf(key, length);
        break;
      }
      case KeyAlgorithm.Aes256: {
        const gcm = new AesGcm();
        gcm.setKey(key, length);
        this.aes256Gcm = gcm;
        this.syntheticIv = syntheticIvOf(key, length);
        break;
      }
      case KeyAlgorithm.HmacSha256: {
        const hmac = Hmac.sha256();
        hmac.setKey(key, length);
        this.hmacSha256 = hmac;
        break;
      }
      case KeyAlgorithm.HmacSm3: {
        const hmac = Hmac.sm3();
        hmac.setKey(key, length);
        this.hmac = hmac;
        break;
      }
      case KeyAlgorithm.Sm2Private:
      case KeyAlgorithm.Sm2Public:
        if (sm2Works()) this.expandSm2(key, length);
    }
  }

  private expandSm2(bytes: usize, length: u32): void {
    if (this.algorithm == KeyAlgorithm.Sm2Public) {
      this.sm2Public = sm2PublicKeyFrom(bytes, length);
      return;
    }
    const key = sm2PrivateKeyFrom(bytes, length);
    this.sm2Private = key;
    if (key != null) this.sm2Public = key.publicKey;
  }

  /**
   * Writes the next initialisation vector, IV_BYTES, and counts the message. False if the host supplies no randomness.
   */
  nextIv(out: usize): bool {
    if (this.ivsLeft == 0) {
      if (!randomBytes(out, IV_BYTES)) return false;
      this.ivHigh = bswap<u32>(load<u32>(out));
      this.ivLow = bswap<u64>(load<u64>(out, 4));
      this.ivsLeft = u32.MAX_VALUE;
    }
    store<u32>(out, bswap<u32>(this.ivHigh));
    store<u64>(out, bswap<u64>(this.ivLow), 4);
    this.ivLow++;
    if (this.ivLow == 0) this.ivHigh++;
    this.ivsLeft--;
    this.messages++;
    const counter = this.counter;
    if (counter != null) counter.add(1);
    return true;
  }

  /** Whether it is this key. A rebuilt KMS may return another key under a known number. */
  holds(algorithm: KeyAlgorithm, material: usize, length: u32): bool {
    return (
      this.algorithm == algorithm && this.materialLength == length && equalConstantTime(this.material, material, length)
    );
  }

  /** Overwrites the material and everything derived from it. The key is unusable afterwards. */
  retire(): void {
    this.retired = true;
    wipe(this.material, this.materialLength);
    const sm4Gcm = this.sm4Gcm;
    if (sm4Gcm != null) sm4Gcm.wipe();
    const cbc = this.sm4CbcHmac;
    if (cbc != null) cbc.wipe();
    const ctr = this.sm4CtrHmac;
    if (ctr != null) ctr.wipe();
    const aes = this.aes256Gcm;
    if (aes != null) aes.wipe();
    const hmac = this.hmac;
    if (hmac != null) hmac.wipe();
    const hmacSha256 = this.hmacSha256;
    if (hmacSha256 != null) hmacSha256.wipe();
    const synthetic = this.syntheticIv;
    if (synthetic != null) synthetic.wipe();
    const sm2 = this.sm2Private;
    if (sm2 != null) sm2.wipe();
  }
}
