// Terms on which the connections of one configuration are accepted: the settings of the core, the pairs of
// certificates, and what tells whether a client's certificate was revoked.
import { ErrorId } from '../errors.gen';
import { Sm3 } from '../crypto/sm3';
import { isKeyId } from '../keys/key-id';
import { Bytes } from '../memory/bytes';
import { KmsConfig, decodeKmsConfig } from '../runtime/config.gen';
import { ConfigReader } from '../runtime/config-reader';
import { wallMillis } from '../runtime/host';
import { isEphemeral, isSuite } from '../tlcp/protocol';
import { SessionCache } from '../tlcp/session';
import { ClientAuth, Settings } from '../tlcp/settings';
import { CertificateFault } from '../x509/fault';
import { Chain } from '../x509/chain';
import { KeptAnswers } from '../x509/kept-answers';
import { ListFault } from '../x509/list-fault';
import { addPem } from '../x509/pem';
import { Fallback, REVOCATION_COUNTERS } from '../x509/revocation';
import { TlcpConnectionsConfig, TlcpListenerConfig } from './config.gen';
import { OwnPair } from './pair';
import { Responder } from './responder';
import { countRevocation } from './stats';
import { ticketKeys } from './ticket-keys';

/** Answers of responders, which live on over configurations. */
const answers: KeptAnswers = new KeptAnswers();
const MILLIS: i64 = 1000;
const TERMS_BYTES: i32 = 32;
/** Terms under which connections are accepted now. Null: none were configured yet. */
let inForce: ConnectionPolicy | null = null;

export function takeIntoForce(policy: ConnectionPolicy): void {
  inForce = policy;
}

export function policyInForce(): ConnectionPolicy | null {
  return inForce;
}

export class ConnectionPolicy {
  /** Keys of the first pair; the others' are beside them. */
  readonly settings: Settings = new Settings();
  /** Whether handshakes can go on: no keys are on their way any more, and there are some. */
  ready: bool = false;
  /** Responders that are asked about certificates; null: none. */
  responder: Responder | null = null;
  readonly pairs: Array<OwnPair> = [];
  /** SM3 of what is asked of clients: one let in under other terms has to be looked at again. */
  readonly terms: Bytes = Bytes.copy(changetype<usize>(new StaticArray<u8>(TERMS_BYTES)), TERMS_BYTES);
  private readonly told: StaticArray<u32> = new StaticArray<u32>(REVOCATION_COUNTERS);

  constructor(
    config: TlcpConnectionsConfig,
    private readonly kms: KmsConfig,
    private readonly takesTickets: bool,
  ) {
    const settings = this.settings;
    settings.sessions = new SessionCache();
    settings.clientAuth = <ClientAuth>(<i32>config.clientAuth);
    settings.leastSeconds = <i64>config.leastSeconds;
    settings.sessionSeconds = <i64>config.sessionSeconds;
    settings.suites = [];
    for (let i = 0; i < config.suites.length; i++) settings.suites.push(<u32>config.suites[i]);
    const protocol = Bytes.from('\x08http/1.1');
    settings.protocols = new StaticArray<u8>(<i32>protocol.length);
    memory.copy(changetype<usize>(settings.protocols), protocol.pointer, protocol.length);
    const revocation = settings.revocation;
    revocation.answers = answers;
    revocation.fallback = <Fallback>(<i32>config.fallback);
    const ocsp = config.ocsp;
    this.responder = ocsp == null ? null : new Responder(ocsp);
    revocation.asksResponders = ocsp != null;
    revocation.needsNonce = ocsp != null && ocsp.needsNonce;
  }

  /** Time for which a handshake waits for keys, milliseconds. */
  get holdMs(): u64 {
    return <u64>this.kms.holdMs;
  }

  /** Sets the terms, when all of them are known. */
  settle(): void {
    const settings = this.settings;
    const out = this.terms.pointer;
    const sm3 = new Sm3();
    settings.digestTo(sm3, out);
    store<i64>(out, settings.leastSeconds);
    sm3.update(out, 8);
    store<u8>(out, settings.demandsClients ? 1 : 0);
    sm3.update(out, 1);
    sm3.digest(out);
  }

