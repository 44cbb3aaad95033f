// How the connections of one configuration are accepted: the settings of the core, and the private keys on their way from
// the KMS.
import { ErrorId } from '../errors.gen';
import { MAX_HANDSHAKE_MS, MAX_VERSIONS_TRIED } from '../limits';
import { Sm2PrivateKey } from '../crypto/sm2-key';
import { sm2PrivateKeyFrom } from '../crypto/sm2-key-format';
import { isKeyId } from '../keys/key-id';
import { KeyRing } from '../keys/key-ring';
import { keyRing } from '../keys/key-store';
import { KeyState } from '../keys/key-state';
import { Bytes } from '../memory/bytes';
import { Caller } from '../runtime/caller';
import { KmsConfig, decodeKmsConfig } from '../runtime/config.gen';
import { ConfigReader } from '../runtime/config-reader';
import { wallMillis } from '../runtime/host';
import { isEphemeral, isSuite } from '../tlcp/protocol';
import { SessionCache } from '../tlcp/session';
import { ClientAuth, Settings } from '../tlcp/settings';
import { Certificate } from '../x509/certificate';
import { CertificateFault } from '../x509/fault';
import { Chain } from '../x509/chain';
import { addPem } from '../x509/pem';
import { TlcpConnectionsConfig, TlcpListenerConfig } from './config.gen';
import { ticketKeys } from './ticket-keys';

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

export class ConnectionPolicy {
  readonly settings: Settings = new Settings();
  /** Whether the private keys are there. */
  ready: bool = false;
  /** When the KMS withdrew a key that is still held, monotonic milliseconds; 0: it did not. */
  private withdrawnMs: u64 = 0;
  private readonly signKey: OwnKey;
  private readonly encryptKey: OwnKey;

  constructor(
    config: TlcpConnectionsConfig,
    private readonly kms: KmsConfig,
    private readonly takesTickets: bool,
    private readonly pair: Chain,
  ) {
    this.signKey = new OwnKey(config.signKey);
    this.encryptKey = new OwnKey(config.encryptKey);
    this.chain = config.chain;
    const settings = this.settings;
    settings.sessions = new SessionCache();
    settings.clientAuth = <ClientAuth>(<i32>config.clientAuth);
    settings.suites = [];
    for (let i = 0; i < config.suites.length; i++) settings.suites.push(<u32>config.suites[i]);
    const protocol = Bytes.from('\x08http/1.1');
    settings.protocols = new StaticArray<u8>(<i32>protocol.length);
    memory.copy(changetype<usize>(settings.protocols), protocol.pointer, protocol.length);
  }

  private readonly chain: Bytes;

  /** How long a handshake waits for keys, milliseconds. */
  get holdMs(): u64 {
    return <u64>this.kms.holdMs;
  }

  /** Begins to fetch the keys. */
  prepare(rootId: u32): void {
    this.signKey.of(this.kms).prepare(rootId, true);
    this.encryptKey.of(this.kms).prepare(rootId, true);
  }

  /**
   * Takes the keys as soon as they are there. They are looked for again at each tick. A pair that is in use stays in use
   * when the KMS has newer versions: they belong to certificates that this configuration does not have yet.
   */
  advance(rootId: u32, nowMs: u64): void {
    if (this.takesTickets) this.settings.tickets = ticketKeys(wallMillis());
    const sign = this.signKey.of(this.kms);
    const encrypt = this.encryptKey.of(this.kms);
    caller.rootId = rootId;
    caller.contextId = 0;
    const signState = sign.latest(caller, false);
    const encryptState = encrypt.latest(caller, false);
    if (this.ready) {
      if (isWithdrawn(signState) || isWithdrawn(encryptState)) {
        this.ready = false;
        this.withdrawnMs = nowMs;
      }
      return;
    }
    // Handshakes that had begun use the keys until they end.
    if (this.withdrawnMs != 0 && nowMs - this.withdrawnMs > 2 * MAX_HANDSHAKE_MS) this.forget();
    if (signState != KeyState.Ready || encryptState != KeyState.Ready) return;
    const one = keyOf(sign, this.pair.sign!);
    const other = keyOf(encrypt, this.pair.encrypt!);
    if (one && other) {
      const fault = this.settings.identify(this.chain.pointer, this.chain.length, one, other);
      this.ready = fault == CertificateFault.None;
    }
    if (this.ready) {
      this.withdrawnMs = 0;
      return;
    }
    if (one) one.wipe();
    if (other) other.wipe();
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
 * A copy of the version that belongs to a certificate, from the latest on: after a rotation at the KMS the certificate may
 * be that of a version before. The ring overwrites its own when it has ended. Null: it is not there (yet).
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

/** What the KMS says of a key that must not be used any more; that it does not answer is no such word. */
function isWithdrawn(state: KeyState): bool {
  return (
    state == KeyState.Missing ||
    state == KeyState.Denied ||
    state == KeyState.Revoked ||
    state == KeyState.Retired ||
    state == KeyState.Expired
  );
}

/** Compiles a configuration. Null, or `reader.fail`: it is refused. */
export function compilePolicy(reader: ConfigReader, config: TlcpListenerConfig): ConnectionPolicy | null {
  const connections = config.connections;
  if (connections == null) return null;
  const at = connections.node;
  if (config.kms == 0) reader.fail(ErrorId.FIM_CFG_0018, at);
  if (!isKeyId(connections.signKey)) reader.failMember(ErrorId.FIM_CFG_0017, at, 'signKey');
  if (!isKeyId(connections.encryptKey)) reader.failMember(ErrorId.FIM_CFG_0017, at, 'encryptKey');
  let needsTrust = connections.clientAuth != 0;
  for (let i = 0; i < connections.suites.length; i++) {
    const suite = <u32>connections.suites[i];
    if (!isSuite(suite)) reader.failMember(ErrorId.FIM_CFG_0015, at, 'suites');
    if (isEphemeral(suite)) needsTrust = true;
  }
  if (connections.suites.length == 0) reader.failMember(ErrorId.FIM_CFG_0012, at, 'suites');
  const pair = pairOf(connections.chain);
  if (pair == null) reader.failMember(ErrorId.FIM_CFG_0027, at, 'chain');
  if (reader.failed || pair == null) return null;
  const kms = decodeKmsConfig(reader, config.kms);
  const policy = new ConnectionPolicy(connections, kms, connections.tickets, pair);
  const trust = connections.trust;
  if (needsTrust && trust.length == 0) reader.failMember(ErrorId.FIM_CFG_0012, at, 'trust');
  else if (trust.length > 0 && policy.settings.trust(trust.pointer, trust.length) != CertificateFault.None)
    reader.failMember(ErrorId.FIM_CFG_0027, at, 'trust');
  return reader.failed ? null : policy;
}

/** The pair of certificates in a text; null: there is none. Whether they are in date is the client's to judge. */
function pairOf(text: Bytes): Chain | null {
  const chain = new Chain();
  const found =
    addPem(chain, text.pointer, text.length) == CertificateFault.None &&
    chain.choosePair(true) == CertificateFault.None;
  return found ? chain : null;
}
