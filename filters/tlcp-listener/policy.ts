// How the connections of one configuration are accepted: the settings of the core, and the private keys on their way from
// the KMS.
import { ErrorId } from '../errors.gen';
import { MAX_VERSIONS_TRIED } from '../limits';
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
  private readonly signKey: OwnKey;
  private readonly encryptKey: OwnKey;

  constructor(
    config: TlcpConnectionsConfig,
    private readonly kms: KmsConfig,
    private readonly takesTickets: bool,
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
  advance(rootId: u32): void {
    if (this.takesTickets) this.settings.tickets = ticketKeys(wallMillis());
    const sign = this.signKey.of(this.kms);
    const encrypt = this.encryptKey.of(this.kms);
    caller.rootId = rootId;
    caller.contextId = 0;
    const signState = sign.newest(caller, false);
    const encryptState = encrypt.newest(caller, false);
    if (this.ready) {
      if (isWithdrawn(signState) || isWithdrawn(encryptState)) this.forget();
      return;
    }
    if (signState != KeyState.Ready || encryptState != KeyState.Ready) return;
    const newestSign = sign.found!.number;
    const newestEncrypt = encrypt.found!.number;
    // After a rotation at the KMS the certificates may still be those of the version before.
    for (let tried: u32 = 0; tried < <u32>MAX_VERSIONS_TRIED && !this.ready; tried++) {
      const signNumber = newestSign > tried ? newestSign - tried : 0;
      const encryptNumber = newestEncrypt > tried ? newestEncrypt - tried : 0;
      if (signNumber == 0 && encryptNumber == 0) return;
      this.match(sign, max(signNumber, 1), encrypt, max(encryptNumber, 1));
    }
  }

  private match(sign: KeyRing, signNumber: u32, encrypt: KeyRing, encryptNumber: u32): void {
    if (sign.numbered(caller, signNumber, false) != KeyState.Ready) return;
    const first = sign.found!;
    if (encrypt.numbered(caller, encryptNumber, false) != KeyState.Ready) return;
    const second = encrypt.found!;
    if (first.sm2Private == null || second.sm2Private == null) return;
    // Copies: the ring overwrites a version that has ended.
    const one = sm2PrivateKeyFrom(first.material, first.materialLength);
    const other = sm2PrivateKeyFrom(second.material, second.materialLength);
    if (!one || !other) return;
    this.ready = this.settings.identify(this.chain.pointer, this.chain.length, one, other) == CertificateFault.None;
    if (this.ready) return;
    one.wipe();
    other.wipe();
  }

  /** The KMS has withdrawn a key: no new handshake is begun with it. */
  private forget(): void {
    this.ready = false;
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

/** What the KMS says of a key that must not be used any more; that it does not answer is no such word. */
function isWithdrawn(state: KeyState): bool {
  return (
    state == KeyState.Missing || state == KeyState.Denied || state == KeyState.Revoked || state == KeyState.Retired
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
  if (!isPair(connections.chain)) reader.failMember(ErrorId.FIM_CFG_0027, at, 'chain');
  if (reader.failed) return null;
  const kms = decodeKmsConfig(reader, config.kms);
  const policy = new ConnectionPolicy(connections, kms, connections.tickets);
  const trust = connections.trust;
  if (needsTrust && trust.length == 0) reader.failMember(ErrorId.FIM_CFG_0012, at, 'trust');
  else if (trust.length > 0 && policy.settings.trust(trust.pointer, trust.length) != CertificateFault.None)
    reader.failMember(ErrorId.FIM_CFG_0027, at, 'trust');
  return reader.failed ? null : policy;
}

/** Whether a text holds a pair of certificates. Whether they are in date is the client's to judge. */
function isPair(text: Bytes): bool {
  const chain = new Chain();
  return (
    addPem(chain, text.pointer, text.length) == CertificateFault.None && chain.choosePair(true) == CertificateFault.None
  );
}