  hasTermsOf(other: ConnectionPolicy): bool {
    return memory.compare(this.terms.pointer, other.terms.pointer, TERMS_BYTES) == 0;
  }

  /** Begins to fetch the keys. */
  prepare(rootId: u32): void {
    const responder = this.responder;
    if (responder != null) responder.rootId = rootId;
    for (let i = 0; i < this.pairs.length; i++) unchecked(this.pairs[i]).prepare(rootId);
  }

  /** Looks for keys, and counts. */
  advance(rootId: u32, nowMs: u64): void {
    const settings = this.settings;
    if (this.takesTickets) settings.tickets = ticketKeys(wallMillis(), settings.sessionSeconds * MILLIS);
    for (let i = 0; i < settings.others.length; i++) unchecked(settings.others[i]).tickets = settings.tickets;
    let some = false;
    let wait = false;
    for (let i = 0; i < this.pairs.length; i++) {
      const pair = unchecked(this.pairs[i]);
      pair.advance(rootId, nowMs);
      if (pair.ready) some = true;
      else if (!pair.refused) wait = true;
    }
    // Clients of the pairs that are there do not wait for those that had them before.
    this.ready = some && (!wait || this.ready);
    countRevocation(settings.revocation.counts, this.told);
  }
}

/** Compiles a configuration. Null, or `reader.fail`: it is refused. */
export function compilePolicy(reader: ConfigReader, config: TlcpListenerConfig): ConnectionPolicy | null {
  const connections = config.connections;
  if (connections == null) return null;
  const at = connections.node;
  if (config.kms == 0) reader.fail(ErrorId.FIM_CFG_0018, at);
  let needsTrust = connections.clientAuth != 0;
  for (let i = 0; i < connections.suites.length; i++) {
    const suite = <u32>connections.suites[i];
    if (!isSuite(suite)) reader.failMember(ErrorId.FIM_CFG_0015, at, 'suites');
    if (isEphemeral(suite)) needsTrust = true;
  }
  if (connections.suites.length == 0) reader.failMember(ErrorId.FIM_CFG_0012, at, 'suites');
  if (connections.pairs.length == 0) reader.failMember(ErrorId.FIM_CFG_0012, at, 'pairs');
  if (reader.failed) return null;
  const kms = decodeKmsConfig(reader, config.kms);
  const policy = new ConnectionPolicy(connections, kms, connections.tickets);
  const trust = connections.trust;
  if (needsTrust && trust.length == 0) reader.failMember(ErrorId.FIM_CFG_0012, at, 'trust');
  else if (trust.length > 0 && policy.settings.trust(trust.pointer, trust.length) != CertificateFault.None)
    reader.failMember(ErrorId.FIM_CFG_0027, at, 'trust');
  const lists = connections.lists;
  if (lists.length > 0 && policy.settings.revocation.addLists(lists.pointer, lists.length) != ListFault.None)
    reader.failMember(ErrorId.FIM_CFG_0028, at, 'lists');
  addPairs(reader, connections, kms, policy);
  policy.settle();
  return reader.failed ? null : policy;
}

function addPairs(
  reader: ConfigReader,
  connections: TlcpConnectionsConfig,
  kms: KmsConfig,
  policy: ConnectionPolicy,
): void {
  for (let i = 0; i < connections.pairs.length; i++) {
    const config = unchecked(connections.pairs[i]);
    if (!isKeyId(config.signKey)) reader.failMember(ErrorId.FIM_CFG_0017, config.node, 'signKey');
    if (!isKeyId(config.encryptKey)) reader.failMember(ErrorId.FIM_CFG_0017, config.node, 'encryptKey');
    const chain = pairOf(config.chain);
    if (chain == null) reader.failMember(ErrorId.FIM_CFG_0027, config.node, 'chain');
    else policy.pairs.push(new OwnPair(config, kms, chain, i == 0 ? policy.settings : policy.settings.sibling()));
  }
}

/** The pair of certificates in a text; null: there is none. Whether they are in date is the client's to judge. */
function pairOf(text: Bytes): Chain | null {
  const chain = new Chain();
  const found =
    addPem(chain, text.pointer, text.length) == CertificateFault.None &&
    chain.choosePair(true) == CertificateFault.None;
  return found ? chain : null;
}
