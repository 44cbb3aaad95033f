// One pair of certificates of this side, and its private keys on their way from the KMS.
import { MAX_HANDSHAKE_MS, MAX_VERSIONS_TRIED, UNFIT_COUNT_MS } from '../limits';
import { Sm2PrivateKey } from '../crypto/sm2-key';
import { sm2PrivateKeyFrom } from '../crypto/sm2-key-format';
import { KeyRing } from '../keys/key-ring';
import { keyRing } from '../keys/key-store';
import { KeyState } from '../keys/key-state';
import { countUnfit } from '../keys/stats';
import { Bytes } from '../memory/bytes';
import { Caller } from '../runtime/caller';
import { KmsConfig } from '../runtime/config.gen';
import { SessionCache } from '../tlcp/session';
import { Settings } from '../tlcp/settings';
import { Certificate } from '../x509/certificate';
import { CertificateFault } from '../x509/fault';
import { Chain } from '../x509/chain';
import { TlcpPairConfig } from './config.gen';

const caller: Caller = new Caller();

/** One private key of the KMS. */
class OwnKey {
  private ring: KeyRing | null = null;

  constructor(readonly id: Bytes) {}

  /** Its ring; the store may have dropped the one before. */
  of(kms: KmsConfig): KeyRing {
    let ring = this.ring;
    if (ring == null || ring.dropped) {
      ring = keyRing(this.id, kms);
      this.ring = ring;
    }
    return ring;
  }
}

export class OwnPair {
  /** Whether the private keys are there. */
  ready: bool = false;
  /** Whether the KMS says that they will not come. */
  refused: bool = false;
  /** When the KMS withdrew a key that is still held, monotonic milliseconds; 0: it did not. */
  private withdrawnMs: u64 = 0;
  /** Since when the keys are there and are not those of the certificates, monotonic milliseconds; 0: they are. */
  private unfitMs: u64 = 0;
  private readonly signKey: OwnKey;
  private readonly encryptKey: OwnKey;
  private readonly text: Bytes;

  constructor(
    config: TlcpPairConfig,
    private readonly kms: KmsConfig,
    private readonly chain: Chain,
    readonly settings: Settings,
  ) {
    this.signKey = new OwnKey(config.signKey);
    this.encryptKey = new OwnKey(config.encryptKey);
    this.text = config.chain;
    settings.shown = chain;
  }

  /** Begins to fetch the keys. */
  prepare(rootId: u32): void {
    this.signKey.of(this.kms).prepare(rootId, true);
    this.encryptKey.of(this.kms).prepare(rootId, true);
  }

  /**
   * Takes the keys as soon as they are there. They are looked for again at each tick. A pair that is in use stays in
   * use when the KMS has newer versions: they belong to certificates that this configuration does not have yet.
   */
  advance(rootId: u32, nowMs: u64): void {
    const sign = this.signKey.of(this.kms);
    const encrypt = this.encryptKey.of(this.kms);
    caller.rootId = rootId;
    caller.contextId = 0;
    const signState = sign.latest(caller, false);
    const encryptState = encrypt.latest(caller, false);
    this.refused = isWithdrawn(signState) || isWithdrawn(encryptState);
    if (this.ready) {
      if (this.refused) {
        this.ready = false;
        this.withdrawnMs = nowMs;
      }
      return;
    }
    // Handshakes that had begun use the keys until they end.
    if (this.withdrawnMs != 0 && nowMs - this.withdrawnMs > 2 * MAX_HANDSHAKE_MS) this.forget();
    if (signState != KeyState.Ready || encryptState != KeyState.Ready) return;
    const one = keyOf(sign, this.chain.sign!);
    const other = keyOf(encrypt, this.chain.encrypt!);
    if (one && other) {
      const fault = this.settings.identify(this.text.pointer, this.text.length, one, other);
      this.ready = fault == CertificateFault.None;
    }
    if (this.ready) {
      this.withdrawnMs = 0;
      this.unfitMs = 0;
      return;
    }
    this.countUnfit(nowMs);
    if (one) one.wipe();
    if (other) other.wipe();
  }

  /** Counts once in UNFIT_COUNT_MS: versions of before may still be on their way. */
  private countUnfit(nowMs: u64): void {
    if (this.unfitMs == 0) this.unfitMs = nowMs;
    if (nowMs - this.unfitMs < UNFIT_COUNT_MS) return;
    this.unfitMs = nowMs;
    countUnfit();
  }

  /** Overwrites keys that the KMS has withdrawn. */
  private forget(): void {
    this.withdrawnMs = 0;
    const settings = this.settings;
    const sign = settings.signKey;
    const encrypt = settings.encryptKey;
    settings.signKey = null;
    settings.encryptKey = null;
    settings.own = null;
    settings.sessions = new SessionCache();
    if (sign) sign.wipe();
    if (encrypt) encrypt.wipe();
  }
}

/**
 * A copy of the version that belongs to a certificate, from the latest on: after a rotation at the KMS the certificate
 * may be that of a version before. The ring overwrites its own when it has ended. Null: it is not there (yet).
 */
function keyOf(ring: KeyRing, certificate: Certificate): Sm2PrivateKey | null {
  let number = ring.found!.number;
  for (let tried = 0; tried < MAX_VERSIONS_TRIED && number > 0; tried++, number--) {
    if (ring.numbered(caller, number, false) != KeyState.Ready) continue;
    const version = ring.found!;
    const key = version.sm2Private;
    if (key != null && key.matches(certificate.key.coordinates))
      return sm2PrivateKeyFrom(version.material, version.materialLength);
  }
  return null;
}

/** Whether the KMS says that a key must not be used any more; that it does not answer is no such word. */
function isWithdrawn(state: KeyState): bool {
  return (
    state == KeyState.Missing ||
    state == KeyState.Denied ||
    state == KeyState.Revoked ||
    state == KeyState.Retired ||
    state == KeyState.Expired
  );
}
